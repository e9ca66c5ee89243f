"""Classes that CLEAN leaves out: their rows are ranked, but not flagged.

Nothing shows how right rows of such a class score. No true label says that there are any, so that
steering drives the networks away from the class, and all of its rows look wrong. They may be: a
name that is always a slip has no right rows. Where verified rows had that label, they tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence

CHANCE = 1e-3
"""By which a class has no clean row, at least, for its rows to be flagged: a few classes of many
may well be missing in a sample."""


def find_left_out(evidence: Evidence) -> NDArray[np.bool_]:
    """(C,) classes that CLEAN has no row of, although a sample of DATA hardly could have none."""
    counts = evidence.count_sampled()
    pairs = evidence.clean_at[evidence.clean_at < evidence.n_data]
    had = np.bincount(evidence.labels[pairs], minlength=len(counts))
    shares = np.bincount(evidence.current, minlength=len(counts)) / evidence.n_data
    is_unlikely = (1.0 - shares) ** counts.sum() < CHANCE
    found: NDArray[np.bool_] = (counts == 0) & (had == 0) & is_unlikely
    return found
