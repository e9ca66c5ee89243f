"""`datacleanse export`."""

from __future__ import annotations

from datacleanse_cli import options
from datacleanse_cli.own_code import heed_own_network
from datacleanse_cli.printing import say


def export(
    run: options.Run,
    format_: options.ExportFormat,
    out: options.ExportOut = None,
    model: options.OwnNetwork = None,
    force: options.Force = False,
) -> None:
    """Write the run's reweighted model, or its weights, for other programs."""
    from datacleanse.storage.run_folder import RunFolder

    heed_own_network(model)
    RunFolder(run).any_manifest()
    # Slow to import, so that a typing error is answered at once.
    from datacleanse.serving.export import export_run

    written, messages = export_run(run, format_, out, model=model, replaces=force)
    say(" ".join([f"Written: {written}.", *messages]))
