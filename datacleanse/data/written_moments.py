"""Dates as people write them: day or month first, months by name, clocks with am and pm, zones.

An order is found for a column as a whole and then read by rule, never guessed cell by cell. All
work is done on the distinct texts, by Arrow's kernels: what is found is written in ISO's way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.column_evidence import Doubt, Evidence
from datacleanse.data.columns import parse_moments
from datacleanse.records import Convention

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.data.interface import DatesOption

Order = Literal["day first", "month first", "short year first"]
FixedOrder = Literal[
    "month by name", "time of day", "year first", "month and year", "year and month"
]

_ORDERS: dict[DatesOption, Order] = {
    "dayfirst": "day first",
    "monthfirst": "month first",
    "iso": "short year first",
}
_SAMPLE = 200
"""Texts by which the form of a column's dates is found."""

_TIME = r"(?P<H>[0-9]{1,2})[:.h](?P<M>[0-9]{2})(?:[:.](?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?"
_HALF = r" ?(?P<p>[AaPp])\.?[Mm]\.?"
_ZONES = ("", "Z", "UTC", "UT", "GMT")
"""Names of zones that mean one offset everywhere."""
_ZONE = r"(?: ?(?P<z>[A-Z]{1,5}|[-+][0-9]{2}(?::?[0-9]{2})?))?"
_CLOCK = rf"(?:(?:,? +|T){_TIME}(?:{_HALF})?{_ZONE})?$"
_COMPACT = r"(?:[T ]?(?P<H>[0-9]{2}):?(?P<M>[0-9]{2})(?::?(?P<S>[0-9]{2}))?)?$"
_DAY, _YEAR = r"(?P<d>[0-9]{1,2})", r"(?P<y>[0-9]{4}|[0-9]{2})"
# Without an upper bound: each copy of \pL takes milliseconds to compile.
_NAME = r"(?P<n>\pL{3,})\.?"
_WEEKDAY = r"^(?:\pL{2,}\.?,? +)?"
_NAMED = (
    rf"{_WEEKDAY}{_DAY}(?:st|nd|rd|th|\.)?[ /.-]*(?:de |of )?{_NAME},?[ /.-]*(?:de )?{_YEAR}"
    + _CLOCK,
    rf"{_WEEKDAY}{_NAME}[ /.-]*{_DAY}(?:st|nd|rd|th)?,?[ /.-]+{_YEAR}" + _CLOCK,
    rf"^(?P<y>[0-9]{{4}})[ /.-]+{_NAME}[ /.-]+{_DAY}" + _CLOCK,
    # As the system's clock prints it.
    rf"^\pL{{3}} {_NAME} +{_DAY} (?P<H>[0-9]{{2}}):(?P<M>[0-9]{{2}}):(?P<S>[0-9]{{2}}) {_YEAR}$",
    # The first day stands for a month.
    rf"^{_NAME}[ /.,-]+(?P<y>[0-9]{{4}})$",
)
_TIMES = (rf"^{_TIME}{_HALF}$",)
_CLOCKS = (r"^[0-9]{1,3}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?$",)
"""Without a word on whether they tell the time of day or a length of time."""
_SEPARATORS = ("/", ".", "-", " ")

_NAMES = (
    # English, German, French, Spanish, Italian, Portuguese, Dutch.
    "jan january januar jänner jän janv janvier ene enero gen gennaio janeiro januari",
    "feb february februar feber fev fév févr fevr février fevrier febrero febbraio fevereiro "
    "februari",
    "mar march mär mrz märz maerz mars marzo março marco mrt maart",
    "apr april avr avril abr abril aprile",
    "may mai mayo mag maggio maio mei",
    "jun june juni juin junio giu giugno junho",
    "jul july juli juil juillet julio lug luglio julho",
    "aug august août aout ago agosto augustus",
    "sep sept september septembre septiembre set settembre setembro",
    "oct october okt oktober octobre octubre ott ottobre out outubro",
    "nov november novembre noviembre novembro",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre dezembro",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, start=1) for name in names.split()}
"""Name in lower case, without a point, to the number of the month from 1. None is in two months."""


def _make_trailing(separator: str) -> str:
    """Day and month, or month and day, before the year."""
    between = re.escape(separator) + (" ?" if separator == "." else "")
    return rf"^(?P<a>[0-9]{{1,2}}){between}(?P<b>[0-9]{{1,2}}){between}{_YEAR}" + _CLOCK


def _make_leading(separator: str) -> str:
    """A year of four digits, month and day."""
    if not separator:
        return r"^(?P<y>[0-9]{4})(?P<a>[0-9]{2})(?P<b>[0-9]{2})" + _COMPACT
    between = re.escape(separator)
    return rf"^(?P<y>[0-9]{{4}}){between}(?P<a>[0-9]{{1,2}}){between}(?P<b>[0-9]{{1,2}})" + _CLOCK


def _make_months(separator: str, *, is_year_first: bool) -> str:
    """A month and its year of four digits, whose first day is meant."""
    month, year = r"(?P<a>[0-9]{1,2})", r"(?P<y>[0-9]{4})"
    first, last = (year, month) if is_year_first else (month, year)
    return rf"^{first}{re.escape(separator)}{last}$"


_FORMS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("named", "", _NAMED),
    ("time", "", _TIMES),
    ("clock", "", _CLOCKS),
    *(("month", each, (_make_months(each, is_year_first=False),)) for each in _SEPARATORS),
    *(("year", each, (_make_months(each, is_year_first=True),)) for each in _SEPARATORS),
    *(("trailing", each, (_make_trailing(each),)) for each in _SEPARATORS),
    *(("leading", each, (_make_leading(each),)) for each in (*_SEPARATORS, "")),
)
"""What stands where, what separates, and the patterns; a text fits one form at most."""


