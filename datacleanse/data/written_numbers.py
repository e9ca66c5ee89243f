"""Numbers as people write them: with signs between thousands, currencies, per cent.

A convention is found for a column as a whole and then read by rule, never guessed cell by cell. All
work is done on the distinct texts, by Arrow's kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data.column_evidence import Doubt, Evidence
from datacleanse.data.messages import format_list, quote_value
from datacleanse.records import Convention

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.data.interface import DecimalOption

Decimal: TypeAlias = "DecimalOption"

SHARES = {"%": "e-2", "‰": "e-3"}
"""Units by which a number is divided, and the exponent that does it."""
UNREAD = " (not read)"
"""Ends a text that must not be taken for a plain number."""
_SAMPLE = 200
"""Texts by which a column is ruled out that holds no numbers at all."""

_BLANKS, _MINUSES, _APOSTROPHES = (
    "[\u00a0\u2007\u2008\u2009\u200a\u202f]",
    "[\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d]",
    "[\u02bc\u2018\u2019\uff07]",
)
_CODES = (
    "USD|EUR|GBP|JPY|CNY|INR|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|BRL|MXN|CAD|AUD|NZD"
    "|ZAR|KRW|SGD|HKD|THB|IDR|MYR|PHP|ILS|AED|SAR|EGP|NGN|KES|ARS|CLP|COP|PEN|VND|TWD|ISK"
)
_UNIT = rf"(?:[A-Z]{{0,3}}\p{{Sc}}|%|‰|{_CODES}|SFr\.?|Fr\.|kr\.?|zł|Kč|Ft|Rs\.?)"
_SHAPE = (
    rf"^(?P<open>\()? ?(?P<s1>[-+])? ?(?P<u1>{_UNIT})? ?(?P<s2>[-+])? ?"
    r"(?P<body>[.,]?[0-9](?:[0-9.,' ]*[0-9])?(?:[eE][-+]?[0-9]+)?)"
    rf"(?:[.,:]--?)? ?(?P<s3>-)? ?(?P<u2>{_UNIT})? ?(?P<s4>-)?(?P<close>\))?$"
)
_PLAIN = r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
_SIMPLE = r"^-?[0-9][0-9.,' ]*$"
"""Of texts without units: they need not be taken apart."""
_GROUPS: dict[Decimal, str] = {".": ",", ",": r"\."}
_INDIAN: dict[Decimal, str] = {".": r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}", ",": ""}


def _make_body(decimal: Decimal) -> str:
    """The pattern of digits with one sign for decimals and one of three between thousands."""
    group, sign = _GROUPS[decimal], r"\." if decimal == "." else ","
    grouped = "|".join(rf"(?:{each}[0-9]{{3}})+" for each in (group, " ", "'"))
    whole = rf"(?:0|[1-9][0-9]*|[1-9][0-9]{{0,2}}(?:{grouped}){_INDIAN[decimal]})"
    return rf"^(?:{whole}(?:{sign}[0-9]+)?|{sign}[0-9]+)(?:[eE][-+]?[0-9]+)?$"


_BODIES: dict[Decimal, str] = {".": _make_body("."), ",": _make_body(",")}
_INNER: dict[Decimal, str] = {".": "[, ']", ",": "[. ']"}
"""Signs between thousands, by the sign for decimals."""


@dataclass(frozen=True)
class _Shapes:
    """Texts taken apart, V of them."""

    texts: pa.Array
    """Without blanks around, with one kind of blank, minus and apostrophe."""
    body: pa.Array
    """Digits and the signs among them; null where the text is no written number."""
    unit: pa.Array
    """Sign of a currency, per cent, or empty."""
    is_negative: NDArray[np.bool_]
    is_odd: NDArray[np.bool_]
    """Written in a way that a program does not read as a number by itself."""

    @property
    def is_written(self) -> NDArray[np.bool_]:
        """Whether each text is a written number, of whatever convention."""
        return _as_flags(self.body.is_valid())

    def fit(self, decimal: Decimal) -> NDArray[np.bool_]:
        """Whether each text is a number under this sign for decimals."""
        return _as_flags(pc.match_substring_regex(self.body, _BODIES[decimal]))

    def find_signs(self) -> NDArray[np.bool_]:
        """Whether a point or comma stands in the digits of each text."""
        return _as_flags(pc.match_substring_regex(self.body, "[.,]"))


def _as_flags(flags: pa.Array) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return result


def _take_apart(values: pa.Array) -> _Shapes:
    texts = trimmed = pc.utf8_trim_whitespace(values)
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        for pattern, plain in ((_BLANKS, " "), (_MINUSES, "-"), (_APOSTROPHES, "'")):
            texts = pc.replace_substring_regex(texts, pattern, plain)
    is_plain = pc.match_substring_regex(trimmed, _PLAIN)
    if pc.all(pc.match_substring_regex(texts, _SIMPLE)).as_py():
        is_negative = _as_flags(pc.starts_with(texts, "-"))
        body = pc.utf8_ltrim(texts, "-")
        unit = pa.repeat(pa.scalar("", texts.type), len(texts))
        return _Shapes(texts, body, unit, is_negative, ~_as_flags(is_plain))
    parts = pc.extract_regex(texts, _SHAPE)
    parts_of = partial(pc.struct_field, parts)
    open_, close = _as_flags(pc.equal(parts_of("open"), "(")), pc.equal(parts_of("close"), ")")
    signs = [parts_of(name) for name in ("s1", "s2", "s3", "s4")]
    n_signs = sum(_as_flags(pc.not_equal(sign, "")).astype(np.int64) for sign in signs) + open_
    minus = [_as_flags(pc.equal(sign, "-")) for sign in signs]
    first, second = parts_of("u1"), parts_of("u2")
    has_two = _as_flags(pc.and_(pc.not_equal(first, ""), pc.not_equal(second, "")))
    is_valid = _as_flags(parts.is_valid()) & (open_ == _as_flags(close))
    is_valid &= (n_signs <= 1) & ~has_two
    body = pc.if_else(pa.array(is_valid), parts_of("body"), None)
    unit = pc.binary_join_element_wise(first, second, "")
    is_negative = np.any([open_, *minus], axis=0)
    return _Shapes(texts, body, unit, is_negative, is_valid & ~_as_flags(is_plain))


def find_number_convention(
    evidence: Evidence, decimal: Decimal | None
) -> Convention | Doubt | None:
    """How a column writes its numbers; why that cannot be told; None: it holds none, or plain ones.

    Args:
        evidence: the distinct texts of the column that stand for a value.
        decimal: what settles whether ``1,234`` is a thousand or a little more than one.
    """
    if not _take_apart(evidence.values.slice(0, _SAMPLE)).is_written.mean() > 0.5:
        return None
    shapes = _take_apart(evidence.values)
    is_written = shapes.is_written
    is_special = shapes.is_odd.any() or decimal == ","
    if not is_special or not evidence.is_tolerable(~is_written):
        return None
    units = pc.unique(shapes.unit.filter(pa.array(is_written))).to_pylist()
    chosen = _doubt_units(evidence, units) or _choose_decimal(evidence, shapes, decimal)
    if chosen is None or isinstance(chosen, Doubt):
        return chosen
    fits = shapes.fit("." if chosen == "whole" else chosen)
    told = fits & shapes.is_odd
    only = told & ~shapes.fit("," if chosen == "." else ".")
    example = evidence.quote_first(next(each for each in (only, told, fits) if each.any()))
    unit = next((unit for unit in units if unit), "")
    if chosen == "." and not told.any():
        return None
    return Convention(example, decimal=None if chosen == "whole" else chosen, unit=unit)


def _doubt_units(evidence: Evidence, units: list[str]) -> Doubt | None:
    example = evidence.quote_first(np.ones(len(evidence.values), dtype=bool))
    named = [unit for unit in units if unit]
    if len(named) > 1:
        what = f"numbers such as {example} in several units ({format_list(named)})"
        return Doubt(what, "Write the column in one unit, or a column for each.")
    if named and named[0] in SHARES and "" in units:
        what = f"numbers such as {example}, some with {named[0]} and some without"
        return Doubt(what, f"Write {named[0]} behind all of them, or behind none.")
    return None


def _choose_decimal(
    evidence: Evidence, shapes: _Shapes, decimal: Decimal | None
) -> Decimal | Literal["whole"] | Doubt | None:
    """The sign for decimals that all texts allow; None where they are no numbers under any."""
    is_written, has_sign = shapes.is_written, shapes.find_signs()
    point, comma = shapes.fit("."), shapes.fit(",")
    by_point, by_comma = (
        evidence.is_tolerable(~one) and not (other & ~one).any()
        for one, other in ((point, comma), (comma, point))
    )
    if not (has_sign & is_written).any():
        return "whole" if by_point else None
    if by_point and by_comma:
        if decimal is not None:
            return decimal
        example = evidence.quote_first(has_sign & point)
        what = f"numbers such as {example}, with thousands or with decimals"
        options = "--decimal '.' or --decimal ','"
        return Doubt(what, f"Say which sign begins the decimals ({options}).", options)
    if by_point or by_comma:
        return "." if by_point else ","
    if not evidence.is_tolerable(~(point | comma)):
        return None
    pair = [evidence.quote_first(point & ~comma), evidence.quote_first(comma & ~point)]
    what = f"numbers in two conventions, such as {' and '.join(pair)}"
    return Doubt(what, "Write all of them in one way.") if all(pair) else None


def rewrite_numbers(values: pa.Array, convention: Convention) -> pa.Array:
    """The texts as a program writes numbers, (V,); every digit is kept, shares get an exponent.

    Where a text is against the column's convention, but a plain number that cannot mean anything
    else, it is left as it is; where it might mean something else, it is made unreadable.
    """
    shapes = _take_apart(values)
    decimal = _find_decimal(shapes, convention)
    fits = shapes.fit(decimal or ".")
    has_unit = _as_flags(pc.equal(shapes.unit, convention.unit))
    is_bare = _as_flags(pc.equal(shapes.unit, ""))
    is_share = convention.unit in SHARES
    is_plain = shapes.is_written & ~shapes.is_odd
    fits &= has_unit if is_share else has_unit | is_bare
    # A file of plain numbers is read as such even where some of them would fit both.
    is_written_plainly = bool((is_plain & ~fits).any()) and not is_share
    differs = is_plain & fits & shapes.find_signs() & (decimal == ",")
    all_plain = bool(is_plain[shapes.is_written].all())
    in_doubt = shapes.is_written & ~fits & (is_share | ~is_plain)
    if decimal is None:
        in_doubt |= shapes.find_signs() & ~is_plain
        fits &= ~shapes.find_signs() | is_plain
    elif is_written_plainly:
        fits &= ~differs
        if not all_plain:
            in_doubt |= differs
    written = _write_plainly(shapes, decimal or ".", SHARES.get(convention.unit, ""))
    unread = pc.binary_join_element_wise(shapes.texts, pa.scalar(UNREAD), "")
    kept = pc.if_else(pa.array(in_doubt), unread, values)
    return pc.if_else(pa.array(fits), written, kept)


def _find_decimal(shapes: _Shapes, convention: Convention) -> Decimal | None:
    """The column's sign for decimals; where DATA had none, the only one that these texts allow."""
    if convention.decimal is not None or not shapes.find_signs().any():
        return convention.decimal
    point, comma, is_written = shapes.fit("."), shapes.fit(","), shapes.is_written
    by_point, by_comma = bool(point[is_written].all()), bool(comma[is_written].all())
    if by_point == by_comma:
        return None
    return "." if by_point else ","


def _write_plainly(shapes: _Shapes, decimal: Decimal, exponent: str) -> pa.Array:
    digits = pc.replace_substring_regex(shapes.body, _INNER[decimal], "")
    if decimal == ",":
        digits = pc.replace_substring(digits, ",", ".")
    sign = pc.if_else(pa.array(shapes.is_negative), "-", "")
    return pc.binary_join_element_wise(sign, digits, pa.scalar(exponent), "")


def describe_numbers(convention: Convention) -> str:
    """What the convention is taken to mean, as a part of a sentence."""
    signs = {".": "with a decimal point", ",": "with a decimal comma", None: "whole"}
    text = f"numbers written like {convention.example}, {signs[convention.decimal]}"
    if convention.unit in SHARES:
        factor = {"%": "12 % is 0.12", "‰": "12 ‰ is 0.012"}[convention.unit]
        return f"{text}, as shares ({factor})"
    return f"{text}, in {quote_value(convention.unit)}" if convention.unit else text
