"""Names that look alike: they differ by case, blanks, Unicode form or letters of another script.

Names are never merged by this. It only says what a person could not see: in a message ``café`` with
one code point for its last letter and ``café`` with two are the same word.

The folding is the skeleton of Unicode Technical Standard 39, "Unicode Security Mechanisms",
section 4, made smaller in its table and wider in what it ignores. Smaller: of the standard's 6,000
signs the letters of Greek and Cyrillic that are drawn like Latin ones, and dashes and quotes that
word processors put in place of typed ones. What looks alike within one alphabet (l and 1, O and 0,
rn and m) is left out: such classes are mostly meant. Wider: case and all blanks.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from datacleanse.data.messages import LISTED, format_count, format_list, quote_value
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TYPED = str.maketrans(
    "‐‒–—―−⁃" + "‘’‛′ʼ´`" + "“”„‟″" + "×ıɑɡ",
    "-------" + "'''''''" + '"""""' + "xiag",
)
"""Dashes, quotes and signs of Latin -> what a keyboard has in their place."""

_GREEK = str.maketrans(
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ" + "αγικνορυϲϳ",
    "ABEZHIKMNOPTYXCJ" + "ayikvopucj",
)
"""Greek -> Latin, of each case for itself: capital nu is an N, small nu a v."""

_CYRILLIC = str.maketrans("авекмнорстухіјѕһԁԛԝүѵӏ", "abekmhopctyxijshdqwyvl")
"""Cyrillic -> Latin, of letters that are alike in one case at least; after the case is folded."""

_BLANK_KINDS = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
"""Unicode's categories of signs that leave no ink: control, format and blank."""

_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | frozenset(
    map(chr, [*range(0x180B, 0x180E), *range(0xFE00, 0xFE10)])
)
"""Letters and marks that leave none either (UTS 39 follows ``Default_Ignorable_Code_Point``)."""


def find_look_alikes(names: Iterable[str]) -> list[list[str]]:
    """The groups of two names and more that look alike, in the order of their first names."""
    group_of: dict[str, list[str]] = {}
    groups: list[list[str]] = []
    for name in dict.fromkeys(names):
        keys = _make_keys(name)
        known = [group_of[key] for key in keys if key in group_of]
        if known:
            group = known[0]
            for other in known[1:]:
                if other is not group:
                    group += other
                    groups.remove(other)
                    group_of.update((key, group) for each in other for key in _make_keys(each))
        else:
            groups.append(group := [])
        group.append(name)
        group_of.update(dict.fromkeys(keys, group))
    return [group for group in groups if len(group) > 1]


def find_look_alike(name: str, among: Iterable[str]) -> str | None:
    """The candidate that looks like ``name``, the nearest of several; None if none does."""
    keys = set(_make_keys(name))
    alike = [known for known in among if keys & set(_make_keys(known))]
    return max(alike, key=lambda known: _measure_likeness(known, name), default=None)


def spell_apart(names: Sequence[str]) -> list[str]:
    """Names in quotes, each with the code points that the others lack if no eye can tell them.

    ``'café' (U+00E9)`` and ``'café' (U+0065 U+0301)``, but ``'yes'`` and ``'Yes'``.
    """
    points = _tell_points(names)
    return [
        f"{quote_value(name)} ({each})" if each else quote_value(name)
        for name, each in zip(names, points, strict=True)
    ]


def note_look_alikes(rows: dict[str, int], source: str) -> list[Notice]:
    """Tell of classes that look alike, with their numbers of rows; nothing where there are none.

    Args:
        rows: name of each class -> its number of rows.
        source: how messages name DATA.
    """
    groups = find_look_alikes(rows)
    if not groups:
        return []
    parts = []
    for group in groups[:LISTED]:
        names = sorted(group, key=lambda name: (-rows[name], name))
        told = [
            f"{quote_value(name)} ({format_count(rows[name], 'row')}{each and f', {each}'})"
            for name, each in zip(names, _tell_points(names), strict=True)
        ]
        parts.append(format_list(told))
    more = f"; and {len(groups) - LISTED} more such groups" if len(groups) > LISTED else ""
    message = (
        f"Classes of {source} look alike: {'; '.join(parts)}{more}. They differ only by case, "
        "blanks, or how their letters are encoded, and are kept apart. If they are one class, "
        "write it one way in DATA and CLEAN, and repeat the command."
    )
    return [Notice("classes-look-alike", message, is_warning=True)]


def _tell_points(names: Sequence[str]) -> list[str]:
    """The code points of each name that not all have; empty ones where all of them are seen."""
    signs = [Counter(_fold_visible(name)) for name in names]
    shared = signs[0].copy()
    for each in signs[1:]:
        shared &= each
    own = [list((each - shared).elements()) for each in signs]
    if all(_is_visible(sign) for each in own for sign in each):
        return ["" for _ in names]
    return [_format_points(each) for each in own]


def _make_keys(name: str) -> tuple[str, str]:
    """Two foldings: names look alike if they agree in either, in case or in the letters' script."""
    typed = unicodedata.normalize("NFKD", name.translate(_TYPED)).translate(_TYPED)
    inked = "".join(sign for sign in typed if not _is_blank(sign))
    # Turkish has a capital I with a dot.
    folded, skeleton = (
        text.casefold().replace("i\u0307", "i") for text in (inked, inked.translate(_GREEK))
    )
    return folded, skeleton.translate(_CYRILLIC)


def _is_blank(sign: str) -> bool:
    return sign in _BLANKS or unicodedata.category(sign) in _BLANK_KINDS


def _is_visible(sign: str) -> bool:
    return "!" <= sign <= "~"


def _fold_visible(name: str) -> str:
    """The name without what everybody sees, the case of typed letters."""
    return "".join(sign.lower() if sign.isascii() else sign for sign in name)


def _format_points(signs: Sequence[str]) -> str:
    points = [f"U+{ord(sign):04X}" for sign in signs[:LISTED]]
    return " ".join([*points, "…"] if len(signs) > LISTED else points)


def _measure_likeness(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second, autojunk=False).ratio()
