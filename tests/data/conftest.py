from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from datacleanse.data import ReadOptions, read_data


class Listener:
    """A Progress that keeps what it hears."""

    def __init__(self):
        self.stages = []
        self.said = []

    def stage(self, name, total):
        self.stages.append((name, total))

    def advance(self, steps=1):
        del steps

    def say(self, message):
        self.said.append(message)


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def csv(tmp_path):
    """Writes text or bytes to a file and gives its path."""

    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write


def kinds(dataset):
    return {column.name: column.kind for column in dataset.schema.columns}


def set_aside(dataset):
    return {column.name: column.kind for column in dataset.schema.set_aside}


def slugs(notices):
    return [notice.slug for notice in notices]


def with_label(**columns):
    """DATA made of columns, with two classes in turn."""
    rows = len(next(iter(columns.values())))
    labels = pa.array(["a" if row % 2 else "b" for row in range(rows)])
    table = pa.table({**columns, "label": labels})
    return read_data(table, ReadOptions())


@pytest.fixture
def mixed():
    """Sixty rows with a column of each common kind, and gaps."""
    rows = 60
    frame = pd.DataFrame(
        {
            "key": [f"{row:03d}" for row in range(rows)],
            "size": [0.1 * row for row in range(rows)],
            "count": [row % 7 for row in range(rows)],
            "colour": [["red", "green", 'blue, "sky"\nlight'][row % 3] for row in range(rows)],
            "ready": [row % 4 == 0 for row in range(rows)],
            "when": pd.date_range("2020-01-01", periods=rows, freq="h"),
            "label": [["yes", "no"][row % 2] for row in range(rows)],
        }
    )
    frame.loc[3, "size"] = None
    frame.loc[4, "colour"] = None
    frame.loc[5, "when"] = pd.NaT
    return frame
