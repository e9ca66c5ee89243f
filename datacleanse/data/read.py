"""From a path or frame to a `Dataset`: DATA, whose schema is inferred, and files held to it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from datacleanse.data.checks import check_cells, check_shape
from datacleanse.data.class_names import note_class_names
from datacleanse.data.columns import MISSING_TEXTS
from datacleanse.data.id_column import check_row_names
from datacleanse.data.identity import check_ids
from datacleanse.data.interface import ReadOptions, Request
from datacleanse.data.label_column import USUAL_NAMES, choose_label
from datacleanse.data.messages import suggest_column
from datacleanse.data.missing_cells import note_missing, note_missing_unused
from datacleanse.data.new_values import NewValues, note_unreadable
from datacleanse.data.number_labels import learn_labels_for, match_labels_like
from datacleanse.data.packing import pack_table
from datacleanse.data.plain_types import register_pandas_types
from datacleanse.data.raw_table import Raw, Source, read_raw
from datacleanse.data.readers import find_reader
from datacleanse.data.readers.frame import name_rows
from datacleanse.data.schema import check_columns, check_options, infer_features
from datacleanse.data.sources import Location, locate
from datacleanse.errors import InputError
from datacleanse.notices import warn
from datacleanse.progress import SILENT
from datacleanse.records import Dataset, Notice, Schema
from datacleanse.storage.mapped_files import keep_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from datacleanse.data.new_values import KnownValues
    from datacleanse.progress import Progress

Role: TypeAlias = Literal["CLEAN", "TEST", "NEW"]

AllowedValues: TypeAlias = Literal["known", "new names", "any"]
"""What a column of new rows may consist of: values that can be read and some that are known; names
of which none is known, too, as in the folds of a cross-validation; or anything, which counts as
missing then."""


def read_data(source: Source, options: ReadOptions, *, progress: Progress = SILENT) -> Dataset:
    """Read DATA and infer its schema.

    Args:
        source: path, glob, folder of Parquet, address, or a frame or table in memory.
        options: what the person says about the columns.
        progress: is told of stages and of choices made.

    Raises:
        InputError: the table cannot be used; the message names file, row, column and value.
        SettingsError: options contradict each other.
    """
    progress.stage("Reading DATA", None)
    request = ask_for_data(options)
    raw = _read_as_written(source, request, options)
    label, notices = _choose_label(raw, options, progress)
    check_ids(raw.table, options.id, source=raw.name, unique=True)
    labels = learn_labels_for(
        options.of_labels,
        raw.table.column(label),
        name=label,
        source=raw.name,
        are_names=label in raw.declared,
    )
    features = infer_features(
        raw.table,
        options,
        label=label,
        context=raw.describe_column,
        progress=progress,
    )
    if features.id is not None and not raw.text_is_typed:
        raw = _read_ids_as_written(source, request, raw, features.id)
    schema = Schema(
        label,
        options.id if features.id is None else features.id,
        labels.classes,
        features.columns,
        features.set_aside,
        options.missing,
        raw.name_label_type(label),
        id_is_found=features.id is not None,
        label_convention=labels.convention,
    )
    if options.missing is not None and raw.text_is_typed:
        notices.append(note_missing_unused(raw.name))
    told = note_missing(raw.table, schema, raw.count_missing(request), source=raw.name)
    for notice in told:
        progress.say(notice.message)
    all_notices = (*notices, *labels.notices, *features.notices, *told)
    return Dataset(
        raw.name,
        raw.table,
        schema,
        keep_rows(labels.codes),
        labels.given,
        all_notices,
        row_names=name_rows(source),
        numbers=labels.numbers,
    )


def ask_for_data(options: ReadOptions) -> Request:
    """What a reader must know of DATA, of which nothing is known but what the person says."""
    wanted = {options.label} if options.label is not None else set(USUAL_NAMES)
    worded = (*options.categorical, *options.text)
    names = frozenset({*wanted, *([options.id] if options.id else [])})
    return Request(
        names | frozenset(worded),
        options.delimiter,
        names=names,
        missing=MISSING_TEXTS if options.missing is None else frozenset(options.missing),
        words=frozenset(worded if options.missing is None else ()),
    )


def _choose_label(raw: Raw, options: ReadOptions, progress: Progress) -> tuple[str, list[Notice]]:
    """The label column, options that name columns being checked, and what is to be said of it."""
    names = raw.table.column_names
    label = choose_label(names, options.label, source=raw.name, dropped=options.drop)
    check_options(options, names, label=label, source=raw.name)
    notices: list[Notice] = []
    if options.label is None:
        message = f"The label is column '{label}' of {raw.name}, by its name; --label overrules."
        progress.say(message)
        notices.append(Notice("label-chosen", message, column=label, option="--label"))
    return label, notices + note_class_names(label, raw.class_names, raw.name)


def _read_as_written(source: Source, request: Request, options: ReadOptions) -> Raw:
    """DATA; where a comma begins decimals, numbers with a point stay text in formats without types.

    There ``1.234`` is a thousand, and not what a reader makes of it.
    """
    raw = read_raw(source, request)
    if options.decimal != "," or raw.text_is_typed:
        return raw
    floats = {field.name for field in raw.table.schema if pa.types.is_floating(field.type)}
    if not floats:
        return raw
    return read_raw(source, replace(request, as_text=request.as_text | floats))


def _read_ids_as_written(source: Source, request: Request, raw: Raw, name: str) -> Raw:
    """DATA with the ids as the file spells them, where its reader took them for numbers."""
    place = raw.table.column_names.index(name)
    if not pa.types.is_integer(raw.table.schema.field(place).type):
        return raw
    again = read_raw(source, replace(request, as_text=request.as_text | {name}))
    ids = again.table.column(name)
    return replace(raw, table=raw.table.set_column(place, name, ids))


def read_like(
    source: Source | Location,
    schema: Schema,
    *,
    role: Role,
    delimiter: str | None = None,
    progress: Progress = SILENT,
    ignore_extra: bool | None = None,
    allow_unknown: bool = False,
) -> Dataset:
    """Read another file and hold it to DATA's schema.

    Args:
        source: as for `read_data`.
        schema: DATA's.
        role: what messages call the file; NEW may lack labels (all -1 then, and where labels are
            numbers) and know others (-1).
        delimiter: of a CSV; None for the format's own.
        progress: is told of the stage.
        ignore_extra: whether columns that DATA lacks are passed over and noted, or refused; None
            refuses them in NEW, where they are mostly another table's.
        allow_unknown: whether columns are read of whose values half or more are of another kind.

    Raises:
        InputError: columns or labels do not fit DATA's, or the table cannot be read.
    """
    progress.stage(f"Reading {role}", None)
    raw = read_raw(source, _ask_like(schema, delimiter))
    ignored = role != "NEW" if ignore_extra is None else ignore_extra
    own, notices, counts = check_columns(
        raw.table,
        schema,
        source=raw.name,
        role=role,
        ignore_extra=ignored,
        allow_unknown=allow_unknown,
    )
    if role != "NEW":  # of which `NewValues` tells more
        notices += note_unreadable(counts, schema.columns, source=f"{raw.name} ({role})")
    notices += check_row_names(raw.table, schema, source=raw.name, is_new=role == "NEW")
    whole = Dataset(
        raw.name,
        raw.table,
        own,
        np.full(raw.table.num_rows, -1, np.int64),
        schema.classes,
        tuple(notices),
        counts=tuple(counts),
    )
    return _add_labels(whole, raw, role)


def _add_labels(whole: Dataset, raw: Raw, role: Role) -> Dataset:
    """The data set with the labels of its file; without, where NEW has none."""
    label = whole.schema.label
    if label not in raw.table.column_names:
        if role != "NEW":
            raise make_label_error(raw.name, raw.table.column_names, label, role)
        return whole
    labels = match_labels_like(
        raw.table.column(label), whole.schema, name=label, source=raw.name, role=role
    )
    if labels is None:
        return whole
    return replace(whole, labels=labels.codes, given_labels=labels.given, numbers=labels.numbers)


def read_portions(
    source: str | os.PathLike[str],
    schema: Schema,
    *,
    delimiter: str | None = None,
    ignore_extra: bool = False,
    allow_unknown: bool = False,
) -> Iterator[Dataset]:
    """Read a file of new rows a portion at a time and hold each to DATA's schema.

    Memory does not grow with the file. Labels are not looked at: they are all -1.

    Args:
        source: a path, a glob or folder of Parquet, or an address.
        schema: DATA's.
        delimiter: of a CSV; None for the format's own.
        ignore_extra: whether columns that DATA lacks are passed over and noted, or refused.
        allow_unknown: as for `read_like`.

    Raises:
        InputError: as `read_like`, when the portion in question is reached.
    """
    register_pandas_types()
    location = locate(source)
    request = replace(
        _ask_like(schema, delimiter),
        as_number=frozenset(
            column.name
            for column in schema.columns
            if column.kind == "numeric" and column.convention is None
        ),
        expected=frozenset(column.name for column in schema.columns),
    )
    row = 0
    for table in find_reader(location).read_portions(location, request=request):
        if table.num_rows:
            portion = _hold_portion(
                location.name,
                table,
                schema,
                row,
                ignore_extra=ignore_extra,
                allow_unknown=allow_unknown,
            )
            # What this one told of how the file writes a column holds for the next ones.
            schema = portion.schema
            yield portion
            row += table.num_rows
    if not row:
        # It says in which way there is nothing.
        read_like(source, schema, role="NEW", delimiter=delimiter, ignore_extra=ignore_extra)


def _ask_like(schema: Schema, delimiter: str | None) -> Request:
    """What a reader must know of a file that is held to a schema."""
    return Request(
        _find_text_columns(schema),
        delimiter,
        names=frozenset({schema.label, *([schema.id] if schema.id else [])}),
        classes=frozenset(schema.classes),
        missing=MISSING_TEXTS if schema.missing is None else frozenset(schema.missing),
        words=_find_word_columns(schema),
    )


def _find_text_columns(schema: Schema) -> frozenset[str]:
    """The names of the columns of names, of text, or of numbers and dates as people write them."""
    names = [
        column.name
        for column in schema.columns
        if column.is_worded or column.convention is not None
    ]
    return frozenset({schema.label, *names, *([schema.id] if schema.id else [])})


def _find_word_columns(schema: Schema) -> frozenset[str]:
    """The names of the columns in which nothing but an empty cell is missing."""
    return frozenset(column.name for column in schema.columns if column.na_is_word)


def _hold_portion(
    name: str,
    table: pa.Table,
    schema: Schema,
    row: int,
    *,
    ignore_extra: bool,
    allow_unknown: bool,
) -> Dataset:
    check_shape(table, name)
    check_cells(table, name, first_row=row)
    table = pack_table(table, declared=frozenset())
    schema, notices, counts = check_columns(
        table,
        schema,
        source=name,
        role="NEW",
        first_row=row,
        ignore_extra=ignore_extra,
        allow_unknown=allow_unknown,
    )
    notices += check_row_names(table, schema, source=name, is_new=True, first_row=row)
    nothing = np.full(table.num_rows, -1, np.int64)
    return Dataset(name, table, schema, nothing, schema.classes, tuple(notices), row, tuple(counts))


def make_label_error(source: str, names: list[str], label: str, role: Role) -> InputError:
    """The error for a file, with columns ``names``, that has no label column."""
    return InputError(
        f"{source} ({role}) has no column '{label}' for the label.",
        slug="label-column-missing",
        hint=suggest_column(label, names),
    )


def read_new_rows(
    source: Source,
    schema: Schema,
    known: Iterable[KnownValues],
    *,
    allowed: AllowedValues = "known",
) -> Dataset:
    """Read rows to be classified, and warn of values that are unknown, unreadable or missing.

    Args:
        source: as for `read_like`.
        schema: DATA's.
        known: what the model has learned of the columns.
        allowed: what a column may hold nothing but.

    Raises:
        InputError: as `read_like`; or a column holds no value that is allowed.
    """
    data = read_like(source, schema, role="NEW", allow_unknown=allowed == "any")
    values = NewValues(known)
    values.add(data)
    if allowed == "known":
        values.check()
    # Ids are no part of what is made of the rows here.
    told = [notice for notice in data.notices if notice.slug != "id-missing"]
    warn([*told, *values.make_notices()])
    return data
