"""Which texts are numbers that a row may get, and how they are spelled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.data.any_number import (
    AnyNumber,
    NumberFinder,
    choose_numbers,
    is_one_label,
    read_number,
    say_unknown,
    spell_among,
)
from datacleanse.data.number_labels import spell_fully

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "12,5", "1_000", "nan", "inf", "-inf", "1e999", "0x10", "٣", "1" * 61]
)
def test_what_is_no_finite_number_may_not_be_given(text):
    assert text not in AnyNumber()
    assert read_number(text) is None
    assert AnyNumber(2).spell(text) == text


@given(FINITE, st.none() | st.integers(0, 6))
def test_a_spelled_number_is_read_as_the_same(number, decimals):
    spelled = spell_fully(number, decimals)

    assert float(spelled) == number
    assert AnyNumber(decimals).spell(spelled) == spelled
    assert spelled in AnyNumber(decimals) or len(spelled) > 60


@pytest.mark.parametrize(
    ("text", "decimals", "spelled"),
    [
        ("12", 2, "12.00"),
        (" 1e3 ", 0, "1000"),
        ("12.345", 2, "12.345"),
        ("-0", 1, "0.0"),
        ("12.0", None, "12"),
        ("0.1", None, "0.1"),
    ],
)
def test_numbers_are_spelled_as_the_column_spells_them(text, decimals, spelled):
    assert spell_among(text, AnyNumber(decimals)) == spelled


def test_a_column_of_whole_numbers_takes_no_fraction():
    whole, any_number = choose_numbers("int64", 0), choose_numbers("double", 0)

    assert "12.0" in whole
    assert "12.5" not in whole
    assert "12.5" in any_number
    assert say_unknown("12.5", whole).startswith("'12.5' is no whole number")
    assert say_unknown("abc", whole) == "'abc' is no number"
    assert say_unknown("abc", ("a", "b")) == "the data has no class 'abc'"


def test_numbers_are_one_however_they_are_spelled_and_classes_are_not():
    assert is_one_label("12", "1.20e1", AnyNumber())
    assert not is_one_label("12", "12.01", AnyNumber())
    assert not is_one_label("001", "1", ("001", "1"))
    find = NumberFinder(np.array([1.5, 12.0]))
    assert [find(text) for text in ("12", "1.50", "2", "abc")] == [1, 0, None, None]