def find_compact_dates(evidence: Evidence) -> Convention | None:
    """The convention of texts of digits that are all dates without separators, as 20190930."""
    if not _match(
        evidence.values.slice(0, _SAMPLE), (r"^(?:19|20|21)[0-9]{6}(?:[0-9]{6})?$",)
    ).all():
        return None
    found = find_moment_convention(evidence, None)
    if not isinstance(found, Convention) or (found.order, found.separator) != ("year first", ""):
        return None
    dates = pa.chunked_array([rewrite_moments(evidence.values, found)])
    return None if parse_moments(dates).failed.any() else found


def find_moment_convention(
    evidence: Evidence, dates: DatesOption | None
) -> Convention | Doubt | None:
    """How a column writes its dates; why that cannot be told; None: it holds none.

    Args:
        evidence: the distinct texts of the column that stand for a value.
        dates: what settles an order that the dates themselves leave open.
    """
    sample = pc.utf8_trim_whitespace(evidence.values.slice(0, _SAMPLE))
    shares = [_match(sample, patterns).mean() for _, _, patterns in _FORMS]
    if not max(shares) > 0.5:
        return None
    place, separator, patterns = _FORMS[int(np.argmax(shares))]
    if place == "clock":
        return doubt_clocks(evidence)
    parts = _extract(pc.utf8_trim_whitespace(evidence.values), patterns)
    doubt = _doubt_zones(evidence, parts)
    if doubt is not None:
        return doubt
    if place == "trailing":
        return _choose_order(evidence, _find_orders(parts), dates, separator)
    is_date = parts["is_date"].copy()
    if place == "named":
        is_date &= _as_flags(pc.is_valid(_number_months(parts["n"])))
    elif place in ("month", "year"):
        is_date &= _are_months(parts)
    elif place == "leading":
        month, day, year = (_as_numbers(parts[name]) for name in ("a", "b", "y"))
        is_date &= _is_day(day) & _is_month(month)
        is_date &= bool(separator) | ((year >= 1900) & (year <= 2100))
    if not evidence.is_tolerable(~is_date):
        return None
    order: dict[str, FixedOrder] = {
        "named": "month by name",
        "time": "time of day",
        "leading": "year first",
        "month": "month and year",
        "year": "year and month",
    }
    return Convention(evidence.quote_first(is_date), order=order[place], separator=separator)


def doubt_clocks(evidence: Evidence) -> Doubt | None:
    """The doubt about ``36:15``, a length of time; None where all are times of a day, as 14:05.

    Lengths below a day are read as such, and lose nothing by it: the time itself is one of the
    numbers that a moment becomes, so that longer ones are larger.
    """
    texts = pc.utf8_trim_whitespace(evidence.values)
    is_clock = _match(texts, _CLOCKS)
    is_long = is_clock & parse_moments(pa.chunked_array([texts])).failed
    if not is_long.any() or not evidence.is_tolerable(~is_clock):
        return None
    what = f"lengths of time such as {evidence.quote_first(is_long)}"
    return Doubt(what, "Write them as numbers of seconds, minutes or hours.")


