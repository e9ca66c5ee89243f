"""`datacleanse predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datacleanse.user_code import split_name
from datacleanse_cli import options
from datacleanse_cli.own_code import heed_current_directory
from datacleanse_cli.progress import shown_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.progress import Progress
    from datacleanse.records import Dataset

ONNX = ".onnx"
N_TOLD = 5
"""Notices on the new rows that are shown; a long file may give one for each portion."""


def predict(
    run: Annotated[
        Path,
        typer.Argument(
            help="Run folder that `datacleanse audit` wrote, or an exported .onnx file."
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(
            help="Rows of a table, of any length, or pictures to classify; labels are not needed."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write.", show_default="predictions.csv"),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help="csv, tsv, jsonl, parquet or feather.",
            show_default="by the file's ending",
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba/--no-proba", help="Write the probability of each class.")
    ] = True,
    model: Annotated[
        str | None,
        typer.Option(
            help="FILE.onnx exported from this run, to be run in its place; or, for a run with a "
            "network of your own, package.module:factory, as the audit was given. Without it none "
            "of your code is run."
        ),
    ] = None,
    ignore_extra: Annotated[
        bool,
        typer.Option(
            "--ignore-extra",
            help="Pass over columns that DATA lacks; without it a table with some is refused.",
        ),
    ] = False,
    delimiter: options.Delimiter = None,
    quiet: options.Quiet = False,
) -> None:
    """Write the class and the probabilities of new rows, by the run's reweighted model."""
    from datacleanse.data import check_target, read_portions, write_tables

    if model is not None and not model.endswith(ONNX):
        split_name(model)
        heed_current_directory(model)
    suffix = None if format_ is None else f".{format_.removeprefix('.')}"
    target = out or Path(f"predictions{suffix or '.csv'}")
    check_target(target, source=new, suffix=suffix)
    # Slow to import, so that a typing error is answered at once.
    from datacleanse.serving.open_model import ServedImageModel, open_model
    from datacleanse.serving.predictions import picture_predictions, prediction_table

    served = open_model(run, model=model)
    if isinstance(served, ServedImageModel):
        with shown_progress(quiet=quiet) as progress:
            table = picture_predictions(
                served,
                new,
                scratch=target.parent,
                proba=proba,
                delimiter=delimiter,
                progress=progress,
            )
            rows = write_tables([table], target, suffix=suffix)
        typer.echo(f"{rows} pictures classified: {target}")
        return
    with shown_progress(quiet=quiet) as progress:
        progress.stage("Predicting", None)
        portions = read_portions(new, served.schema, delimiter=delimiter, ignore_extra=ignore_extra)
        tables = (
            prediction_table(served, portion, proba=proba) for portion in _told(portions, progress)
        )
        rows = write_tables(tables, target, suffix=suffix)
    typer.echo(f"{rows} rows classified: {target}")


def _told(portions: Iterator[Dataset], progress: Progress) -> Iterator[Dataset]:
    """The portions; what there is to say of them is said once, and not endlessly."""
    known: set[str] = set()
    for portion in portions:
        for notice in portion.notices:
            if notice.message not in known and len(known) < N_TOLD:
                progress.say(notice.message)
            known.add(notice.message)
        yield portion
    if len(known) > N_TOLD:
        progress.say(f"{len(known) - N_TOLD} more notices like these, on later rows.")
