"""What a model says of the data it was made from, held to what its run says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.data.labels import ClassFinder
from datacleanse.errors import RunFolderError
from datacleanse.storage.damage import CURE, say_on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datacleanse.records import Schema
    from datacleanse.storage.manifest.numbers import AnyManifest


_SPOKEN = {"columns": "columns", "set_aside": "columns set aside"}


def check_agreement(schema: Schema, manifest: AnyManifest, file: Path) -> None:
    """See that a model has the label, the classes and the columns of its run.

    Args:
        schema: of the model.
        manifest: of the run.
        file: where the model's schema stands.

    Raises:
        RunFolderError: it has others, and one of the two files is another run's or was changed.
    """
    for what, found, expected in _list_equal(schema, manifest):
        if found != expected:
            raise RunFolderError(
                f"{file} and run.json are not of one run, or one of them was changed: {what} is "
                f"{_show(found)} in the model, and {_show(expected)} in run.json.",
                slug="model-other-run",
                hint=CURE,
            )


def _list_equal(schema: Schema, manifest: AnyManifest) -> Iterator[tuple[str, object, object]]:
    """What both say, how the model says it, and how the run does."""
    data = manifest.data
    yield "the label", schema.label, data.label
    yield "the type of the labels", schema.label_type, data.label_type
    yield "the id", schema.id, data.id
    classes = tuple(manifest.classes or ())
    yield "the number of classes", len(schema.classes), len(classes)
    # The run names classes as DATA spells them, the model as files of all types agree on.
    find = ClassFinder(schema.classes)
    for code, (own, name) in enumerate(zip(schema.classes, classes, strict=True)):
        if find(name) != code:
            yield f"class {code}", own, name
    for role in ("columns", "set_aside"):
        ours, theirs = getattr(schema, role), getattr(manifest.schema, role)
        place = f"the number of {_SPOKEN[role]}"
        yield place, len(ours), len(theirs)
        for number, (own, other) in enumerate(zip(ours, theirs, strict=True)):
            place = f"{role}[{number}]"
            yield f"{place}.name", own.name, other.name
            yield f"{place}.kind", own.kind, other.kind
            yield place, own, other


def _show(value: object) -> str:
    return say_on_one_line(ascii(value))
