"""The audit as a scikit-learn estimator: arrays or frames in, audit table and predictions out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, check_consistent_length, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from datacleanse.auditing.conduct import Conduct
from datacleanse.auditing.handed_over import drop_ambiguous_names
from datacleanse.auditing.reading import Request
from datacleanse.auditing.run import run_audit
from datacleanse.data import ReadOptions, read_new_rows
from datacleanse.data.label_types import LabelValues
from datacleanse.errors import raise_as_value_errors
from datacleanse.keyword_arguments import suggest_keywords
from datacleanse.models.encoding import encode
from datacleanse.models.inference import compute_logits
from datacleanse.models.loading import load_predictor
from datacleanse.models.predictor import Predictor
from datacleanse.progress import follow
from datacleanse.settings import MAX_SEED, Settings
from datacleanse.storage.run_folder import RunFolder
from datacleanse.user_code import name_factory

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from datacleanse.models.encoding import Encoding
    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.records import Schema
    from datacleanse.settings import DeviceName, RuleName

Features: TypeAlias = ArrayLike | pd.DataFrame


class ReweightedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Classifier that audits the labels it is fitted on.

    A network learns from X with example weights that a trusted set steers (Ren et al. 2018, arXiv
    1803.09050), beside a plainly trained control; both tell which labels of X are likely wrong.
    Same settings, figures and columns as `datacleanse.audit`.

    Numbers are used as they are, NaN for missing. In a DataFrame, texts, categories, booleans,
    dates and vectors are features too, and so is free text; ids are set aside (see
    ``notices_``). Sparse input is refused.

    All checks of `sklearn.utils.estimator_checks.check_estimator` pass with
    ``validation_fraction`` set; without it, fitting needs ``X_val`` and ``y_val``, which
    `check_estimator` does not give.

    Args:
        rule: how a batch is weighed: ``l2rw``, ``lilaw``, ``uniform`` or ``random``.
        epochs: passes over the training rows, at least 2; None: chosen by their number.
        batch_size: rows a step, at least 2; None: chosen by the number of training rows.
        lr: peak learning rate, > 0; None: the network's own.
        fdr: largest expected share of false alarms among the flags, in (0, 1).
        random_state: of initial parameters, order and dropout; an int makes fits repeatable.
        device: ``auto``, ``cpu`` or ``cuda`` to train on; predictions are made on the CPU.
        module: None for the default network, else a callable that is given the number of features
            F and of classes C and returns a `torch.nn.Module` from (B, F) float32 to logits
            (B, C). It sees numbers scaled to (-3, 3) with 0 for missing, an indicator for each
            feature with missing values, and one-hot categories.
        validation_fraction: share of X, in (0, 1), whose labels are taken for right when `fit`
            gets no ``X_val``; a random part of each class. A makeshift: wrong labels in that part
            mislead the audit, and ``fdr`` is no promise then. None refuses to fit without a
            trusted set.
        verbose: whether `fit` shows its progress in a notebook or a terminal.

    Attributes:
        audit_: DataFrame, one row per row of X, with the index of X if that is a DataFrame, and the
            columns of `audit.parquet`; labels are values of y, in its type. Rows that stand in the
            trusted set too have a ``verified_label`` and were not trained on.
        notices_: list of sentences worth reading, e.g. on columns set aside or a small trusted set.
        classes_: (C,) the distinct labels of y, sorted.
        n_features_in_: number of columns of X.
        feature_names_in_: names of the columns of X, if they are all strings.

    Examples:
        >>> clf = ReweightedClassifier(epochs=5)  # doctest: +SKIP
        >>> clf.fit(X, y, X_val=X_trusted, y_val=y_trusted)  # doctest: +SKIP
        >>> clf.audit_.sort_values("rank").head()  # doctest: +SKIP
    """

    @suggest_keywords
    def __init__(
        self,
        *,
        rule: RuleName = "l2rw",
        epochs: int | None = None,
        batch_size: int | None = None,
        lr: float | None = None,
        fdr: float = 0.1,
        random_state: int | np.random.RandomState | None = 0,
        device: DeviceName = "auto",
        module: ModuleFactory | None = None,
        validation_fraction: float | None = None,
        verbose: bool = False,
    ) -> None:
        self.rule = rule
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.fdr = fdr
        self.random_state = random_state
        self.device = device
        self.module = module
        self.validation_fraction = validation_fraction
        self.verbose = verbose

    def fit(
        self,
        X: Features,
        y: ArrayLike,
        *,
        X_val: Features | None = None,
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Train, and audit the labels y.

        Args:
            X: (n, F) features.
            y: (n,) labels in doubt: strings, whole numbers or booleans.
            X_val: (m, F) rows whose labels are trusted; of those in X too the network learns these
                labels.
            y_val: (m,) their labels, all of them in y.

        Raises:
            ValueError: the input or a parameter cannot be used; the message says why.
        """
        frame = self._make_frame(X, reset=True)
        codes = self._learn_classes(y, frame)
        names, seed = _name_classes(self.classes_), self._choose_seed()
        label, row = _find_unused("label", frame), _find_unused("row", frame)
        data = frame.assign(**{label: names[codes], row: np.arange(len(frame))})
        is_provisional = X_val is None and y_val is None
        if is_provisional:
            # With their numbers, so that they are found in X whatever rows are equal to them.
            clean = data.iloc[self._hold_out(codes, seed)]
            said = [_tell_provisional(len(clean), len(data))]
        else:
            trusted, trusted_codes = self._read_trusted(X_val, y_val)
            clean, said = trusted.assign(**{label: names[trusted_codes]}), []
        options = ReadOptions(label, row, numeric=tuple(_list_numeric(frame)))
        with raise_as_value_errors():
            self._fitted = self._audit(data, clean, options, seed, is_provisional=is_provisional)
        self.notices_ = [*said, *self._fitted.notices]
        values = LabelValues(tuple(names), self.classes_, getattr(y, "dtype", None))
        self.audit_ = values.restore(self._fitted.table)
        if isinstance(X, pd.DataFrame):
            self.audit_.index = drop_ambiguous_names(X.index)
        self._order = [self._fitted.schema.classes.index(name) for name in names]
        return self

    def predict_proba(self, X: Features) -> NDArray[np.float64]:
        """(n, C) class probabilities under the reweighted network, columns as in ``classes_``.

        Values of texts and categories that `fit` never saw, and numbers missing where none was,
        are told by `datacleanse.DataWarning`; they count as missing.
        """
        check_is_fitted(self)
        fitted = self._fitted
        frame = self._make_frame(X, reset=False)
        with raise_as_value_errors():
            known = fitted.encoding.list_known()
            rows = read_new_rows(frame, fitted.schema, known, allowed="new names")
        inputs = torch.from_numpy(encode(rows, fitted.encoding))
        logits = compute_logits(fitted.network, inputs).double()
        result: NDArray[np.float64] = torch.softmax(logits, dim=1).numpy()[:, self._order]
        return result

    def predict(self, X: Features) -> NDArray[Any]:
        """(n,) the likeliest of ``classes_`` for each row."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        result: NDArray[Any] = self.classes_[likeliest]
        return result

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401  # scikit-learn is untyped
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.non_deterministic = not isinstance(self.random_state, Integral)
        return tags

    def _make_frame(self, X: Features, *, reset: bool) -> pd.DataFrame:
        """X with rows by number and distinct text names, booleans as 0 and 1."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, skip_check_array=True, reset=reset)
            frame = X.reset_index(drop=True)
        else:
            checks = {"dtype": None, "ensure_all_finite": "allow-nan"}
            frame = pd.DataFrame(validate_data(self, X, reset=reset, **checks)).infer_objects()
        numbered = [f"x{position}" for position in range(frame.shape[1])]
        frame.columns = pd.Index(getattr(self, "feature_names_in_", numbered), dtype=object)
        mended = {str(name): _mend(column) for name, column in frame.items()}
        return frame.assign(**{k: column for k, column in mended.items() if column is not None})

    def _learn_classes(self, y: ArrayLike, frame: pd.DataFrame) -> NDArray[np.intp]:
        """Set ``classes_``; (n,) codes of y into it."""
        labels = self._check_labels(y, "y")
        # Not of y_val, whose labels must be among these: one row of each class is a good clean set,
        # but would be warned of.
        check_classification_targets(labels)
        check_consistent_length(frame, labels)
        codes: NDArray[np.intp]
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes to tell apart; y has 1 class, "
                f"{self.classes_[0]!r}."
            )
        return codes

    def _check_labels(self, y: ArrayLike | None, name: str) -> NDArray[Any]:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires {name} to be passed, but the "
                f"target {name} is None."
            )
        labels: NDArray[Any] = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name=name)
        return labels

    def _choose_seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(MAX_SEED))

    def _hold_out(self, codes: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
        """Rows of X to take at their word: the same share of each class, at least 1 row."""
        share = self.validation_fraction
        if share is None:
            raise ValueError(
                f"{type(self).__name__} needs rows whose labels are trusted: fit(X, y, X_val=..., "
                "y_val=...). Set validation_fraction, e.g. to 0.2, to take a random part of X for "
                "right instead."
            )
        if not 0 < share < 1:
            raise ValueError(f"validation_fraction is {share!r}. Give a share between 0 and 1.")
        shuffled = np.random.default_rng(seed).permutation(len(codes))
        by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
        n = max(1, round(share * len(codes)))
        return np.sort(by_class[np.arange(n) * len(codes) // n])

    def _read_trusted(
        self, X_val: Features | None, y_val: ArrayLike | None
    ) -> tuple[pd.DataFrame, NDArray[np.intp]]:
        """Features and codes, (m,) into ``classes_``, of the trusted rows."""
        if X_val is None or y_val is None:
            given, lacking = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} is given without {lacking}. Give both or neither.")
        frame = self._make_frame(X_val, reset=False)
        labels = self._check_labels(y_val, "y_val")
        check_consistent_length(frame, labels)
        codes: NDArray[np.intp] = pd.Index(self.classes_).get_indexer(pd.Index(labels))
        if (codes < 0).any():
            unknown = sorted({repr(label) for label in labels[codes < 0].tolist()})
            known = [repr(label) for label in self.classes_.tolist()]
            raise ValueError(
                f"y_val has labels that y lacks: {', '.join(unknown[:5])}. The labels of y are "
                f"{', '.join(known[:20])}."
            )
        return frame, codes

    def _audit(
        self,
        data: pd.DataFrame,
        clean: pd.DataFrame,
        options: ReadOptions,
        seed: int,
        *,
        is_provisional: bool,
    ) -> _Fitted:
        """Audit in a temporary run folder, of which only what is returned is kept."""
        names = ("rule", "epochs", "batch_size", "lr", "fdr", "device")
        chosen = {name: getattr(self, name) for name in names}
        if self.module is not None:
            chosen["model"] = name_factory(self.module)
        command = ("datacleanse.ReweightedClassifier",)
        settings = Settings(seed=seed, **chosen)
        request = Request(
            data,
            (clean,),
            options=options,
            settings=settings,
            command=command,
            module=self.module,
            is_provisional=is_provisional,
        )
        with tempfile.TemporaryDirectory(prefix="datacleanse-") as directory:
            folder = RunFolder(Path(directory) / "run")
            with follow(None if self.verbose else False) as told:
                run_audit(request, Conduct(folder.path, progress=told))
            model = load_predictor(folder.model_dir, model=self.module)
            assert isinstance(model, Predictor)
            notices = [notice.message for notice in folder.manifest().notices]
            table = folder.read_audit().to_pandas()
            return _Fitted(table, model.network, model.encoding, model.schema, notices)


@dataclass(frozen=True)
class _Fitted:
    """What a fit leaves."""

    table: pd.DataFrame
    network: nn.Module
    """On the CPU; encoded rows (B, F) to logits (B, C)."""
    encoding: Encoding
    schema: Schema
    notices: list[str]


def _mend(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Booleans as 0 and 1, None for a column that can stay as it is.

    Raises:
        TypeError: it is sparse.
        ValueError: it holds infinite numbers.
    """
    if isinstance(column.dtype, pd.SparseDtype):
        raise TypeError(
            f"Sparse data was passed for X (column {column.name!r}), but dense data is required. "
            "Use X.sparse.to_dense()."
        )
    if isinstance(column.dtype, pd.CategoricalDtype):
        return None
    if is_bool_dtype(column.dtype):
        return column.astype("Int8")
    if is_numeric_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        assert_all_finite(values, allow_nan=True, input_name="X")
    return None


def _list_numeric(frame: pd.DataFrame) -> list[str]:
    """Whoever passes X has chosen its columns: numbers are features even if they look like ids."""
    return [str(name) for name, column in frame.items() if is_numeric_dtype(column.dtype)]


def _name_classes(classes: NDArray[Any]) -> NDArray[np.object_]:
    """A text for each class, (C,), that readers take as it is, so that notices can name classes.

    ``1.0`` would become ``1``, and the empty text a missing label. Where a class is like that, all
    of them are known by their number.
    """
    names = [str(int(value) if isinstance(value, float) else value) for value in classes.tolist()]
    if len({name.casefold() for name in names}) < len(names) or not all(map(_is_plain, names)):
        names = [f"class {number}" for number in range(len(names))]
    return np.array(names, dtype=object)


def _is_plain(name: str) -> bool:
    """Whether the text is a whole number in its usual spelling, or no number at all."""
    try:
        number = float(name)
    except ValueError:
        return bool(name)
    return number.is_integer() and name == str(int(number))


def _find_unused(name: str, frame: pd.DataFrame) -> str:
    while name in frame.columns:
        name += "_"
    return name


def _tell_provisional(n_held_out: int, n_rows: int) -> str:
    return (
        f"No trusted set was given: {n_held_out:,} of {n_rows:,} rows of X, drawn at random, were "
        "taken for right (validation_fraction). Wrong labels among them mislead the audit, and the "
        "false-discovery rate is not kept."
    )
