"""What a layer's parameters contribute to influence and gradient, from what one pass leaves there.

Every layer here is linear in its parameters, f(a; theta), with example i in row i of its input a
and of its output. With delta_i the gradient of l_i with respect to that output,

    < grad l_i, v >_layer = sum over positions of  delta_i . f(a_i; v),

a term of the sum over layers of Ren et al. (arXiv 1803.09050, eq. 12).

Related: ghost norms (Goodfellow 2015, arXiv 1510.01799) and ghost dot products (Wang et al. 2024,
arXiv 2406.11011), which need the trusted examples in the same batch.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datacleanse.training.influence.interface import NotServedError, name_module

Parameters = dict[str, Tensor]
"""Tensors shaped like a layer's own ``weight`` and ``bias``, by these names."""

SELECT_BELOW = 0.8
"""Share of examples with a weight below which the others are left out of the weighted gradient;
above it, copying the rows costs more than it saves."""


MIN_CHANNELS = 8
"""Channels of a convolution's group from which on the examples' own gradients are made; a picture's
three take three times as long that way."""


class Call(Protocol):
    """One use of a layer in a forward pass; a shared layer has several. Made with its input."""

    def compute_influence(self, delta: Tensor, v: Parameters) -> Tensor:
        """Compute the (B,) inner products, and keep what `compute_gradient` needs. Called once.

        Args:
            delta: (B, ...) gradient of the summed losses with respect to the layer's output.
            v: direction of the layer's trainable parameters, zeros for frozen ones.
        """

    def compute_gradient(self, weights: Tensor, rows: Tensor | None) -> Parameters:
        """Compute sum_i w_i grad l_i, after `compute_influence`.

        Args:
            weights: (B,), or (R,) of ``rows``.
            rows: (R,) int64 examples that have a weight; None for all.
        """


class LinearCall:
    """``nn.Linear`` on (B, ..., in)."""

    def __init__(self, layer: nn.Module, a: Tensor) -> None:
        self._a = a

    def compute_influence(self, delta: Tensor, v: Parameters) -> Tensor:
        """Multiply delta with the layer's output along v."""
        # Under autocast the layer computed in delta's precision.
        self._a, self._delta = self._a.to(delta.dtype), delta
        v = {name: along.to(delta.dtype) for name, along in v.items()}
        return _multiply_rows(delta, F.linear(self._a, v["weight"], v.get("bias")))

    def compute_gradient(self, weights: Tensor, rows: Tensor | None) -> Parameters:
        """Multiply the weighted deltas with the inputs."""
        a, delta = _weigh(self._a, self._delta, weights, rows)
        flat = delta.flatten(0, -2)
        return {"weight": flat.T @ a.flatten(0, -2), "bias": flat.sum(dim=0)}


class ConvCall:
    """``nn.Conv1d``, ``nn.Conv2d``, ``nn.Conv3d``: any stride, padding, dilation and groups.

    Two orders, the cheaper one by size. Where each example's own gradient takes no more room than
    the input and delta that it is made from (few channels, many positions), it is made, and gives
    influence and weighted gradient at once. Elsewhere both are made from input and delta.
    """

    def __init__(self, layer: nn.Module, a: Tensor) -> None:
        assert isinstance(layer, nn.modules.conv._ConvNd)
        self._layer = layer
        self._a: Tensor | None = a
        self._delta: Tensor | None = None
        self._own: Parameters = {}

    def compute_influence(self, delta: Tensor, v: Parameters) -> Tensor:
        """Multiply delta with the output along v, or v with each example's own gradient."""
        assert self._a is not None
        a = self._a.to(delta.dtype)
        v = {name: along.to(delta.dtype) for name, along in v.items()}
        # Measured on CPUs, where a convolution with a group for each example is fast, but for
        # groups of few channels.
        is_small = a[0].numel() + delta[0].numel() >= v["weight"].numel()
        if is_small and not delta.is_cuda and v["weight"].shape[1] >= MIN_CHANNELS:
            self._a = None
            self._own = self._compute_each(a, delta)
            return _project(self._own, v)
        self._a, self._delta = a, delta
        # The layer's own way from input to output, so that every padding mode is served.
        return _multiply_rows(delta, self._layer._conv_forward(a, v["weight"], v.get("bias")))

    def compute_gradient(self, weights: Tensor, rows: Tensor | None) -> Parameters:
        """Combine the examples' own gradients, or convolve the inputs with the weighted deltas."""
        if self._own:
            return _combine(self._own, weights, rows)
        assert self._a is not None
        assert self._delta is not None
        a, delta = _weigh(self._a, self._delta, weights, rows)
        gradients = {"weight": self._compute_weight_gradient(a, delta, 1)}
        if self._layer.bias is not None:
            gradients["bias"] = delta.sum(dim=(0, *range(2, delta.dim())))
        return gradients

    def _compute_each(self, a: Tensor, delta: Tensor) -> Parameters:
        """Compute each example's own gradient, (B, ...) like the parameters."""
        n = len(a)
        gradient = self._compute_weight_gradient(
            a.flatten(0, 1)[None], delta.flatten(0, 1)[None], n
        )
        own = {"weight": gradient.view(n, *self._layer.weight.shape)}
        if self._layer.bias is not None:
            own["bias"] = delta.flatten(2).sum(dim=2)
        return own

    def _compute_weight_gradient(self, a: Tensor, delta: Tensor, n: int) -> Tensor:
        """Compute the gradient of the weight.

        With n examples laid side by side as channels: of n weights, one below the other.
        """
        layer = self._layer
        padding = layer.padding
        if isinstance(padding, str) or layer.padding_mode != "zeros":
            mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
            # Autocast pads in float32.
            a = F.pad(a, layer._reversed_padding_repeated_twice, mode=mode).to(delta.dtype)
            padding = (0,) * len(layer.stride)
        shape = (n * layer.weight.shape[0], *layer.weight.shape[1:])
        gradient: Tensor = torch.ops.aten.convolution_backward(
            delta,
            a,
            a.new_empty(1).expand(shape),  # only its shape is asked for
            None,
            layer.stride,
            padding,
            layer.dilation,
            False,
            [0] * len(layer.stride),
            n * layer.groups,
            [False, True, False],
        )[1]
        return gradient


