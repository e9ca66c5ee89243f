"""The default network for tables: embeddings, then a multilayer perceptron.

Piecewise-linear encoding: Gorishniy, Rubachev, Babenko 2022, arXiv 2203.05556, eq. 1. The learned
linear map on top of the encoded bins is the first linear layer.

NOTE[DIFF] a category's embedding has the width of the first hidden layer and is added to it, which
equals a one-hot column through that layer. Concatenating narrow embeddings needs a width per
column to be chosen, and costs a layer more.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import torch
from torch import Tensor, nn

from datacleanse.models.row_noise import draw_rows

# Read from `model.json`, so that the fields' types must be known when the program runs.
from datacleanse.storage.typed_json import Count, Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from datacleanse.models.encoding import Encoding
    from datacleanse.storage.ledger import EpochRecord

    Keep = Callable[[int, EpochRecord], None]

ARCHITECTURE = "tabular"
"""Name of the network in `model.json`."""

MAX_DROPOUT = 0.99
"""Share of units: of more, rounded to 1/256, none might be left."""

Dropped = Annotated[float, Limit(lambda share: 0 <= share <= MAX_DROPOUT, "a share below 1")]


@dataclass(frozen=True)
class TabularShape:
    """All that is needed to rebuild the network around saved parameters."""

    n_numeric: Count
    n_bins: tuple[Count, ...]
    """Bins of each numeric feature."""
    missing: tuple[Count, ...]
    """Numeric features with a missing indicator."""
    n_categories: tuple[Count, ...]
    """Embedding rows of each categorical feature, the unseen slot included."""
    n_classes: Count
    width: Count
    """Units in each hidden layer."""
    n_hidden: Count
    dropout: Dropped

    def count_split(self) -> int:
        """Count the columns of rows that were split; see `TabularNetwork.read_split`."""
        return self.n_numeric + sum(self.n_bins) + len(self.missing) + len(self.n_categories)

    def count_values(self) -> int:
        """Count the values in the tensors of such a network, without making it."""
        bins = sum(self.n_bins)
        n_first = self.n_numeric + bins + len(self.missing)
        first = (n_first + 1) * self.width if n_first else 0
        embedded = sum(self.n_categories) * self.width
        hidden = (self.n_hidden - 1) * (self.width + 1) * self.width
        buffers = 3 * bins + len(self.missing) + len(self.n_categories)
        return buffers + first + embedded + hidden + (self.width + 1) * self.n_classes

    def to_json(self) -> dict[str, Any]:
        """The shape as plain values."""
        return asdict(self)


def make_tabular_shape(
    encoding: Encoding, n_classes: int, *, width: int, n_hidden: int, dropout: float
) -> TabularShape:
    """The shape of a network that reads rows of an encoding."""
    return TabularShape(
        n_numeric=len(encoding.numeric),
        n_bins=tuple(max(0, len(feature.edges) - 1) for feature in encoding.numeric),
        missing=tuple(i for i, feature in enumerate(encoding.numeric) if feature.has_missing),
        n_categories=tuple(len(feature.categories) + 1 for feature in encoding.categorical),
        n_classes=n_classes,
        width=width,
        n_hidden=n_hidden,
        dropout=dropout,
    )


class PiecewiseLinear(nn.Module):
    """Fill in missing values and append bins and missing indicators.

    - Input: (B, n_numeric), NaN where missing
    - Output: (B, n_numeric + total bins + n_missing)
    """

    feature: Tensor
    low: Tensor
    inverse_width: Tensor
    missing: Tensor

    def __init__(self, shape: TabularShape) -> None:
        super().__init__()
        n_bins = torch.tensor(shape.n_bins, dtype=torch.int64)
        total = int(n_bins.sum())
        self.register_buffer("feature", torch.arange(shape.n_numeric).repeat_interleave(n_bins))
        self.register_buffer("low", torch.zeros(total))
        self.register_buffer("inverse_width", torch.ones(total))
        self.register_buffer("missing", torch.tensor(shape.missing, dtype=torch.int64))

    def set_edges(self, encoding: Encoding) -> None:
        """Take over the bin edges learned by the encoding."""
        edges = [torch.tensor(f.edges, dtype=torch.float64) for f in encoding.numeric]
        if not edges:
            return
        self.low.copy_(torch.cat([edge[:-1] for edge in edges]))
        self.inverse_width.copy_(torch.cat([1.0 / edge.diff() for edge in edges]))

    def forward(self, numbers: Tensor) -> Tensor:
        """Fill in missing numbers, then append bins and missing indicators."""
        is_missing = numbers.isnan()
        # 0 is the median after scaling.
        filled = numbers.masked_fill(is_missing, 0.0)
        bins = ((filled.index_select(1, self.feature) - self.low) * self.inverse_width).clamp(
            0.0, 1.0
        )
        return torch.cat(
            [filled, bins, is_missing.index_select(1, self.missing).to(filled.dtype)], dim=1
        )


class Dropout(nn.Module):
    """Dropout by one random byte a unit, its share rounded to 1/256.

    ``nn.Dropout`` draws a float each, which on a CPU takes longer than the matrix products.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self._dropped = round(256 * share)
        self.kept_scale = 256 / (256 - self._dropped)

    def drop(self, units: Tensor) -> Tensor:
        """Drop some of (B, width), and scale the others."""
        if not self._dropped:
            return units
        width = units.shape[1]

        def draw(n_rows: int) -> Tensor:
            n = n_rows * width
            words = torch.empty(-(-n // 8), dtype=torch.int64, device=units.device)
            # From the least number on: all 64 bits are random.
            words.random_(torch.iinfo(torch.int64).min, None)
            return words.view(torch.uint8)[:n].view(n_rows, width)

        drawn = draw_rows(draw, len(units)).to(units.dtype)
        # One pass over numbers: a mask of booleans is made, converted and multiplied, in three.
        kept: Tensor = torch.ops.aten.threshold_backward(units, drawn, self._dropped - 1)
        return kept.mul_(self.kept_scale)

    def forward(self, units: Tensor) -> Tensor:
        """Drop some units in training; outside it return units as they are."""
        return self.drop(units) if self.training else units


class TabularNetwork(nn.Module):
    """Embeddings, hidden layers with ReLU and dropout, a linear head.

    - Input: (B, F) as `encode` makes it: numeric features, then category codes
    - Output: logits (B, C)
    """

    offsets: Tensor

    def __init__(self, shape: TabularShape) -> None:
        super().__init__()
        self.shape = shape
        self._reads_split = False
        self.numbers = PiecewiseLinear(shape)
        n_first = shape.n_numeric + sum(shape.n_bins) + len(shape.missing)
        starts = torch.tensor([0, *shape.n_categories], dtype=torch.int64).cumsum(0)
        # A copy: torch.export.save fails on a view of none of its elements.
        self.register_buffer("offsets", starts[:-1].clone())
        self.first = nn.Linear(n_first, shape.width) if n_first else None
        self.categories = nn.Embedding(int(starts[-1]), shape.width) if shape.n_categories else None
        if self.categories is not None:
            bound = (n_first + len(shape.n_categories)) ** -0.5  # as nn.Linear on one-hot columns
            nn.init.uniform_(self.categories.weight, -bound, bound)
            with torch.no_grad():
                # A category that training never meets then changes nothing.
                self.categories.weight[self.offsets] = 0.0
        self.hidden = nn.ModuleList(
            nn.Linear(shape.width, shape.width) for _ in range(shape.n_hidden - 1)
        )
        self.dropout = Dropout(shape.dropout)
        self.head = nn.Linear(shape.width, shape.n_classes)

    def describe(self) -> str:
        """The network in one sentence for people."""
        shape = self.shape
        return (
            f"Multilayer perceptron, {shape.n_hidden} hidden layers of {shape.width} units, on "
            f"{shape.n_numeric} numeric features with {sum(shape.n_bins)} piecewise-linear bins "
            f"and {len(shape.n_categories)} categorical features with learned embeddings."
        )

    def describe_architecture(self) -> dict[str, Any]:
        """The name and shape of the network, for `model.json`."""
        return {"name": ARCHITECTURE, **self.shape.to_json()}

    def split_inputs(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Split (B, F) into what `first` reads, (B, F'), and rows of `categories`, (B, K)."""
        if self._reads_split:
            n_first = rows.shape[1] - len(self.offsets)
            return rows[:, :n_first], rows[:, n_first:].long()
        n_numeric = self.shape.n_numeric
        return self.numbers(rows[:, :n_numeric]), rows[:, n_numeric:].long() + self.offsets

    @contextmanager
    def read_split(self, rows: Tensor) -> Iterator[Tensor]:
        """Within the block the network reads rows that were split before: these, (M, F' + K).

        No parameter has a part in splitting them, so that it need not be done for each batch anew.
        The codes are float32 among the numbers, which is exact below 2^24.

        Args:
            rows: (M, F).
        """
        numbers, codes = self.split_inputs(rows)
        self._reads_split = True
        try:
            yield torch.cat([numbers, codes.to(numbers.dtype)], dim=1)
        finally:
            self._reads_split = False

    def penultimate(self, rows: Tensor) -> Tensor:
        """What the head reads, (B, width), of encoded rows (B, F)."""
        numbers, codes = self.split_inputs(rows)
        h: Tensor = rows.new_zeros(rows.shape[0], self.shape.width)  # `len` would fix B at export
        if self.first is not None:
            h = self.first(numbers)
        if self.categories is not None:
            h = h + self.categories(codes).sum(dim=1)
        h = self.dropout(h.relu())
        for layer in self.hidden:
            h = self.dropout(layer(h).relu())
        return h

    def forward(self, rows: Tensor) -> Tensor:
        """Logits (B, C) of encoded rows (B, F)."""
        logits: Tensor = self.head(self.penultimate(rows))
        return logits

    # What `influence.perceptron` asks for.

    def drop(self, units: Tensor) -> Tensor:
        """Drop some of (B, width), and scale the others."""
        return self.dropout.drop(units)

    @property
    def kept_scale(self) -> float:
        """Factor by which dropout scales the units that it keeps."""
        return self.dropout.kept_scale


def build_network(encoding: Encoding, n_classes: int, *, seed: int) -> TabularNetwork:
    """Build the default network on the CPU, initialised from the seed."""
    shape = make_tabular_shape(encoding, n_classes, width=WIDTH, n_hidden=N_HIDDEN, dropout=DROPOUT)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TabularNetwork(shape)
    network.numbers.set_edges(encoding)
    return network


WIDTH = 128

N_HIDDEN = 2

DROPOUT = 0.3
