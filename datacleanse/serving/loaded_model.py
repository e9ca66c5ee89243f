"""A finished run's model as a scikit-learn estimator that is fitted already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from datacleanse.data import read_new_rows
from datacleanse.data.label_types import make_texts, type_schema_classes
from datacleanse.data.messages import format_count
from datacleanse.data.readers.frame import is_frame
from datacleanse.errors import raise_as_value_errors
from datacleanse.serving.open_model import ServedImageModel, open_model

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from datacleanse.data import AllowedValues
    from datacleanse.data.readers.frame import Frame
    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.serving.open_model import AnyServedModel

_SERVED = "_served"


class LoadedModel(BaseEstimator):  # type: ignore[misc]  # untyped
    """Predicts new rows by the model of a run.

    It is fitted already and stays so: `fit` changes nothing and `sklearn.base.clone` gives the same
    object, as for `sklearn.frozen.FrozenEstimator`. In a pipeline or `cross_val_score` it is
    measured, not trained. Pickled, it holds the place of its files and not the files.
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

    def fit(self, X: object = None, y: object = None) -> Self:
        """Return the model as it is: it is fitted already."""
        del X, y
        return self

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """(F,) names of the columns that rows must have."""
        return make_texts([column.name for column in self._open().schema.columns])

    @property
    def n_features_in_(self) -> int:
        """F, the number of columns; 0 for a run of images."""
        return len(self._open().schema.columns)

    def _hold(self, served: AnyServedModel) -> Self:
        """Take the model, which is open already."""
        self.__dict__[_SERVED] = served
        return self

    def _open(self) -> AnyServedModel:
        """The model; read when it is first needed, also after unpickling."""
        if _SERVED not in self.__dict__:
            self._hold(open_model(Path(self.run), model=self.model))
        served: AnyServedModel = self.__dict__[_SERVED]
        return served

    def _answer(self, X: Frame | ArrayLike) -> NDArray[np.float64]:
        """What the model says of rows or images."""
        served = self._open()
        allowed: AllowedValues = "any" if self.allow_unknown else "known"
        with raise_as_value_errors():
            if isinstance(served, ServedImageModel):
                return served.answer(np.asarray(X))
            return served.answer(
                read_new_rows(self._frame(X), served.schema, served.known, allowed=allowed)
            )

    def _frame(self, X: Frame | ArrayLike) -> Frame:
        if is_frame(X):
            return X
        values = np.asarray(X)
        names = self.feature_names_in_
        if values.ndim != 2 or values.shape[1] != len(names):
            raise ValueError(
                f"X has shape {values.shape}, but this model reads "
                f"{format_count(len(names), 'column')}: {', '.join(names[:20])}. Give an "
                f"array (n, {len(names)}) in this order, or a frame with these columns."
            )
        return pd.DataFrame(values, columns=list(names)).infer_objects()

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != _SERVED}

    def __sklearn_clone__(self) -> Self:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401  # scikit-learn is untyped
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.requires_fit = False
        return tags


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
        super().__init__(run, model=model, allow_unknown=allow_unknown)
        self.text_classes = text_classes

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
