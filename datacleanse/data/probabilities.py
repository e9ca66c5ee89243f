"""Class probabilities that the user brings: one column a class, rows by id or in DATA's order."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from datacleanse.data.columns import parse_numbers
from datacleanse.data.identity import check_ids, read_ids, spell_ids
from datacleanse.data.interface import Request
from datacleanse.data.messages import format_count, format_list, suggest_column
from datacleanse.data.raw_table import read_raw
from datacleanse.data.repeats import GivenRows
from datacleanse.errors import InputError
from datacleanse.records import Notice
from datacleanse.storage.damage import say_on_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from datacleanse.data.raw_table import Source
    from datacleanse.records import Dataset

    Floats = NDArray[np.float64]

SUM_WITHIN = 0.01
"""How far the sum of a row may be from 1: as far as three printed digits of some classes go."""

SLUG = "probabilities-unusable"


@dataclass(frozen=True)
class _Told:
    """What a source tells, before its rows are found."""

    name: str
    matrix: Floats
    """(K, C)."""
    ids: pa.Array | None = None
    """(K,) ids of its rows; None where it has none."""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Brought:
    """Probabilities of the rows of DATA and CLEAN; NaN in rows of which none are told."""

    name: str
    """How messages name the source."""
    data: NDArray[np.float32]
    """(N, C) of DATA's rows, by class of DATA."""
    clean: NDArray[np.float32]
    """(V, C) of CLEAN's own rows."""
    notices: tuple[Notice, ...]
    """What to say of the file."""
    identity: str
    """What tells it from others, where an audit is resumed."""


def read_probabilities(
    source: Source | NDArray[Any], data: Dataset, clean: Dataset, given: GivenRows | None = None
) -> Brought:
    """Read class probabilities and find the rows that they are about.

    Args:
        source: a table in any form that DATA may have, with a column for each class, named like
            it; or numbers (rows, C) in a .npy file or an array, whose columns are the classes in
            the order of their names. Rows are found by the column that DATA's id has, where both
            have it. Else they are in DATA's order, CLEAN's own behind them or left out.
        data: DATA, N rows.
        clean: CLEAN, without reviewed rows.
        given: where its rows stood in CLEAN as it was given, rows that do not count among them;
            None: all of them count.

    Raises:
        InputError: it cannot be read, lacks a class or a row, or holds what is no probability.
    """
    told = _read(source, data)
    check_probabilities(told.matrix, told.name)
    if told.ids is not None:
        return _place_by_id(told, told.ids, data, clean)
    if given is None:
        given = GivenRows(np.arange(clean.n_rows), clean.n_rows)
    n, n_told = data.n_rows, len(told.matrix)
    if n_told not in (n, n + given.count):
        beside = f", or {n + given.count:,} with CLEAN's behind them" if given.count else ""
        raise _refuse(
            f"{told.name} has {format_count(n_told, 'row')}; DATA has {n:,}{beside}.",
            "Give one row for each row of DATA, in its order, or the column of ids that DATA has.",
        )
    found = told.matrix.astype(np.float32)
    own = _make_unknown(clean.n_rows, found.shape[1])
    if n_told > n:
        is_given = given.place >= 0
        own[is_given] = found[n + given.place[is_given]]
    return Brought(told.name, found[:n], own, told.notices, _digest(told.matrix))


def _read(source: Source | NDArray[Any], data: Dataset) -> _Told:
    if isinstance(source, str | os.PathLike) and str(source).endswith(".npy"):
        return _Told(str(source), _check_array(_load(Path(source)), str(source), data))
    if isinstance(source, np.ndarray) and source.dtype.names is None:
        return _Told("<array>", _check_array(source, "<array>", data))
    id_name = data.schema.id
    as_text = frozenset({id_name}) if id_name else frozenset[str]()
    raw = read_raw(cast("Source", source), Request(as_text))
    names, classes = raw.table.column_names, data.schema.classes
    absent = [each for each in classes if each not in names]
    if absent:
        raise _refuse(
            f"{raw.name} has no column for the {'class' if len(absent) == 1 else 'classes'} "
            f"{format_list([repr(e) for e in absent])}.",
            f"Name one column for each class as DATA does. {suggest_column(absent[0], names)}",
        )
    columns = [_read_column(raw.table, each, raw.name) for each in classes]
    ids = None
    if id_name is not None and id_name in names and id_name not in classes:
        check_ids(raw.table, id_name, source=raw.name, unique=True)
        ids = spell_ids(raw.table.column(id_name))
    used = {*classes, *([id_name] if ids is not None else [])}
    beside = [each for each in names if each not in used]
    return _Told(raw.name, np.column_stack(columns), ids, _note_beside(beside, raw.name))


def _note_beside(columns: list[str], name: str) -> tuple[Notice, ...]:
    if not columns:
        return ()
    message = f"{name}: not used, as no class of DATA has such a name: {format_list(columns)}."
    return (Notice("probabilities-columns", message),)


def _read_column(table: pa.Table, column: str, name: str) -> Floats:
    if table.column_names.count(column) > 1:
        raise _refuse(
            f"{name} has {table.column_names.count(column)} columns named '{column}'.",
            "Keep the one that holds the probabilities of this class.",
        )
    return parse_numbers(table.column(column)).values.astype(np.float64)


