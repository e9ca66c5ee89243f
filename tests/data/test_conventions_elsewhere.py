"""Numbers and dates as people write them in files that are read beside DATA."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pyarrow as pa
import pytest

from datacleanse.data import (
    ReadOptions,
    compare,
    hash_rows,
    read_data,
    read_like,
    read_moments,
    read_portions,
)
from datacleanse.data.concatenation import concatenate_rows
from datacleanse.errors import InputError
from datacleanse.storage.schema_checks import read_schema
from tests.data.conftest import slugs
from tests.data.conventions import DATES, NUMBERS, D, moments_of, numbers_of, read


def hold(texts, new, role="NEW", **options):
    data = read(texts, **options)
    columns = {"x": new, "plain": [0.0] * len(new)}
    if role != "NEW":
        columns["label"] = ["a"] * len(new)
    return read_like(pa.table(columns), data.schema, role=role)


US, EU, SHARE = ["7,040.94", "12.5"], ["7.040,94", "12,5"], ["12 %", "3.5 %"]


@pytest.mark.parametrize(
    ("texts", "new", "values"),
    [
        (US, ["1,234", "5"], [1234, 5]),
        (US, ["1234.5", "5"], [1234.5, 5]),
        (US, [1234.5, 5.0], [1234.5, 5]),
        (US, pa.array(["1,234", "5"]).dictionary_encode(), [1234, 5]),
        (EU, ["1.234", "5"], [1234, 5]),
        (EU, ["1234.5", "1.234"], [1234.5, 1.234]),
        (EU, ["1 234,5", "2"], [1234.5, 2]),
        (EU, ["1,234", "1.234,5", "12.25"], [1.234, 1234.5, 12.25]),
        (EU, ["1.234", "1.234,5", "2.345", "12.25", "3,5"], [np.nan, 1234.5, np.nan, 12.25, 3.5]),
        (SHARE, ["50 %", "1%"], [0.5, 0.01]),
        (["7 040", "12"], ["1 234,5", "2"], [1234.5, 2]),
        (["7 040", "12"], ["1234", "2"], [1234, 2]),
        (["$7,040.94", "$3"], ["7040.94", "$3", "3"], [7040.94, 3, 3]),
    ],
)
def test_another_file_is_read_in_the_spelling_of_data_or_plainly(texts, new, values):
    np.testing.assert_array_equal(numbers_of(hold(texts, new)), values)


@pytest.mark.parametrize(
    ("texts", "new", "said"),
    [
        (SHARE, [0.5, 0.01], "0.5 in row 0.*Write it as in DATA, '3.5 %'"),
        (SHARE, ["0.5", "0.01"], "'0.5' in row 0"),
        (["$7,040.94", "$3"], ["€3", "€4"], "'€3' in row 0"),
        (US, ["7.040,94", "1,5", "7,040.94"], "'7.040,94' in row 0"),
        ([0.5, 0.25], ["12 %", "3.5 %"], "'12 %' in row 0"),
        (["30/09/2019", "01/02/2019"], ["2019", "12/31"], "'2019' in row 0"),
    ],
)
def test_what_may_mean_something_else_is_not_read(texts, new, said):
    with pytest.raises(InputError, match=said) as caught:
        hold(texts, new)
    assert caught.value.slug == "column-retyped"


@pytest.mark.parametrize(
    ("texts", "new", "values"),
    [
        (US, ["7.040,94", "1,5", "1.234"], [7040.94, 1.5, 1234]),
        (EU, ["7,040.94", "1.5", "1,234"], [7040.94, 1.5, 1234]),
        ([0.5, 0.25], ["1,234.5", "12"], [1234.5, 12]),
        ([1.5, 2.5], ["$1,234.50", "$3.25"], [1234.5, 3.25]),
    ],
)
@pytest.mark.parametrize("role", ["CLEAN", "NEW"])
def test_a_file_that_plainly_writes_otherwise_is_read_so_and_told(texts, new, values, role):
    data = hold(texts, new, role=role)
    assert numbers_of(data) == values
    assert "convention-other" in slugs(data.notices)


def test_dates_of_a_file_that_plainly_has_another_order_are_not_mixed_up():
    data = hold(["30/09/2019", "01/02/2019"], ["01/02/2019", "03/04/2019", "12/31/2019"])
    assert moments_of(data).tolist() == [D(2019, 1, 2), D(2019, 3, 4), D(2019, 12, 31)]
    iso = hold([D(2019, 9, 30), D(2020, 1, 2)], ["30/09/2019 13:12", "01/02/2019 00:00"])
    assert moments_of(iso).tolist() == [D(2019, 9, 30, 13, 12), D(2019, 2, 1)]


def test_dates_elsewhere_are_read_by_the_order_of_data_or_as_iso():
    day_first = ["30/09/2019 13:12", "01/02/2019 00:00"]
    expected = [D(2019, 4, 3), D(2019, 12, 31, 1, 2)]
    for new in (
        ["03/04/2019", "31/12/2019 01:02"],
        ["2019-04-03", "2019-12-31T01:02:00"],
        pa.array(expected),
    ):
        assert moments_of(hold(day_first, new)).tolist() == expected


@pytest.mark.parametrize("texts", [*NUMBERS.values(), *DATES.values()])
def test_rows_are_the_same_whatever_their_spelling(texts):
    texts, values = texts
    data = read(texts)
    again = (
        read_like(
            pa.table({"x": values, "plain": data.table["plain"], "label": data.table["label"]}),
            data.schema,
            role="CLEAN",
        )
        if data.schema.columns[0].convention.unit not in ("%", "‰")
        else data
    )
    np.testing.assert_array_equal(hash_rows(data), hash_rows(again))


def test_every_digit_counts_in_rows_that_are_compared():
    data = read(["1,234,567,890,123,456,789", "1,234,567,890,123,456,788.5"])
    assert len(set(hash_rows(data).tolist())) == 2


def test_the_convention_is_kept_with_the_schema_and_older_schemas_are_read():
    schema = read(["$7,040.94", "$3"]).schema
    plain = json.loads(json.dumps(dataclasses.asdict(schema)))
    assert read_schema(plain, "schema") == schema
    for column in plain["columns"]:
        del column["convention"]
    assert read_schema(plain, "schema").columns[0].convention is None


def test_portions_are_read_by_the_spelling_of_data(csv, monkeypatch):
    monkeypatch.setattr("datacleanse.data.readers.csv._BLOCK", 512)
    rows = [f'"{row + 1}.{row % 1000:03d},5",{1 + row % 28:02d}/03/2019' for row in range(300)]
    path = csv("x,d,label\n" + "".join(f"{row},{k % 2}\n" for k, row in enumerate(rows)))
    data = read_data(path, ReadOptions())
    # Most portions hold nothing that tells the sign or the order by itself.
    new = csv("x,d\n" + "".join(f"{1 + k % 9}.234,01/02/2019\n" for k in range(300)), "new.csv")
    portions = list(read_portions(str(new), data.schema))
    assert len(portions) > 1
    for portion in portions:
        assert set(np.array(numbers_of(portion)) % 1000) == {234}
        (day,) = [each for each in portion.schema.columns if each.name == "d"]
        assert set(read_moments(portion, day).astype("datetime64[us]").tolist()) == {D(2019, 2, 1)}


def test_what_one_portion_tells_of_a_file_holds_for_the_next(csv, monkeypatch):
    monkeypatch.setattr("datacleanse.data.readers.csv._BLOCK", 512)
    schema = read(["30/09/2019", "01/02/2019"]).schema
    lines = ["12/31/2019,1\n", *["01/02/2019,1\n"] * 300]
    portions = list(read_portions(str(csv("x,plain\n" + "".join(lines))), schema))
    assert len(portions) > 1
    moments = np.concatenate([moments_of(portion) for portion in portions])
    assert set(moments.tolist()) == {D(2019, 12, 31), D(2019, 1, 2)}
    told = [slug for portion in portions for slug in slugs(portion.notices)]
    assert told.count("convention-other") == 1


def test_clean_and_data_are_compared_by_value(csv):
    lines = [f'"{row},{row:03d}.5",{row % 2}\n' for row in range(1, 100)]
    data = read_data(csv("x,label\n" + "".join(lines)), ReadOptions())
    plain = "".join(f"{row}{row:03d}.5,{row % 2}\n" for row in range(1, 20))
    clean = read_like(csv("x,label\n" + plain, "clean.csv"), data.schema, role="CLEAN")
    assert compare(data, clean).overlap.data_rows.tolist() == list(range(19))


def test_rows_of_files_with_other_types_are_joined_by_value():
    data = read(["1.234,5", "12,5", "1.234"])
    clean = read_like(
        pa.table({"x": [1.234, 1234.0], "plain": [0.0, 1.0], "label": ["a", "b"]}),
        data.schema,
        role="CLEAN",
    )
    joined = concatenate_rows(
        clean.table.select(["x", "plain"]),
        data.table.select(["x", "plain"]),
        zip(clean.schema.columns, data.schema.columns, strict=True),
    )
    whole = dataclasses.replace(data, table=joined)
    assert numbers_of(whole) == [1.234, 1234, 1234.5, 12.5, 1234]
