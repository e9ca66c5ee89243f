"""What an audit has read and trained, looked at for what is wrong beside labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.detection.health.look import Health, look_at
from datacleanse.detection.nearest_clean import compute_penultimate

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from datacleanse.auditing.running_audit import RunningAudit
    from datacleanse.detection.evidence import Assessment


def look_at_inputs(audit: RunningAudit, assessment: Assessment, network: nn.Module) -> Health:
    """Look at DATA, CLEAN and TEST beside their labels.

    Args:
        audit: what was read.
        assessment: the verdict on DATA's rows.
        network: a trained one, whose last layer's inputs tell which rows are alike to it.
    """
    inputs, examples = audit.inputs, audit.examples
    overlap = inputs.comparison.overlap
    is_single = overlap.clean_rows >= 0
    pair_rows = np.full(inputs.clean.n_rows, -1)
    pair_rows[overlap.clean_rows[is_single]] = overlap.data_rows[is_single]

    def describe(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        index = torch.from_numpy(rows).to(examples.labels.device)
        found: NDArray[np.float32] = (
            compute_penultimate(network, examples.inputs, index).cpu().numpy()
        )
        return found

    return look_at(
        inputs.data,
        inputs.clean,
        inputs.test,
        pair_rows=pair_rows,
        wrong=assessment.probability,
        class_shares=assessment.confusion.sum(axis=0) / inputs.data.n_rows,
        notices=(*inputs.data.notices, *inputs.comparison.notices),
        describe=describe,
    )
