"""DATA's schema: inferred once, then held for every other file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data.column_kinds import judge, judge_numeric
from datacleanse.data.column_verdict import (
    Context,
    Verdict,
    set_aside,
    use_as_feature,
)
from datacleanse.data.columns import (
    is_text,
    measure_vectors,
    parse_moments,
    parse_numbers,
    parse_vector_texts,
)
from datacleanse.data.conventions import adopt_convention, describe_convention, rewrite_plainly
from datacleanse.data.id_column import find_id_column, note_id_found
from datacleanse.data.messages import (
    find_nearest,
    format_count,
    format_list,
    format_rows,
    quote_value,
    suggest_column,
)
from datacleanse.data.text_kinds import judge_given_text
from datacleanse.errors import InputError, SettingsError
from datacleanse.records import CellCount, Column, Notice, SetAside
from datacleanse.storage.mapped_files import release_mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from datacleanse.data.interface import ReadOptions
    from datacleanse.progress import Progress
    from datacleanse.records import Schema


@dataclass(frozen=True)
class Features:
    """The columns that the network reads, those that it does not, and what to say about them."""

    columns: tuple[Column, ...]
    set_aside: tuple[SetAside, ...]
    notices: tuple[Notice, ...]
    id: str | None = None
    """The column that names rows, where nobody said which it is and one plainly does."""


def check_options(options: ReadOptions, names: Sequence[str], *, label: str, source: str) -> None:
    """Refuse options that contradict each other or name columns that are not there.

    Raises:
        SettingsError: two options cannot both hold.
        InputError: a column does not exist.
    """
    kinds = {"categorical": options.categorical, "numeric": options.numeric, "text": options.text}
    lists = {"drop": options.drop, **kinds}
    for flag, wanted in lists.items():
        for name in wanted:
            if name not in names:
                raise InputError(
                    f"{source} has no column '{name}' (from --{flag}).",
                    slug="column-unknown",
                    hint=suggest_column(name, names),
                )
    for (flag, wanted), (other, others) in combinations(lists.items(), 2):
        both = [name for name in wanted if name in others]
        if both:
            raise _make_conflict_error(
                f"Column '{both[0]}' is named by both --{flag} and --{other}."
            )
    for flag, wanted in lists.items():
        if label in wanted:
            raise _make_conflict_error(
                f"Column '{label}' is the label and is named by --{flag} too."
            )
    if options.id == label:
        raise _make_conflict_error(f"Column '{label}' is named as the label and as the id.")


def _make_conflict_error(message: str) -> SettingsError:
    return SettingsError(message, slug="column-options-conflict", hint="Name it once.")


def infer_features(
    table: pa.Table,
    options: ReadOptions,
    *,
    label: str,
    context: Callable[[str], Context],
    progress: Progress,
) -> Features:
    """Decide what each column of DATA is.

    Args:
        table: DATA as read.
        options: what the person said about columns.
        label: the label column, which is no feature.
        context: what is known of a column, by its name.
        progress: is told of each column.

    Raises:
        InputError: no column is left to learn from.
    """
    progress.stage("Looking at columns", table.num_columns)
    verdicts: list[Verdict] = []
    for name, cells in zip(table.column_names, table.columns, strict=True):
        if name not in (label, options.id):
            said = replace(context(name), decimal=options.decimal, dates=options.dates)
            verdicts.append(_judge_column(name, cells, options, context=said))
            release_mapped()
        progress.advance()
    columns = tuple(
        _keep_words(verdict.column, options, context(verdict.column.name))
        for verdict in verdicts
        if verdict.column is not None
    )
    aside = tuple(verdict.set_aside for verdict in verdicts if verdict.set_aside is not None)
    source = context(label).source
    if not columns:
        raise _make_no_features_error(aside, source=source)
    notices = [notice for verdict in verdicts for notice in verdict.notices]
    id_ = find_id_column(table, aside) if options.id is None and options.seeks_id else None
    if id_ is not None:
        aside = tuple(each for each in aside if each.name != id_)
        notices.append(note_id_found(id_, source))
    for notice in notices:
        if notice.slug in ("convention-read", "id-found", "text-read"):
            progress.say(notice.message)
    return Features(columns, aside, (*notices, *_note_set_aside(aside, source)), id_)


def _judge_column(
    name: str, cells: pa.ChunkedArray, options: ReadOptions, *, context: Context
) -> Verdict:
    """What a person said of the column holds, else its values decide."""
    if name in options.drop:
        return set_aside(name, "dropped", "--drop names it")
    if name in options.categorical:
        return use_as_feature(name, "categorical")
    if name in options.numeric:
        return judge_numeric(name, cells, context)
    if name in options.text:
        return judge_given_text(name, cells, context)
    verdict = judge(name, cells, context)
    is_empty = verdict.set_aside is not None and verdict.set_aside.kind == "empty"
    if is_empty and context.text_is_typed and is_text(cells.type):
        # Words such as NA, which only a CSV takes for missing values.
        words = [text for text in cells.unique().to_pylist() if text]
        if len(words) > 1 or (words and cells.null_count):
            return use_as_feature(name, "categorical")
    return verdict


def _keep_words(column: Column, options: ReadOptions, context: Context) -> Column:
    """The column, marked where texts such as NA are values of it as any other."""
    is_told = column.name in (*options.categorical, *options.text) and options.missing is None
    is_word = column.is_worded and (context.text_is_typed or is_told)
    return replace(column, na_is_word=True) if is_word else column


def _make_no_features_error(columns: Sequence[SetAside], *, source: str) -> InputError:
    why = "; ".join(f"'{column.name}': {column.reason}" for column in columns[:5])
    cure = (
        "Give columns that describe the rows; --numeric, --categorical and --text overrule the "
        "detection."
    )
    return InputError(
        f"{source} has no column to learn from{f' ({why})' if why else ' beside the label'}.",
        slug="no-features",
        hint=cure,
    )


def _note_set_aside(columns: Sequence[SetAside], source: str) -> list[Notice]:
    if not columns:
        return []
    what = "; ".join(f"'{column.name}' ({column.reason})" for column in columns[:8])
    more = f"; and {len(columns) - 8} more" if len(columns) > 8 else ""
    start = f"{format_count(len(columns), 'column')} of {source} "
    message = f"{start}not used as features: {what}{more}."
    return [Notice("columns-set-aside", message, option="--categorical, --numeric or --text")]


def check_columns(
    table: pa.Table,
    schema: Schema,
    *,
    source: str,
    role: str,
    first_row: int = 0,
    ignore_extra: bool,
    allow_unknown: bool,
) -> tuple[Schema, list[Notice], list[CellCount]]:
    """Check another file, or a portion of it from ``first_row`` on, against DATA's columns.

    Returns:
        The schema by which the file is to be read: DATA's, but for columns that the file plainly
        writes in another way; what to say of these and of columns that are ignored; and how far the
        cells of the features that are no names can be read.

    Raises:
        InputError: a feature is missing, or its values are of another kind than in DATA and that is
            not to be allowed; or there are further columns that DATA lacks, and they are not to be
            ignored.
    """
    names = table.column_names
    known = {schema.label, schema.id, *(column.name for column in schema.columns)}
    known |= {column.name for column in schema.set_aside}
    extra = [name for name in names if name not in known]
    _check_none_missing(names, schema, extra, source=source, role=role)
    name = f"{source} ({role})"
    columns, counts, notices = [], [], []
    for column in schema.columns:
        own, count = column, None
        if not column.is_worded:
            cells = table.column(column.name)
            own, count = _find_way(cells, column, source=name, first_row=first_row)
            if own is not column:
                notices.append(_note_way(own, source=name))
            counts.append(count)
            if not allow_unknown:
                _check_kind(count, column, source=name, is_new=role == "NEW")
        columns.append(own)
    if extra:
        message = f"{source} ({role}) has {format_count(len(extra), 'column')} that DATA lacks: "
        if not ignore_extra:
            raise InputError(
                f"{message}{format_list(extra)}.",
                slug="columns-unknown",
                hint="Leave them out; `datacleanse predict --ignore-extra` passes over them.",
            )
        notices.append(Notice("columns-extra", f"{message}{format_list(extra)}; ignored."))
    return replace(schema, columns=tuple(columns)), notices, counts


def _check_none_missing(
    names: Sequence[str], schema: Schema, extra: Sequence[str], *, source: str, role: str
) -> None:
    """Refuse a file without one of DATA's features; the hint names those of ``extra`` like it."""
    missing = [column.name for column in schema.columns if column.name not in names]
    if missing:
        close = [(name, find_nearest(name, extra)) for name in missing]
        pairs = [f"'{name}' may be '{other}' here" for name, other in close if other is not None]
        raise InputError(
            f"{source} ({role}) lacks {format_count(len(missing), 'column')} of DATA: "
            f"{format_list(missing)}.",
            slug="columns-missing",
            hint=f"{'; '.join(pairs[:5])}; rename." if pairs else "Add them; cells may be empty.",
        )


