"""The benchmark of images: every measure of a cell, on a few made pictures."""

from __future__ import annotations

import numpy as np

from benchmarks.images import against_peers
from benchmarks.images.cells import Drawn, ImageCell
from datacleanse.settings import Settings
from tests.auditing.made_images import digits


def make_cell():
    images, labels = digits()
    drawn = Drawn(images[:90], labels[:80], labels[80:90], tuple("0123456789"), 60, {})
    given = np.where(np.arange(60) % 10 == 3, (labels[:60] + 1) % 10, labels[:60])
    return ImageCell("digits", "made", drawn, given, 0)


def test_a_cell_is_measured_by_all_parts_of_the_audit(monkeypatch):
    monkeypatch.setattr(against_peers, "_by_cleanlab", lambda *_: {})
    settings = Settings(epochs=2, batch_size=16, device="cpu", hold_back=0.0)
    found = against_peers.run_cell(make_cell(), settings)
    assert found["wrong"] == 6
    assert {"ours", "patches", "aum", "knn network"} <= set(found["measures"])
    assert all(0 < each["average_precision"] <= 1 for each in found["measures"].values())
