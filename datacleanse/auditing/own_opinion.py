"""A classifier of the user's own as part of the second opinion: cross-fitted, so out of sample."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from datacleanse.auditing.tried_sizes import foresee_seconds
from datacleanse.data import take_rows
from datacleanse.data.probabilities import Brought, check_probabilities
from datacleanse.errors import InputError, SettingsError
from datacleanse.storage.damage import say_on_one_line
from datacleanse.user_code import UserCodeError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from datacleanse.records import Dataset

N_FOLDS = 5
"""Parts that DATA is judged in; fewer where no class has so many rows."""


def cross_fit(classifier: Any, data: Dataset, clean: Dataset, *, seed: int) -> Brought:  # noqa: ANN401
    """Ask a classifier for class probabilities of rows whose labels it did not see.

    Args:
        classifier: with scikit-learn's ``fit`` and ``predict_proba``; it is cloned. It is given
            the features as columns of a data frame, as DATA has them, and the classes' names.
        data: DATA, N rows, a fold of which is judged by what learned the others.
        clean: CLEAN, judged by the mean of all.
        seed: of the folds.

    Raises:
        SettingsError: it has no ``predict_proba``.
        InputError: there are too few rows of each class, or it tells what is no probability.
        UserCodeError: it fails.
    """
    from sklearn.base import clone

    name = f"second_opinion={type(classifier).__name__}"
    if not hasattr(classifier, "predict_proba"):
        raise SettingsError(
            f"{name} has no predict_proba.",
            slug="settings-contradict",
            hint="Give a classifier that tells probabilities, e.g. in a CalibratedClassifierCV.",
        )
    folds = _draw_folds(data, seed)
    classes = np.array(data.schema.classes, dtype=object)
    rows, own = _frame(data), _frame(clean)
    found = np.zeros((data.n_rows, len(classes)), dtype=np.float32)
    of_clean = np.zeros((clean.n_rows, len(classes)), dtype=np.float32)
    for learned, judged in folds:
        try:
            fitted = clone(classifier).fit(rows.iloc[learned], classes[data.labels[learned]])
            found[judged] = _ask(fitted, rows.iloc[judged], classes)
            if clean.n_rows:
                of_clean += _ask(fitted, own, classes) / len(folds)
        except UserCodeError:
            raise
        except Exception as error:
            raise UserCodeError(
                f"{name} fails on DATA's columns ({type(error).__name__}: "
                f"{say_on_one_line(error)}).",
                slug="second-opinion-fails",
                hint="Give a pipeline that takes a data frame with these columns: "
                f"{', '.join(map(str, rows.columns[:10]))}.",
            ) from error
    check_probabilities(found, name)
    check_probabilities(of_clean, f"{name}, asked about CLEAN")
    return Brought(name, found, of_clean, (), repr(classifier))


def try_cross_fit(classifier: Any, data: Dataset, clean: Dataset, *, seed: int) -> float:  # noqa: ANN401
    """Seconds that `cross_fit` takes, from trials on some rows; arguments and errors as there."""
    # Of each class at least as many rows as it needs to be learned.
    firsts = [np.flatnonzero(data.labels == code)[:2] for code in range(len(data.schema.classes))]

    def fit_some(rows: NDArray[np.int64]) -> None:
        some = take_rows(data, np.unique(np.concatenate([rows, *firsts])))
        assert some is not None
        cross_fit(classifier, some, clean, seed=seed)

    return foresee_seconds(fit_some, data.n_rows)


def _draw_folds(data: Dataset, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows that are learned and rows that are judged by them, fold by fold."""
    from sklearn.model_selection import StratifiedKFold

    counts = np.bincount(data.labels, minlength=len(data.schema.classes))
    few = np.flatnonzero(counts < 2)
    if len(few):
        raise InputError(
            f"{data.source} has {counts[few[0]]} rows labelled "
            f"{data.schema.classes[few[0]]!r}: no second opinion can be cross-fitted.",
            slug="second-opinion-few-rows",
            hint="Leave second_opinion out, or join such classes.",
        )
    n_folds = min(N_FOLDS, int(counts.max()))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Of classes with fewer rows than folds, which some folds do without.
        warnings.simplefilter("ignore", UserWarning)
        return list(folds.split(np.zeros(data.n_rows), data.labels))


def _frame(dataset: Dataset) -> pd.DataFrame:
    """The features, a column each."""
    frame: pd.DataFrame = dataset.table.select(
        [each.name for each in dataset.schema.columns]
    ).to_pandas()
    return frame


def _ask(fitted: Any, rows: pd.DataFrame, classes: NDArray[Any]) -> NDArray[np.float32]:  # noqa: ANN401
    """(n, C) probabilities by DATA's classes; 0 of one that the fold did not have."""
    told, present = np.asarray(fitted.predict_proba(rows)), list(fitted.classes_)
    if told.shape != (len(rows), len(present)) or told.dtype.kind not in "fiu":
        raise UserCodeError(
            f"second_opinion={type(fitted).__name__}: its predict_proba returned {told.dtype} of "
            f"shape {told.shape} for {len(rows)} rows and {len(present)} classes.",
            slug="second-opinion-fails",
            hint="Let it return numbers of shape (rows, classes), as in scikit-learn.",
        )
    spread = np.zeros((len(rows), len(classes)), dtype=np.float32)
    place = {name: number for number, name in enumerate(classes)}
    spread[:, [place[name] for name in present]] = told
    return spread
