"""What an audit has read, looked at for what is wrong beside labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.detection.health.look import Health, look_at

if TYPE_CHECKING:
    from datacleanse.auditing.reading import Inputs
    from datacleanse.detection.evidence import Assessment


def look_at_inputs(inputs: Inputs, assessment: Assessment) -> Health:
    """Look at DATA, CLEAN and TEST beside their labels.

    Args:
        inputs: what was read.
        assessment: the verdict on DATA's rows.
    """
    overlap = inputs.comparison.overlap
    is_single = overlap.clean_rows >= 0
    pair_rows = np.full(inputs.clean.n_rows, -1)
    pair_rows[overlap.clean_rows[is_single]] = overlap.data_rows[is_single]
    return look_at(
        inputs.data,
        inputs.clean,
        inputs.test,
        pair_rows=pair_rows,
        wrong=assessment.probability,
        class_shares=assessment.confusion.sum(axis=0) / inputs.data.n_rows,
        notices=(*inputs.data.notices, *inputs.comparison.notices),
    )
