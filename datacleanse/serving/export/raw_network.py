"""The network with its encoding as one torch module, so that torch can export both together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from datacleanse.models.calendar_parts import DAY, DIGITS, FIRST_WEEKDAY, MISSING
from datacleanse.models.encoding import CLIP, FAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.models.description import NumberScale
    from datacleanse.models.encoding import Encoding
    from datacleanse.records import Column, Schema
    from datacleanse.serving.raw_columns import RawColumns


class RawNetwork(nn.Module):
    """Raw columns to what the model says.

    - Input: tensors by column name: float64 (N,) for numbers and booleans, (N, width) for
      embeddings, int64 (N,) microseconds for moments, int64 (N,) codes for categories
    - Output: what ``last`` gives
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self, network: nn.Module, last: nn.Module, schema: Schema, encoding: Encoding
    ) -> None:
        super().__init__()
        self.network, self.last = network, last
        self._columns = [column for column in schema.columns if column.kind != "categorical"]
        self._coded = [feature.column for feature in encoding.categorical]
        self._order = [(feature.column, feature.part) for feature in encoding.numeric]
        scale = torch.tensor([feature.scale for feature in encoding.numeric], dtype=torch.float64)
        center = torch.tensor([feature.center for feature in encoding.numeric], dtype=torch.float64)
        self.register_buffer("scale", scale)
        self.register_buffer("shift", center / scale)

    def forward(self, columns: dict[str, Tensor]) -> Tensor:
        """What the model says of tensors by column name, as the class says."""
        parts = {
            (column.name, part): values
            for column in self._columns
            for part, values in _split(column, columns[column.name])
        }
        blocks = []
        if self._order:
            numbers = torch.stack([parts[key] for key in self._order], dim=1)
            blocks.append(self._scaled(numbers))
        blocks += [columns[name].float().unsqueeze(1) for name in self._coded]
        told: Tensor = self.last(self.network(torch.cat(blocks, dim=1)))
        return told

    def _scaled(self, numbers: Tensor) -> Tensor:
        """(N, P) float32 scaled and clipped numbers, as `encode` makes them."""
        x = numbers / self.scale - self.shift
        clipped = x / (1.0 + (x / CLIP) ** 2).sqrt()
        return torch.where(x.abs() > FAR, x.sign() * CLIP, clipped).float()


class Probabilities(nn.Module):
    """The last step where labels are classes: (N, C) logits to (N, C) float64, rows sum to 1."""

    def forward(self, logits: Tensor) -> Tensor:
        """(N, C) probabilities."""
        return logits.double().softmax(dim=1)


class Numbers(nn.Module):
    """The last step where labels are numbers: (N, 1) outputs to (N,) float64 in their unit."""

    def __init__(self, label: NumberScale) -> None:
        super().__init__()
        self._centre, self._scale = label.centre, label.scale

    def forward(self, outputs: Tensor) -> Tensor:
        """(N,) numbers."""
        return self._centre + self._scale * outputs[:, 0].double()


def code_categories(columns: RawColumns, encoding: Encoding) -> dict[str, Tensor]:
    """Raw columns as `RawNetwork` takes them: categories by their codes."""
    tensors = {}
    codes = {feature.column: feature.categories for feature in encoding.categorical}
    for name, values in columns.items():
        if name in codes:
            code_of = {category: code for code, category in enumerate(codes[name], start=1)}
            tensors[name] = torch.tensor([code_of.get(text, 0) for text in values])
        else:
            tensors[name] = torch.from_numpy(values.copy())
    return tensors


def _split(column: Column, values: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The numbers that a column yields, (N,) float64 each, as `encode` names them."""
    if column.kind == "datetime":
        yield from _split_moment(values)
    elif column.kind == "embedding":
        for index in range(column.width):
            yield f"[{index}]", values[:, index]
    else:
        yield "", values


def _split_moment(moment: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The numbers of a moment, (N,) float64 each, as `calendar_parts.split_moments` makes them."""
    missing = moment == MISSING
    known = moment.masked_fill(missing, 0)
    day, within = _floor(known, DAY), known.remainder(DAY)
    weekday = (day + FIRST_WEEKDAY).remainder(7)
    hour = within.double() / (DAY / 24)

    def part(values: Tensor) -> Tensor:
        return values.masked_fill(missing, math.nan)

    yield "days", part(known.double() / DAY)
    for name, value, period in (
        ("month", _find_month(day), 12),
        ("weekday", weekday, 7),
        ("hour", hour, 24),
    ):
        angle = 2 * math.pi * value.double() / period
        yield f"{name} sin", part(angle.sin().round(decimals=DIGITS))
        yield f"{name} cos", part(angle.cos().round(decimals=DIGITS))


def _find_month(day: Tensor) -> Tensor:
    """(N,) months after January, 0 to 11; the steps are those of `onnx_columns._add_month`."""
    in_era = (day + 719_468).remainder(146_097)
    leaps = _floor(in_era, 36_524) - _floor(in_era, 1_460) - _floor(in_era, 146_096)
    year = _floor(in_era + leaps, 365)
    in_year = in_era - (365 * year + _floor(year, 4) - _floor(year, 100))
    return (_floor(5 * in_year + 2, 153) + 2).remainder(12)


def _floor(values: Tensor, by: int) -> Tensor:
    return values.div(by, rounding_mode="floor")
