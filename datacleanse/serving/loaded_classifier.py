"""A finished run's model of classes as a scikit-learn classifier that is fitted already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin

from datacleanse.data.label_types import make_texts, type_schema_classes
from datacleanse.serving.loaded_model import LoadedModel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from datacleanse.data.readers.frame import Frame
    from datacleanse.models.user_network import ModuleFactory


class LoadedClassifier(ClassifierMixin, LoadedModel):  # type: ignore[misc]  # untyped
    """Classifies new rows by the model of a run; get one by `load`.

    It is fitted already, and stays so: see `LoadedModel`.

    Args:
        run: the run folder, or an ONNX file exported from one.
        model: see `load`.
        text_classes: whether classes are text whatever type the labels had.
        allow_unknown: whether rows are classified although a column holds no value that the model
            can read or knows; it counts as missing then. Single unknown, unreadable or missing
            values are told by `datacleanse.DataWarning` in either case.

    Attributes:
        classes_: (C,) in the order of the probabilities, in the type of the audited labels; of
            labels in a file without types, such as a CSV, whole numbers or booleans if all of them
            look so, else strings.
        feature_names_in_: (F,) names of the columns that rows must have; others that DATA had may
            stand beside them.
        n_features_in_: F; 0 for a run of images.
    """

    def __init__(
        self,
        run: str,
        *,
        model: str | ModuleFactory | None = None,
        text_classes: bool = False,
        allow_unknown: bool = False,
    ) -> None:
        self.run = run
        self.model = model
        self.text_classes = text_classes
        self.allow_unknown = allow_unknown

    def predict_proba(self, X: Frame | ArrayLike) -> NDArray[np.float64]:
        """(n, C) class probabilities, columns as in ``classes_``.

        Args:
            X: pandas, pyarrow or polars frame with the columns ``feature_names_in_`` in any order;
                or an array (n, F) with the columns in that order. For a run of images, an array
                (n, C, H, W) of uint8, of the size that the network was trained on.

        Raises:
            ValueError: columns are missing, renamed, of another kind, not DATA's, or without any
                value that the model knows; the message says which.
        """
        return self._answer(X)

    def predict(self, X: Frame | ArrayLike) -> NDArray[Any]:
        """(n,) the likeliest of ``classes_`` for each row."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[likeliest]
        return found

    @property
    def classes_(self) -> NDArray[Any]:
        """(C,) the classes, in the order of the probabilities."""
        schema = self._open().schema
        return make_texts(schema.classes) if self.text_classes else type_schema_classes(schema)