def _are_months(parts: dict[str, Any]) -> NDArray[np.bool_]:
    """Which texts are a month of some year; none where they count seasons, as 2009/10, 2010/11."""
    month, year = _as_numbers(parts["a"]), _as_numbers(parts["y"])
    is_month = _is_month(month) & (year >= 1900) & (year <= 2100)
    is_season = bool((month[is_month] == (year[is_month] + 1) % 100).all())
    return np.zeros_like(is_month) if is_season else is_month


def _doubt_zones(evidence: Evidence, parts: dict[str, Any]) -> Doubt | None:
    """The doubt about dates whose zones have names: such a name means several offsets."""
    is_named = parts["is_date"] & ~_match(parts["z"], (r"^(?:[-+].*)?$",))
    is_sure = _as_flags(pc.is_in(parts["z"], value_set=pa.array(_ZONES, parts["z"].type)))
    strange = evidence.quote_first(is_named & ~is_sure)
    if not strange:
        return None
    what = f"dates with the name of a time zone, such as {strange}"
    return Doubt(what, "Write the offset from UTC instead, such as +01:00.")


def _find_orders(parts: dict[str, Any]) -> dict[Order, NDArray[np.bool_]]:
    """Which dates, of two numbers and a year or three short numbers, each order allows."""
    first, second, year = (_as_numbers(parts[name]) for name in ("a", "b", "y"))
    fits: dict[Order, NDArray[np.bool_]] = {
        "day first": parts["is_date"] & _is_day(first) & _is_month(second),
        "month first": parts["is_date"] & _is_month(first) & _is_day(second),
    }
    if int(pc.max(pc.binary_length(parts["y"])).as_py() or 0) == 2:
        fits["short year first"] = parts["is_date"] & _is_month(second) & _is_day(year)
    return fits


def _choose_order(
    evidence: Evidence,
    fits: dict[Order, NDArray[np.bool_]],
    dates: DatesOption | None,
    separator: str,
) -> Convention | Doubt | None:
    """The only order that all dates allow, or the one asked for among several."""
    any_fits = np.any(list(fits.values()), axis=0)
    if not evidence.is_tolerable(~any_fits):
        return None
    possible = [order for order, each in fits.items() if not (any_fits & ~each).any()]
    example = evidence.quote_first(any_fits)
    if not possible:
        by_day, by_month = fits["day first"], fits["month first"]
        pair = [evidence.quote_first(by_day & ~by_month), evidence.quote_first(by_month & ~by_day)]
        what = f"dates in two orders, such as {' and '.join(filter(None, pair)) or example}"
        return Doubt(what, "Write all of them in one way, best as 2019-09-30.")
    if len(possible) > 1:
        if dates is None or _ORDERS[dates] not in possible:
            what = f"dates such as {example}, {' or '.join(possible)}"
            options = " or ".join(
                f"--dates {option}" for option, order in _ORDERS.items() if order in possible
            )
            return Doubt(what, f"Say which ({options}).", options)
        return Convention(example, order=_ORDERS[dates], separator=separator)
    told = fits[possible[0]] & ~np.any(
        [each for order, each in fits.items() if order != possible[0]], axis=0
    )
    return Convention(evidence.quote_first(told), order=possible[0], separator=separator)


def _as_flags(flags: pa.Array) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return result


def _match(texts: pa.Array, patterns: tuple[str, ...]) -> NDArray[np.bool_]:
    fits = [_as_flags(pc.match_substring_regex(texts, each)) for each in patterns]
    result: NDArray[np.bool_] = np.any(fits, axis=0)
    return result


_FIELDS = ("a", "b", "d", "n", "y", "H", "M", "S", "f", "p", "z")


def _extract(texts: pa.Array, patterns: tuple[str, ...]) -> dict[str, Any]:
    """The parts of each text by the first pattern that it fits; empty where it has no such part.

    ``is_date`` is an array of flags: whether the text fits any.
    """
    empty = pa.repeat(pa.scalar("", texts.type), len(texts))
    found: dict[str, pa.Array] = dict.fromkeys(_FIELDS, empty)
    is_date = np.zeros(len(texts), dtype=bool)
    for pattern in patterns:
        parts = pc.extract_regex(texts, pattern)
        fits = _as_flags(parts.is_valid()) & ~is_date
        if fits.any():
            for field in parts.type:
                if field.name in found:
                    part = pc.struct_field(parts, field.name)
                    found[field.name] = pc.if_else(pa.array(fits), part, found[field.name])
        is_date |= fits
        if is_date.all():
            break
    return {**found, "is_date": is_date}


