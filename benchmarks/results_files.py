"""Result files small enough to compare: a short JSON file, and tables of cells as CSV beside it.

`write_result` leaves two kinds of files. ``NAME.json`` holds where the figures come from and their
summaries, in full precision. Each long list of records becomes ``NAME.KEY.csv``, one record a
line, floats at `CSV_DIGITS` significant digits.
Records may hold

- a dict of values: its columns are named ``outer.inner``;
- a dict of dicts, or a list of dicts: a table of its own, ``NAME.KEY.PART.csv``, whose lines begin
  with the columns that identify the record.

In the JSON file the list is replaced by the name of its table, and `read_result` puts it back.

An empty field is a key that the record lacks; ``null`` is None.
"""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

CSV_DIGITS = 6
"""Significant digits of a float in a table."""

TABLE = "table_file"
"""Key of what stands in the JSON file in place of a list of records."""

Record = dict[str, Any]


def write_cells(path: Path, rows: Sequence[Record]) -> None:
    """Write flat records as CSV, in the order of the keys when first met.

    Args:
        path: of the file; its folder is made.
        rows: values are None, bool, int, float, str, or lists of them.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_field(row[key]) if key in row else "" for key in columns])


def read_cells(path: Path) -> list[Record]:
    """The records of a CSV file that `write_cells` wrote, values with their types."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: _value(field) for key, field in row.items() if field != ""}
            for row in csv.DictReader(file)
        ]


def write_result(path: Path, result: Record, *, tables: Iterable[str]) -> None:
    """Write a result as a JSON file and its tables beside it.

    Args:
        path: of the JSON file.
        result: what was measured.
        tables: keys, at any depth, whose lists of records become tables.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    short = _with_tables(result, path, set(tables), ())
    path.write_text(_dump(short) + "\n", encoding="utf-8")


def earlier_records(path: Path, key: str) -> list[Record]:
    """What a result file holds already, of other sets; empty where there is none."""
    found: list[Record] = read_result(path)[key] if path.is_file() else []
    return found


def read_result(path: Path) -> Record:
    """A result with the tables beside it; only the tables' floats are rounded."""
    short = json.loads(path.read_text(encoding="utf-8"))
    return {key: _without_tables(value, path.parent) for key, value in short.items()}


def with_earlier(record: Record, earlier: Record) -> Record:
    """A provenance that also names where its older part comes from.

    Args:
        record: provenance of what was measured now.
        earlier: provenance of the result that other methods were taken from, with its own
            ``others``: a list, or, in older files, nested provenances.

    Returns:
        ``record`` with ``others``: each earlier commit once, the latest first, with its date.
    """
    others: dict[str, Record] = {}
    for each in _chain(earlier):
        kept: Record = {key: each[key] for key in ("commit", "date", "engine") if key in each}
        others.setdefault(each["commit"], kept)
    others.pop(record.get("commit", ""), None)
    return {**record, "others": list(others.values())}


def _chain(provenance: Record) -> Iterator[Record]:
    yield provenance
    others = provenance.get("others", [])
    for other in [others] if isinstance(others, dict) else others:
        yield from _chain(other)


def _with_tables(value: object, path: Path, tables: set[str], place: tuple[str, ...]) -> object:
    """The value with its lists of records written to files, and pointers in their stead."""
    if not isinstance(value, dict):
        return value
    found: Record = {}
    for key, inner in value.items():
        here = (*place, key)
        if key in tables and isinstance(inner, list):
            found[key] = _write_table(path, here, inner)
        else:
            found[key] = _with_tables(inner, path, tables, here)
    return found