def _load(file: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise _refuse(f"{file} is not there.", "Give the path of the probabilities.") from error
    except (OSError, ValueError) as error:
        why = say_on_one_line(error)
        raise _refuse(f"{file} cannot be read ({why}).", "Write it with numpy.save.") from error
    return found


def _check_array(found: NDArray[Any], name: str, data: Dataset) -> Floats:
    classes = data.schema.classes
    if found.ndim != 2 or found.dtype.kind not in "fiu" or found.shape[1] != len(classes):
        raise _refuse(
            f"{name} holds {found.dtype} of shape {found.shape}; DATA has {len(classes)} classes.",
            "Give numbers of shape (rows, classes), the classes in this order: "
            f"{format_list(list(classes))}.",
        )
    # What is masked is missing.
    return np.ma.filled(found.astype(np.float64), np.nan)


def check_probabilities(matrix: NDArray[np.floating], name: str) -> None:
    """Refuse rows that are no probabilities, by the first of them; make sums exactly 1, in place.

    Args:
        matrix: (K, C) of K rows.
        name: how messages name their source.

    Raises:
        InputError: numbers are not finite, or outside [0, 1], or a row does not sum to 1.
    """
    is_number = np.isfinite(matrix)
    if not is_number.all():
        verbs = "holds what is no finite number", "hold what is no finite number"
        raise _refuse_cells(name, matrix, is_number, verbs, "Give a finite number for each class.")
    is_share = (matrix >= 0) & (matrix <= 1)
    if not is_share.all():
        hint = "Give probabilities; of a network's outputs (logits) they are the softmax."
        verbs = "holds a number below 0 or above 1", "hold numbers below 0 or above 1"
        raise _refuse_cells(name, matrix, is_share, verbs, hint)
    sums = matrix.sum(axis=1)
    is_whole = np.abs(sums - 1) <= SUM_WITHIN
    if not is_whole.all():
        hint = "Give the probabilities of all classes."
        verbs = "does not sum to 1", "do not sum to 1"
        raise _refuse_cells(name, sums[:, None], is_whole[:, None], verbs, hint)
    matrix /= sums[:, None]


def _place_by_id(told: _Told, ids: pa.Array, data: Dataset, clean: Dataset) -> Brought:
    """The rows where DATA and CLEAN have them; those of other ids are told of."""
    places = {each: place for place, each in enumerate(ids.to_pylist())}
    at = [_find_ids(each, places) for each in (data, clean)]
    parts = [_make_unknown(len(each), told.matrix.shape[1]) for each in at]
    for part, place in zip(parts, at, strict=True):
        part[place >= 0] = told.matrix[place[place >= 0]]
    n_absent, name = int(np.count_nonzero(at[0] < 0)), told.name
    if n_absent == data.n_rows:
        raise _refuse(
            f"No id of DATA (column '{data.schema.id}') stands in {name}.",
            "Give the ids that DATA has, or leave that column out to give rows in DATA's order.",
        )
    notices = [*told.notices]
    if n_absent:
        message = f"{name} has no probabilities of {format_count(n_absent, 'row')} of DATA."
        notices.append(Notice("probabilities-rows", message, is_warning=True))
    n_other = len(told.matrix) - len(np.setdiff1d(np.concatenate(at), [-1]))
    if n_other:
        rows = format_count(n_other, "row")
        message = f"{name}: {rows} not used, as neither DATA nor CLEAN has such an id."
        notices.append(Notice("probabilities-ids", message))
    return Brought(name, parts[0], parts[1], tuple(notices), _digest(told.matrix))


def _find_ids(dataset: Dataset, places: Mapping[str, int]) -> NDArray[np.int64]:
    """(n,) where each row's id stands, -1 where it stands nowhere."""
    if dataset.schema.id not in dataset.table.column_names:
        return np.full(dataset.n_rows, -1, dtype=np.int64)
    wanted = read_ids(dataset).to_pylist()
    return np.array([places.get(each, -1) for each in wanted], dtype=np.int64)


def _digest(matrix: Floats) -> str:
    return hashlib.sha256(np.ascontiguousarray(matrix).tobytes()).hexdigest()


def _make_unknown(n_rows: int, n_classes: int) -> NDArray[np.float32]:
    return np.full((n_rows, n_classes), np.nan, dtype=np.float32)


def _refuse(message: str, hint: str) -> InputError:
    return InputError(message, slug=SLUG, hint=hint)


def _refuse_cells(
    name: str,
    cells: NDArray[np.floating],
    is_good: NDArray[np.bool_],
    verbs: tuple[str, str],
    hint: str,
) -> InputError:
    """That some rows hold what they may not: how many, the first, and its first such cell."""
    rows = np.flatnonzero(~is_good.all(axis=1))
    value = cells[rows[0]][~is_good[rows[0]]][0]
    return _refuse(
        f"{name}: {format_count(len(rows), 'row')} of {len(cells):,} {verbs[len(rows) > 1]}; the "
        f"first is row {rows[0]}, with {value:.4g}.",
        hint,
    )
