"""The suspects' cells as DATA's file spells them, also long after it was read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datacleanse.auditing.original_cells import take_original_cells
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.data import ReadOptions
from datacleanse.progress import SILENT
from datacleanse_reports.cells import spell_column
from tests.pictures.made import picture

CODES = ["00501", "01234", "NA", "1e5"]


@pytest.fixture
def inputs(tmp_path):
    """An audit's inputs, and the lines of DATA."""

    def read(rows, name, **options):
        lines = [f"{CODES[at % 4]},{at}.50,{'uv'[at % 2]}" for at in rows]
        (tmp_path / name).write_text("code,x,label\n" + "\n".join(lines) + "\n")
        return lines

    lines = read(range(40), "data.csv")
    read(range(60, 80), "clean.csv")
    request = Request(
        str(tmp_path / "data.csv"), (str(tmp_path / "clean.csv"),), None, ReadOptions()
    )
    return read_inputs(request, SILENT), lines


def spell(table):
    columns = [spell_column(table.column(n), table.field(n)) for n in table.column_names]
    return [",".join(cell or "" for cell in row) for row in zip(*columns, strict=True)]


def test_cells_are_those_of_the_file(inputs):
    found, lines = inputs
    table, notices = take_original_cells(found, np.array([2, 5, 39]))
    assert spell(table) == [lines[2], lines[5], lines[39]]
    assert notices == ()


@pytest.mark.parametrize("change", ["other", "gone"])
def test_a_file_that_changed_meanwhile_is_told_by_values(inputs, change):
    found, _ = inputs
    path = found.data.source
    if change == "other":
        with Path(path).open("a") as file:
            file.write("9,9,u\n")
    else:
        Path(path).unlink()
    table, (notice,) = take_original_cells(found, np.array([0, 1]))
    assert table.column("x").to_pylist() == [0.5, 1.5]
    assert notice.slug == "cells-by-value"
    assert notice.is_warning
    assert "changed" in notice.message or "does not exist" in notice.message


def test_a_frame_gives_its_values():
    frame = pd.DataFrame({"x": np.arange(40) * 1.0, "label": ["u", "v"] * 20})
    found = read_inputs(Request(frame, (frame.assign(x=frame["x"] + 100),)), SILENT)
    table, notices = take_original_cells(found, np.array([3]))
    assert table.column("x").to_pylist() == [3.0]
    assert notices == ()


def test_a_manifest_of_pictures_is_spelled_beside_the_pictures_left_out(tmp_path):
    rows = []
    for at in range(24):
        name = f"p{at}.png"
        (tmp_path / name).write_bytes(b"no picture" if at == 3 else picture(at))
        rows.append(f"{name},{CODES[at % 4]},{'uv'[at % 2]}")
    for name, chosen in (("data.csv", rows[:12]), ("clean.csv", rows[12:])):
        (tmp_path / name).write_text("path,code,label\n" + "\n".join(chosen) + "\n")
    options = ReadOptions(max_unreadable=0.5)
    request = Request(str(tmp_path / "data.csv"), (str(tmp_path / "clean.csv"),), None, options)
    found = read_inputs(request, SILENT, tmp_path)
    table, notices = take_original_cells(found, np.array([2, 3]))  # the fourth is unreadable
    assert spell(table.select(["path", "code", "label"])) == [rows[2], rows[4]]
    assert notices == ()