class EmbeddingCall:
    """``nn.Embedding`` on (B, ...) codes."""

    def __init__(self, layer: nn.Module, a: Tensor) -> None:
        assert isinstance(layer, nn.Embedding)
        self._n, self._skipped = layer.num_embeddings, layer.padding_idx
        self._a = a

    def compute_influence(self, delta: Tensor, v: Parameters) -> Tensor:
        """Multiply delta with the embeddings along v."""
        # Where the embeddings are summed up, all positions share one delta: the sum over them
        # can then be taken first, and no (B, positions, width) is made.
        self._is_shared = self._a.dim() == 2 and delta.stride(1) == 0
        if self._is_shared:
            self._delta = delta[:, 0]
            along = F.embedding_bag(self._a, v["weight"], mode="sum", padding_idx=self._skipped)
        else:
            self._delta = delta
            along = F.embedding(self._a, v["weight"])
            if self._skipped is not None:
                along = along.masked_fill((self._a == self._skipped)[..., None], 0.0)
        return _multiply_rows(self._delta, along)

    def compute_gradient(self, weights: Tensor, rows: Tensor | None) -> Parameters:
        """Add the weighted deltas to the rows of their codes."""
        codes, delta = _weigh(self._a, self._delta, weights, rows)
        if self._is_shared:
            delta = delta[:, None].expand(*codes.shape, -1)
        skipped = -1 if self._skipped is None else self._skipped
        gradient = torch.ops.aten.embedding_dense_backward(delta, codes, self._n, skipped, False)
        return {"weight": gradient}


class EmbeddingBagCall:
    """``nn.EmbeddingBag`` on (B, K) codes, their sum or mean."""

    def __init__(self, layer: nn.Module, a: Tensor) -> None:
        assert isinstance(layer, nn.EmbeddingBag)
        self._n, self._mode, self._skipped = layer.num_embeddings, layer.mode, layer.padding_idx
        self._a = a

    def compute_influence(self, delta: Tensor, v: Parameters) -> Tensor:
        """Multiply delta with the bags' sums or means along v."""
        self._delta = delta
        along = F.embedding_bag(self._a, v["weight"], mode=self._mode, padding_idx=self._skipped)
        return _multiply_rows(delta, along)

    def compute_gradient(self, weights: Tensor, rows: Tensor | None) -> Parameters:
        """Add the weighted deltas to the rows of their bags' codes."""
        codes, delta = _weigh(self._a, self._delta, weights, rows)
        skipped = -1 if self._skipped is None else self._skipped
        if self._mode == "mean":
            delta = delta / (codes != skipped).sum(dim=1, keepdim=True).clamp(min=1)
        delta = delta[:, None].expand(*codes.shape, -1)
        gradient = torch.ops.aten.embedding_dense_backward(delta, codes, self._n, skipped, False)
        return {"weight": gradient}


