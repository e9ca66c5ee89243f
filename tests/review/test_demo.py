"""The demo's files, and the verdicts that the known truth gives."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from datacleanse.demo import N_VERIFIED, SCALE, verify_by_truth, write_demo, write_picture_demo
from datacleanse.progress import SILENT
from datacleanse.review.verified_file import read_verified_file


@pytest.mark.parametrize("write", [write_demo, write_picture_demo])
def test_verdicts_are_the_truth_of_the_very_rows(tmp_path, write):
    demo = write(tmp_path, seed=0)
    path = tmp_path / "verified.jsonl"
    verify_by_truth(demo, path, seed=0, progress=SILENT)
    found = read_verified_file(path).last
    assert len(found) == N_VERIFIED
    assert {row for row, each in found.items() if each.action == "relabel"} == {
        row for row in found if demo.planted[row]
    }
    assert all(each.label == demo.truth[row] for row, each in found.items())


def test_pictures_are_the_digits_of_the_table(tmp_path):
    table, pictures = write_demo(tmp_path, seed=0), write_picture_demo(tmp_path, seed=0)
    assert sorted(table.truth) == sorted(pictures.truth)
    assert table.planted.sum() == pictures.planted.sum()
    first = next((pictures.data / "0").iterdir())
    with Image.open(first) as image:
        assert image.size == (8 * SCALE, 8 * SCALE)
        pixels = np.asarray(image)
    assert (pixels[::SCALE, ::SCALE] == pixels[1::SCALE, 1::SCALE]).all()


def test_a_second_demo_leaves_no_picture_of_the_first(tmp_path):
    write_picture_demo(tmp_path, seed=0)
    (tmp_path / "digits" / "0" / "left.png").write_bytes(b"of another run")
    demo = write_picture_demo(tmp_path, seed=1)
    assert len(list(demo.data.rglob("*.png"))) == len(demo.truth)
