"""Any column of numbers or dates, in any convention."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.data.written_moments import MONTHS
from tests.data.conftest import kinds
from tests.data.conventions import D, doubt_of, moments_of, numbers_of, read
from tests.tries import tries


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
