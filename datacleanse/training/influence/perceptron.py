"""The layerwise route for multilayer perceptrons, with its backward pass written out.

The same numbers as `layerwise` gives, without autograd's graph and hooks, which take longer than
the arithmetic in networks of this size. With a_0 the features, z_k = W_k a_{k-1} + b_k,
a_k = m_k relu(z_k) where m is dropout's mask, and z_K the logits of example i, labelled y:

    delta_K = softmax(z_K) - onehot(y)
    delta_k = m_k [z_k > 0] (W_{k+1}' delta_{k+1})
    grad l_i = (delta_k a_{k-1}', delta_k)_k
    < grad l_i, v > = sum_k  delta_k . (V_k a_{k-1} + v_k)

The last line is the sum over layers of Ren et al. (arXiv 1803.09050, eq. 12), V_k and v_k being the
trusted gradient of W_k and b_k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datacleanse.training.influence.interface import Direction, RouteName, Step, accumulate
from datacleanse.training.influence.layers import find_counting_rows

SELECT_FROM = 2**17
"""Values that the first layer reads of a batch, from which on examples without a weight are left
out of the weighted gradient: of smaller ones to select rows takes longer than it saves."""


@runtime_checkable
class Perceptron(Protocol):
    """A network that this route may serve: all that it computes is told by these members.

    The first hidden layer reads numbers by ``first`` and adds the embeddings of the codes; ReLU
    and dropout follow each layer but ``head``.
    """

    training: bool
    first: nn.Linear | None
    categories: nn.Embedding | None
    hidden: Sequence[nn.Linear]
    head: nn.Linear

    def split_inputs(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Split (B, ...) into numbers (B, F) and codes (B, K), rows of ``categories``."""

    def drop(self, units: Tensor) -> Tensor:
        """Apply dropout in training mode to (B, width): kept units are scaled."""

    @property
    def kept_scale(self) -> float:
        """Factor of the units that dropout keeps, >= 1."""

    def named_parameters(self) -> object:
        """Name the parameters, as any module does."""


@dataclass(frozen=True)
class _Pass:
    """What a forward pass leaves."""

    numbers: Tensor
    """(B, F) numbers that the first layer reads."""
    codes: Tensor
    """(B, K) int64 rows of the embedding."""
    units: list[Tensor]
    """(B, width) after ReLU and dropout, one a hidden layer."""
    logits: Tensor
    """(B, C) outputs of the head."""
    scale: float
    """Factor of the units that dropout kept."""

    def list_inputs(self) -> list[Tensor]:
        """List what each linear layer reads."""
        return [self.numbers, *self.units]

    def select(self, rows: Tensor) -> _Pass:
        """Select the examples at ``rows``."""
        numbers, codes, logits, *units = (
            t.index_select(0, rows) for t in (self.numbers, self.codes, self.logits, *self.units)
        )
        return _Pass(numbers, codes, units, logits, self.scale)


