"""Numbers and dates as people write them: read where a column is plain about it, else named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from datacleanse.data import ReadOptions, read_data, read_like, read_moments, read_numbers
from datacleanse.errors import InputError, SettingsError
from tests.data.conftest import kinds, set_aside, slugs
from tests.data.conventions import (
    DATES,
    NUMBERS,
    RANDOM,
    D,
    column_of,
    doubt_of,
    moments_of,
    numbers_of,
    read,
)


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
    "lengths of time": (["14:05", "39:30"], ()),
    "lengths of time with seconds": (["1:23:45", "25:05:00.5"], ()),
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


CLOCKS = {
    "14:05": 845, "9:30": 570, "09:30": 570, "00:00": 0, "24:00": 1440, "1:23:30": 83.5,
    "00:05:00,0": 5, "23:59:59.5": 1440 - 0.5 / 60,
}  # fmt: skip


def test_hours_and_minutes_are_times_of_the_day():
    data = read(list(CLOCKS) * 9)
    assert kinds(data)["x"] == "datetime"
    assert {"convention-unclear", "values-unreadable"}.isdisjoint(slugs(data.notices))
    minutes = read_moments(data, column_of(data)) / 60e6
    np.testing.assert_allclose(minutes, list(CLOCKS.values()) * 9)


def test_lengths_of_time_are_named_however_few_are_longer_than_a_day():
    doubt = doubt_of(read([f"{row % 24}:{row % 60:02d}" for row in range(95)] + ["36:15"] * 5))
    assert "lengths of time such as '36:15'" in doubt.message


def test_times_that_a_csv_types_are_read_elsewhere_as_text(csv):
    """One cell that is none makes the other file's column text."""
    lines = [f"{row // 4:02d}:{row % 60:02d},{'uv'[row % 2]}\n" for row in range(60)]
    data = read_data(csv("x,label\n" + "".join(lines)), ReadOptions())
    other = csv("x,label\n" + "".join(["25:99,u\n", *lines[1:]]), "clean.csv")
    found = read_like(other, data.schema, role="CLEAN")
    expected = read_moments(data, data.schema.columns[0])
    assert read_moments(found, found.schema.columns[0])[1:].tolist() == expected[1:].tolist()


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
