"""Temperature scaling: how sure the exported model is of its classes.

Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599,
section 4.2: all logits are divided by one number, which leaves the likeliest class as it is. They
fit it to held-back labels.

NOTE[DIFF] here no labels are held back, and those that there are may be wrong. What is fitted is
what an audit knows of every row: the probability that its given label is right. Rows near a
boundary count little in the final model, which is then too sure there; these are the rows whose
probabilities say so.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

HIGHEST = 10.0
"""Temperature, at most. The least is 1: on rows that it was trained on, a network looks less sure
than it should be only by luck."""


def fit_temperature(logits: Tensor, labels: Tensor, wrong: Tensor) -> float:
    """The temperature under which a network's probabilities agree best with an audit's.

    It makes Σ (1 − P) log p(g) + P log(1 − p(g)) greatest, where g is a row's given label, P the
    probability that it is wrong, and p the network's at the temperature.

    Args:
        logits: (n, C), n > 0, C > 1.
        labels: (n,) given labels.
        wrong: (n,) in [0, 1], P(given label is wrong).

    Returns:
        In [1, `HIGHEST`].
    """
    from scipy.optimize import minimize_scalar

    logits, wrong = logits.double(), wrong.double()
    given = labels[:, None]
    others = logits.scatter(1, given, -torch.inf)

    def measure_misfit(log_temperature: float) -> float:
        scale = math.exp(-log_temperature)
        total = (logits * scale).logsumexp(dim=1)
        is_given = (logits.gather(1, given)[:, 0] * scale) - total
        is_other = (others * scale).logsumexp(dim=1) - total
        return -float(((1 - wrong) * is_given + wrong * is_other).mean())

    bounds = (0.0, math.log(HIGHEST))
    found = float(minimize_scalar(measure_misfit, bounds=bounds, method="bounded").x)
    return math.exp(found) if measure_misfit(found) < measure_misfit(0.0) else 1.0


@torch.no_grad()
def divide_logits(head: nn.Linear, temperature: float) -> None:
    """Divide what a network's last layer gives by the temperature, in its own parameters."""
    for parameter in head.parameters():
        parameter.div_(temperature)
