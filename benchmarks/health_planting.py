"""Rows of tables, drawn, with wrong labels; and what is planted among them.

Labels are classes, of which `flip_uniformly` changes some, or a numeric column of a table of
`benchmarks.detection.regression`, spoiled as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.detection.regression import ERRORS, TARGETS
from benchmarks.tables import LABEL, flip_uniformly, load_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

ROWS, CLEAN, TEST = 3000, 200, 600
NOISE = 0.1
OUTLIERS = 20
COPIES, SHARED = 0.01, 0.05
JITTERS = (0.001, 0.01)
LEAK, LEAK_JITTER = "leak", 0.1
NUMBER_JITTER = 0.01
"""Of a leak of numbers, in their standard deviations."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows of a table, drawn."""

    data: pa.Table
    """With wrong labels."""
    truth: list[Any]
    clean: pa.Table
    test: pa.Table

    @property
    def is_of_numbers(self) -> bool:
        """Whether labels are numbers."""
        return isinstance(self.truth[0], float)


def draw_classes(table: pa.Table, seed: int) -> Drawn:
    """Draw rows that have none in common; classes that DATA lacks are left out of the others."""
    order = np.random.default_rng(seed).permutation(table.num_rows)
    n_test = min(TEST, table.num_rows // 5)
    n_data = min(ROWS, table.num_rows - CLEAN - n_test)
    data = table.take(order[:n_data])
    truth = data[LABEL].to_pylist()
    classes = sorted(set(truth), key=str)
    codes = np.array([classes.index(each) for each in truth])
    noisy = flip_uniformly(codes, len(classes), NOISE, seed=seed)
    kind = table.schema.field(LABEL).type
    known = pa.array(classes, kind)
    labels = known.take(pa.array(noisy))
    parts = (
        table.take(order[n_data : n_data + CLEAN]),
        table.take(order[n_data + CLEAN : n_data + CLEAN + n_test]),
    )
    clean, test = (part.filter(pc.is_in(part[LABEL], value_set=known)) for part in parts)
    return Drawn(_with_column(data, LABEL, labels), truth, clean, test)


def draw_numbers(folder: Path, name: str, error: str, seed: int) -> Drawn:
    """Draw rows of a table whose label is a number; the class is a column among the others.

    Args:
        folder: of the tables.
        name: of `TARGETS`.
        error: of `ERRORS`; a tenth of the numbers is spoiled so.
        seed: of the draws.
    """
    target, dropped = TARGETS[name]
    table = load_table(folder, name)
    table = table.drop_columns([each for each in dropped if each in table.column_names])
    names = {LABEL: "class", target: LABEL}
    table = table.rename_columns([names.get(each, each) for each in table.column_names])
    table = table.filter(table[LABEL].is_valid())
    table = _with_column(table, LABEL, table[LABEL].cast(pa.float64()))
    rng = np.random.default_rng(seed)
    order = rng.permutation(table.num_rows)
    ends = np.cumsum([0, ROWS, CLEAN, TEST])
    data, clean, test = (table.take(order[a:b]) for a, b in pairwise(ends))
    truth = data[LABEL].to_numpy()
    at = rng.choice(ROWS, round(NOISE * ROWS), replace=False)
    given = truth.copy()
    given[at] = ERRORS[error](truth, at, rng)
    return Drawn(_with_column(data, LABEL, pa.array(given)), truth.tolist(), clean, test)


Planted = tuple[str, pa.Table, list[Any], "NDArray[np.int64]"]
"""What is planted, DATA with it, the true labels, and the rows that are planted."""


def plant_all(
    folder: Path, name: str, names: list[str], drawn: Drawn, rng: np.random.Generator
) -> Iterator[Planted]:
    """DATA as it is, and with each thing planted in turn.

    Args:
        folder: of the tables.
        name: of the one that was drawn from.
        names: of all that strange rows may come from.
        drawn: the rows.
        rng: of the draws.
    """
    data, truth, nothing = drawn.data, drawn.truth, np.empty(0, np.int64)
    yield "nothing", data, truth, nothing
    with_truth = _with_column(data, LABEL, pa.array(truth, data.schema.field(LABEL).type))
    for what, source, jitter in (
        ("given", data, 0.0),
        ("true", with_truth, 0.0),
        ("true with jitter", with_truth, LEAK_JITTER),
    ):
        leak = make_leak(source, truth, jitter, rng)
        yield f"leak, {what}", data.append_column(LEAK, leak), truth, nothing
    for jitter in JITTERS:
        source = rng.choice(len(truth), max(1, round(COPIES * len(truth))), replace=False)
        copied = pa.concat_tables([data, data.take(source)])
        made = np.arange(len(truth), copied.num_rows)
        yield (
            f"copies, jitter {jitter:g}",
            _jitter(copied, made, jitter, rng),
            [*truth, *(truth[row] for row in source)],
            np.concatenate([source, made]),
        )
    other = load_table(folder, _choose_other(folder, name, names, rng))
    for how in ("as they are", "matched"):
        rows = rng.choice(len(truth), OUTLIERS, replace=False)
        yield (
            f"outliers, {how}",
            _mix_in(data, rows, other, rng, is_matched=how == "matched"),
            truth,
            rows,
        )
    shared = rng.choice(
        drawn.test.num_rows, max(1, round(SHARED * drawn.test.num_rows)), replace=False
    )
    taken = drawn.test.take(shared).cast(data.schema)
    made = np.arange(len(truth), len(truth) + len(shared))
    yield "test rows", pa.concat_tables([data, taken]), [*truth, *taken[LABEL].to_pylist()], made


def make_leak(
    table: pa.Table, truth: list[Any], jitter: float, rng: np.random.Generator
) -> pa.Array:
    """The labels of some rows as texts, or as numbers with jitter; numbers in another unit."""
    labels = table[LABEL].to_pylist()
    if isinstance(truth[0], float):
        noise = rng.normal(size=len(labels)) * np.std(truth) * NUMBER_JITTER if jitter else 0.0
        return pa.array(1.8 * (np.array(labels) + noise) + 32.0)
    if not jitter:
        return pa.array([f"is {each}" for each in labels])
    classes = sorted(set(truth), key=str)
    numbers = np.array([classes.index(each) for each in labels], dtype=float)
    return pa.array(numbers + rng.normal(size=len(numbers)) * jitter)


def _numeric(table: pa.Table) -> list[str]:
    return [
        field.name
        for field in table.schema
        if field.name != LABEL
        and (pa.types.is_integer(field.type) or pa.types.is_floating(field.type))
    ]


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table[name].cast(pa.float64()).to_numpy()
    return values


def _with_column(table: pa.Table, name: str, values: Any) -> pa.Table:  # noqa: ANN401
    return table.set_column(table.schema.get_field_index(name), name, values)


def _jitter(
    table: pa.Table, rows: NDArray[np.int64], share: float, rng: np.random.Generator
) -> pa.Table:
    """Move the numbers of some rows by a share of their column's standard deviation."""
    for name in _numeric(table):
        values = _numbers(table, name).copy()
        values[rows] += rng.normal(size=len(rows)) * np.nanstd(values) * share
        table = _with_column(table, name, pa.array(values, from_pandas=True))
    return table


@cache
def _count_numeric(folder: Path, name: str) -> int:
    return len(_numeric(load_table(folder, name)))


def _choose_other(folder: Path, name: str, names: list[str], rng: np.random.Generator) -> str:
    """Another table with three numbers at least."""
    others = [each for each in names if each != name and _count_numeric(folder, each) > 2]
    return others[rng.integers(len(others))]


def _mix_in(
    table: pa.Table,
    rows: NDArray[np.int64],
    other: pa.Table,
    rng: np.random.Generator,
    *,
    is_matched: bool,
) -> pa.Table:
    """Give some rows the values of rows of another table, column by column."""
    strangers = other.take(rng.choice(other.num_rows, len(rows), replace=False))
    numeric = _numeric(other)
    names = [each for each in other.column_names if each not in numeric and each != LABEL]
    own = _numeric(table)
    for place, column in enumerate(own):
        source = numeric[place % len(numeric)]
        taken, values = _numbers(strangers, source), _numbers(table, column).copy()
        if is_matched:
            every = _numbers(other, source)
            taken = (taken - np.nanmean(every)) / (np.nanstd(every) or 1.0)
            taken = taken * np.nanstd(values) + np.nanmean(values)
        if pa.types.is_integer(table.schema.field(column).type):
            taken = np.round(taken)
        values[rows] = taken
        table = _with_column(table, column, pa.array(values, from_pandas=True))
    for place, column in enumerate(each for each in table.column_names if each not in own):
        if column == LABEL:
            continue
        texts = np.array([None if v is None else str(v) for v in table[column].to_pylist()], object)
        known = texts[rng.integers(len(texts), size=len(rows))]
        if names and not is_matched:
            chosen = strangers[names[place % len(names)]].to_pylist()
            known = np.array([None if v is None else str(v) for v in chosen], object)
        texts[rows] = known
        table = _with_column(table, column, pa.array(texts, pa.string()))
    return table
