"""What DATA's columns were taken for, as `run.json`, `model.json` and exported models keep it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from datacleanse.records import Schema
from datacleanse.storage.typed_json import UnexpectedValueError, from_json, inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from datacleanse.records import Column, SetAside

WIDEST = 1 << 20
"""Numbers that a cell holds, at most: the longest vector whose network would fit into memory."""


def read_schema(value: object, path: str, *, has_classes: bool = True) -> Schema:
    """A schema out of JSON, held to what any schema of DATA is.

    Args:
        value: what should be one.
        path: of the value in its file.
        has_classes: whether labels are classes, and no numbers to predict.

    Raises:
        UnexpectedValueError: a value is of a wrong type or contradicts another.
    """
    schema = from_json(Schema, value, path)
    if (len(schema.classes) < 2) if has_classes else schema.classes:
        raise UnexpectedValueError(
            f"{inside(path, 'classes')} names {len(schema.classes)} of them, where "
            f"{'2 or more were' if has_classes else 'none was'} expected"
        )
    check_unique(schema.classes, inside(path, "classes"))
    check_columns(schema.columns, schema.set_aside, path, label=schema.label, id_=schema.id)
    return schema


def check_columns(
    columns: Sequence[Column],
    set_aside: Sequence[SetAside],
    path: str,
    *,
    label: str,
    id_: str | None,
) -> None:
    """See that each column of DATA plays one part, and how many numbers its cells hold.

    Raises:
        UnexpectedValueError: one plays two, or has a width that it cannot have.
    """
    check_unique([label, *([] if id_ is None else [id_])], f"{inside(path, 'label')} with id")
    check_unique([column.name for column in columns], inside(path, "columns"))
    check_unique([column.name for column in set_aside], inside(path, "set_aside"))
    for number, column in enumerate(columns):
        place = f"{inside(path, 'columns')}[{number}]"
        if column.name in (label, id_):
            raise UnexpectedValueError(
                f"{place}.name is {column.name!a}, which is the label or the id"
            )
        most = WIDEST if column.kind == "embedding" else 1
        if not 1 <= column.width <= most:
            raise UnexpectedValueError(
                f"{place}.width is {column.width}, where a whole number from 1 to {most} was "
                "expected"
            )


def check_unique(names: Iterable[str], path: str) -> None:
    """See that no name stands twice in a list.

    Raises:
        UnexpectedValueError: one does.
    """
    name, times = next(iter(Counter(names).most_common(1)), ("", 0))
    if times > 1:
        raise UnexpectedValueError(f"{path} names {name!a} {times} times")