def _find_way(
    cells: pa.ChunkedArray, column: Column, *, source: str, first_row: int
) -> tuple[Column, CellCount]:
    """The column in the way that this file writes it, and how far its cells can be read so.

    That is DATA's way unless cells cannot be read by it, and the file tells plainly how it writes.
    """
    count = _count_cells(cells, column, source=source, first_row=first_row)
    if not count.unreadable:
        return column, count
    other = adopt_convention(cells, column)
    if other is column:
        return column, count
    found = _count_cells(cells, other, source=source, first_row=first_row)
    return (other, found) if found.unreadable < count.unreadable else (column, count)


def _note_way(column: Column, *, source: str) -> Notice:
    assert column.convention is not None
    message = (
        f"{source}: column '{column.name}' is read as {describe_convention(column.convention)}, "
        "other than in DATA."
    )
    return Notice("convention-other", message, column=column.name)


def _count_cells(
    cells: pa.ChunkedArray, column: Column, *, source: str, first_row: int
) -> CellCount:
    """How far cells can be read as the column's kind; lists of another length are refused."""
    if column.kind == "embedding" or pa.types.is_null(cells.type):
        if column.kind == "embedding" and not pa.types.is_null(cells.type):
            _check_vectors(cells, column, source=source, first_row=first_row)
        absent = cells.is_null().to_numpy()
        failed = np.zeros(len(cells), dtype=bool)
    else:
        written = rewrite_plainly(cells, column)
        parsed = (
            parse_moments(written)
            if column.kind == "datetime"
            else parse_numbers(written, flags=column.kind == "boolean")
        )
        failed = parsed.failed
        absent = parsed.find_missing() & ~failed
    row = int(np.argmax(failed)) if failed.any() else -1
    return CellCount(
        column.name,
        int((~absent).sum()),
        int(absent.sum()),
        int(failed.sum()),
        quote_value(cells[row].as_py()) if row >= 0 else "",
        row + first_row if row >= 0 else -1,
        int(np.argmax(absent)) + first_row if absent.any() else -1,
    )


