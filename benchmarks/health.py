"""What the checks beside labels find of what is planted, and what they tell of tables as they are.

`python -m benchmarks.health --data DIR` draws rows from each table (3,000 + 200 verified + 600 of
TEST, a tenth of the labels wrong) and looks at them as an audit does, but for its trainings: what
these say of a label is taken from the truth, 0.9 for a wrong one and 0.02 for a right one. Planted
are, one after the other: a column that is the given label, the true one, or the true one with
jitter; near copies of 1 % of the rows; 20 rows of another table in place of rows, their values as
they are or with this table's mean and spread; a twentieth of TEST copied into DATA.

With `--audits NAMES` these tables are audited as well, for the share of the time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.record import RESULTS, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import LABEL, available_tables, flip_uniformly, load_table
from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.detection.health.look import Health, look_at
from datacleanse.errors import DatacleanseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RESULT = RESULTS / "health.json"
ROWS, CLEAN, TEST = 3000, 200, 600
NOISE = 0.1
OUTLIERS = 20
COPIES, SHARED = 0.01, 0.05
JITTERS = (0.001, 0.01)
WRONG, RIGHT = 0.9, 0.02
LEAK, LEAK_JITTER = "leak", 0.1


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows of a table, drawn."""

    data: pa.Table
    """With wrong labels."""
    truth: list[Any]
    clean: pa.Table
    test: pa.Table


