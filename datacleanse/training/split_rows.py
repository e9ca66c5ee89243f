"""Rows of a table as its network reads them, made once and not for each batch of each epoch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor, nn

from datacleanse.models.tabular import TabularNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.training.examples import Examples

MOST_BYTES = 2**24
"""Of rows that are kept so, about: larger ones would have to be fetched from main memory, which
takes longer than to make them of the few columns that they are made of."""


@contextmanager
def split_before(model: nn.Module, examples: Examples) -> Iterator[Examples]:
    """Within the block the model reads the examples that are given, which may be split before.

    Args:
        model: the network to be trained.
        examples: as the network reads them outside the block.
    """
    inputs = examples.inputs
    if not isinstance(model, TabularNetwork) or not isinstance(inputs, Tensor):
        yield examples
        return
    width = model.shape.count_split()
    if len(inputs) * width * inputs.element_size() > MOST_BYTES:
        yield examples
        return
    with model.read_split(inputs) as rows:
        yield replace(examples, inputs=rows)