class ClosedForm:
    """Steps of a `Perceptron` under the cross-entropy of its labels. All parameters are trained."""

    name: RouteName = "closed-form"

    def __init__(self, network: Perceptron) -> None:
        self._network = network
        assert isinstance(network, nn.Module)
        self._parameters = dict(network.named_parameters())
        names = {id(p): name for name, p in self._parameters.items()}
        layers = [network.first, *network.hidden, network.head]
        # By layer: the layer, the names of its weight and bias.
        self._linears = [
            None if layer is None else (layer, names[id(layer.weight)], names[id(layer.bias)])
            for layer in layers
        ]
        table = network.categories
        self._table = None if table is None else (table, names[id(table.weight)])

    @torch.no_grad()
    def open(self, inputs: Tensor, labels: Tensor, direction: Direction | None) -> Step:
        """Run the network on a batch, and its backward pass where influences are asked for."""
        done = self._forward(inputs, is_training=self._network.training)
        losses, error = _compute_losses(done.logits, labels)
        deltas = None if direction is None else self._propagate(done, error)
        influence = None
        if direction is not None and deltas is not None:
            influence = self._compute_influence(done, deltas, direction)

        @torch.no_grad()
        def descend(weights: Tensor) -> None:
            kept, own = done, deltas or self._propagate(done, error)
            is_large = done.numbers.numel() >= SELECT_FROM
            rows = find_counting_rows(weights) if is_large else None
            if rows is not None:
                kept, weights = done.select(rows), weights.index_select(0, rows)
                own = [delta.index_select(0, rows) for delta in own]
            column = weights[:, None]
            gradient = self._sum_gradients(kept, [delta * column for delta in own])
            for name, value in gradient.items():
                accumulate(self._parameters[name], value)

        return Step(done.logits, losses, labels, influence, descend)

    @torch.no_grad()
    def compute_gradient(self, inputs: Tensor, labels: Tensor) -> tuple[Direction, Tensor]:
        """Compute the trusted gradient, without dropout."""
        done = self._forward(inputs, is_training=False)
        losses, error = _compute_losses(done.logits, labels)
        deltas = self._propagate(done, error.div_(len(labels)))
        return self._sum_gradients(done, deltas), losses.mean()

    def _forward(self, inputs: Tensor, *, is_training: bool) -> _Pass:
        network, units = self._network, []
        numbers, codes = network.split_inputs(inputs)
        z = None if network.first is None else network.first(numbers)
        if network.categories is not None:
            z = _add(z, _sum_embeddings(codes, network.categories.weight))
        assert z is not None
        for layer in (*network.hidden, network.head):
            a = z.relu_()
            units.append(network.drop(a) if is_training else a)
            z = layer(units[-1])
        return _Pass(numbers, codes, units, z, network.kept_scale if is_training else 1.0)

    def _propagate(self, done: _Pass, error: Tensor) -> list[Tensor]:
        """Propagate delta_K, (B, C), back to delta_1, ..., delta_K, (B, width) but the last."""
        deltas = [error]
        for layer, a in zip(reversed(self._linears[1:]), reversed(done.units), strict=True):
            assert layer is not None
            # a > 0 where the unit was positive and was kept.
            back = torch.ops.aten.threshold_backward(deltas[-1] @ layer[0].weight, a, 0)
            deltas.append(back if done.scale == 1.0 else back.mul_(done.scale))
        return deltas[::-1]

    def _compute_influence(self, done: _Pass, deltas: list[Tensor], v: Direction) -> Tensor:
        """Compute the influences, (B,), by the last line above."""
        total = None
        for layer, a, delta in zip(self._linears, done.list_inputs(), deltas, strict=True):
            if layer is not None:
                along = F.linear(a, v[layer[1]], v[layer[2]])
                total = _add(total, torch.linalg.vecdot(delta, along))
        if self._table is not None:
            along = _sum_embeddings(done.codes, v[self._table[1]])
            total = _add(total, torch.linalg.vecdot(deltas[0], along))
        assert total is not None
        return total

    def _sum_gradients(self, done: _Pass, deltas: list[Tensor]) -> Direction:
        """Sum the parameters' gradients over the examples."""
        found = {}
        for layer, a, delta in zip(self._linears, done.list_inputs(), deltas, strict=True):
            if layer is not None:
                found[layer[1]], found[layer[2]] = delta.T @ a, delta.sum(dim=0)
        if self._table is not None:
            table, name = self._table
            found[name] = torch.zeros_like(table.weight)
            # All columns at once: half the time of autograd's backward pass of an embedding.
            codes = done.codes
            each = deltas[0].repeat_interleave(codes.shape[1], dim=0)
            found[name].index_add_(0, codes.flatten(), each)
        return found


def _sum_embeddings(codes: Tensor, table: Tensor) -> Tensor:
    """Sum the rows of (V, width) that (B, K) codes name: (B, width).

    As ``F.embedding_bag`` does, whose checks take as long as the sums of a small batch.
    """
    # A graph of a GPU may outlive what a cache holds, and would read freed memory.
    find = _list_kept_starts if codes.device.type == "cpu" else _list_starts
    starts = find(len(codes), codes.shape[1], codes.device)
    found: Tensor = torch.embedding_bag(table, codes.flatten(), starts, False, 0, False, None)[0]
    return found


def _list_starts(n_rows: int, n_columns: int, device: torch.device) -> Tensor:
    """List where each row begins among all codes of a batch, one after the other: (B,)."""
    return torch.arange(0, n_rows * n_columns, n_columns, device=device)


_list_kept_starts = lru_cache(maxsize=16)(_list_starts)


def _compute_losses(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Compute (B,) cross-entropy, nats, and its gradient with respect to the logits, (B, C)."""
    log_probability = torch.log_softmax(logits, dim=1)
    at = labels[:, None]
    losses = -log_probability.gather(1, at)[:, 0]
    error = log_probability.exp_()
    return losses, error.scatter_add_(1, at, error.new_full((), -1.0).expand(at.shape))


def _add(total: Tensor | None, more: Tensor) -> Tensor:
    return more if total is None else total.add_(more)
