"""Frozen dataclasses from JSON text, every type and range checked once, and back.

A field may be a text, a number, a truth value, a ``Literal`` of texts, another dataclass, a
``tuple[X, ...]``, a ``dict[str, X]``, a union of these, None among them, or ``object``, which is
any JSON value. ``Annotated[X, Limit(...)]`` holds fewer values than X does: `Count`, `Share`, ...
Its key in JSON is its name, or what its metadata say under `KEY`.
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from datacleanse.errors import DatacleanseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

KEY = "key"
"""Entry of a field's metadata: its key in JSON, where that is no name in Python."""

SHOWN = 60
"""Signs of a value that an error shows."""

DEEPEST = 64
"""Objects and lists that may stand in each other. No file of ours comes near; Python, which works
through them by recursion, gives up at about a thousand."""

LARGEST_INT = 2**63 - 1
"""What NumPy and Arrow can still count with."""

_LARGEST_FLOAT = sys.float_info.max

ROUNDING = 1e-6
"""By how much sums of floats may leave the range that they have in theory."""


@dataclass(frozen=True)
class Limit:
    """Which values of its type a field may hold; stands in ``Annotated``."""

    admits: Callable[[Any], bool]
    """Whether a value of the right type is one of them."""
    expected: str
    """What they are, for people."""


Count = Annotated[int, Limit(lambda value: value >= 0, "a whole number from 0 on")]

Number = Annotated[int, Limit(lambda value: value >= 1, "a whole number from 1 on")]

Share = Annotated[
    float, Limit(lambda value: -ROUNDING <= value <= 1 + ROUNDING, "a number from 0 to 1")
]

Amount = Annotated[float, Limit(lambda value: value >= -ROUNDING, "a number from 0 on")]

Positive = Annotated[float, Limit(lambda value: value > 0, "a number above 0")]

Sha256 = Annotated[
    str, Limit(re.compile("[0-9a-f]{64}").fullmatch, "a sha256 of 64 hexadecimal digits")
]

_Record = TypeVar("_Record", bound="DataclassInstance")


class UnexpectedValueError(ValueError):
    """A value that a field cannot hold; the message names the field, the value, what is right."""


def parse_json(content: bytes, *, is_strict: bool = False) -> Any:  # noqa: ANN401  # JSON
    """Parse the text of a JSON file.

    Args:
        content: of the file.
        is_strict: whether NaN, Infinity and half signs are refused wherever they stand, so that
            all of it can be written again; else `from_json` refuses them in the fields it knows.

    Raises:
        UnexpectedValueError: it is no JSON in UTF-8, names a key twice in an object or is nested
            deeper than `DEEPEST`; the message completes the sentence "it is damaged: ...".
    """
    try:
        plain = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_make_object)
    except UnicodeDecodeError as error:
        raise UnexpectedValueError(
            f"byte {error.start:,} of it ({content[error.start]:#04x}) is no UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        raise UnexpectedValueError(
            f"it is no JSON from line {error.lineno}, column {error.colno} on"
        ) from error
    except RecursionError as error:
        raise _make_depth_error() from error
    except UnexpectedValueError:
        raise
    except ValueError as error:
        raise UnexpectedValueError("it holds a number of thousands of digits") from error
    _check_depth(plain)
    if is_strict:
        _check_writable(plain)
    return plain


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnexpectedValueError(f"it names {_shorten(twice)} twice in one object")
    return made


def _check_writable(plain: object) -> None:
    """Refuse what no JSON in UTF-8 can hold."""
    if isinstance(plain, dict | list):
        for each in [*plain, *plain.values()] if isinstance(plain, dict) else plain:
            _check_writable(each)
    elif (isinstance(plain, str) and not _is_unicode(plain)) or (
        isinstance(plain, float) and not math.isfinite(plain)
    ):
        raise UnexpectedValueError(f"it holds {_shorten(plain)}, which is no JSON")


def _check_depth(plain: object) -> None:
    level = [plain]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise _make_depth_error()


def _make_depth_error() -> UnexpectedValueError:
    return UnexpectedValueError(f"more than {DEEPEST} objects and lists stand in each other in it")


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
    types = get_type_hints(kind, include_extras=True)
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
    """Make a dataclass of what `parse_json` gave. Keys that it does not have are passed over.

    Args:
        kind: the dataclass.
        value: what should be an object with its fields.
        path: of the value in the file, for messages; empty: the file as a whole.

    Raises:
        UnexpectedValueError: a field is missing, or its value of another type or out of its range.
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

    A tuple becomes a list, as `parse_json` would give it.
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
    annotation = strip_limit(annotation)
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
    """Whether the value itself, whatever is in it, is of the right kind and in its range."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        kind, limit = arguments
        return _check_admits(kind, value) and bool(limit.admits(value))
    if origin in (Union, UnionType):
        return any(_check_admits(arm, value) for arm in arguments)
    if annotation is object:
        return True
    return _is_of_type(annotation, value)


def _is_of_type(annotation: Any, value: object) -> bool:  # noqa: ANN401  # a type
    """Whether a value is of a type that is no union and has no limit."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(value, str):
        return _is_unicode(value) and (annotation is str or value in arguments)
    if isinstance(value, bool):  # which Python counts among the whole numbers
        return annotation is bool
    if annotation in (int, float):
        if annotation is int:
            return isinstance(value, int) and abs(value) <= LARGEST_INT
        return isinstance(value, int | float) and abs(value) <= _LARGEST_FLOAT
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
    return UnexpectedValueError(
        f"{path or 'the whole'} is {_shorten(value)}, where {_describe_expected(annotation)} was "
        "expected"
    )


def _shorten(value: object) -> str:
    """A value as JSON writes it, in ASCII and not at length."""
    shown = json.dumps(value)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def strip_limit(annotation: Any) -> Any:  # noqa: ANN401  # a type
    """The type behind ``Annotated``."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _describe_expected(annotation: Any) -> str:  # noqa: ANN401  # a type
    """What a field holds, for people."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return str(arguments[1].expected)
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
