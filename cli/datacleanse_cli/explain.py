"""`datacleanse explain`."""

from __future__ import annotations

from pathlib import Path

from datacleanse_cli import options
from datacleanse_cli.own_code import heed_own_network
from datacleanse_cli.printing import say, say_json
from datacleanse_cli.progress import show_progress


def explain(
    run: options.Run,
    new: options.ExplainedNew,
    row: options.ExplainedRow,
    label: options.ExplainedClass = None,
    top: options.PushingRows = 10,
    data: options.MovedData = None,
    out: options.ExplanationOut = None,
    model: options.OwnNetwork = None,
    delimiter: options.Delimiter = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Name the rows of the audited data that pushed the model most toward a prediction."""
    from datacleanse.data import check_target, refuse_inputs, write_table
    from datacleanse.review.verified_file import refuse_verdicts
    from datacleanse.storage.atomic_files import check_free
    from datacleanse.storage.run_folder import RunFolder

    heed_own_network(model)
    if out is not None:
        check_target(out, source=new)
        check_free(out, force=force)
        refuse_verdicts(out)
    folder = RunFolder(run)
    manifest = folder.any_manifest()
    if out is not None:
        refuse_inputs(out, manifest)
    # Slow to import, so that a typing error is answered at once.
    from datacleanse.serving.explanation import explain_prediction
    from datacleanse_cli.console import Terminal
    from datacleanse_cli.explanation_summary import print_explanation

    with show_progress(quiet=quiet) as progress:
        found = explain_prediction(
            folder,
            new,
            row,
            label=label,
            top=top,
            data=data,
            delimiter=delimiter,
            model=model,
            scratch=Path(),
            progress=progress,
        )
    if out is not None:
        write_table(found.pushes, out)
    if as_json:
        say_json(found.to_json())
        return
    print_explanation(found, Terminal(), source=new)
    if out is not None:
        say("", f"Written: {out}")
