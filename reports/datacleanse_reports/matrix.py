"""The noise matrix that people are shown: given labels against true classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.records import MatrixCell, NoiseMatrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse_reports.records import ClassSummary, Confusion

MAX_CLASSES = 12
"""More do not fit beside each other on a page."""


def make_noise_matrix(
    classes: Sequence[ClassSummary], confusions: Sequence[Confusion], order: Sequence[str]
) -> NoiseMatrix | None:
    """Expected rows by given label and true class; None where no error is expected.

    Args:
        classes: of DATA.
        confusions: pairs of classes with the rows that are expected to be confused.
        order: all classes, in the order in which to show them.
    """
    touched: dict[str, float] = {}
    wrong: dict[str, float] = {}
    for pair in confusions:
        wrong[pair.given] = wrong.get(pair.given, 0.0) + pair.rows
        for label in (pair.given, pair.true):
            touched[label] = touched.get(label, 0.0) + pair.rows
    rows = {each.name: each.rows for each in classes}
    known = [label for label in touched if label in rows]
    if not known:
        return None
    most = sorted(known, key=lambda label: -touched[label])[:MAX_CLASSES]
    labels = tuple(label for label in order if label in most)
    expected = {(pair.given, pair.true): pair.rows for pair in confusions}

    def cell(given: str, true: str) -> MatrixCell:
        n = rows[given] - wrong.get(given, 0.0) if given == true else expected.get((given, true))
        return MatrixCell(n, 0.0 if n is None else n / max(1, rows[given]))

    cells = tuple(tuple(cell(given, true) for true in labels) for given in labels)
    return NoiseMatrix(labels, cells, len(classes) - len(labels))
