"""Free text: which columns hold it, what is said of them, and in what form it is read."""

from __future__ import annotations

import html
import re
import shlex
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.column_verdict import Verdict, set_aside, use_as_feature
from datacleanse.data.messages import format_count
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

READ_SIGNS = 20_000
"""Characters of a text that are read: some ten pages."""

_RAW_SIGNS = 10 * READ_SIGNS
"""Characters that are looked at, markup among them."""

_UNIQUE = 0.95
"""Share of different values from which nearly every one is."""
_ENOUGH = 50
"""Rows that it takes to say so."""
_WORDS, _NAMED_WORDS = 4, 1.5
"""Mean words from which a column of different values is text; of one that is named like text."""
_SOME_UNIQUE, _SOME_WORDS = 0.5, 5
"""The same where some values repeat."""

_WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
"""Signs of scripts that set no blanks between words: Thai, Burmese, Khmer, Japanese, Chinese."""
_SIGNS_A_WORD = 2
"""Of these scripts, about."""

_TEXT_NAME = re.compile(
    r"(^|[_\s.-])(text|sentence|message|comment|review|description|title|headline|question|query|"
    r"utterance|tweet|body|content|note|summary)s?($|[_\s.-])",
    re.IGNORECASE,
)

_TAG = re.compile(
    r"</?(?:a|abbr|article|b|blockquote|body|br|button|center|code|del|div|em|font|footer|form|"
    r"h[1-6]|head|header|hr|html|i|iframe|img|input|ins|label|li|link|meta|nav|ol|option|p|pre|s|"
    r"script|section|select|small|span|strong|style|sub|sup|table|tbody|td|th|thead|title|tr|u|"
    r"ul)\b[^<>]*>",
    re.IGNORECASE,
)
"""Markup of HTML. Other words in angle brackets, such as addresses, are text."""


def is_free_text(name: str, spellings: Sequence[str], counts: NDArray[np.int64]) -> bool:
    """Whether a column seems to hold sentences.

    Args:
        name: of the column.
        spellings: its V distinct texts, at least 1.
        counts: (V,) rows with each.
    """
    present, words = int(counts.sum()), measure_words(spellings, counts)
    share = len(spellings) / present
    if is_nearly_unique(len(spellings), present) and words >= _WORDS:
        return True
    if share > _SOME_UNIQUE and words >= _SOME_WORDS:
        return True
    return share > _SOME_UNIQUE and words >= _NAMED_WORDS and bool(_TEXT_NAME.search(name))


def is_nearly_unique(n_values: int, present: int) -> bool:
    """Whether nearly every one of ``present`` cells has a value of its own."""
    return n_values / present > _UNIQUE and present >= _ENOUGH


def measure_words(spellings: Sequence[str], counts: NDArray[np.int64]) -> float:
    """Mean number of words of a cell; without blanks, two signs are one."""
    return float(np.average([_count_words(text) for text in spellings], weights=counts))


def _count_words(text: str) -> float:
    part = text[:READ_SIGNS]
    return len(part.split()) + len(_WITHOUT_BLANKS.findall(part)) / _SIGNS_A_WORD


def read_as_text(
    name: str, spellings: Sequence[str], counts: NDArray[np.int64], source: str
) -> Verdict:
    """The verdict that a column is read word by word, with what is to be said of it.

    Args:
        name: of the column.
        spellings: its V distinct texts, at least 1.
        counts: (V,) rows with each.
        source: how messages name DATA.
    """
    simple = list(map(simplify, spellings))
    if len(set(simple)) == 1:
        return set_aside(name, "constant", "its texts are one but for case, blanks and markup")
    option = f"--drop {shlex.quote(name)}"
    words = measure_words(spellings, counts)
    where = f"Column '{name}' of {source}"
    length = format_count(round(words), "word")
    message = f"{where} is read as text, {length} a cell; {option} leaves it out."
    told = Notice("text-read", message, column=name, option=option)
    notices = (*_note_same(name, where, simple), *_note_long(name, where, simple))
    return use_as_feature(name, "text", told, *notices)


def _note_same(name: str, where: str, simple: Sequence[str]) -> list[Notice]:
    """A notice on different texts that are read as the same one."""
    met = Counter(simple)
    count = sum(times for text, times in met.items() if times > 1 and text)
    if not count:
        return []
    message = (
        f"{where}: {format_count(count, 'text')} differ from another one only by case, blanks or "
        "markup, and are read as the same."
    )
    return [Notice("texts-same", message, column=name)]


def _note_long(name: str, where: str, simple: Sequence[str]) -> list[Notice]:
    """A warning where texts are too long to be read to their end."""
    count = sum(len(text) == READ_SIGNS for text in simple)
    if not count:
        return []
    verb = "is" if count == 1 else "are"
    message = (
        f"{where}: {format_count(count, 'text')} {verb} longer than {READ_SIGNS:,} characters; "
        "what stands behind them is not read."
    )
    return [Notice("texts-long", message, is_warning=True, column=name)]


def simplify(text: str) -> str:
    """The text as it is read: without markup and case, blanks single, wide signs as usual ones."""
    plain = text[:_RAW_SIGNS]
    if "<" in plain:
        plain = _TAG.sub(" ", plain)
    if "&" in plain:
        plain = html.unescape(plain)
    plain = unicodedata.normalize("NFKC", plain).casefold()
    return " ".join(plain.split())[:READ_SIGNS]
