"""A command's options as the fields of a frozen record, where parameters would be too many."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

Given = TypeVar("Given", bound="DataclassInstance")


def expand_fields(record: type[Given]) -> Callable[[Callable[[Given], int]], Callable[..., int]]:
    """Decorate a command that takes one record, so that Typer sees an option for each field.

    Args:
        record: a frozen dataclass; its fields are annotated with the types of `options`, and their
            order is that of the help.
    """
    kinds = get_type_hints(record, include_extras=True)
    parameters = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=kinds[each.name],
        )
        for each in fields(record)
    ]

    def decorate(command: Callable[[Given], int]) -> Callable[..., int]:
        def run(**given: Any) -> int:  # noqa: ANN401  # whatever the options take
            return command(record(**given))

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = kinds
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    return decorate
