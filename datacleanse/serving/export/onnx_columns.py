"""Raw columns to the encoded matrix as ONNX nodes: what `encode` does, in the same precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.models.calendar_parts import DAY, DIGITS, FIRST_WEEKDAY, MISSING
from datacleanse.models.encoding import CLIP, FAR
from datacleanse.serving.export.graph import DOUBLE, FLOAT, INT64, STRING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datacleanse.models.encoding import CategoricalFeature, Encoding, NumericFeature
    from datacleanse.records import Column, Schema
    from datacleanse.serving.export.graph import Graph

ML = "ai.onnx.ml"


def add_inputs(graph: Graph, schema: Schema, names: Mapping[str, str]) -> None:
    """Add one input a column, as `read_raw_columns` gives it; ``names``: those in the graph."""
    kinds = {"datetime": INT64, "categorical": STRING}
    for column in schema.columns:
        dims = (column.width,) if column.kind == "embedding" else ()
        graph.input(names[column.name], kinds.get(column.kind, DOUBLE), *dims)


def add_encoding(graph: Graph, schema: Schema, encoding: Encoding, names: Mapping[str, str]) -> str:
    """The encoded rows, (N, F) float32, from the inputs of `add_inputs`."""
    numeric: dict[tuple[str, str], str] = {}
    for column in schema.columns:
        if column.kind != "categorical":
            parts = _add_parts(graph, column, names[column.name])
            numeric |= {(column.name, part): value for part, value in parts}
    # In the order of the matrix's columns.
    values = [numeric[feature.column, feature.part] for feature in encoding.numeric]
    blocks = [_add_scaling(graph, values, encoding.numeric)] if values else []
    blocks += [
        _add_codes(graph, feature, names[feature.column]) for feature in encoding.categorical
    ]
    return graph.node("Concat", *blocks, axis=1)


def _add_parts(graph: Graph, column: Column, name: str) -> Iterator[tuple[str, str]]:
    """The numbers that a column yields, (N, 1) double each, as `encode` names them."""
    if column.kind == "datetime":
        yield from _add_calendar(graph, name)
    elif column.kind == "embedding":
        for index in range(column.width):
            at = graph.constant(np.array([index], np.int64))
            yield f"[{index}]", graph.node("Gather", name, at, axis=1)
    else:
        yield "", _add_axis(graph, name)


def _add_axis(graph: Graph, value: str) -> str:
    """(N,) to (N, 1)."""
    return graph.node("Unsqueeze", value, graph.constant(np.array([1], np.int64)))


def _add_scaling(graph: Graph, values: list[str], features: tuple[NumericFeature, ...]) -> str:
    """(N, P) float32: scaled robustly, clipped smoothly, with NaN for missing."""
    scale = np.array([feature.scale for feature in features])
    shift = np.array([feature.center / feature.scale for feature in features])
    all_values = graph.node("Concat", *values, axis=1)
    x = graph.node(
        "Sub", graph.node("Div", all_values, graph.constant(scale)), graph.constant(shift)
    )
    bound = graph.constant(np.float64(CLIP))
    ratio = graph.node("Div", x, bound)
    square = graph.node("Add", graph.constant(np.float64(1.0)), graph.node("Mul", ratio, ratio))
    clipped = graph.node("Div", x, graph.node("Sqrt", square))
    is_far = graph.node("Greater", graph.node("Abs", x), graph.constant(np.float64(FAR)))
    limit = graph.node("Mul", graph.node("Sign", x), bound)
    return graph.node("Cast", graph.node("Where", is_far, limit, clipped), to=FLOAT)


def _add_codes(graph: Graph, feature: CategoricalFeature, name: str) -> str:
    """(N, 1) float32: 0 for missing, unseen and rare, k for the k-th category from 1."""
    spelled = {"": 0.0}
    for code, category in enumerate(feature.categories, start=1):
        spelled |= dict.fromkeys(list_spellings(category), float(code))
    # No category is spelled like another one: each was brought to its one spelling in training.
    codes = graph.node(
        "LabelEncoder",
        name,
        domain=ML,
        keys_strings=list(spelled),
        values_floats=list(spelled.values()),
        default_float=0.0,
    )
    return _add_axis(graph, codes)


def list_spellings(category: str) -> list[str]:
    """The texts that stand for a category: ``1`` is also ``1.0``, ``true`` also ``True``."""
    if category in ("true", "false"):
        return [category, category.capitalize(), category.upper()]
    digits = category.removeprefix("-")
    is_whole = digits.isascii() and digits.isdigit() and (digits == "0" or digits[0] != "0")
    return [category, f"{category}.0"] if is_whole else [category]


def _add_calendar(graph: Graph, moment: str) -> Iterator[tuple[str, str]]:
    """Form `calendar_parts.split_moments` in whole numbers; remainders are not negative."""
    missing = graph.node("Equal", moment, graph.constant(np.int64(MISSING)))
    known = graph.node("Where", missing, graph.constant(np.int64(0)), moment)
    day_length = graph.constant(np.int64(DAY))
    within = graph.node("Mod", known, day_length)
    day = graph.node("Div", graph.node("Sub", known, within), day_length)
    weekday = graph.node(
        "Mod",
        graph.node("Add", day, graph.constant(np.int64(FIRST_WEEKDAY))),
        graph.constant(np.int64(7)),
    )
    hour = graph.node(
        "Div", graph.node("Cast", within, to=DOUBLE), graph.constant(np.float64(DAY / 24))
    )

    def part(values: str) -> str:
        nan = graph.constant(np.float64(np.nan))
        return _add_axis(graph, graph.node("Where", missing, nan, values))

    exact = graph.node("Cast", known, to=DOUBLE)
    yield "days", part(graph.node("Div", exact, graph.constant(np.float64(DAY))))
    month = graph.node("Cast", _add_month(graph, day), to=DOUBLE)
    cycles = (("month", month, 12), ("weekday", graph.node("Cast", weekday, to=DOUBLE), 7))
    for name, value, period in (*cycles, ("hour", hour, 24)):
        turned = graph.node("Mul", graph.constant(np.float64(2 * np.pi)), value)
        angle = graph.node("Div", turned, graph.constant(np.float64(period)))
        for function in ("Sin", "Cos"):
            yield (
                f"{name} {function.lower()}",
                part(_add_rounding(graph, graph.node(function, angle))),
            )


def _add_rounding(graph: Graph, values: str) -> str:
    """As `numpy.round` to `DIGITS` decimals."""
    unit = graph.constant(np.float64(10.0**DIGITS))
    return graph.node("Div", graph.node("Round", graph.node("Mul", values, unit)), unit)


def _add_month(graph: Graph, day: str) -> str:
    """Months after January, 0 to 11, from days since 1970-01-01.

    Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in
    March and are counted in eras of 400 years, from 0000-03-01 on.
    """

    def whole(operator: str, first: str, second: int) -> str:
        return graph.node(operator, first, graph.constant(np.int64(second)))

    in_era = whole("Mod", whole("Add", day, 719_468), 146_097)
    leaps = graph.node("Sub", whole("Div", in_era, 36_524), whole("Div", in_era, 1_460))
    leaps = graph.node("Sub", leaps, whole("Div", in_era, 146_096))
    year = whole("Div", graph.node("Add", in_era, leaps), 365)
    before = graph.node("Add", whole("Mul", year, 365), whole("Div", year, 4))
    before = graph.node("Sub", before, whole("Div", year, 100))
    in_year = graph.node("Sub", in_era, before)
    after_march = whole("Div", whole("Add", whole("Mul", in_year, 5), 2), 153)
    return whole("Mod", whole("Add", after_march, 2), 12)
