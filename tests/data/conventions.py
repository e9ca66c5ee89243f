"""Numbers and dates in the conventions of many countries, and columns made of them."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa

from datacleanse.data import ReadOptions, read_data, read_moments, read_numbers

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
