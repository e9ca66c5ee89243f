"""The fields of a dataclass that is kept as JSON, as a reader of the file finds them documented."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, is_dataclass
from textwrap import dedent
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from datacleanse.storage.typed_json import find_slots, inside, strip_limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class DocumentedField:
    """A field, for people."""

    path: str
    """E.g. ``noise.rate.share``; ``budget[]`` is every item of a list, ``timings.*`` every value
    of an object whose keys are not fixed."""
    type: str
    """E.g. ``text or null``."""
    meaning: str
    """What stands below the field in the source, on one line."""


def list_documented_fields(kind: type[DataclassInstance]) -> Iterator[DocumentedField]:
    """The fields of a dataclass and of those in it, in the file's order.

    A dataclass that comes a second time is only referred to.
    """
    return _list_fields(kind, "", {})


def _list_fields(
    kind: type[DataclassInstance], path: str, met: dict[type, str]
) -> Iterator[DocumentedField]:
    meanings = _read_docstrings(kind)
    for slot in find_slots(kind):
        place, inner = _find_innermost(slot.annotation, inside(path, slot.key))
        before = met.get(inner) if isinstance(inner, type) else None
        said = _type(slot.annotation)
        yield DocumentedField(
            inside(path, slot.key),
            f"{said}, as `{before}`" if before else said,
            meanings.get(slot.name, ""),
        )
        if isinstance(inner, type) and is_dataclass(inner) and before is None:
            met[inner] = place
            yield from _list_fields(inner, place, met)


def _find_innermost(annotation: Any, path: str) -> tuple[str, Any]:  # noqa: ANN401  # a type
    """What a field holds in the end, behind null, lists and objects, and where."""
    annotation = strip_limit(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _find_innermost(next(arm for arm in arguments if arm is not NoneType), path)
    if origin is tuple:
        return _find_innermost(arguments[0], f"{path}[]")
    if origin is dict:
        return _find_innermost(arguments[1], f"{path}.*")
    return path, annotation


def _type(annotation: Any) -> str:  # noqa: ANN401  # a type
    annotation = strip_limit(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(map(_type, arguments))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"list of {_group(arguments[0])}"
    if origin is dict:
        return f"object of {_group(arguments[1])}"
    named = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        NoneType: "null",
        object: "any value",
    }
    return named.get(annotation, "object")


def _group(annotation: Any) -> str:  # noqa: ANN401  # a type
    said = _type(annotation)
    return f"({said})" if " or " in said else said


def _read_docstrings(kind: type) -> dict[str, str]:
    """What stands below each field, by its name; of the classes it inherits from, too."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        (definition,) = ast.parse(dedent(inspect.getsource(base))).body
        assert isinstance(definition, ast.ClassDef)
        for field, below in zip(definition.body, definition.body[1:], strict=False):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(text.split())
    return found
