"""Rows laid out for training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.prepared import encode_matrix
from datacleanse.models.text_columns import weigh_columns
from datacleanse.storage.mapped_files import keep_rows
from datacleanse.training.examples import Examples
from datacleanse.training.placement import place

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array
    from torch import Tensor

    from datacleanse.auditing.plan import CleanSplit, Plan
    from datacleanse.models.encoding import Encoding
    from datacleanse.records import Dataset
    from datacleanse.training.placement import Rows


def encode_examples(
    data: Dataset,
    clean: Dataset,
    plan: Plan,
    encoding: Encoding,
    *,
    matrix: NDArray[np.float32] | None = None,
    device: torch.device,
) -> Examples:
    """Encode DATA and CLEAN into one matrix, on the device if it fits there.

    Args:
        data: DATA.
        clean: CLEAN.
        plan: the part of each row.
        encoding: what was learned of the columns.
        matrix: the rows, if they are encoded already.
        device: where the network is trained.
    """
    if matrix is None:
        matrix = encode_matrix(data, clean, plan, encoding)
    inputs = place(torch.from_numpy(matrix), device)
    examples = lay_out(inputs, plan, n_classes=len(data.schema.classes), device=device)
    axes = None
    if encoding.texts and not len(encoding.find_not_of_texts()):
        axes = torch.from_numpy(np.setdiff1d(np.arange(encoding.width), encoding.find_embedded()))
    return replace(examples, texts=_weigh_texts(data, clean, encoding), axes=axes)


def _weigh_texts(data: Dataset, clean: Dataset, encoding: Encoding) -> csr_array | None:
    """Weigh the terms of DATA's texts, then CLEAN's; None without a column of text."""
    if not encoding.texts:
        return None
    from scipy.sparse import vstack

    learned = list(zip(encoding.texts, encoding.axes, strict=True))
    return vstack([weigh_columns(each, learned) for each in (data, clean)], format="csr")


def lay_out(inputs: Rows, plan: Plan, *, n_classes: int, device: torch.device) -> Examples:
    """Lay out examples around their inputs, all of CLEAN trained on: for what nothing steers."""
    return Examples(
        inputs=inputs,
        labels=torch.from_numpy(plan.labels).to(device),
        n_data=plan.n_data,
        training_rows=_list_rows(plan.is_learned).to(device),
        steering_rows=torch.from_numpy(plan.n_data + plan.split.steering).to(device),
        n_classes=n_classes,
    )


def lay_out_fold(examples: Examples, plan: Plan, fold: CleanSplit) -> Examples:
    """Return the examples with the parts that their rows play in a fold."""
    device = examples.labels.device
    return replace(
        examples,
        training_rows=_list_rows(plan.mark_trained(fold)).to(device),
        steering_rows=torch.from_numpy(plan.n_data + fold.steering).to(device),
    )


def lay_out_final(examples: Examples, plan: Plan) -> Examples:
    """Return the examples as the final model learns them: verified rows by their true labels."""
    rows = _list_rows(plan.is_refitted)
    return replace(examples, training_rows=rows.to(examples.labels.device))


def _list_rows(marked: NDArray[np.bool_]) -> Tensor:
    """(K,) positions of the marked rows."""
    return torch.from_numpy(keep_rows(np.flatnonzero(marked)))
