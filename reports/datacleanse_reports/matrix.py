"""The noise matrix that people are shown: given labels against true classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse_reports.records import MatrixCell, NoiseMatrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.storage.manifest.results import ClassConfusion
    from datacleanse_reports.records import ClassSummary

MAX_CLASSES = 12
"""More do not fit beside each other on a page."""


def make_noise_matrix(
    classes: Sequence[ClassSummary], confusions: Sequence[ClassConfusion], order: Sequence[str]
) -> NoiseMatrix | None:
    """Expected rows by given label and true class; None where no error is expected.

    Args:
        classes: of DATA.
        confusions: pairs of classes with the rows that are expected to be confused.
        order: all classes, in the order in which to show them.
    """
    touched: dict[str, float] = {}
    for pair in confusions:
        for label in (pair.given, pair.true):
            touched[label] = touched.get(label, 0.0) + pair.rows
    by_name = {each.name: each for each in classes}
    known = [label for label in touched if label in by_name]
    if not known:
        return None
    most = sorted(known, key=lambda label: -touched[label])[:MAX_CLASSES]
    labels = tuple(label for label in order if label in most)
    expected = {(pair.given, pair.true): pair.rows for pair in confusions}

    def cell(given: str, true: str) -> MatrixCell:
        of_given = by_name[given]
        right = of_given.rows - of_given.suspected
        n = right if given == true else expected.get((given, true))
        return MatrixCell(n, 0.0 if n is None else n / max(1, of_given.rows))

    def count_others(given: str) -> float:
        shown = (expected.get((given, true), 0.0) for true in labels)
        return max(0.0, by_name[given].suspected - sum(shown))

    return NoiseMatrix(
        labels,
        cells=tuple(tuple(cell(given, true) for true in labels) for given in labels),
        others=tuple(map(count_others, labels)),
        n_left_out=len(classes) - len(labels),
    )
