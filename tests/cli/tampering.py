"""Ways to change a file of a run as damage, or somebody who means no good, would."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from random import Random

ODD: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 0.5, 1.5, 10**6, 2**63, -(2**63) - 1, 10**400),
    *(1e308, float("nan"), float("inf"), "", "x", "no", "\ud800", "\x1b[31m", "../x", "x" * 5000),
    *([], {}, [None], [[]], {"a": 1}, ["a", "a"], "embedding", "residual"),
)
"""Values that some field does not expect."""


def find_places(plain: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in JSON, objects and lists too."""
    items: Any = ()
    if isinstance(plain, dict | list):
        items = plain.items() if isinstance(plain, dict) else enumerate(plain)
    found = []
    for key, value in items:
        found += [(*path, key), *find_places(value, (*path, key))]
    return found


def tamper_json(content: bytes, random: Random) -> bytes:
    """JSON with a value changed, gone, doubled, nested or moved, or its bytes spoilt."""
    plain = json.loads(content)
    path = random.choice(find_places(plain))
    parent = plain
    for key in path[:-1]:
        parent = parent[key]
    old, how = parent[path[-1]], random.random()
    if how < 0.5:
        parent[path[-1]] = random.choice(ODD)
    elif how < 0.6:
        del parent[path[-1]]
    elif how < 0.7 and isinstance(parent, list):
        parent.append(old)
    elif how < 0.8 and isinstance(old, int | float):
        parent[path[-1]] = random.choice([-old, old + 1, old * 10, old / 3])
    elif how < 0.9:
        for _ in range(random.choice([1, 70, 150])):
            old = [old]
        parent[path[-1]] = old
    else:
        return tamper_text(content, random)
    return json.dumps(plain).encode()


def tamper_text(content: bytes, random: Random) -> bytes:
    """The same text in another encoding, with a key twice, or too deep."""
    twice = content.replace(b"{", b'{"schema_version": 2, "schema_version": 2, ', 1)
    odd = [b"\xef\xbb\xbf" + content, content.decode().encode("utf-16"), twice, b"[" * 100_000]
    return random.choice([*odd, tamper_bytes(content, random)])


def tamper_bytes(content: bytes, random: Random) -> bytes:
    """The content cut off, or with some bytes changed or swapped."""
    if random.random() < 0.3:
        return content[: random.randrange(len(content))]
    changed = bytearray(content)
    for _ in range(random.choice([1, 5, 50])):
        first, second = random.randrange(len(changed)), random.randrange(len(changed))
        changed[first], changed[second] = changed[second], random.randrange(256)
    return bytes(changed)


def tamper_table(content: bytes, random: Random) -> bytes:
    """A Parquet file with a column of other cells, gone, doubled or renamed, or other rows."""
    with pq.ParquetFile(io.BytesIO(content)) as file:
        table = file.read()
    at, n = random.randrange(table.num_columns), table.num_rows
    how = random.random() * (1.0 if n else 0.5)
    name = table.column_names[at]
    if how < 0.3:
        table = table.set_column(at, name, make_odd_cells(n, random))
    elif how < 0.4:
        table = table.remove_column(at)
    elif how < 0.5:
        table = table.append_column(name, table.column(at))
    elif how < 0.6:
        table = table.slice(0, random.randrange(n + 1))
    elif how < 0.7:
        table = table.take(pa.array(random.sample(range(n), n), pa.int64()))
    elif how < 0.8:
        table = table.replace_schema_metadata({"groups": "x", "rows": "-1", "pandas": "{}"})
    else:
        cells = table.column(at).to_pylist()
        cells[random.randrange(n)] = random.choice([None, -1, 10**6, float("nan"), "x", 2.5])
        try:
            table = table.set_column(at, name, pa.array(cells, table.schema.field(at).type))
        except (pa.ArrowException, OverflowError):
            table = table.set_column(at, name, make_odd_cells(n, random))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def make_odd_cells(n: int, random: Random) -> pa.Array:
    """(n,) cells of a type that the column may not have."""
    numbers = np.random.default_rng(random.randrange(2**32))
    not_text = pa.py_buffer(b"\xff" * n)
    offsets = pa.py_buffer(np.arange(n + 1, dtype=np.int32))
    return random.choice(
        [
            pa.array(numbers.integers(-3, n + 3, n)),
            pa.array(numbers.normal(size=n)),
            pa.array(numbers.choice([np.nan, np.inf, -np.inf, 1e308], n)),
            pa.array(["x"] * n),
            pa.array(["x"] * n).dictionary_encode(),
            pa.nulls(n),
            pa.array([[1.0]] * n),
            pa.array([{"a": 1}] * n),
            pa.array(np.full(n, 2**64 - 1, np.uint64)),
            pa.array(numbers.choice([2**62, -(2**62)], n), pa.timestamp("us")),
            pa.StringArray.from_buffers(n, offsets, not_text),
        ]
    )
