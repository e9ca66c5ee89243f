"""How much each row counts in the final model, told among ranks before they train it together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from datacleanse.training.ranks import Ranks

NOTHING = ""
"""What rank 0 tells where nothing is left to train."""


def tell_worth(ranks: Ranks, worth: Tensor | None) -> None:
    """Tell the other ranks what each row counts in the final model; None: it is trained already."""
    if ranks.count == 1:
        return
    ranks.tell(NOTHING if worth is None else "worth")
    if worth is not None:
        ranks.add_up(worth.clone())


def hear_worth(ranks: Ranks, n_rows: int) -> Tensor | None:
    """Hear what `tell_worth` tells: (M,) in [0, 1], or None."""
    if ranks.tell(None) == NOTHING:
        return None
    return ranks.add_up(torch.zeros(n_rows, dtype=torch.float32))
