"""How each column of the audit table is computed, in words for the reports."""

from __future__ import annotations

from datacleanse.detection import flags
from datacleanse.detection.assessment import LOCAL_PART
from datacleanse.detection.posterior import USUAL_RATE

METHODS = {
    "suspicion": (
        "P(given label is wrong) by Bayes' rule: pooled class probabilities of the reweighted "
        "network, of plain training and of a second opinion (tables: out-of-bag trees and kernel "
        "ridge regression; images: ridge regression on whitened patches; the row's own label left "
        "out), each told the labels of equal rows, with a noise matrix learned from the clean set "
        "and the spread of errors learned from DATA; mean over the folds of the clean set. Rows "
        "verified by CLEAN stand above 1 (wrong) or below 0 (right)."
    ),
    "mislabel_probability": (
        "Weighted mean of the suspicion and of the local false-discovery rate 1 - pi0 f0/f, with "
        "f0 the scores of the calibration rows (known to be right), f those of DATA, their ratio "
        f"fitted by isotonic regression, pi0 by Storey's estimate; weights {1 - LOCAL_PART:.2f} "
        f"and {LOCAL_PART:.2f}. With fewer than {flags.MIN_CALIBRATION} calibration rows the "
        "suspicion alone."
    ),
    "p_value": (
        "Conformal p-value against the calibration rows, cross-fitted over the folds "
        "(arXiv 2104.08279, 1208.0806)."
    ),
    "flagged": (
        "Benjamini-Hochberg over the p-values at --fdr / pi0, and rows that CLEAN proves wrong. "
        "Beside it stands the longest list whose estimated share of false alarms is at most --fdr, "
        "by mislabel_probability, and of 1 / --fdr rows at least. Where the first holds nothing, "
        f"or less than {flags.SHORT:.0%} as much, the second is given: an estimate, which carries "
        "no guarantee."
    ),
    "suggested_label": (
        "Likeliest true class by the same posterior, when it is not the given one; CLEAN's label "
        "for verified rows."
    ),
}
"""What each column of the audit table rests on, for the reports."""

METHODS_ALONE = {
    "suspicion": (
        "P(given label is wrong) by Bayes' rule: pooled class probabilities of plain training and "
        "of a second opinion (tables: out-of-bag trees and kernel ridge regression; images: ridge "
        "regression on whitened patches; the row's own label left out), each told the labels of "
        f"equal rows and corrected for {USUAL_RATE:.0%} of wrong labels, with the spread of errors "
        "learned from DATA."
    ),
    "mislabel_probability": (
        "The suspicion itself: no verified row calibrates it, so it is an order and no share."
    ),
    "p_value": "None: it takes verified rows to compare with.",
    "flagged": "No row: without verified rows no list keeps a promise.",
    "suggested_label": "Likeliest true class by the same posterior, when it is not the given one.",
}
"""The same where no row is verified."""