def _as_numbers(parts: pa.Array) -> NDArray[np.int64]:
    """Digits as numbers; -1 where there are none."""
    kept = pc.if_else(pc.equal(parts, ""), None, parts)
    result: NDArray[np.int64] = pc.fill_null(kept.cast(pa.int64()), -1).to_numpy()
    return result


def _is_day(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (numbers >= 1) & (numbers <= 31)


def _is_month(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (numbers >= 1) & (numbers <= 12)


def _number_months(names: pa.Array) -> pa.Array:
    """The month's number as text of two digits; null for a word that is none."""
    known = list(MONTHS)
    at = pc.index_in(pc.utf8_lower(names), value_set=pa.array(known, names.type))
    return pa.array([f"{MONTHS[name]:02d}" for name in known]).take(at)


def rewrite_moments(values: pa.Array, convention: Convention) -> pa.Array:
    """The texts as ISO writes dates, (V,); those against the column's convention as they are.

    Years of two digits are 1969 to 2068.
    """
    texts = pc.utf8_trim_whitespace(values)
    parts = _extract(texts, _find_patterns(convention))
    first, second, year = parts["a"], parts["b"], parts["y"]
    if convention.order == "month by name":
        month = _number_months(parts["n"])
        day = pc.if_else(pc.equal(parts["d"], ""), "1", parts["d"])
    elif convention.order == "time of day":
        year, month, day = (pa.repeat(part, len(texts)) for part in ("1970", "1", "1"))
    elif convention.order in ("month and year", "year and month"):
        month, day = first, pa.repeat("1", len(texts))
    elif convention.order == "day first":
        day, month = first, second
    elif convention.order == "month first":
        month, day = first, second
    elif convention.order == "short year first":
        year, month, day = first, second, year
    else:
        month, day = first, second
    century = pc.if_else(pc.greater_equal(year, "69"), "19", "20")
    is_short = pc.less(pc.binary_length(year), 3)
    year = pc.if_else(is_short, pc.binary_join_element_wise(century, _pad(year), ""), year)
    date = pc.binary_join_element_wise(year, _pad(month), _pad(day), "-")
    written = pc.binary_join_element_wise(date, _write_clock(parts), "")
    fits = pc.and_(pa.array(parts["is_date"]), pc.is_valid(written))
    return pc.if_else(fits, written, values.cast(written.type))


def _find_patterns(convention: Convention) -> tuple[str, ...]:
    if convention.order in _BY_ORDER:
        return _BY_ORDER[convention.order]
    if convention.order == "year first":
        return (_make_leading(convention.separator),)
    if convention.order in ("month and year", "year and month"):
        is_year_first = convention.order == "year and month"
        return (_make_months(convention.separator, is_year_first=is_year_first),)
    return (_make_trailing(convention.separator),)


_BY_ORDER = {"month by name": _NAMED, "time of day": _TIMES}


def _pad(digits: pa.Array) -> pa.Array:
    return pc.utf8_lpad(digits, 2, "0")


def _write_clock(parts: dict[str, Any]) -> pa.Array:
    """The time of day with its zone; empty where there is none."""
    hour = parts["H"]
    if pc.any(pc.not_equal(parts["p"], "")).as_py():
        number = _as_numbers(hour)
        is_afternoon = _as_flags(pc.match_substring_regex(parts["p"], "[Pp]"))
        # What is no hour of such a clock stays so large that it is no hour at all.
        of_day = np.where((number >= 1) & (number <= 12), number % 12 + 12 * is_afternoon, 99)
        has_mark = pc.not_equal(parts["p"], "")
        hour = pc.if_else(has_mark, pa.array(of_day).cast(hour.type), hour)
    seconds = pc.if_else(pc.equal(parts["S"], ""), "00", parts["S"])
    clock = pc.binary_join_element_wise(_pad(hour), parts["M"], seconds, ":")
    fraction = pc.binary_join_element_wise(pa.scalar("."), parts["f"], "")
    fraction = pc.if_else(pc.equal(parts["f"], ""), "", fraction)
    zone = pc.if_else(pc.match_substring_regex(parts["z"], "^[A-Z]"), "Z", parts["z"])
    whole = pc.binary_join_element_wise(pa.scalar("T"), clock, fraction, zone, "")
    return pc.if_else(pc.equal(parts["H"], ""), "", whole)


def describe_moments(convention: Convention) -> str:
    """What the convention is taken to mean, as a part of a sentence."""
    if convention.order == "time of day":
        return f"times of day written like {convention.example}"
    return f"dates written like {convention.example}, {convention.order}"
