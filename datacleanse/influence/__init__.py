"""Exact example influence at first-order cost.

Ren, Zeng, Yang, Urtasun 2018, "Learning to Reweight Examples for Robust Deep Learning"
(arXiv 1803.09050): give each example of the batch a weight e_i, take a virtual step, and ask how
the loss on the trusted examples changes with e_i. At e = 0, where the paper takes the derivative
(eq. 7), the virtual step has not moved yet, so the second-order term vanishes and (eq. 12)

    -dL_meta / de_i  =  lr * < grad l_i(theta), grad L_meta(theta) >.

That inner product is the influence. Three routes compute it exactly for a whole batch:

- `forward_mode`: one forward pass in dual numbers along v = grad L_meta. Any network.
- `layerwise`: inner products formed layer by layer from what one backward pass leaves behind.
  Cheaper, for networks whose parameters all sit in layers that are linear in them.
- `perceptron`: the same with the backward pass written out, for the default network of tables.
"""

from __future__ import annotations

from datacleanse.influence.choice import choose_engine
from datacleanse.influence.forward_mode import ForwardMode
from datacleanse.influence.interface import Direction, Engine, Step, cross_entropy, trusted_gradient
from datacleanse.influence.layerwise import Layerwise
from datacleanse.influence.trusted import Trusted, TrustedDirection

__all__ = [
    "Direction",
    "Engine",
    "ForwardMode",
    "Layerwise",
    "Step",
    "Trusted",
    "TrustedDirection",
    "choose_engine",
    "cross_entropy",
    "trusted_gradient",
]
