"""CLEAN with pictures that stand in it more than once."""

from __future__ import annotations

import shutil

import pytest

from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.progress import SILENT
from tests.pictures.made import CLASSES, class_folders


@pytest.fixture
def folders(tmp_path):
    """DATA, and CLEAN with four pictures of it and four others."""
    data = class_folders(tmp_path / "data", CLASSES[:2], 6)
    clean = class_folders(tmp_path / "clean", CLASSES[:2], 2)
    class_folders(clean, CLASSES[:2], 2, first=100)
    return data, clean


def read(data, clean, scratch):
    return read_inputs(Request(data, (clean,)), SILENT, scratch)


def test_a_file_that_repeats_another_one_counts_once(folders, tmp_path):
    data, clean = folders
    once = read(data, clean, tmp_path / "first")
    for name in ("000.png", "100.png"):
        shutil.copy(clean / CLASSES[0] / name, clean / CLASSES[0] / f"z{name}")
    twice = read(data, clean, tmp_path / "second")
    assert once.clean.n_rows == twice.clean.n_rows == len(twice.gallery.clean.values)
    overlaps = [each.comparison.overlap for each in (once, twice)]
    assert overlaps[0].clean_rows.tolist() == overlaps[1].clean_rows.tolist()
    assert any("(the same bytes and label)" in each.message for each in twice.clean.notices)


def test_a_picture_of_data_with_two_verified_labels_is_not_verified(folders, tmp_path):
    data, clean = folders
    shutil.copy(clean / CLASSES[0] / "000.png", clean / CLASSES[1] / "other.png")
    found = read(data, clean, tmp_path / "scratch")
    assert found.clean.n_rows == 7
    assert {each.slug for each in found.clean.notices} >= {"clean-contradicts"}
