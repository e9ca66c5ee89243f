"""Keyword arguments that are misspelled, answered with the one that was meant."""

from __future__ import annotations

import functools
import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

Entry = TypeVar("Entry", bound="Callable[..., Any]")


def suggest_keywords(entry: Entry) -> Entry:
    """Decorate a function or a class, so that an unknown keyword names the closest known one.

    Raises:
        TypeError: when it is called with such a keyword.
    """
    if inspect.isclass(entry):
        type.__setattr__(entry, "__init__", _check_names(entry.__init__, entry.__name__))
        return entry
    checked: Entry = _check_names(entry, entry.__name__)
    return checked


def _check_names(called: Any, name: str) -> Any:  # noqa: ANN401  # any signature
    known = frozenset(inspect.signature(called).parameters)

    @functools.wraps(called)
    def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        unknown = named.keys() - known
        if unknown:
            raise TypeError(_describe_unknown(name, sorted(unknown), known))
        return called(*given, **named)

    return call


def _describe_unknown(name: str, unknown: Iterable[str], known: Collection[str]) -> str:
    said = []
    for each in unknown:
        close = get_close_matches(each, sorted(known), n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        said.append(f"{name}() has no argument {each!r}.{meant}")
    return " ".join(said)