def _check_kind(count: CellCount, column: Column, *, source: str, is_new: bool) -> None:
    """Refuse a column half of whose values, or more, are of another kind."""
    failed, convention = count.unreadable, column.convention
    cure = "Mend the values" if convention is None else f"Write it as in DATA, {convention.example}"
    if failed and failed >= count.present / 2:
        raise InputError(
            f"{source}: column '{column.name}' is {column.kind} in DATA, but "
            f"{format_count(failed, 'value')} of {count.present:,} here cannot be read so, for "
            f"example {count.example} in {format_rows([count.row])}.",
            slug="column-retyped",
            hint=f"{cure}; to count them as missing: --allow-unknown."
            if is_new
            else f"{cure}, or leave the column out with --drop.",
        )


def _check_vectors(cells: pa.ChunkedArray, column: Column, *, source: str, first_row: int) -> None:
    lists = parse_vector_texts(cells) if is_text(cells.type) else cells
    if pa.types.is_nested(lists.type):
        lengths = measure_vectors(lists)
        odd = np.flatnonzero((lengths >= 0) & (lengths != column.width))
        if not len(odd) and not (lists.null_count == len(lists) > cells.null_count):
            return
        found = (
            f"{lengths[odd[0]]} numbers in {format_rows([int(odd[0]) + first_row])}"
            if len(odd)
            else "text"
        )
    else:
        found = str(lists.type)
    raise InputError(
        f"{source}: column '{column.name}' holds lists of {column.width} numbers in DATA, but "
        f"{found} here.",
        slug="embedding-lengths",
        hint="Write the lists with the same encoder as DATA's.",
    )
