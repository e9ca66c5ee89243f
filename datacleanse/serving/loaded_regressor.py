"""A finished run's model of numbers as a scikit-learn regressor that is fitted already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import RegressorMixin

from datacleanse.serving.loaded_model import LoadedModel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from datacleanse.data.readers.frame import Frame
    from datacleanse.models.user_network import ModuleFactory


class LoadedRegressor(RegressorMixin, LoadedModel):  # type: ignore[misc]  # untyped
    """Predicts the numbers of new rows by the model of a run; get one by `load`.

    It is fitted already, and stays so: see `LoadedModel`.

    Args:
        run: the folder of a run of ``--task regression``, or an ONNX file exported from one.
        model: see `load`.
        allow_unknown: see `LoadedClassifier`.

    Attributes:
        feature_names_in_: (F,) names of the columns that rows must have; others that DATA had may
            stand beside them.
        n_features_in_: F; 0 for a run of images.
    """

    def __init__(
        self,
        run: str,
        *,
        model: str | ModuleFactory | None = None,
        allow_unknown: bool = False,
    ) -> None:
        self.run = run
        self.model = model
        self.allow_unknown = allow_unknown

    def predict(self, X: Frame | ArrayLike) -> NDArray[np.float64]:
        """(n,) the number of each row, in the label's unit.

        Args:
            X: pandas, pyarrow or polars frame with the columns ``feature_names_in_`` in any order;
                or an array (n, F) with the columns in that order. For a run of images, an array
                (n, C, H, W) of uint8, of the size that the network was trained on.

        Raises:
            ValueError: columns are missing, renamed, of another kind, not DATA's, or without any
                value that the model knows; the message says which.
        """
        return self._answer(X)
