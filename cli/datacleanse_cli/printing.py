"""The one door by which text reaches people: nothing in it acts on a terminal, nothing hides.

Names of files, columns, classes and rows are other people's and may hold anything: sequences that
a terminal obeys, marks that turn the reading direction, bytes that are no text. Every command
prints by `say` and `say_json`, tables and bars by `console.Terminal`; `streams` sees to what
libraries write.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import TYPE_CHECKING

from datacleanse_reports.wording import make_visible

if TYPE_CHECKING:
    from datacleanse.notices import NoticeLog

_PLAIN_SIGNS = {"→": "->", "±": "+-", "–": "-", "·": "|", "…": "..."}
"""What stands for a sign where the terminal's encoding lacks it."""


def say(*lines: str, err: bool = False) -> None:
    """Print lines, each of which stays one, whatever line breaks the names in it hold.

    Args:
        lines: what to print.
        err: on stderr instead of stdout.
    """
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    stream.write("".join(f"{make_printable(line, encoding)}\n" for line in lines))
    stream.flush()


def tell_notices(log: NoticeLog, *, quiet: bool) -> None:
    """Print notices on stderr: a line each; with ``quiet`` the warnings alone, on one line."""
    if not quiet:
        kinds = {True: "warning", False: "note"}
        say(*(f"{kinds[each.is_warning]}: {each.message}" for each in log.notices), err=True)
    elif log.warnings:
        say(f"warning: {' '.join(each.message for each in log.warnings)}", err=True)


def say_json(value: object) -> None:
    """Print one line of JSON on stdout; what hides in it is spelled the way JSON does."""
    text = json.dumps(value, ensure_ascii=False)
    if make_visible(text) != text:
        text = "".join(
            sign if make_visible(sign) == sign else json.dumps(sign)[1:-1] for sign in text
        )
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value)
    say(text)


def make_printable(text: str, encoding: str, *, keep_lines: bool = False) -> str:
    """Text that this terminal can show: nothing hidden, nothing that its encoding lacks.

    Args:
        text: anything.
        encoding: the terminal's.
        keep_lines: leave newlines and tabs as they are.
    """
    shown = make_visible(text, keep_lines=keep_lines)
    try:
        shown.encode(encoding)
    except UnicodeEncodeError:
        plain = "".join(_PLAIN_SIGNS.get(character, character) for character in shown)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return shown


def quote_word(word: str) -> str:
    r"""A word of a command as a shell takes it, with nothing hidden in it: ``$'caf\xe9'``."""
    if make_visible(word) == word:
        return shlex.quote(word)
    return f"$'{''.join(map(_spell_sign, word))}'"


def _spell_sign(sign: str) -> str:
    """A character within ``$'...'``, which bash, ksh and zsh know."""
    if sign in "\\'":
        return f"\\{sign}"
    if make_visible(sign) == sign:
        return sign
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(sign))
