"""`datacleanse export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datacleanse.user_code import split_name
from datacleanse_cli import options
from datacleanse_cli.own_code import heed_current_directory


def export(
    run: options.Run,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="onnx, pt2, safetensors, hub-folder or weights; see docs/export.md.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File or folder to write.", show_default="by format"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="For a run with a network of your own: package.module:factory, as the audit was "
            "given. Without it none of your code is run."
        ),
    ] = None,
) -> None:
    """Write the run's reweighted model, or its weights, for other programs."""
    from datacleanse.storage.run_folder import RunFolder

    if model is not None:
        split_name(model)
        heed_current_directory(model)
    RunFolder(run).manifest()
    # Slow to import, so that a typing error is answered at once.
    from datacleanse.serving.export import export_run

    written, messages = export_run(run, format_, out, model=model)
    typer.echo(" ".join([f"Written: {written}.", *messages]))
