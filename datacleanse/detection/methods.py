"""How each column of the audit table is computed, in words for the reports."""

from __future__ import annotations

from datacleanse.detection import flags
from datacleanse.detection.deconvolution import USUAL_RATE
from datacleanse.detection.on_right_rows import LOCAL_PART

_PATCHES = "images: ridge regression on whitened patches"
_PRETRAINED = (
    "pictures: kernel ridge regression on the features of a pretrained network, and, beside a "
    "network from scratch, ridge regression on whitened patches"
)
_POSTERIOR = (
    "P(given label is wrong) by Bayes' rule: pooled class probabilities of the reweighted "
    "network, of plain training and of a second opinion (tables: out-of-bag trees and kernel "
    f"ridge regression; {_PATCHES}; the row's own label left out), each told the labels of equal "
    "rows, with a noise matrix learned from the clean set and the spread of errors learned from "
    "DATA; mean over the folds of the clean set"
)
_VERIFIED = "Verified rows stand below 0 (wrong) or below -1 (right)."
_ON_PAIRS = (
    "calibrated on the verified rows of DATA, in the fold in which each was trained on by its "
    "given label, by logistic regression on its log-odds, on those of each opinion and on the "
    "given label"
)


def describe_methods(*, on_pairs: bool) -> dict[str, str]:
    """What each column of the audit table rests on; by pairs, or by right rows alone."""
    beside = "right rows among the verified rows of DATA" if on_pairs else "calibration rows"
    return {
        "suspicion": f"{_POSTERIOR}{f'; {_ON_PAIRS}' if on_pairs else ''}. {_VERIFIED}",
        "mislabel_probability": (
            "The suspicion; 1 and 0 for verified rows." if on_pairs else _DESCRIBE_LOCAL
        ),
        "p_value": (
            f"Conformal p-value against the {beside}, cross-fitted over the folds "
            "(arXiv 2104.08279, 1208.0806)."
        ),
        "flagged": _ON_LIST if on_pairs else _ON_TWO_LISTS,
        "suggested_label": (
            "Likeliest true class by the same posterior, when it is not the given one; CLEAN's "
            "label for verified rows."
        ),
    }


_DESCRIBE_LOCAL = (
    "Weighted mean of the suspicion and of the local false-discovery rate 1 - pi0 f0/f, with "
    "f0 the scores of the calibration rows (known to be right), f those of DATA, their ratio "
    f"fitted by isotonic regression, pi0 by Storey's estimate; weights {1 - LOCAL_PART:.2f} "
    f"and {LOCAL_PART:.2f}. With fewer than {flags.MIN_CALIBRATION} calibration rows the "
    "suspicion alone."
)
_ON_LIST = (
    "The longest list of unverified rows whose mean mislabel_probability leaves at most --fdr for "
    "false alarms, and of which no more than twice that share are, with a confidence of 90 %; of "
    f"1 / --fdr rows at least, each above {flags.LEAST_LIKELY}. The probabilities are calibrated "
    "on verified rows of DATA."
)
_ON_TWO_LISTS = (
    "Benjamini-Hochberg over the p-values at --fdr / pi0, of rows with a mislabel_probability of "
    f"{flags.LEAST_SUSPICIOUS} at least. Beside it stands the longest list whose estimated share "
    "of false alarms is at most --fdr, by mislabel_probability: of 1 / --fdr rows at least, each "
    f"above {flags.LEAST_LIKELY}. Where the first holds nothing, or less than {flags.SHORT:.0%} as "
    "much, the second is given: an estimate, which carries no guarantee."
)

METHODS_ALONE = {
    "suspicion": (
        "P(given label is wrong) by Bayes' rule: pooled class probabilities of plain training and "
        f"of a second opinion (tables: out-of-bag trees and kernel ridge regression; {_PATCHES}; "
        "the row's own label left out), each told the labels of "
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
"""What each column rests on where no row is verified."""


def name_pretrained(methods: dict[str, str]) -> dict[str, str]:
    """The same where a pretrained network saw the pictures."""
    return {name: said.replace(_PATCHES, _PRETRAINED) for name, said in methods.items()}
