"""`datacleanse predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datacleanse.own_code import split_name
from datacleanse_cli import options
from datacleanse_cli.own_code import heed_current_directory
from datacleanse_cli.progress import shown_progress


def predict(
    run: options.Run,
    new: Annotated[str, typer.Argument(help="Table of rows to classify; labels are not needed.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path(
        "predictions.csv"
    ),
    model: Annotated[
        str | None,
        typer.Option(
            help="For a run with a network of your own: package.module:factory, as the audit was "
            "given. Without it none of your code is run."
        ),
    ] = None,
    delimiter: options.Delimiter = None,
    quiet: options.Quiet = False,
) -> None:
    """Write the class and the probabilities of new rows, by the run's reweighted model."""
    from datacleanse.data import check_target, write_table
    from datacleanse.runfolder import RunFolder

    if model is not None:
        split_name(model)
        heed_current_directory(model)
    folder = RunFolder(run)
    folder.manifest()
    check_target(out, source=new)
    # Slow to import, so that a typing error is answered at once.
    from datacleanse.prediction_table import prediction_table
    from datacleanse.predictor import load_predictor

    predictor = load_predictor(folder.model_dir, model=model)
    with shown_progress(quiet=quiet) as progress:
        progress.stage("Predicting", None)
        table = prediction_table(predictor, new, delimiter=delimiter)
    write_table(table, out)
    typer.echo(f"{table.num_rows} rows classified: {out}")
