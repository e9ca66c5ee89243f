"""From a prediction back to the labels behind it: which rows of DATA pushed the model toward it.

A step of the final model on row i changes the loss of label c of a new row x by about

    - learning rate x w_i < grad l(x_i, y_i), grad l(x, c) >

where w_i is how much the row counts in that model. That product is the influence by which the rows
of an audit are weighed (Ren et al. 2018, arXiv 1803.09050, eq. 12), with the new row in the place
of the trusted ones. It tells what the finished model would still learn from a row, not what it
would be without it: for that Koh, Liang 2017, "Understanding Black-box Predictions via Influence
Functions", arXiv 1703.04730, put the inverse Hessian between the two gradients.

Of numbers the loss is Huber's, and c a number that is named; without one it is a robust deviation
of DATA's labels above the prediction, where the loss has the slope 1: rows push up or down.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch

from datacleanse.data.any_number import read_number
from datacleanse.errors import SettingsError
from datacleanse.keyword_arguments import suggest_keywords
from datacleanse.progress import follow
from datacleanse.review.audited_run import open_audited_run
from datacleanse.serving.open_model import open_model
from datacleanse.serving.seen_rows import (
    OF_CLASSES,
    OF_NUMBERS,
    OF_ROWS,
    find_new_row,
    read_training_rows,
)
from datacleanse.storage.run_folder import RunFolder
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.influence import choose_engine
from datacleanse.training.objectives import CLASSES, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    import pandas as pd
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.data import Source
    from datacleanse.models.description import NumberScale
    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.progress import Progress, ProgressOption
    from datacleanse.review.audited_run import AuditedRun
    from datacleanse.serving.seen_rows import Network, NewRow, SeenRows
    from datacleanse.training.influence.interface import Loss

AT_ONCE = 1024
"""Rows whose influences are computed together."""

TINY = float(np.finfo(np.float64).tiny)

COLUMNS = (
    "id",
    "given_label",
    "verified_label",
    "suggested_label",
    "mislabel_probability",
    "flagged",
    "final_weight",
)
"""Columns of the audit table that are told of a row."""


class Pushed:
    """What explanations share: a table of rows that push, and plain values."""

    pushes: pa.Table

    @property
    def table(self) -> pd.DataFrame:
        """`pushes` as a data frame."""
        frame: pd.DataFrame = self.pushes.to_pandas()
        return frame

    def to_json(self) -> dict[str, Any]:
        """Plain values; the rows as a list of objects."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]  # those below are data classes
        return plain | {"pushes": self.pushes.to_pylist()}


@dataclass(frozen=True)
class Explanation(Pushed):
    """Which rows of DATA speak for and against a class of a new row."""

    row: int
    """Position of the new row in its source, from 0."""
    label: str
    """The class in question."""
    probability: float
    """Of that class, by the model, in [0, 1]."""
    predicted: str
    """The likeliest class."""
    pushes: pa.Table
    """The rows that push most, for the class first. ``row``; ``push``, the influence times what the
    row counts in the model, > 0 for the class; ``share`` of all pushes in the same direction, in
    [0, 1]; ``is_suspect``, whether nobody verified it and its label is likelier wrong than right;
    and `COLUMNS`."""
    suspect_share: float
    """Share of all pushes for the class, in [0, 1], that suspects make; 0 where there are none."""


@dataclass(frozen=True)
class NumberExplanation(Pushed):
    """Which rows of DATA push the number that is predicted for a new row, and which way."""

    row: int
    """Position of the new row in its source, from 0."""
    predicted: float
    """By the model, in the label's unit."""
    number: float | None
    """The number in question; None: any larger one."""
    pushes: pa.Table
    """As `Explanation.pushes`; ``push`` is > 0 toward the number in question, or up."""
    suspect_share: float
    """Share of all pushes that way, in [0, 1], that suspects make; 0 where there are none."""


