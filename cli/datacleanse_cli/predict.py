"""`datacleanse predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
    run: options.RunOrOnnx,
    new: options.New,
    out: options.PredictionsOut = None,
    format_: options.TableFormat = None,
    proba: options.Proba = True,
    model: options.ServedModel = None,
    ignore_extra: options.IgnoreExtra = False,
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
