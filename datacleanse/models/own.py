"""A network of the user's own behind the package's encoding of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from datacleanse.encode import Encoding

ARCHITECTURE = "own"
"""Its name in `model.json`."""


class DenseRows(nn.Module):
    """Encoded rows in a form that any network can read.

    - Input: (B, F) as `encode` makes it
    - Output: (B, `width`): numbers with 0 for missing, missing indicators, one-hot categories
    """

    missing: Tensor
    source: Tensor
    code: Tensor

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self._n_numeric = len(encoding.numeric)
        missing = [i for i, feature in enumerate(encoding.numeric) if feature.has_missing]
        cells = [
            (self._n_numeric + i, code)
            for i, feature in enumerate(encoding.categorical)
            for code in range(len(feature.categories) + 1)
        ]
        pairs = torch.tensor(cells, dtype=torch.int64).reshape(-1, 2)
        # Not saved with the parameters: the encoding says all of it.
        for name, values in (
            ("missing", torch.tensor(missing, dtype=torch.int64)),
            ("source", pairs[:, 0].clone()),
            ("code", pairs[:, 1].float()),
        ):
            self.register_buffer(name, values, persistent=False)
        self.width = self._n_numeric + len(missing) + len(cells)

    def forward(self, rows: Tensor) -> Tensor:
        """See the class."""
        numbers = rows[:, : self._n_numeric]
        is_missing = numbers.isnan()
        indicators = is_missing.index_select(1, self.missing)
        one_hot = rows.index_select(1, self.source) == self.code
        # 0 is the median after scaling.
        filled = numbers.masked_fill(is_missing, 0.0)
        return torch.cat([filled, indicators.to(rows.dtype), one_hot.to(rows.dtype)], dim=1)


class OwnNetwork(nn.Module):
    """The user's network on encoded rows.

    - Input: (B, F) as `encode` makes it
    - Output: logits (B, C)
    """

    def __init__(self, rows: DenseRows, module: nn.Module, *, name: str) -> None:
        super().__init__()
        self.rows = rows
        self.module = module
        self._name = name

    def forward(self, rows: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.module(self.rows(rows))
        return logits

    def describe(self) -> str:
        """One sentence for people."""
        return f"Network of your own, {self._name}, on {self.rows.width} inputs."

    def architecture(self) -> dict[str, Any]:
        """For `model.json`: the name of the factory, which nothing but a person's word imports."""
        return {"name": ARCHITECTURE, "factory": self._name, "n_features": self.rows.width}
