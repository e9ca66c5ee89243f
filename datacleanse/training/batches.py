"""How an order of examples is cut into batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


def count_batches(n_examples: int, batch_size: int) -> int:
    """Count the batches that `split` makes."""
    whole, rest = divmod(n_examples, batch_size)
    return max(1, whole + (rest > 1))


def split(order: Tensor, batch_size: int) -> Iterator[Tensor]:
    """Cut (K,) positions into batches; a last batch of one joins the batch before it.

    Batch statistics are undefined on one example, and its weight would always be 0 or 1.
    """
    count = count_batches(len(order), batch_size)
    for number in range(count):
        last = number == count - 1
        yield order[number * batch_size : None if last else (number + 1) * batch_size]
