"""Numbers and dates as people write them: read where a column is plain about it, else named."""

from __future__ import annotations

import dataclasses
import datetime
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.data import (
    ReadOptions,
    compare,
    hash_rows,
    read_data,
    read_like,
    read_moments,
    read_numbers,
    read_portions,
)
from datacleanse.data.concatenation import concatenate_rows
from datacleanse.data.month_names import MONTHS
from datacleanse.errors import InputError, SettingsError
from datacleanse.storage.schema_checks import read_schema
from tests.data.conftest import kinds, set_aside, slugs
from tests.tries import tries

RANDOM = np.random.default_rng(0)


def read(texts, **options):
    """DATA with these texts as column ``x`` beside a plain one."""
    rows = len(texts)
    table = pa.table(
        {
            "x": pa.array(texts),
            "plain": RANDOM.normal(size=rows),
            "label": ["a" if row % 2 else "b" for row in range(rows)],
        }
    )
    return read_data(table, ReadOptions(label="label", **options))


def column_of(data):
    return next((column for column in data.schema.columns if column.name == "x"), None)


def numbers_of(data):
    return read_numbers(data, column_of(data)).tolist()


def moments_of(data):
    return read_moments(data, column_of(data)).astype("datetime64[us]").astype("datetime64[s]")


def doubt_of(data):
    return next((each for each in data.notices if each.slug == "convention-unclear"), None)


NUMBERS = {
    "commas and point": (["7,040.94", "12.5", "1,000", "-3"], [7040.94, 12.5, 1000, -3]),
    "points and comma": (["7.040,94", "12,5", "1.000", "-3"], [7040.94, 12.5, 1000, -3]),
    "blanks and comma": (["7 040,9", "12", "1 234 567"], [7040.9, 12, 1234567]),
    "no-break blanks": (["7\u00a0040", "12", "1\u00a0234\u00a0567"], [7040, 12, 1234567]),
    "narrow blanks": (["7\u202f040,5", "12"], [7040.5, 12]),
    "thin blanks": (["7\u2009040.5", "12"], [7040.5, 12]),
    "Swiss": (["7'040.95", "12"], [7040.95, 12]),
    "Swiss, typographic": (["7’040", "12", "1’234’567"], [7040, 12, 1234567]),
    "Indian": (["12,34,567", "1,00,000", "999"], [1234567, 100000, 999]),
    "dollars": (["$7,040.94", "$12", "-$3.50", "$-4"], [7040.94, 12, -3.5, -4]),
    "euros in front": (["€ 7.040,94", "€ 12"], [7040.94, 12]),
    "euros behind": (["7.040,94 €", "12 €", "-3,5 €"], [7040.94, 12, -3.5]),
    "code behind": (["7,040.94 USD", "12 USD"], [7040.94, 12]),
    "code in front": (["CHF 7'040.95", "CHF 12"], [7040.95, 12]),
    "two signs": (["US$7,040.94", "US$12.00"], [7040.94, 12]),
    "rupees": (["₹12,34,567.50", "₹1.25"], [1234567.5, 1.25]),
    "some with the unit": (["$7,040.94", "12", "3.5"], [7040.94, 12, 3.5]),
    "per cent": (["12 %", "3.5%", "-0.25 %"], [0.12, 0.035, -0.0025]),
    "per cent, comma": (["12,5 %", "3 %", "0,25%"], [0.125, 0.03, 0.0025]),
    "per mille": (["12.5‰", "3‰"], [0.0125, 0.003]),
    "accountants": (["(1,234.50)", "12.00", "(3)"], [-1234.5, 12, -3]),
    "accountants' dollars": (["($1,234.50)", "$12.00"], [-1234.5, 12]),
    "minus behind": (["12-", "3", "1.5-"], [-12, 3, -1.5]),
    "minus sign": (["\u221212.5", "3", "\u22120.5"], [-12.5, 3, -0.5]),
    "plus": (["+1,234.5", "-2"], [1234.5, -2]),
    "decimal comma": (["0,5", "12,25", "3"], [0.5, 12.25, 3]),
    "three decimals and a leading 0": (["0,125", "12,250", "3"], [0.125, 12.25, 3]),
    "exponents": (["1,5e3", "2,25E-1"], [1500, 0.225]),
    "no cents": (["7'040.-", "12.50", "3.–"], [7040, 12.5, 3]),
    "no cents, comma": (["1.234,-", "12,50", "3,-- €"], [1234, 12.5, 3]),
    "only large ones": (["999", "998", "1,000,000"], [999, 998, 1000000]),
}


