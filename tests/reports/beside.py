"""What a run keeps of its suspects besides the audit table, fabricated."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.storage.suspect_schemas import TELLING_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.storage.run_folder import RunFolder


def write_calibration(folder: RunFolder, *, n_rows: int) -> None:
    """Half of the verified rows steer, the others have low scores."""
    scores = np.where(np.arange(n_rows) % 2 == 0, np.nan, (np.arange(n_rows) / n_rows) ** 4)
    parts = np.where(np.isnan(scores), "steering", "calibration")
    table = {
        "row": pa.array(np.arange(n_rows)),
        "part": pa.array(parts),
        "score": pa.array(scores, from_pandas=True),
    }
    pq.write_table(pa.table(table), folder.calibration_file)


def write_likelihoods(folder: RunFolder, audit: pa.Table, classes: Sequence[str]) -> None:
    """The suggestion, the given label, then the others."""
    lines = []
    for line in audit.to_pylist():
        first = [line["suggested_label"], line["given_label"], *classes]
        names = list(dict.fromkeys(name for name in first if name is not None))[:9]
        lines += [
            {"row": line["row"], "place": place, "label": name, "probability": 0.9 / 10**place}
            for place, name in enumerate(names, start=1)
        ]
    schema = pa.schema(
        [
            ("row", pa.int64()),
            ("place", pa.int32()),
            ("label", pa.string()),
            ("probability", pa.float32()),
        ]
    )
    pq.write_table(pa.Table.from_pylist(lines, schema=schema), folder.likelihoods_file)


def write_neighbours(folder: RunFolder, rows: Sequence[int], classes: Sequence[str]) -> None:
    """Three of each row, out of a hundred verified ones."""
    lines = [
        {
            "row": row,
            "place": place,
            "clean_row": (7 * row + place) % 100,
            "label": classes[(row + place // 3) % len(classes)],
            "distance": 0.5 * place,
        }
        for row in rows
        for place in (1, 2, 3)
    ]
    pq.write_table(pa.Table.from_pylist(lines), folder.neighbours_file)


def write_clean_rows(folder: RunFolder, suspects: pa.Table) -> None:
    """A hundred verified rows with the cells of the suspects, each with those of another one."""
    rows = np.arange(100)
    taken = suspects.take(pa.array(rows * 3 % max(1, suspects.num_rows)))
    names = ["clean_row", *suspects.column_names[1:]]
    cells = [pa.array(rows), *taken.columns[1:]]
    pq.write_table(pa.Table.from_arrays(cells, names=names), folder.clean_rows_file)


def write_telling(folder: RunFolder, rows: Sequence[int], columns: Sequence[str]) -> None:
    """The age tells most, then each row's other columns from another one on."""
    lines = []
    for row in rows:
        start = row % max(1, len(columns))
        names = ["age", *columns[start:], *columns[:start]]
        lines += [
            {"row": row, "place": place, "column": name, "evidence": 1.0 / place}
            for place, name in enumerate(names[:12], start=1)
        ]
    pq.write_table(pa.Table.from_pylist(lines, schema=TELLING_SCHEMA), folder.telling_file)


def write_conflicts(folder: RunFolder, classes: Sequence[str], *, n_rows: int) -> None:
    """Two groups of equal rows."""
    table = pa.table(
        {
            "group": pa.array([0, 0, 1, 1]),
            "group_rows": pa.array([2, 2, 9, 9]),
            "row": pa.array([min(row, n_rows - 1) for row in (3, 5, 8, 9)]),
            "rank": pa.array([1, 4, 2, 30]),
            "label": pa.array([classes[0], classes[-1], classes[1], classes[0]]),
        }
    )
    table = table.replace_schema_metadata({"groups": "2", "rows": "11"})
    pq.write_table(table, folder.conflicts_file)


def write_thumbnails(folder: RunFolder, rows: Sequence[int], *, side: int = 8) -> None:
    """A picture of each row and of a hundred verified ones."""
    noise = np.random.default_rng(0)
    images = [("data", row) for row in rows] + [("clean", row) for row in range(100)]
    table = {
        "source": [source for source, _ in images],
        "row": [row for _, row in images],
        "image": [png(noise.integers(0, 256, (side, side), np.uint8)) for _ in images],
        "note": ["blurred, dark" if i % 3 == 0 else None for i in range(len(images))],
    }
    pq.write_table(pa.table(table), folder.thumbnails_file)


def png(pixels: np.ndarray) -> bytes:
    """Grey pixels, (H, W) uint8, as a PNG file."""
    height, width = pixels.shape
    lines = b"".join(b"\x00" + line.tobytes() for line in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
