"""Tables so small that a run on them takes no time, as text, and ways to spoil them."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

HEADER = "key,age,score,city,label\n"


def rows(n: int, *, first: int = 0) -> str:
    """Rows `first` and on: ids, whole numbers, fractions, words and two classes."""
    cities = ("Ulm", "Köln", "Genf")
    return "".join(
        f"p{i},{18 + 7 * i % 30},{i + 0.5},{cities[i % 3]},{'yes' if i % 4 < 2 else 'no'}\n"
        for i in range(first, first + n)
    )


DATA = HEADER + rows(40)
CLEAN = HEADER + rows(12, first=100)


def swapped(text: str, *pairs: tuple[str, str], times: int = 1) -> str:
    """The text with replacements made, each of which must hit."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, times)
    return text


def cell(text: str, row: int, column: str, value: str) -> str:
    """The table with one cell changed; the first data row is 0."""
    lines = text.splitlines(keepends=True)
    cells = lines[row + 1].rstrip("\n").split(",")
    cells[lines[0].strip().split(",").index(column)] = value
    lines[row + 1] = ",".join(cells) + "\n"
    return "".join(lines)


def without(text: str, column: str) -> str:
    """The table without a column."""
    table = [line.split(",") for line in text.splitlines()]
    at = table[0].index(column)
    return "".join(",".join(line[:at] + line[at + 1 :]) + "\n" for line in table)


def arrow(text: str) -> pa.Table:
    """The table, typed."""
    return pacsv.read_csv(io.BytesIO(text.encode()))


def parquet(table: pa.Table) -> bytes:
    """The bytes of a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def zstd(content: bytes) -> bytes:
    """The bytes of a .zst file."""
    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


def write(folder: Path, files: dict[str, str | bytes | None]) -> None:
    """Write files by name; a name that ends in a slash is a folder."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything that lies in a folder, to see that nothing changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
