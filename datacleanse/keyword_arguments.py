"""Keyword arguments that are misspelled, answered with the one that was meant."""

from __future__ import annotations

import functools
import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

Entry = TypeVar("Entry", bound="Callable[..., Any]")
Taken = ParamSpec("Taken")
Result = TypeVar("Result")


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


def take_arguments_of(
    other: Callable[Taken, object],
) -> Callable[[Callable[[Mapping[str, Any]], Result]], Callable[Taken, Result]]:
    """Decorate a function of arguments by their names, so that it takes them as another one does.

    Args:
        other: whose signature and defaults it has.
    """
    theirs = inspect.signature(other)

    def decorate(entry: Callable[[Mapping[str, Any]], Result]) -> Callable[Taken, Result]:
        @functools.wraps(entry)
        def call(*given: Taken.args, **named: Taken.kwargs) -> Result:
            bound = theirs.bind(*given, **named)
            bound.apply_defaults()
            return entry(bound.arguments)

        told = inspect.signature(entry).return_annotation
        call.__signature__ = theirs.replace(return_annotation=told)  # type: ignore[attr-defined]
        return call

    return decorate


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
