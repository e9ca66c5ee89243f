"""What new rows hold that a model does not know: counted over portions, told, refused."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest

from datacleanse.data import KnownValues, NewValues, ReadOptions, read_data, read_like
from datacleanse.data.read import read_new_rows
from datacleanse.errors import DataWarning, InputError

DATA = pa.table(
    {
        "zip": ["01234", "00501"] * 50,
        "sex": ["M", "F"] * 50,
        "size": np.linspace(0, 1, 100),
        "day": [f"2020-01-{1 + row % 28:02d}" for row in range(100)],
        "label": ["a", "b"] * 50,
    }
)
SCHEMA = read_data(DATA, ReadOptions(label="label", categorical=("zip",))).schema
KNOWN = (
    KnownValues("zip", ("00501", "01234"), 0.0, False),
    KnownValues("sex", ("F", "M"), 0.0, False),
    KnownValues("size", None, 0.0, False),
    KnownValues("day", None, 0.0, True),
)


def new(**columns):
    rows = 4
    plain = {
        "zip": ["01234"] * rows,
        "sex": ["M", "F", "M", "F"],
        "size": [0.5] * rows,
        "day": ["2020-01-01"] * rows,
    }
    return pa.table(plain | columns)


def judge(*tables, known=KNOWN, allow_unknown=False):
    values, row = NewValues(known), 0
    for table in tables:
        data = read_like(table, SCHEMA, role="NEW", allow_unknown=allow_unknown)
        values.add(data.__class__(**{**data.__dict__, "first_row": row}))
        row += table.num_rows
    return values


def test_rows_like_those_learned_from_say_nothing():
    assert judge(new()).make_notices() == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_new_rows(new(), SCHEMA, KNOWN)


@pytest.mark.parametrize(
    ("columns", "slug", "cells", "said"),
    [
        ({"sex": ["M", "male", "F", "male"]}, "values-unknown", 2, r"2 of 4.*'male' in row 1"),
        ({"sex": ["M", "?", "M", "F"]}, "values-unknown", 1, r"1 of 4 values.*'\?' in row 1"),
        ({"size": ["1", "2", "3 kg", "4"]}, "values-unreadable", 1, "'3 kg' in row 2"),
        ({"size": [1.0, None, 3.0, None]}, "values-missing", 2, "2 of 4 rows, first in row 1"),
        ({"day": ["2020-01-01", "soon", "2020-01-03", "2020-02-01"]}, "values-unreadable", 1,
         "read as dates.*'soon' in row 1"),
        ({"sex": [None, "M", "M", "F"]}, "values-missing", 1, "1 of 4 rows"),
    ],
)  # fmt: skip
def test_each_loss_is_one_warning_with_column_count_and_example(columns, slug, cells, said):
    (name,) = columns
    told = judge(new(**columns)).make_notices()
    found = {notice.slug: notice for notice in told}
    assert (found[slug].column, found[slug].cells, found[slug].is_warning) == (name, cells, True)
    with pytest.warns(DataWarning, match=said) as caught:
        read_new_rows(new(**columns), SCHEMA, KNOWN)
    assert {each.filename for each in caught} == {__file__}


def test_cells_that_are_missing_as_usual_are_not_told():
    assert judge(new(day=[None, None, "2020-01-01", None])).make_notices() == []


def test_portions_are_counted_together_with_the_first_example():
    values = judge(new(sex=["M"] * 4), new(sex=["M", "x", "y", "F"]), new(sex=["x"] * 4))
    (notice,) = values.make_notices()
    assert notice.cells == 6
    assert "6 of 12 values" in notice.message
    assert "'x' in row 5" in notice.message


def test_a_column_without_any_known_value_is_an_error_at_the_end_and_not_before():
    values = judge(new(sex=["male"] * 4))
    with pytest.raises(InputError, match=r"'sex' holds no value.*4 values.*'male'.*'F', 'M'"):
        values.check()
    judge(new(sex=["male"] * 4), new()).check()
    judge(new(sex=pa.nulls(4, pa.string()))).check()


def test_zeros_that_pandas_drops_are_pointed_at():
    with pytest.raises(InputError, match=r"'1234' may be '01234'.*dtype={'zip': str}") as caught:
        judge(new(zip=[1234, 501, 1234, 501])).check()
    assert "--allow-unknown" in caught.value.hint


def test_case_alone_is_pointed_at():
    with pytest.raises(InputError, match="'f' may be 'F'"):
        judge(new(sex=["m", "f", "m", "m"])).check()


@pytest.mark.parametrize(("rare", "is_error"), [(0.0, True), (0.2, True), (0.7, False)])
def test_no_known_value_is_no_error_where_rare_ones_are_usual(rare, is_error):
    known = (KnownValues("sex", ("F", "M"), rare, False),)
    values = judge(new(sex=["x", "y", "z", "w"]), known=known)
    if is_error:
        with pytest.raises(InputError):
            values.check()
    else:
        values.check()
        assert values.make_notices()[0].cells == 4


def test_a_column_of_which_nothing_was_learned_is_never_unknown():
    values = judge(new(sex=["x"] * 4), known=(KnownValues("sex", (), 1.0, False),))
    values.check()
    assert values.make_notices() == []


def test_a_column_that_cannot_be_read_is_an_error_unless_allowed():
    table = new(size=["small", "large", "small", "1"])
    with pytest.raises(InputError, match="allow_unknown=True") as caught:
        read_new_rows(table, SCHEMA, KNOWN)
    assert caught.value.slug == "column-retyped"
    with pytest.warns(DataWarning, match="3 values that are no number"):
        read_new_rows(table, SCHEMA, KNOWN, allowed="any")