@suggest_keywords
def explain(
    run: str | PathLike[str],
    new: Source,
    *,
    row: int,
    label: str | float | None = None,
    top: int = 10,
    data: Source | None = None,
    model: str | ModuleFactory | None = None,
    progress: ProgressOption = None,
) -> Explanation | NumberExplanation:
    """Which rows of the audited data pushed a run's model toward a prediction.

    Args:
        run: folder of a finished run.
        new: rows to classify: a file or a frame, or pictures.
        row: position of the row in question, from 0.
        label: class to explain; None: the predicted one. Where labels are numbers, one that the row
            should have; None: which rows push the number up, and which down.
        top: rows told at most, for the class and against it.
        data: where the audited data is now, or the frame that was audited; None: where it was.
        model: for a network of your own, its factory or ``package.module:factory``.
        progress: see `datacleanse.audit`.

    Raises:
        DatacleanseError: as `explain_prediction`.

    Examples:
        >>> dc.explain("runs/churn", "new.csv", row=17).table  # doctest: +SKIP
    """
    folder = RunFolder(Path(run))
    with tempfile.TemporaryDirectory(prefix="datacleanse-") as place, follow(progress) as told:
        return explain_prediction(
            folder,
            new,
            row,
            label=label,
            top=top,
            data=data,
            model=model,
            scratch=Path(place),
            progress=told,
        )


def explain_prediction(
    folder: RunFolder,
    new: Source,
    row: int,
    *,
    label: str | float | None,
    top: int,
    data: Source | None,
    delimiter: str | None = None,
    model: str | ModuleFactory | None,
    scratch: Path,
    progress: Progress,
) -> Explanation | NumberExplanation:
    """Find the rows of DATA that push the model toward a prediction, and away from it.

    Args:
        folder: of a finished run.
        new: rows to classify, as for `predict_source`.
        row: position of the row in question, from 0.
        label: class to explain, or number; see `explain`.
        top: rows told at most, in either direction, > 0.
        data: where DATA lies now, or DATA itself; None: where it was.
        delimiter: of NEW's CSV; None for the format's own.
        model: for a network of the user's own, its factory or ``package.module:factory``.
        scratch: folder for a file where memory does not suffice for pictures.
        progress: is told of stages.

    Raises:
        RunFolderError: the run is missing, unfinished, damaged, or of before rows' weights in the
            model were kept.
        InputError: DATA is not there or has changed, or NEW has no such row.
        SettingsError: ``label`` is no class or no number, or ``top`` no number of rows.
    """
    if top < 1:
        raise SettingsError(
            f"top is {top}, which is no number of rows.",
            slug="setting-out-of-range",
            hint="Give a whole number above 0.",
        )
    run = open_audited_run(folder, data=data)
    served = _check_network(open_model(folder.path, model=model), run)
    with use_one_thread():
        one = find_new_row(
            served, new, row, delimiter=delimiter, scratch=scratch, progress=progress
        )
        question = _ask(served, one, label, folder)
        seen = read_training_rows(run, served, scratch=scratch, progress=progress)
        progress.stage("Comparing gradients", None)
        influence = _measure_influence(one, seen, question)
    push = influence * seen.about["final_weight"].to_numpy()
    wrong = seen.about["mislabel_probability"].fill_null(0.0).to_numpy()
    is_suspect = (wrong > 0.5) & seen.about["verified_label"].is_null().to_numpy()
    return question.answer(
        row=row,
        pushes=_tell_largest(push, is_suspect, seen.about, top),
        suspect_share=float(push[is_suspect & (push > 0)].sum() / max(push[push > 0].sum(), TINY)),
    )


@dataclass(frozen=True)
class _Question:
    """A label of the new row whose loss is looked at."""

    target: Tensor
    """(1,) as the loss takes it."""
    loss: Loss
    """By which the final model was trained."""
    answer: Callable[..., Explanation | NumberExplanation]
    """What makes the explanation of `Pushed`'s fields."""