class NormCall:
    """``nn.GroupNorm``, ``nn.LayerNorm``, ``nn.RMSNorm``: scale and shift after normalisation.

    They have so few parameters that each example's own gradient, (B, ...) like the parameters, is
    smaller than the delta which it is made from. Keeping the former frees the latter.
    """

    def __init__(self, layer: nn.Module, a: Tensor) -> None:
        self._layer = layer
        self._a: Tensor | None = a

    def compute_influence(self, delta: Tensor, v: Parameters) -> Tensor:
        """Multiply v with each example's own gradient, which is kept."""
        assert self._a is not None
        a, self._a = self._a.to(delta.dtype), None
        normalised = _normalise(self._layer, a)
        if isinstance(self._layer, nn.GroupNorm):
            # (B, C, positions): the parameters lie along dimension 1 ...
            flat, x = (t.reshape(*t.shape[:2], -1) for t in (delta, normalised))
            own = {"weight": torch.linalg.vecdot(flat, x), "bias": flat.sum(dim=2)}
        else:
            # ... or along the last ones, (B, positions, *normalized_shape).
            shape = v["weight"].shape
            flat, x = (t.reshape(len(t), -1, *shape) for t in (delta, normalised))
            own = {"weight": (flat * x).sum(dim=1), "bias": flat.sum(dim=1)}
        self._own = {k: own[k].view(len(delta), *along.shape) for k, along in v.items()}
        return _project(self._own, {k: along.to(delta.dtype) for k, along in v.items()})

    def compute_gradient(self, weights: Tensor, rows: Tensor | None) -> Parameters:
        """Combine the examples' own gradients."""
        return _combine(self._own, weights, rows)


CALLS: dict[
    type[nn.Module], type[LinearCall | ConvCall | EmbeddingCall | EmbeddingBagCall | NormCall]
] = {
    nn.Linear: LinearCall,
    nn.Conv1d: ConvCall,
    nn.Conv2d: ConvCall,
    nn.Conv3d: ConvCall,
    nn.Embedding: EmbeddingCall,
    nn.EmbeddingBag: EmbeddingBagCall,
    nn.GroupNorm: NormCall,
    nn.LayerNorm: NormCall,
    nn.RMSNorm: NormCall,
}
"""Layers served. Exact types only: a subclass may compute something else."""


def make_call(
    model: nn.Module, layer: nn.Module, args: tuple[Any, ...], out: Tensor, n_examples: int
) -> Call:
    """Make the call of a layer of the network that was given ``args`` and returned ``out``.

    Raises:
        NotServedError: input or output has no row for each example.
    """
    if not args or len(out) != n_examples or len(args[0]) != n_examples:
        met = f"{len(args[0])} rows" if args else "keywords alone"
        where = name_module(model, layer)
        raise NotServedError(f"{where} is given {met} for a batch of {n_examples}.")
    return CALLS[type(layer)](layer, args[0].detach())


def widen(found: Tensor) -> Tensor:
    """Widen to float32 at least: under autocast a layer's products come in half precision."""
    return found.to(torch.promote_types(found.dtype, torch.float32))


def find_counting_rows(weights: Tensor) -> Tensor | None:
    """Find the (R,) examples with a weight, where leaving out the others saves time; else None."""
    # On a GPU the count of rows would have to be waited for.
    if weights.is_cuda or weights.count_nonzero() >= SELECT_BELOW * len(weights):
        return None
    return weights.nonzero()[:, 0]


def _normalise(layer: nn.Module, a: Tensor) -> Tensor:
    if isinstance(layer, nn.GroupNorm):
        return F.group_norm(a, layer.num_groups, eps=layer.eps)
    if isinstance(layer, nn.LayerNorm):
        return F.layer_norm(a, layer.normalized_shape, eps=layer.eps)
    assert isinstance(layer, nn.RMSNorm)
    return F.rms_norm(a, layer.normalized_shape, eps=layer.eps)


def _multiply_rows(delta: Tensor, tangent: Tensor) -> Tensor:
    """Two (B, ...) to (B,): one inner product an example, without the product in memory."""
    # In the order of memory both are flattened without a copy, channels last too.
    order = sorted(range(1, delta.dim()), key=delta.stride, reverse=True)
    flat = (each.permute(0, *order).flatten(1) for each in (delta, tangent))
    products: Tensor = torch.linalg.vecdot(*flat)
    return products


def _project(own: Parameters, v: Parameters) -> Tensor:
    """Project each example's own gradients on v: (B,) inner products."""
    return torch.stack([g.flatten(1) @ v[name].flatten() for name, g in own.items()]).sum(dim=0)


def _combine(own: Parameters, weights: Tensor, rows: Tensor | None) -> Parameters:
    """Sum the examples' own gradients by their weights."""
    if rows is not None:
        own = {name: g.index_select(0, rows) for name, g in own.items()}
    return {k: torch.tensordot(weights.to(g.dtype), g, dims=1) for k, g in own.items()}


def _weigh(a: Tensor, delta: Tensor, weights: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return input and weighted delta of the examples that count."""
    weights = weights.to(delta.dtype).view(-1, *[1] * (delta.dim() - 1))
    if rows is None:
        return a, delta * weights
    return a.index_select(0, rows), delta.index_select(0, rows) * weights
