"""`datacleanse predict`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.notices import NoticeLog
from datacleanse_cli import options
from datacleanse_cli.own_code import heed_own_network
from datacleanse_cli.printing import say, say_json, tell_notices
from datacleanse_cli.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from datacleanse.progress import Progress
    from datacleanse.serving.predictions import NewRowsOptions

ONNX = ".onnx"


def predict(
    run: options.RunOrOnnx,
    new: options.New,
    out: options.PredictionsOut = None,
    format_: options.TableFormat = None,
    proba: options.Proba = True,
    model: options.ServedModel = None,
    ignore_extra: options.IgnoreExtra = False,
    allow_unknown: options.AllowUnknown = False,
    delimiter: options.Delimiter = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Write the class and the probabilities of new rows, or their number, by the run's model."""
    from datacleanse.data import check_target, refuse_inputs, write_tables
    from datacleanse.review.verified_file import refuse_verdicts
    from datacleanse.storage.atomic_files import check_free
    from datacleanse.storage.run_folder import RunFolder

    if model is not None and not model.endswith(ONNX):
        heed_own_network(model)
    suffix = None if format_ is None else f".{format_.removeprefix('.')}"
    target = out or Path(f"predictions{suffix or '.csv'}")
    check_target(target, source=new, suffix=suffix)
    check_free(target, force=force)
    refuse_verdicts(target)
    if not str(run).endswith(ONNX):
        refuse_inputs(target, RunFolder(run).any_manifest())
    log = NoticeLog()
    with show_progress(quiet=quiet) as progress:
        # Slow to import, so that a typing error is answered at once.
        from datacleanse.serving.predictions import NewRowsOptions

        read = NewRowsOptions(proba, delimiter, ignore_extra, allow_unknown)
        tables, said = _predict_tables(run, new, model, target.parent, read, log, progress)
        rows = write_tables(tables, target, suffix=suffix)
    tell_notices(log, quiet=quiet)
    if as_json:
        notices = [asdict(notice) for notice in log.notices]
        say_json({"predictions": str(target), "rows": rows, "notices": notices})
        return
    say(f"{rows} {said}: {target}")


def _predict_tables(
    run: Path,
    new: str,
    model: str | None,
    scratch: Path,
    read: NewRowsOptions,
    log: NoticeLog,
    progress: Progress,
) -> tuple[Iterator[pa.Table], str]:
    """The predictions, and what was done to how many of them follow, for people."""
    from datacleanse.serving.open_model import ServedImageModel, open_model
    from datacleanse.serving.predictions import predict_source

    served = open_model(run, model=model)
    tables = predict_source(served, new, scratch=scratch, options=read, log=log, progress=progress)
    noun = "pictures" if isinstance(served, ServedImageModel) else "rows"
    return tables, f"{noun} {'classified' if served.schema.classes else 'predicted'}"