def _ask(served: Network, one: NewRow, label: str | float | None, folder: RunFolder) -> _Question:
    """Choose the label in question, and see what the model makes of it.

    Raises:
        SettingsError: ``label`` is no class, or no number.
    """
    outputs = _compute_outputs(one.network, one.inputs)[0]
    if isinstance(served, OF_NUMBERS):
        return _ask_about_number(served.label, float(outputs[0]), label)
    classes, probability = served.schema.classes, torch.softmax(outputs, dim=0)
    predicted = classes[int(probability.argmax())]
    target = classes.index(
        _check_class(predicted if label is None else str(label), classes, folder)
    )
    answer = partial(
        Explanation,
        label=classes[target],
        probability=float(probability[target]),
        predicted=predicted,
    )
    return _Question(torch.tensor([target]), CLASSES.loss, answer)


def _ask_about_number(scale: NumberScale, output: float, label: str | float | None) -> _Question:
    number = None if label is None else _check_number(label)
    target = output + 1.0 if number is None else (number - scale.centre) / scale.scale
    predicted = scale.centre + scale.scale * output
    answer = partial(NumberExplanation, predicted=predicted, number=number)
    return _Question(torch.tensor([target], dtype=torch.float32), NUMBERS.loss, answer)


def _check_network(served: object, run: AuditedRun) -> Network:
    """The run's own network, where it reads rows of the kind that DATA has.

    Raises:
        SettingsError: it is another program's, or reads features that were made of pictures.
    """
    met = "an exported model"
    if isinstance(served, OF_CLASSES | OF_NUMBERS):
        if isinstance(served, OF_ROWS) == (run.listing is None):
            return served
        met = "features of pictures"
    raise SettingsError(
        f"The model of the run in {run.folder.path} is one of {met}: its gradients with respect to "
        "DATA's rows are not at hand.",
        slug="explanation-unavailable",
        hint="Explain predictions of a run whose own network reads the rows or pictures.",
    )


def _check_class(label: str, classes: tuple[str, ...], folder: RunFolder) -> str:
    if label in classes:
        return label
    raise SettingsError(
        f"{label!r} is no class of the run in {folder.path}.",
        slug="class-unknown",
        hint=f"Its classes are {', '.join(classes[:20])}{', …' if len(classes) > 20 else ''}.",
    )


def _check_number(label: str | float) -> float:
    number = read_number(str(label))
    if number is None:
        raise SettingsError(
            f"{label!r} is no number, and the run is of numbers.",
            slug="number-unknown",
            hint="Give a number that the row should have, or leave it out.",
        )
    return number


def _compute_outputs(network: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        outputs: Tensor = network.eval()(inputs)
    return outputs.double()


def _measure_influence(one: NewRow, seen: SeenRows, question: _Question) -> NDArray[np.float64]:
    """(N,) influence of each row of DATA on the label in question of one row."""
    engine = choose_engine(one.network.eval(), question.loss)
    direction, _ = engine.compute_gradient(one.inputs, question.target)
    found = np.zeros(len(seen.labels))
    for start in range(0, len(found), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        step = engine.open(seen.inputs[part], seen.labels[part], direction)
        assert step.influence is not None
        found[part] = step.influence.double().numpy()
    return found


def _tell_largest(
    push: NDArray[np.float64], is_suspect: NDArray[np.bool_], about: pa.Table, top: int
) -> pa.Table:
    """The ``top`` rows in either direction, the strongest for the class first."""
    order = np.argsort(-push, kind="stable")
    toward = order[push[order] > 0][:top]
    away = order[::-1][push[order[::-1]] < 0][:top]
    rows = np.concatenate([toward, away])
    total = np.where(push[rows] > 0, push[push > 0].sum(), -push[push < 0].sum())
    told = about.select(COLUMNS).take(pa.array(rows))
    return pa.table(
        {
            "row": pa.array(rows),
            "push": pa.array(push[rows]),
            "share": pa.array(np.abs(push[rows]) / np.maximum(total, TINY)),
            "is_suspect": pa.array(is_suspect[rows]),
            **dict(zip(COLUMNS, told.columns, strict=True)),
        }
    )