def _write_table(path: Path, place: tuple[str, ...], records: list[Record]) -> Record:
    flat = [_flattened(record) for record in records]
    parts = list(dict.fromkeys(key for r in records for key in r if _is_part(r[key])))
    key = _identifying(flat)
    name = ".".join([path.stem, *(_in_file_name(each) for each in place)])
    write_cells(path.with_name(f"{name}.csv"), flat)
    pointer: Record = {TABLE: f"{name}.csv"}
    for part in parts:
        lines = [
            {**{column: row[column] for column in key}, **line}
            for row, record in zip(flat, records, strict=True)
            for line in _lines(part, record.get(part, []))
        ]
        write_cells(path.with_name(f"{name}.{part}.csv"), lines)
        is_named = any(isinstance(record.get(part), dict) for record in records)
        pointer.setdefault("key", key)
        pointer.setdefault("parts", {})[part] = {
            TABLE: f"{name}.{part}.csv",
            "named": is_named,
        }
    return pointer


def _is_part(value: object) -> bool:
    """Whether a record's value is a table of its own."""
    inner = list(value.values()) if isinstance(value, dict) else value
    return isinstance(inner, list) and bool(inner) and all(isinstance(v, dict) for v in inner)


def _flattened(record: Record) -> Record:
    flat: Record = {}
    for key, value in record.items():
        if _is_part(value):
            continue
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": each for inner, each in value.items()}
        else:
            flat[key] = value
    return flat


def _identifying(flat: list[Record]) -> list[str]:
    """The first columns that together differ in all records."""
    columns = list(flat[0]) if flat else []
    for count in range(1, len(columns) + 1):
        chosen = columns[:count]
        if len({tuple(row.get(c) for c in chosen) for row in flat}) == len(flat):
            return chosen
    return columns


def _lines(part: str, value: Record | list[Record]) -> Iterator[Record]:
    """The lines of one record's part; of a dict of dicts the first column holds the name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {part: name, **_flattened(inner)}
    else:
        yield from (_flattened(inner) for inner in value)


def _without_tables(value: object, folder: Path) -> object:
    """The value with every pointer replaced by what its files hold."""
    if isinstance(value, list):
        return [_without_tables(inner, folder) for inner in value]
    if not isinstance(value, dict):
        return value
    if TABLE in value:
        return _read_table(value, folder)
    return {key: _without_tables(inner, folder) for key, inner in value.items()}


def _read_table(pointer: Record, folder: Path) -> list[Record]:
    flat = read_cells(folder / pointer[TABLE])
    key = pointer.get("key", [])
    by_key = {tuple(row.get(column) for column in key): row for row in flat} if key else {}
    for part, where in pointer.get("parts", {}).items():
        for line in read_cells(folder / where[TABLE]):
            row = by_key[tuple(line.pop(column, None) for column in key)]
            if where["named"]:
                name = str(line.pop(part))
                row.setdefault(part, {})[name] = _nested(line)
            else:
                row.setdefault(part, []).append(_nested(line))
    return [_nested(row) for row in flat]


def _nested(row: Record) -> Record:
    """Columns named ``outer.inner`` as dicts again."""
    found: Record = {}
    for column, value in row.items():
        outer, dot, inner = column.partition(".")
        if dot and not outer.endswith(" "):
            found.setdefault(outer, {})[inner] = value
        else:
            found[column] = value
    return found


def _in_file_name(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", key.replace(",", "")).strip("-")


def _field(value: object) -> str:
    if value is None or isinstance(value, bool | list):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(float(f"{value:.{CSV_DIGITS}g}"))
    return str(value)


def _value(field: str) -> object:
    if field in {"null", "true", "false"} or field.startswith("["):
        return json.loads(field)
    for kind in (int, float):
        try:
            return kind(field)
        except ValueError:
            continue
    return field


def _dump(value: object, indent: int = 0) -> str:
    """JSON in which whatever holds no further list or dict stands on one line."""
    inner = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(inner, list) or not any(isinstance(each, dict | list) for each in inner):
        return json.dumps(value, ensure_ascii=False)
    pad = "\n" + " " * (indent + 1)
    if isinstance(value, dict):
        parts = [f"{json.dumps(k)}: {_dump(v, indent + 1)}" for k, v in value.items()]
        return "{" + pad + ("," + pad).join(parts) + "\n" + " " * indent + "}"
    parts = [_dump(v, indent + 1) for v in inner]
    return "[" + pad + ("," + pad).join(parts) + "\n" + " " * indent + "]"
