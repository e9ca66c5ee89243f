"""A table with wrong labels, and verdicts on rows drawn from it, for tests."""

from __future__ import annotations

from unittest import mock

from datacleanse.data import ReadOptions
from datacleanse.progress import SILENT
from datacleanse.review.drawn_rows import draw_from
from datacleanse.review.verification import open_verification
from tests.cli.conftest import people

N = 200
"""Rows of DATA."""


def write_data(path, *, wrong=0.1, n=N):
    """Write DATA; its true labels by row."""
    people(n, seed=0, wrong=wrong).to_csv(path, index=False)
    return people(n, seed=0)["label"].tolist()


def draw(source, n=60, *, seed=0, by_class=False, **reading):
    """Rows drawn from a table or from pictures."""
    options = ReadOptions(**reading)
    return draw_from(str(source), options, n, seed=seed, by_class=by_class, progress=SILENT)


def verify(path, drawing, truth, *, reviewer="Ada", new_classes=(), unsure=()):
    """Give each drawn row its true label; nothing waits for the disk, which may be slow."""
    waits = mock.patch("datacleanse.review.json_lines.os.fsync")
    with waits, open_verification(path, drawing, new_classes) as log:
        for each in drawing.rows:
            action = "unsure" if each.row in unsure else "relabel"
            label = None if each.row in unsure else truth[each.row]
            log.record(each.row, action, label, reviewer=reviewer, blind=False)
    return path
