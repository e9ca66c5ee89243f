"""Rows as a run's network sees them: those that it was trained on, and a new one."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from datacleanse.data import ReadOptions, read_data, read_like, read_portions, take_rows
from datacleanse.data.identity import fingerprint
from datacleanse.errors import InputError, RunFolderError
from datacleanse.models.encoding import encode
from datacleanse.models.number_predictor import (
    NumberImagePredictor,
    NumberPredictor,
    NumberPretrainedPredictor,
)
from datacleanse.models.predictor import ImagePredictor, Predictor
from datacleanse.models.pretrained_predictor import PretrainedPredictor
from datacleanse.pictures.read import read_audited_pictures, read_pictures_like
from datacleanse.progress import StagesAlone

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.data import Source
    from datacleanse.models.description import NumberScale
    from datacleanse.progress import Progress
    from datacleanse.records import Dataset
    from datacleanse.review.audited_run import AuditedRun

OF_CLASSES = Predictor | ImagePredictor | PretrainedPredictor
OF_NUMBERS = NumberPredictor | NumberImagePredictor | NumberPretrainedPredictor
OF_ROWS = Predictor | NumberPredictor
"""What holds a network by what it tells, and those that read rows of tables."""

Network: TypeAlias = (
    Predictor
    | ImagePredictor
    | PretrainedPredictor
    | NumberPredictor
    | NumberImagePredictor
    | NumberPretrainedPredictor
)
"""What holds a run's own network."""


@dataclass(frozen=True)
class NewRow:
    """One new row before a network."""

    network: nn.Module
    """In evaluation mode."""
    inputs: Tensor
    """(1, ...) what it reads."""


@dataclass(frozen=True)
class SeenRows:
    """The N rows of DATA that a network learned from."""

    inputs: Tensor
    """(N, ...) what it reads."""
    labels: Tensor
    """(N,) by which it learned each, the verified label, else the given one: a class int64, or a
    number float32 as the network sees it."""
    about: pa.Table
    """Their rows of the audit table."""


def find_new_row(
    network: Network,
    new: Source,
    row: int,
    *,
    delimiter: str | None,
    scratch: Path,
    progress: Progress,
) -> NewRow:
    """Find one row of NEW and lay it before a run's network.

    Args:
        network: of the run.
        new: rows of a table, of any length, or pictures; labels are not needed.
        row: position there, from 0.
        delimiter: of a CSV; None for the format's own.
        scratch: folder for a file where memory does not suffice for pictures.
        progress: is told of stages.

    Raises:
        InputError: NEW has no such row, or does not fit the run's columns.
    """
    if isinstance(network, OF_ROWS):
        progress.stage("Reading NEW", None)
        found = _find_portion(network, new, row, delimiter)
        return NewRow(network.network, torch.from_numpy(encode(found, network.encoding)))
    options = ReadOptions(delimiter=delimiter, max_unreadable=1.0)
    _, pictures = read_pictures_like(
        new,
        network.schema,
        role="NEW",
        shape=network.size,
        options=options,
        scratch=scratch,
        progress=progress,
    )
    at = np.flatnonzero(pictures.places == row)
    if not len(at):
        raise _make_no_row_error(row, len(pictures.places), "readable pictures")
    return NewRow(network.network, _show_pictures(network, pictures.values[at]))


def read_training_rows(
    run: AuditedRun, network: Network, *, scratch: Path, progress: Progress
) -> SeenRows:
    """Read DATA again as a run's network learned it.

    Raises:
        InputError: DATA is another one by now.
        RunFolderError: the run does not say how much each row counts in its model.
    """
    if isinstance(network, OF_ROWS):
        data = read_data(run.readable, run.options, progress=StagesAlone(progress))
        is_changed = fingerprint(run.readable) != run.sha256
        inputs = None if is_changed else torch.from_numpy(encode(data, network.encoding))
    else:
        assert run.listing is not None
        data, pictures = read_audited_pictures(
            run.listing, network.size, scratch=scratch, progress=progress
        )
        is_changed = pictures.fingerprint != run.sha256
        inputs = None if is_changed else _show_pictures(network, pictures.values)
    if inputs is None:
        raise InputError(
            f"{run.source} is another one than when it was audited: its rows can't be compared.",
            slug="data-changed",
            hint="Name the audited data with --data, or audit it again.",
        )
    about = _read_about(run, network)
    if "final_weight" not in about.column_names or about["final_weight"].null_count:
        raise RunFolderError(
            f"The run in {run.folder.path} does not say how much each row counts in its model.",
            slug="run-too-old",
            hint="Repeat the audit with this version.",
        )
    return SeenRows(inputs, _find_labels(network, data, about), about)


def _read_about(run: AuditedRun, network: Network) -> pa.Table:
    """DATA's rows of the audit table."""
    if isinstance(network, OF_NUMBERS):
        return run.folder.read_number_audit(run.n_rows)
    return run.folder.read_audit(run.classes)


def _find_labels(network: Network, data: Dataset, about: pa.Table) -> Tensor:
    """See `SeenRows.labels`."""
    if isinstance(network, OF_NUMBERS):
        return torch.from_numpy(_scale_numbers(network.label, data, about))
    return torch.from_numpy(_find_learned(data, about))


def _find_portion(
    network: Predictor | NumberPredictor, new: Source, row: int, delimiter: str | None
) -> Dataset:
    """The row alone, of a file without reading what follows."""
    n_rows, schema = 0, network.schema
    if isinstance(new, str | PathLike):
        portions = read_portions(new, schema, delimiter=delimiter, ignore_extra=True)
    else:
        portions = iter([read_like(new, schema, role="NEW", ignore_extra=True)])
    for portion in portions:
        if portion.first_row <= row < portion.first_row + portion.n_rows:
            found = take_rows(portion, np.array([row - portion.first_row]))
            assert found is not None
            return found
        n_rows += portion.n_rows
    raise _make_no_row_error(row, n_rows, "rows")


def _show_pictures(
    network: ImagePredictor
    | PretrainedPredictor
    | NumberImagePredictor
    | NumberPretrainedPredictor,
    values: NDArray[np.uint8],
) -> Tensor:
    """What the trained part of a network reads of pictures, (n, C, H, W)."""
    if isinstance(network, PretrainedPredictor | NumberPretrainedPredictor):
        return torch.from_numpy(encode(network.see(np.asarray(values)), network.head.encoding))
    # A copy: torch warns of arrays that it could not write to.
    return torch.from_numpy(np.array(values))


def _find_learned(data: Dataset, about: pa.Table) -> NDArray[np.int64]:
    """(N,) class by which the final model learned each row."""
    names = {name: code for code, name in enumerate(data.given_labels)}
    verified = [-1 if name is None else names[name] for name in about["verified_label"].to_pylist()]
    known = np.array(verified, dtype=np.int64)
    return np.where(known >= 0, known, data.labels)


def _scale_numbers(label: NumberScale, data: Dataset, about: pa.Table) -> NDArray[np.float32]:
    """(N,) number by which the final model learned each row, as the network sees it."""
    verified = [
        np.nan if text is None else float(text) for text in about["verified_label"].to_pylist()
    ]
    numbers = np.where(np.isnan(verified), data.targets, verified)
    found: NDArray[np.float32] = ((numbers - label.centre) / label.scale).astype(np.float32)
    return found


def _make_no_row_error(row: int, n_rows: int, what: str) -> InputError:
    return InputError(
        f"NEW has no row {row}: it has {n_rows:,} {what}, counted from 0.",
        slug="row-unknown",
        hint=f"Give a number from 0 to {n_rows - 1}." if n_rows else "Give rows to classify.",
    )
