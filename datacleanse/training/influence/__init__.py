"""Exact example influence at first-order cost.

Ren, Zeng, Yang, Urtasun 2018, "Learning to Reweight Examples for Robust Deep Learning"
(arXiv 1803.09050): give each example of the batch a weight e_i, take a virtual step, and ask how
the loss on the trusted examples changes with e_i. At e = 0, where the paper takes the derivative
(eq. 7), the virtual step has not moved yet, so the second-order term vanishes and (eq. 12)

    -dL_trusted / de_i  =  lr * < grad l_i(theta), grad L_trusted(theta) >.

That inner product is the influence. A network may name the layers that influences are measured by
(`find_measured`): the virtual step moves these alone, and the inner product is over them.

NOTE[DIFF] the step that follows is AdamW's, or one of the caller's optimiser. Influences are those
of the paper's virtual step, one of plain gradient descent.

Four routes compute the influences exactly for a whole batch, the cheapest first:

- `perceptron`: inner products layer by layer, with the backward pass written out, for the default
  network of tables.
- `layerwise`: the same from what autograd's backward pass leaves behind, for networks whose
  parameters all sit in layers that are linear in them.
- `forward_mode`: one forward pass in dual numbers along v = grad L_trusted. Nearly any network.
- `double_backward`: the gradient differentiated once more, where there are no forward derivatives.

`choice` takes the first that `trial` finds exact on the first batch.
"""

from __future__ import annotations

from datacleanse.training.influence.choice import choose_engine
from datacleanse.training.influence.double_backward import DoubleBackward
from datacleanse.training.influence.forward_mode import ForwardMode
from datacleanse.training.influence.interface import Direction, Engine, Route, Step, cross_entropy
from datacleanse.training.influence.layerwise import Layerwise
from datacleanse.training.influence.trusted import (
    Trusted,
    TrustedDirection,
    compute_trusted_gradient,
)

__all__ = [
    "Direction",
    "DoubleBackward",
    "Engine",
    "ForwardMode",
    "Layerwise",
    "Route",
    "Step",
    "Trusted",
    "TrustedDirection",
    "choose_engine",
    "compute_trusted_gradient",
    "cross_entropy",
]
