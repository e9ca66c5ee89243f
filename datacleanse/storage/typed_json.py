"""Frozen dataclasses from plain JSON values, every type checked once, and back.

A field may be a text, a number, a truth value, a ``Literal`` of texts, another dataclass, a
``tuple[X, ...]``, a ``dict[str, X]``, a union of these, None among them, or ``object``, which is
any JSON value. Its key in JSON is its name, or what its metadata say under `KEY`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from datacleanse.errors import DatacleanseError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

KEY = "key"
"""Entry of a field's metadata: its key in JSON, where that is no name in Python."""

SHOWN = 60
"""Signs of a value that an error shows."""

_Record = TypeVar("_Record", bound="DataclassInstance")


class UnexpectedValueError(ValueError):
    """A value that a field cannot hold; the message names the field, the value, what is right."""


@dataclass(frozen=True)
class Slot:
    """A field of a dataclass as JSON has it."""

    name: str
    """In Python."""
    key: str
    """In JSON."""
    annotation: Any
    """Its type, resolved."""
    is_needed: bool
    """Whether JSON must have it, as there is no default."""


@cache
def find_slots(kind: type[DataclassInstance]) -> tuple[Slot, ...]:
    """The fields of a dataclass, in order."""
    types = get_type_hints(kind)
    return tuple(
        Slot(
            field.name,
            field.metadata.get(KEY, field.name),
            types[field.name],
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    )


def from_json(kind: type[_Record], value: object, path: str = "") -> _Record:
    """Make a dataclass of what `json.loads` gave. Keys that it does not have are passed over.

    Args:
        kind: the dataclass.
        value: what should be an object with its fields.
        path: of the value in the file, for messages; empty: the file as a whole.

    Raises:
        UnexpectedValueError: a field is missing, or its value is of another type.
    """
    if not isinstance(value, dict):
        raise _make_unexpected_error(kind, value, path)
    given = {}
    for slot in find_slots(kind):
        place = inside(path, slot.key)
        if slot.key in value:
            given[slot.name] = _convert(slot.annotation, value[slot.key], place)
        elif slot.is_needed:
            raise UnexpectedValueError(
                f"{place} is missing, where {_describe_expected(slot.annotation)} was expected"
            )
    try:
        return kind(**given)
    except DatacleanseError as error:
        # The dataclass checks ranges itself, and names the value.
        said, cure = (text.removesuffix(".") for text in (error.message, error.hint))
        raise UnexpectedValueError(f"{path} cannot be used: {said} ({cure})") from error


def to_json(value: object) -> Any:  # noqa: ANN401  # JSON
    """The plain values of a dataclass, or of a mapping or sequence of them; inverse of `from_json`.

    A tuple becomes a list, as `json.loads` would give it.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {slot.key: to_json(getattr(value, slot.name)) for slot in find_slots(type(value))}
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def _convert(annotation: Any, value: Any, path: str) -> Any:  # noqa: ANN401  # JSON, types
    if not _check_admits(annotation, value):
        raise _make_unexpected_error(annotation, value, path)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        arm = next(arm for arm in arguments if _check_admits(arm, value))
        return _convert(arm, value, path)
    if origin is tuple:
        return tuple(
            _convert(arguments[0], item, f"{path}[{number}]") for number, item in enumerate(value)
        )
    if origin is dict:
        return {
            _convert(str, key, path): _convert(arguments[1], item, inside(path, key))
            for key, item in value.items()
        }
    if isinstance(annotation, type) and is_dataclass(annotation):
        return from_json(annotation, value, path)
    return float(value) if annotation is float else value


def _check_admits(annotation: Any, value: object) -> bool:  # noqa: ANN401  # a type
    """Whether the value itself, whatever is in it, is of the right kind."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return any(_check_admits(arm, value) for arm in arguments)
    if annotation is object:
        return True
    if isinstance(value, str):
        return _is_unicode(value) and (annotation is str or value in arguments)
    if isinstance(value, bool):  # which Python counts among the whole numbers
        return annotation is bool
    if annotation is float:
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    kind = dict if is_dataclass(annotation) else origin or annotation
    return isinstance(value, {tuple: list, Literal: str}.get(kind, kind))


def _is_unicode(text: str) -> bool:
    """Whether the text can be written; JSON can hold half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _make_unexpected_error(annotation: Any, value: object, path: str) -> UnexpectedValueError:  # noqa: ANN401
    shown = json.dumps(value)
    if len(shown) > SHOWN:
        shown = f"{shown[:SHOWN]}…"
    where = path or "the whole"
    return UnexpectedValueError(
        f"{where} is {shown}, where {_describe_expected(annotation)} was expected"
    )


def _describe_expected(annotation: Any) -> str:  # noqa: ANN401  # a type
    """What a field holds, for people."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(map(_describe_expected, arguments))
    if origin is Literal:
        return f"one of {', '.join(map(json.dumps, arguments))}"
    named = {
        str: "a text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        NoneType: "null",
        tuple: "a list",
    }
    return named.get(origin or annotation, "an object")


def inside(path: str, key: str) -> str:
    """The path of an entry; keys that are no names stand in brackets, as JSON writes them."""
    if not key.isidentifier():
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key
