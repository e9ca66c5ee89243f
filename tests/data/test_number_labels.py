"""Labels that are numbers: what they are worth, and columns that hold none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.data.number_labels import (
    count_decimals,
    learn_numbers,
    spell_as_written,
    spell_number,
)
from datacleanse.errors import InputError, SettingsError

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def column(values):
    return pa.chunked_array([pa.array(values)])


@given(st.lists(FINITE, min_size=25, max_size=60, unique=True))
def test_each_row_keeps_its_number(values):
    for made in (column(values), column([repr(value) for value in values])):
        labels = learn_numbers(made, name="y", source="data.csv")
        assert labels.numbers[labels.codes].tolist() == values
        assert [float(labels.given[code]) for code in labels.codes] == values


def test_equal_numbers_are_equal_however_they_are_spelled():
    values = ["1.10", "1.1", "1e0", "1", *map(str, range(10, 40))]
    labels = learn_numbers(column(values), name="y", source="data.csv")
    numbers = labels.numbers[labels.codes]
    assert numbers[0] == numbers[1] == 1.1
    assert numbers[2] == numbers[3] == 1.0
    assert labels.given[labels.codes[0]] == "1.10"


PLAIN = [str(i) for i in range(97)]
BROKEN = {
    "text in some rows": (
        [*PLAIN, "n/a?", "-", "n/a?"],
        "label-not-a-number",
        ["'n/a?'", "3 rows", "rows 97, 98, 99"],
    ),
    "names": (["yes", "no"] * 30, "label-not-a-number", ["names, not numbers", "'yes'"]),
    "truths": ([True, False] * 30, "label-not-a-number", ["names, not numbers"]),
    "infinity": ([*map(float, range(30)), float("inf")], "label-infinite", ["'inf'", "row 30"]),
    "infinity in text": ([*PLAIN, "-inf"], "label-infinite", ["'-inf'", "row 97"]),
    "all equal": ([2.5] * 30, "label-one-number", ["a single number, 2.5", "30 rows"]),
    "three numbers": ([1.0, 2.0, 3.5] * 10, "label-few-numbers", ["3 distinct numbers", "3.5"]),
    "a missing one": ([*map(float, range(30)), None], "label-missing", ["row 30"]),
}


@pytest.mark.parametrize(("values", "slug", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_column_without_numbers_is_refused(values, slug, said):
    with pytest.raises(InputError) as raised:
        learn_numbers(column(values), name="price", source="data.csv")
    assert raised.value.slug == slug
    assert "column 'price'" in raised.value.message
    for words in said:
        assert words in raised.value.message


def frame(numbers):
    return pa.table({"x": [float(i) for i in range(len(numbers))], "y": numbers})


def test_a_verified_number_need_not_stand_in_data():
    data = read_data(
        frame([float(i) for i in range(30)]), ReadOptions(label="y", task="regression")
    )
    clean = read_like(frame([0.0, 1.0, 200.5]), data.schema, role="CLEAN")
    assert data.schema.classes == ()
    assert clean.targets.tolist() == [0.0, 1.0, 200.5]
    overlap = compare(data, clean)
    assert overlap.overlap.data_rows.tolist() == [0, 1, 2]
    assert "1 is mislabelled" in next(n for n in overlap.notices if n.slug == "verified").message


def test_numbers_are_classes_unless_they_are_asked_for():
    with pytest.raises(InputError) as raised:
        read_data(frame([i + 0.5 for i in range(30)]), ReadOptions(label="y"))
    assert "--task regression" in raised.value.hint
    with pytest.raises(SettingsError):
        ReadOptions(task="ranking")


@pytest.mark.parametrize(
    ("numbers", "decimals"),
    [([1.0, 20.0, 300.0], 0), ([1.5, 2.0, 3.1], 1), ([1 / 3, 2 / 3, 1 / 7], None)],
)
def test_decimals_are_those_of_nearly_all_numbers(numbers, decimals):
    assert count_decimals(np.array(numbers)) == decimals


@given(st.integers(0, 6), st.integers(-(10**6), 10**6))
def test_a_number_is_spelled_with_the_columns_decimals(decimals, steps):
    text = spell_number(steps / 10**decimals, decimals)
    assert float(text) == pytest.approx(steps / 10**decimals)
    assert len(text.partition(".")[2]) == decimals
    assert not (steps == 0 and text.startswith("-"))


WRITTEN = {
    "decimal commas": (["12,5", "13,5", "14"], None, ["12.5", "13.5", "14"], [12.5, 13.5, 14.0]),
    "commas decide": (["1,200", "3", "4,5"], None, ["1.200", "3", "4.5"], [1.2, 3.0, 4.5]),
    "thousands": (["1.250,5", "999"], None, ["999", "1250.5"], [999.0, 1250.5]),
    "a currency": (["€ 1,250.50", "€ 999.00"], None, ["999.00", "1250.50"], [999.0, 1250.5]),
    "said to be decimals": (["1,234", "5,678"], ",", ["1.234", "5.678"], [1.234, 5.678]),
    "said to be thousands": (["1,234", "5,678"], ".", ["1234", "5678"], [1234.0, 5678.0]),
    "points where commas are said": (["1.234", "5,5"], ",", ["5.5", "1234"], [5.5, 1234.0]),
}


@pytest.mark.parametrize(
    ("texts", "decimal", "given", "numbers"), WRITTEN.values(), ids=WRITTEN.keys()
)
def test_numbers_are_read_as_people_write_them(texts, decimal, given, numbers):
    labels = learn_numbers(column(texts), name="y", source="data.csv", decimal=decimal)
    assert labels.given == tuple(given)
    assert labels.numbers.tolist() == numbers
    assert labels.convention is not None


@pytest.mark.parametrize(
    ("texts", "said", "cure"),
    [
        (["1,234", "5,678"], "with thousands or with decimals", "--decimal"),
        (["12,5 %", "13,5 %"], "shares such as 12,5 %", "plain numbers"),
        (["12,5", "13.5", "1"], "two conventions", "in one way"),
    ],
)
def test_numbers_that_leave_it_open_what_they_are_worth_are_refused(texts, said, cure):
    with pytest.raises(InputError, match=said) as caught:
        learn_numbers(column(texts), name="price", source="data.csv")
    assert "price" in caught.value.message
    assert cure in caught.value.hint


def test_verified_numbers_are_read_as_the_file_writes_them_else_as_data_does(tmp_path):
    texts = [f"{i},5" for i in range(30)]
    data = read_data(frame(texts), ReadOptions(label="y", task="regression"))
    assert data.targets[:2].tolist() == [0.5, 1.5]
    assert any(notice.slug == "label-convention" for notice in data.notices)
    for written in (["0,5", "1,250"], ["0.5", "1.25"]):
        clean = read_like(frame(written), data.schema, role="CLEAN")
        assert clean.targets.tolist() == [0.5, 1.25]
    assert spell_as_written("12.5", data.schema.label_convention) == "12,5"
