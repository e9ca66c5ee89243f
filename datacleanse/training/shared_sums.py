"""Rows cut among the ranks of a training, and sums over them with one message for many tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import nn

    from datacleanse.training.ranks import Ranks


def cut_evenly(n: int, ranks: Ranks) -> slice:
    """Cut n rows among the ranks: this one's, in order; none where there are fewer than ranks."""
    return slice(n * ranks.number // ranks.count, n * (ranks.number + 1) // ranks.count)


def add_up_together(tensors: Sequence[Tensor], ranks: Ranks) -> list[Tensor]:
    """Sum tensors over all ranks, those of one type in one message; same shapes everywhere."""
    kinds = list(dict.fromkeys((each.dtype, each.device) for each in tensors))
    summed = list(tensors)
    for kind in kinds:
        at = [i for i, each in enumerate(tensors) if (each.dtype, each.device) == kind]
        total = ranks.add_up(torch.cat([tensors[i].reshape(-1) for i in at]))
        parts = total.split([tensors[i].numel() for i in at])
        for i, part in zip(at, parts, strict=True):
            summed[i] = part.view(tensors[i].shape)
    return summed


@torch.no_grad()
def sum_gradients(parameters: Iterable[nn.Parameter], ranks: Ranks, *, has_any: bool) -> bool:
    """Sum every ``.grad`` over all ranks; one that no rank has stays None.

    Args:
        parameters: the trainable ones, one at least.
        ranks: all of them call this.
        has_any: whether an example of this rank's has a weight.

    Returns:
        Whether an example of any rank's has a weight.
    """
    held = list(parameters)
    own = [torch.zeros_like(p) if p.grad is None else p.grad for p in held]
    flags = [*(p.grad is not None for p in held), has_any]
    told = torch.tensor(flags, dtype=own[0].dtype, device=own[0].device)
    *summed, counts = add_up_together([*own, told], ranks)
    *is_held, is_any = (counts > 0).tolist()
    for parameter, gradient, has in zip(held, summed, is_held, strict=True):
        if has:
            # As the parameter lies in memory, which fused optimisers take for granted.
            parameter.grad = torch.empty_like(parameter).copy_(gradient)
    return bool(is_any)