@pytest.mark.parametrize(("texts", "values"), NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("times", [1, 60])
def test_numbers_as_people_write_them_are_read(texts, values, times):
    data = read(texts * times)
    assert kinds(data)["x"] == "numeric"
    np.testing.assert_allclose(numbers_of(data), values * times, rtol=1e-15)
    (told,) = [each for each in data.notices if each.slug == "convention-read"]
    assert (told.column, told.cells) == ("x", len(texts) * times)
    assert told.option == "--categorical x"
    assert "--categorical x" in told.message


@pytest.mark.parametrize(("texts", "values"), NUMBERS.values(), ids=NUMBERS)
def test_numeric_accepts_them(texts, values):
    np.testing.assert_allclose(numbers_of(read(texts, numeric=("x",))), values, rtol=1e-15)


@pytest.mark.parametrize("texts", [each for each, _ in NUMBERS.values()], ids=NUMBERS)
def test_categorical_overrules(texts):
    data = read(texts * 20, categorical=("x",))
    assert kinds(data)["x"] == "categorical"
    assert "convention-read" not in slugs(data.notices)


D = datetime.datetime
DATES = {
    "day first": (["30/09/2019", "01/02/2019"], [D(2019, 9, 30), D(2019, 2, 1)]),
    "with a clock": (
        ["30/09/2019 13:12", "1/2/2019 9:05"], [D(2019, 9, 30, 13, 12), D(2019, 2, 1, 9, 5)],
    ),
    "month first": (["09/30/2019", "1/2/2019"], [D(2019, 9, 30), D(2019, 1, 2)]),
    "twelve hours": (
        ["09/30/2019 01:12 PM", "1/2/2019 12:00 am", "1/2/2019 12:30 p.m."],
        [D(2019, 9, 30, 13, 12), D(2019, 1, 2), D(2019, 1, 2, 12, 30)],
    ),
    "points": (["30.09.2019", "1.2.2019"], [D(2019, 9, 30), D(2019, 2, 1)]),
    "points and blanks": (["30. 9. 2019", "1. 2. 2019"], [D(2019, 9, 30), D(2019, 2, 1)]),
    "hyphens": (["30-09-2019", "01-02-2019"], [D(2019, 9, 30), D(2019, 2, 1)]),
    "slashes, year first": (["2019/09/30", "2019/1/2"], [D(2019, 9, 30), D(2019, 1, 2)]),
    "without zeros": (["2019-9-30", "2019-1-2"], [D(2019, 9, 30), D(2019, 1, 2)]),
    "digits alone": (["20190930", "20200102"], [D(2019, 9, 30), D(2020, 1, 2)]),
    "American": (["Sep 30, 2019", "January 2, 2020"], [D(2019, 9, 30), D(2020, 1, 2)]),
    "British": (["30 September 2019", "2 Jan 2020"], [D(2019, 9, 30), D(2020, 1, 2)]),
    "ordinals": (["30th September 2019", "2nd of Jan 2020"], [D(2019, 9, 30), D(2020, 1, 2)]),
    "databases": (["30-SEP-19", "02-JAN-70"], [D(2019, 9, 30), D(1970, 1, 2)]),
    "SAS": (["30SEP2019", "02JAN2020"], [D(2019, 9, 30), D(2020, 1, 2)]),
    "German": (["30. März 2019", "2. Dez. 2020"], [D(2019, 3, 30), D(2020, 12, 2)]),
    "French": (["30 août 2019", "2 déc. 2020"], [D(2019, 8, 30), D(2020, 12, 2)]),
    "Spanish": (["30 de enero de 2019", "2 de abril de 2020"], [D(2019, 1, 30), D(2020, 4, 2)]),
    "mail": (
        ["Mon, 30 Sep 2019 13:12:05 +0200", "Thu, 02 Jan 2020 00:00:00 GMT"],
        [D(2019, 9, 30, 11, 12, 5), D(2020, 1, 2)],
    ),
    "the system's clock": (
        ["Mon Sep 30 13:12:05 2019", "Thu Jan  2 00:00:00 2020"],
        [D(2019, 9, 30, 13, 12, 5), D(2020, 1, 2)],
    ),
    "seconds and zones": (
        ["30/09/2019 13:12:05 +02:00", "01/02/2019 00:00:00 Z"],
        [D(2019, 9, 30, 11, 12, 5), D(2019, 2, 1)],
    ),
    "month and day, hyphens": (["Sep-30-2019", "Jan-02-2020"], [D(2019, 9, 30), D(2020, 1, 2)]),
    "months": (["Sep 2019", "January 2020"], [D(2019, 9, 1), D(2020, 1, 1)]),
    "months and years": (["09/2019", "1/2020"], [D(2019, 9, 1), D(2020, 1, 1)]),
    "years and months": (["2019-09", "2020-01"], [D(2019, 9, 1), D(2020, 1, 1)]),
    "years and months, slashes": (["2019/09", "2020/1"], [D(2019, 9, 1), D(2020, 1, 1)]),
    "ISO's day, twelve hours": (
        ["2019-09-30 01:12:05 PM", "2020-01-02 12:00:00 AM"],
        [D(2019, 9, 30, 13, 12, 5), D(2020, 1, 2)],
    ),
    "clocks with points": (
        ["30.09.2019 13.12", "1.2.2019 9.05"], [D(2019, 9, 30, 13, 12), D(2019, 2, 1, 9, 5)],
    ),
    "digits alone with the time": (
        ["20190930131205", "20200102000000"], [D(2019, 9, 30, 13, 12, 5), D(2020, 1, 2)],
    ),
    "times of day": (["1:12 PM", "12:00 am"], [D(1970, 1, 1, 13, 12), D(1970, 1, 1)]),
    "short years, settled by a large one": (
        ["31/12/98", "01/02/99"], [D(1998, 12, 31), D(1999, 2, 1)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "values"), DATES.values(), ids=DATES)
@pytest.mark.parametrize("times", [1, 60])
def test_dates_as_people_write_them_are_read(texts, values, times):
    data = read(texts * times)
    assert kinds(data)["x"] == "datetime"
    assert moments_of(data).tolist() == values * times
    (told,) = [each for each in data.notices if each.slug == "convention-read"]
    assert (told.column, told.cells, told.option) == ("x", len(texts) * times, "--categorical x")


def test_whole_numbers_that_are_all_dates_are_dates(csv):
    days = np.arange("2019-01-01", "2019-04-01", dtype="datetime64[D]")
    lines = "".join(f"{str(day).replace('-', '')},{k % 2}\n" for k, day in enumerate(days))
    data = read_data(csv("x,label\n" + lines), ReadOptions())
    assert moments_of(data).tolist() == days.astype("datetime64[s]").tolist()
    as_numbers = read_data(csv("x,label\n" + lines), ReadOptions(numeric=("x",)))
    assert kinds(as_numbers) == {"x": "numeric"}
    off = read_data(csv("x,label\n" + lines + "20190230,1\n"), ReadOptions())
    assert kinds(off)["x"] == "numeric"


UNCLEAR = {
    "thousands or decimals": (["1,234", "5,678", "12"], ("--decimal '.'", "--decimal ','")),
    "dollars": (["$1,234", "$5,678"], ("--decimal '.'", "--decimal ','")),
    "euros": (["1.234 €", "5.678 €"], ("--decimal '.'", "--decimal ','")),
    "per cent": (["12.345 %", "23.456 %"], ("--decimal '.'", "--decimal ','")),
    "day or month": (["01/02/2019", "03/04/2019"], ("--dates dayfirst", "--dates monthfirst")),
    "with a clock": (["01.02.2019 13:12", "03.04.2019 01:00"], ("--dates dayfirst",)),
    "short years": (["30/09/19", "28/02/20"], ("--dates dayfirst", "--dates iso")),
    "zones by name": (["30/09/2019 13:12 CET", "01/02/2019 01:00 EST"], ()),
    "two orders": (["30/09/2019", "09/30/2019"], ()),
    "two currencies": (["$1,234.50", "€3.20"], ()),
    "two signs": (["7,040.94", "7.040,94"], ()),
    "hours and minutes": (["14:05", "9:30"], ()),
    "lengths of time": (["1:23:45", "0:05:00.5"], ()),
    "per cent and not": (["12 %", "0.5", "3.5 %"], ()),
}


@pytest.mark.parametrize(("texts", "options"), UNCLEAR.values(), ids=UNCLEAR)
@pytest.mark.parametrize("is_unique", [False, True])
def test_what_a_column_leaves_open_is_named_and_never_guessed_nor_called_an_id(
    texts, options, is_unique
):
    data = read(texts * (1 if is_unique else 30))
    doubt = doubt_of(data)
    assert doubt.is_warning
    assert doubt.column == "x"
    assert all(option in doubt.message for option in options)
    assert kinds(data).get("x", "categorical") == "categorical"
    assert not any("(an id)" in each.reason for each in data.schema.set_aside)


@pytest.mark.parametrize("texts", [["2009/10", "2010/11"], ["1999-00", "2000-01"], ["13/2019"]])
def test_what_is_no_month_of_a_year_stays_a_name(texts):
    data = read([*texts, "other"] * 30)
    assert kinds(data)["x"] == "categorical"
    assert "convention-read" not in slugs(data.notices)


def test_numbers_that_may_be_months_with_their_years_are_told(csv):
    lines = [f"{1 + at % 12:02d}.{2015 + at % 6},{'uv'[at % 2]}\n" for at in range(60)]
    data = read_data(csv("x,label\n" + "".join(lines)), ReadOptions())
    (notice,) = [each for each in data.notices if each.slug == "convention-open"]
    assert "months with their years" in notice.message
    assert "1.2015" in notice.message
    for name, cell in (("beyond", "13.2015"), ("infinite", "1e400"), ("finer", "1.20155")):
        other = read_data(
            csv(f"x,label\n{cell},u\n" + "".join(lines), f"{name}.csv"), ReadOptions()
        )
        assert "convention-open" not in slugs(other.notices)


def test_a_column_that_would_be_an_id_is_set_aside_with_the_true_reason():
    texts = [f"{1 + row % 12:02d}/{1 + row // 12:02d}/2019" for row in range(144)]
    data = read(texts)
    assert set_aside(data) == {"x": "unclear"}
    assert "day first or month first" in data.schema.set_aside[0].reason


def test_options_settle_what_a_column_leaves_open():
    assert numbers_of(read(["1,234", "5,678"], decimal=".")) == [1234, 5678]
    assert numbers_of(read(["1,234", "5,678"], decimal=",")) == [1.234, 5.678]
    assert numbers_of(read(["1.234 €", "5.678 €"], decimal=",")) == [1234, 5678]
    dates = ["01/02/2019", "03/04/2019"]
    assert moments_of(read(dates, dates="dayfirst")).tolist()[0] == D(2019, 2, 1)
    assert moments_of(read(dates, dates="monthfirst")).tolist()[0] == D(2019, 1, 2)
    short = ["10/11/12", "03/04/05"]
    assert moments_of(read(short, dates="iso")).tolist()[0] == D(2010, 11, 12)
    assert moments_of(read(short, dates="dayfirst")).tolist()[0] == D(2012, 11, 10)


def test_options_do_not_overrule_what_a_column_says():
    assert numbers_of(read(["7,040.94", "1,234"], decimal=",")) == [7040.94, 1234]
    assert moments_of(read(["09/30/2019"] * 2 + ["01/02/2019"], dates="dayfirst"))[0] == D(
        2019, 9, 30
    )


def test_a_decimal_comma_makes_thousands_of_points_in_text_without_types(csv):
    path = csv("x,z,label\n1.234,0.5,a\n5.678,1.25,b\n2.345,3,a\n")
    plain = read_data(path, ReadOptions())
    assert numbers_of(plain) == [1.234, 5.678, 2.345]
    data = read_data(path, ReadOptions(decimal=","))
    assert numbers_of(data) == [1234, 5678, 2345]
    assert read_numbers(data, data.schema.columns[1]).tolist() == [0.5, 1.25, 3]
    clean = read_like(csv("x,z,label\n9.876,1,a\n", "c.csv"), data.schema, role="CLEAN")
    assert numbers_of(clean) == [9876]


def test_three_digits_behind_every_point_are_named_with_the_option(csv):
    lines = "".join(f"{value:.3f},{k % 2}\n" for k, value in enumerate(np.arange(1.001, 90, 1.234)))
    (notice,) = read_data(csv("x,label\n" + lines), ReadOptions()).notices[1:]
    assert (notice.slug, notice.column, notice.option) == ("convention-open", "x", "--decimal ','")
    assert not notice.is_warning
    usual = read_data(csv("x,label\n0.5,1\n" + lines), ReadOptions())
    assert "convention-open" not in slugs(usual.notices)


def test_numeric_on_an_open_column_asks_for_the_sign():
    with pytest.raises(InputError, match=r"'1,234'.*decimal='\.' or decimal=','") as caught:
        read(["1,234", "5,678"], numeric=("x",))
    assert caught.value.slug == "column-unclear"
    assert numbers_of(read(["1,234", "5,678"], numeric=("x",), decimal=".")) == [1234, 5678]


@pytest.mark.parametrize("wrong", [{"dates": "european"}, {"decimal": ";"}])
def test_other_values_of_the_options_are_refused(wrong):
    with pytest.raises(SettingsError, match="Give one of"):
        ReadOptions(**wrong)


WORDS = {
    "ids": [f"A-{row}" for row in range(100)],
    "ids with zeros": [f"{row:05d}" for row in range(7, 107)],
    "named ids": [f"{row:,}" for row in range(1000, 1100)],
    "addresses": [f"10.0.{row}.1" for row in range(100)],
    "versions": [f"1.{row}.0" for row in range(50, 150)],
    "telephones": [f"030 {row} 12 34" for row in range(100, 200)],
    "numbers of accounts": [f"0{row} 123 456" for row in range(10, 99)],
    "ranges": [f"{row}-{row + 9}" for row in range(0, 1000, 10)],
    "weights": [f"{row} kg" for row in range(100)],
    "months alone": ["May", "June", "July"] * 30,
    "words and years": [f"model {1900 + row}" for row in range(100)],
}


@pytest.mark.parametrize("texts", WORDS.values(), ids=WORDS)
def test_what_is_no_number_and_no_date_is_taken_as_before(texts):
    rows = len(texts)
    table = pa.table(
        {
            "customer_id": texts,
            "z": RANDOM.normal(size=rows),
            "label": ["a", "b"] * (rows // 2) + ["a"] * (rows % 2),
        }
    )
    data = read_data(table, ReadOptions())
    assert {"convention-read", "convention-unclear"}.isdisjoint(slugs(data.notices))
    assert kinds(data).get("customer_id") != "datetime"


def test_markers_of_missing_values_are_told_and_the_rest_is_read():
    data = read([*["$1,234.50", "$3.25"] * 30, "n/a.", "NA"])
    assert np.isnan(numbers_of(data)).sum() == 2
    (told,) = [each for each in data.notices if each.slug == "values-unreadable"]
    assert "'n/a.' in row 60" in told.message
    dates = read([*["30/09/2019", "01/02/2019"] * 30, "31/02/2019"])
    (told,) = [each for each in dates.notices if each.slug == "values-unreadable"]
    assert "'31/02/2019' in row 60" in told.message


def test_thousands_among_plain_numbers_are_no_longer_lost():
    texts = [*[f"{row}.5" for row in range(95)], *[f"{row},234.5" for row in range(1, 6)]]
    data = read(texts)
    assert numbers_of(data)[-1] == 5234.5
    assert not np.isnan(numbers_of(data)).any()


# Other files


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


# Any column, in any convention


def write_number(value, spell):
    """A number in the convention of some country."""
    decimals, group, sign, unit, behind, negative = spell
    text = f"{abs(value):,.{decimals}f}".replace(",", "\0").replace(".", sign).replace("\0", group)
    text = f"{text}{behind}{unit}" if behind is not None else f"{unit}{text}"
    if value >= 0 or float(f"{value:.{decimals}f}") == 0:
        return text
    return {"-": f"-{text}", "\u2212": f"\u2212{text}", "()": f"({text})", "behind": f"{text}-"}[
        negative
    ]


@settings(max_examples=tries(100), deadline=None)
@given(
    values=st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=30, unique=True),
    decimals=st.integers(0, 4),
    signs=st.sampled_from(
        [(",", "."), (".", ","), (" ", ","), ("\u202f", ","), ("'", "."), ("’", "."), ("", ",")]
    ),
    others=st.tuples(
        st.sampled_from(["", "$", "€", "EUR", "%", "₹"]),
        st.sampled_from([None, "", " ", "\u00a0"]),
        st.sampled_from(["-", "\u2212", "()", "behind"]),
    ),
)
def test_any_column_of_numbers_is_read_back_or_named(values, decimals, signs, others):
    spell, unit = (decimals, *signs, *others), others[0]
    texts = [write_number(value, spell) for value in values]
    if len(set(texts)) < 2:
        return
    data = read(texts)
    scale = 0.01 if unit == "%" else 1.0
    expected = [float(f"{value:.{decimals}f}") * scale for value in values]
    if kinds(data).get("x") == "numeric":
        np.testing.assert_allclose(numbers_of(data), expected, rtol=1e-14)
    else:
        assert doubt_of(data) is not None
        settled = read(texts, decimal=signs[1])
        np.testing.assert_allclose(numbers_of(settled), expected, rtol=1e-14)


ENGLISH = ["January", "February", "March", "April", "May", "June", "July", "August"]
ENGLISH += ["September", "October", "November", "December"]
FORMATS = {
    "%d/%m/%Y": "dayfirst",
    "%m/%d/%Y": "monthfirst",
    "%d.%m.%Y": "dayfirst",
    "%d-%m-%Y": "dayfirst",
    "%m-%d-%Y": "monthfirst",
    "%d/%m/%y": "dayfirst",
    "%Y/%m/%d": None,
    "%Y.%m.%d": None,
    "%d %B %Y": None,
    "%b %d, %Y": None,
    "%d-%b-%Y": None,
    "%A, %d %B %Y": None,
    "%Y-%m-%d": None,
}
CLOCKS = {"": "D", " %H:%M": "m", " %H:%M:%S": "s", " %I:%M %p": "m", ", %I:%M:%S%p": "s"}


@settings(max_examples=tries(100), deadline=None)
@given(
    moments=st.lists(
        st.datetimes(D(1970, 1, 1), D(2068, 12, 31)), min_size=2, max_size=30, unique=True
    ),
    form=st.sampled_from(list(FORMATS)),
    clock=st.sampled_from(list(CLOCKS)),
)
def test_any_column_of_dates_is_read_back_or_named(moments, form, clock):
    texts = [moment.strftime(form + clock) for moment in moments]
    if len(set(texts)) < 2:
        return
    unit = CLOCKS[clock]
    expected = np.array(moments, "datetime64[us]").astype(f"datetime64[{unit}]")
    data = read(texts)
    if kinds(data).get("x") != "datetime":
        assert doubt_of(data) is not None
        data = read(texts, dates=FORMATS[form])
    assert moments_of(data).tolist() == expected.astype("datetime64[s]").tolist()


def test_no_name_is_of_two_months_and_english_ones_are_known():
    assert [MONTHS[name.casefold()] for name in ENGLISH] == list(range(1, 13))
    assert [MONTHS[name[:3].casefold()] for name in ENGLISH] == list(range(1, 13))
