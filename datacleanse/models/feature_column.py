"""Features of pictures as the one column of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEATURES = "features"
"""Its name."""


def make_feature_column(features: NDArray[np.float32]) -> pa.FixedSizeListArray:
    """The column of features (n, F), a vector a row."""
    values = pa.array(np.ascontiguousarray(features).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, features.shape[1])
