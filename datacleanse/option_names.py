"""Options as each speaker knows them: ``--hold-back 0.2`` typed, ``hold_back=0.2`` in Python.

Messages are written once, with options as they are typed on the command line, and kept so in the
run folder, whoever reads it. What is raised or warned of in Python is put into Python's words here.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SWITCHES = frozenset(
    {"allow-unknown", "auto", "dry-run", "fast", "force", "link", "raw", "resume"}
)
"""Options without a value: given or not."""

_ALONE = {"no-id": "id=False"}
"""Options that Python spells in a way of its own."""

_LISTS = frozenset({"categorical", "drop", "missing", "numeric", "text"})
"""Options that may be given several times; in Python they take a list."""

_VALUES = frozenset(
    {
        *("batch-size", "classes", "clip-norm", "data", "dates", "decimal", "decisions"),
        *("delimiter", "device", "drop-above", "epochs", "fdr", "features", "first"),
        *("hold-back", "id", "image-size", "jobs", "label", "lr", "max-unreadable", "memory"),
        *("meta", "meta-average", "meta-batch", "meta-every", "model", "out", "probabilities"),
        *("relabel-above", "repeats", "reviewer", "row", "rule", "seed", "task", "test"),
        *("text-model", "top", "trusted-share", "val", "weights"),
    }
)
"""Options that take one value. What is on none of the three lists is of the command line alone."""

_VALUE = (
    r"""'[^']*'|"[^"]*"|\[[^\]]*\]|-?\d+(?:\.\d+)?(?![\w.]*\w)|[A-Z]{2,}\b|(?:timm:|[\w.]+:)\w+|"""
    r"(?:True|False)\b|"
)
_CHOICE = (
    r"(?:auto|classification|regression|cpu|cuda|dayfirst|monthfirst|iso|"
    r"uniform|l2rw|lilaw|random)\b"
)
_MET = r"""'[^']*'|"[^"]*"|-?\d+(?:\.\d+)?(?:e-?\d+)?|inf|nan|None|True|False"""
_COMMAND = r"`[^`]* [^`]*`"
_SAID = re.compile(
    rf"(?P<command>{_COMMAND})"
    r"|(?<![\w-])(?:--(?P<name>[a-z][a-z0-9-]*[a-z0-9])|(?P<out>-o)(?![\w-]))"
    rf"(?: (?P<value>{_VALUE}{_CHOICE})| is (?P<met>(?:{_MET})(?=[\s.,:;]|$)))?"
)


def speak_python(text: str, *, option: str | None = None) -> str:
    """The text with the options of the command line as keyword arguments.

    Commands in backticks stay as they are typed, and so do options that Python has no name for.

    Args:
        text: sentences in which options are named as they are typed.
        option: one that stands in the text as it is typed with its value, whatever that is.
    """
    before, found, after = text.partition(option) if option else (text, "", "")
    if found and (spoken := _speak_whole(found)) is not None:
        return f"{speak_python(before)}{spoken}{speak_python(after)}"
    return _SAID.sub(_speak, text)


def _speak_whole(option: str) -> str | None:
    """An option with a value of any kind; None: it is none, or more than one."""
    try:
        words = shlex.split(option)
    except ValueError:  # a quote that is not closed
        return None
    name = words[0].removeprefix("--") if words else ""
    if len(words) == 2 and name in _LISTS | _VALUES:
        return _assign(name, words[1:])
    return None


def _speak(found: re.Match[str]) -> str:
    name = "out" if found["out"] else found["name"]
    value, met = found["value"], found["met"]
    if name in _ALONE:
        return _ALONE[name]
    if name in _SWITCHES:
        if value in ("True", "False"):
            return f"{_spell(name)}={value}"
        return f"{_spell(name)}=True{found[0].removeprefix(f'--{name}')}"
    if name not in _LISTS | _VALUES:  # a command, too, which names none
        return found[0]
    if met is not None or (value or "").startswith("["):
        return f"{_spell(name)}={met or value}"
    return _assign(name, [] if value is None else [value.strip("'\"")])


def _assign(name: str, values: Sequence[str]) -> str:
    """A keyword argument; without a value it ends with the sign that a value follows."""
    spelled = ", ".join(each if _is_literal(each) else repr(each) for each in values)
    is_list = name in _LISTS and values
    return f"{_spell(name)}=" + (f"[{spelled}]" if is_list else spelled)


def _spell(name: str) -> str:
    return name.replace("-", "_")


def _is_literal(value: str) -> bool:
    """Whether it is a number, or a word in capitals that stands for what is to be given."""
    return bool(re.fullmatch(r"-?\d+(\.\d+)?|[A-Z]{2,}", value))
