"""What of an audit needs no network's library: rows planned, encoded, and asked about.

Torch takes more than a second to load, on one core. Meanwhile another process can form the second
opinion on a small table, if it is asked before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.auditing.plan import make_plan
from datacleanse.detection.second_opinion.question import Question
from datacleanse.models.encoding import encode_into, fit_encoding
from datacleanse.settings import RESIDUAL
from datacleanse.storage.mapped_files import LARGE, LARGE_INPUTS, make_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs
    from datacleanse.models.encoding import Encoding
    from datacleanse.models.text_models import UsedTextModel
    from datacleanse.records import Dataset
    from datacleanse.settings import Settings

LEAST_EMBEDDING = 8
"""Numbers of a row from which on embeddings are asked about without trees (decision 93)."""

FEW_CLASSES = 10
"""Up to so many, trees read texts, too; of 77 they told nothing and took longest: decision 63."""


MOST_LEARNED = 200_000
"""Rows that the second opinion learns from where the inputs are as large as `LARGE_INPUTS`: a tree
is grown on a tenth of them, a regression solved on as many."""


@dataclass(frozen=True)
class Prepared:
    """A table before torch is loaded."""

    plan: Plan
    encoding: Encoding
    matrix: NDArray[np.float32]
    """(M, F) encoded rows of DATA, then CLEAN."""
    question: Question
    """Of the run itself, not of a repeated one."""


def plan_rows(inputs: Inputs, settings: Settings) -> Plan:
    """Give each row the part that it plays.

    Raises:
        InputError: nothing is left to train on.
    """
    return make_plan(
        inputs.data,
        inputs.clean,
        inputs.comparison.overlap,
        seed=settings.seed,
        is_fast=settings.fast,
        hold_back=settings.hold_back,
        reviewed=inputs.reviewed,
        earlier=inputs.earlier,
        strangers=None if inputs.verified is None else inputs.verified.strangers,
        is_provisional=inputs.is_provisional,
    )


def learn_encoding(data: Dataset, plan: Plan, text_model: UsedTextModel | None = None) -> Encoding:
    """Learn the encoding of DATA's columns from the rows that are trained on."""
    return fit_encoding(data, np.flatnonzero(plan.is_trained[: plan.n_data]), text_model)


def encode_matrix(
    data: Dataset, clean: Dataset, plan: Plan, encoding: Encoding
) -> NDArray[np.float32]:
    """Encode the rows of DATA, then CLEAN's: (M, F)."""
    matrix: NDArray[np.float32] = make_rows((len(plan.labels), encoding.width), np.float32)
    encode_into(matrix[: plan.n_data], data, encoding)
    encode_into(matrix[plan.n_data :], clean, encoding)
    return matrix


def prepare_small_table(inputs: Inputs, settings: Settings) -> Prepared | None:
    """Plan and encode a table before torch is loaded; None where that would gain nothing.

    A large table's rows go to disk before they are encoded, texts are read by models that load
    torch, and of pictures nothing is known yet.

    Raises:
        InputError: nothing is left to train on.
    """
    columns = inputs.data.schema.columns
    if inputs.pictures is not None or any(column.kind == "text" for column in columns):
        return None
    if settings.model == RESIDUAL or settings.features is not None:
        return None
    plan = plan_rows(inputs, settings)
    encoding = learn_encoding(inputs.data, plan)
    if len(plan.labels) * encoding.width * np.dtype(np.float32).itemsize >= LARGE:
        return None
    matrix = encode_matrix(inputs.data, inputs.clean, plan, encoding)
    n_classes = len(inputs.data.schema.classes)
    question = pose_table_question(
        matrix, encoding, plan, n_classes, settings.seed, is_quick=settings.fast
    )
    return Prepared(plan, encoding, matrix, question)


def pose_table_question(
    rows: NDArray[np.float32],
    encoding: Encoding,
    plan: Plan,
    n_classes: int,
    seed: int,
    *,
    texts: csr_array | None = None,
    is_quick: bool,
) -> Question:
    """Ask for trees and regressions on (M, F) encoded rows and texts; on embeddings without trees.

    Features of pictures are an embedding, too.
    """
    is_learned = plan.is_learned
    if rows.nbytes >= LARGE_INPUTS:
        is_learned = _draw_learned(is_learned, seed)
    n_numbers, vectors = len(encoding.numeric), None
    if encoding.texts:
        embedded = encoding.find_embedded()
        kept = np.setdiff1d(np.arange(encoding.width), embedded)
        if n_classes > FEW_CLASSES:
            kept = encoding.find_not_of_texts()
        n_numbers = int((kept < n_numbers).sum())
        vectors = rows[:, embedded] if len(embedded) else None
        rows = rows[:, kept]
    is_of_embeddings = encoding.is_of_embeddings and encoding.width >= LEAST_EMBEDDING
    return Question(
        "features" if is_of_embeddings else "table",
        rows,
        plan.labels,
        is_learned,
        n_classes,
        seed,
        n_numbers=n_numbers,
        texts=texts,
        vectors=vectors,
        is_quick=is_quick,
    )


def _draw_learned(is_learned: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """(M,) the same of `MOST_LEARNED` of the rows at most, drawn at random."""
    rows = np.flatnonzero(is_learned)
    if len(rows) <= MOST_LEARNED:
        return is_learned
    drawn = np.zeros_like(is_learned)
    drawn[np.random.default_rng(seed).choice(rows, MOST_LEARNED, replace=False)] = True
    return drawn