def main() -> None:
    """Plant, look, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--tables", help="names, comma-separated; without it all")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--audits", default="", help="tables that are audited for the time")
    arguments = parser.parse_args()
    names = available_tables(arguments.data, arguments.tables)
    cells = [
        cell
        for name in names
        for seed in range(arguments.draws)
        for cell in measure(arguments.data, name, names, seed)
    ]
    result: dict[str, Any] = {
        "provenance": provenance(),
        "unplanted": _sum_unplanted(cells),
        "recall": _sum_recall(cells),
        "seconds": mean(cell["seconds"] for cell in cells),
        "audits": [
            _audit(arguments.data, name) for name in filter(None, arguments.audits.split(","))
        ],
        "cells": cells,
    }
    print(json.dumps({key: result[key] for key in ("unplanted", "recall", "audits")}, indent=1))
    write_result(RESULT, result, tables=("cells",))


def measure(folder: Path, name: str, names: list[str], seed: int) -> Iterator[dict[str, Any]]:
    """One record for the table as it is and for each thing planted."""
    drawn = draw(load_table(folder, name), seed)
    rng = np.random.default_rng(seed + 1)
    for what, data, truth, planted in _plant_all(folder, name, names, drawn, rng):
        started = process_time()
        try:
            health = look(data, truth, drawn)
        except DatacleanseError as error:
            note(f"{name} {what}: {error.message}")
            continue
        seconds = process_time() - started
        kinds = sorted({each.kind for each in health.section.findings})
        exact = [each.kind for each in health.section.findings if each.certainty == "exact"]
        cell = {
            "table": name,
            "seed": seed,
            "planted": what,
            "recall": None if what == "nothing" else _recall(what, health, planted),
            "findings": len(health.section.findings),
            "counted": len(exact),
            "kinds": " ".join(kinds),
            "seconds": seconds,
        }
        note(f"{name} {seed} {what}: {cell['recall']} {cell['kinds']}")
        yield cell


def draw(table: pa.Table, seed: int) -> Drawn:
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


def look(data_table: pa.Table, truth: list[Any], drawn: Drawn) -> Health:
    """Look at the tables as an audit does that knows which labels are wrong."""
    data = read_data(data_table, ReadOptions(label=LABEL))
    clean_table, test_table = drawn.clean, drawn.test
    if LEAK in data_table.column_names:
        is_number = pa.types.is_floating(data_table.schema.field(LEAK).type)
        jitter, rng = LEAK_JITTER if is_number else 0.0, np.random.default_rng(0)
        clean_table, test_table = (
            each.append_column(LEAK, _make_leak(each, truth, jitter, rng))
            for each in (clean_table, test_table)
        )
    clean = read_like(clean_table, data.schema, role="CLEAN")
    test = read_like(test_table, data.schema, role="TEST")
    comparison = compare(data, clean)
    overlap = comparison.overlap
    is_single = overlap.clean_rows >= 0
    pair_rows = np.full(clean.n_rows, -1)
    pair_rows[overlap.clean_rows[is_single]] = overlap.data_rows[is_single]
    is_wrong = np.array(
        [str(a) != str(b) for a, b in zip(data_table[LABEL].to_pylist(), truth, strict=True)]
    )
    classes = [str(each) for each in data.schema.classes]
    true = np.array([classes.index(str(each)) if str(each) in classes else 0 for each in truth])
    return look_at(
        data,
        clean,
        test,
        pair_rows=pair_rows,
        wrong=np.where(is_wrong, WRONG, RIGHT),
        class_shares=np.bincount(true, minlength=len(classes)) / len(true),
        notices=(*data.notices, *comparison.notices),
    )


Planted = tuple[str, pa.Table, list[Any], "NDArray[np.int64]"]
"""What is planted, DATA with it, the true labels, and the rows that are planted."""


def _plant_all(
    folder: Path, name: str, names: list[str], drawn: Drawn, rng: np.random.Generator
) -> Iterator[Planted]:
    data, truth, nothing = drawn.data, drawn.truth, np.empty(0, np.int64)
    yield "nothing", data, truth, nothing
    with_truth = _with_column(data, LABEL, pa.array(truth, data.schema.field(LABEL).type))
    for what, source, jitter in (
        ("given", data, 0.0),
        ("true", with_truth, 0.0),
        ("true with jitter", with_truth, LEAK_JITTER),
    ):
        leak = _make_leak(source, truth, jitter, rng)
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


def _make_leak(
    table: pa.Table, truth: list[Any], jitter: float, rng: np.random.Generator
) -> pa.Array:
    """The labels of some rows as texts, or as numbers with jitter."""
    labels = table[LABEL].to_pylist()
    if not jitter:
        return pa.array([f"is {each}" for each in labels])
    classes = sorted(set(truth), key=str)
    numbers = np.array([classes.index(each) for each in labels], dtype=float)
    return pa.array(numbers + rng.normal(size=len(numbers)) * jitter)


def _recall(what: str, health: Health, planted: NDArray[np.int64]) -> float:
    found = health.section.findings
    if what.startswith("leak"):
        return float(any(LEAK in each.columns for each in found if each.kind == "leaking-columns"))
    if what.startswith("copies"):
        return float((health.copy_group[planted] >= 0).mean())
    if what.startswith("outliers"):
        return float(health.is_unlike[planted].mean())
    told = sum(each.n_rows for each in found if each.kind == "shared-rows")
    return min(1.0, told / len(planted))


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


def _choose_other(folder: Path, name: str, names: list[str], rng: np.random.Generator) -> str:
    others = [
        each for each in names if each != name and len(_numeric(load_table(folder, each))) > 2
    ]
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


def _sum_unplanted(cells: list[dict[str, Any]]) -> dict[str, Any]:
    plain = [cell for cell in cells if cell["planted"] == "nothing"]
    kinds = sorted({kind for cell in plain for kind in cell["kinds"].split()})
    return {
        "tables": len(plain),
        "findings": mean(cell["findings"] for cell in plain),
        "of them counted": mean(cell["counted"] for cell in plain),
        "by kind": {kind: mean(kind in cell["kinds"].split() for cell in plain) for kind in kinds},
    }


def _sum_recall(cells: list[dict[str, Any]]) -> dict[str, float]:
    planted = dict.fromkeys(cell["planted"] for cell in cells if cell["recall"] is not None)
    return {
        what: mean(cell["recall"] for cell in cells if cell["planted"] == what) for what in planted
    }


def _audit(folder: Path, name: str) -> dict[str, Any]:
    import datacleanse as dc

    drawn = draw(load_table(folder, name), 0)
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        dc.audit(drawn.data, val=drawn.clean, test=drawn.test, label=LABEL, out=run)
        manifest = json.loads((run / "run.json").read_text(encoding="utf-8"))
    seconds, total = manifest["timings"]["health"], manifest["timings"]["total"]
    kinds = [each["kind"] for each in manifest["health"]["findings"]]
    return {
        "table": name,
        "share of the rest": seconds / (total - seconds),
        "seconds": seconds,
        "total": total,
        "kinds": " ".join(kinds),
    }


if __name__ == "__main__":
    main()
