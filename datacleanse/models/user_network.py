"""A network of the user's own behind the package's encoding of tables."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from datacleanse.errors import ModelError
from datacleanse.models.demands import check_unchanged
from datacleanse.user_code import name_factory, report_as_user_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse.models.encoding import Encoding

    ModuleFactory = Callable[[int, int], nn.Module]
    "Number of features F and of classes C to a network from (B, F) float32 to logits (B, C)."

LOGITS = "logits, one a class and no softmax"

ARCHITECTURE = "own"
"""Name of such a network in `model.json`."""


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
        """Turn encoded rows (B, F) into plain numbers (B, `width`)."""
        numbers = rows[:, : self._n_numeric]
        is_missing = numbers.isnan()
        indicators = is_missing.index_select(1, self.missing)
        one_hot = rows.index_select(1, self.source) == self.code
        # 0 is the median after scaling.
        filled = numbers.masked_fill(is_missing, 0.0)
        return torch.cat([filled, indicators.to(rows.dtype), one_hot.to(rows.dtype)], dim=1)


class UserNetwork(nn.Module):
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
        """Logits (B, C) of encoded rows (B, F)."""
        logits: Tensor = self.module(self.rows(rows))
        return logits

    def describe(self) -> str:
        """The network in one sentence for people."""
        return f"Network of your own, {self._name}, on {self.rows.width} inputs."

    def describe_architecture(self) -> dict[str, Any]:
        """The factory's name, for `model.json`; it is only imported if a person names it again."""
        return {"name": ARCHITECTURE, "factory": self._name, "n_features": self.rows.width}


def build_user_network(
    factory: ModuleFactory, encoding: Encoding, n_classes: int, *, seed: int, name: str = ""
) -> UserNetwork:
    """Build a fresh network behind the encoding, on the CPU.

    Args:
        factory: called with torch's random generator at the seed.
        encoding: of the rows.
        n_classes: C.
        seed: of the parameters.
        name: by which messages and `model.json` know the factory; empty: the callable's own.

    Raises:
        UserCodeError: the factory or the network's forward pass failed.
        ModelError: it made no network, or one whose output is not logits of all classes.
    """
    rows, name = DenseRows(encoding), name or name_factory(factory)
    called = f"{name}({rows.width}, {n_classes})"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with report_as_user_code(f"{called} failed"):
            module = factory(rows.width, n_classes)
        if not isinstance(module, nn.Module):
            raise ModelError(
                f"{called} returned {type(module).__name__}, not a torch.nn.Module.",
                slug="model-no-module",
                hint="Let the factory return the network itself.",
            )
        network = UserNetwork(rows, module, name=name)
        # Gives lazy layers their parameters, too.
        compute_outputs(network, make_probe_rows(encoding), f"The network of {called}", n_classes)
    return network


def make_probe_rows(encoding: Encoding) -> Tensor:
    """Make two rows, (2, F): medians with unseen categories, and values off the median."""
    n_numeric, n_coded = len(encoding.numeric), len(encoding.categorical)
    rows = torch.zeros(2, n_numeric + n_coded)
    rows[1, :n_numeric] = torch.linspace(-2.0, 2.0, n_numeric)
    rows[1, n_numeric:] = torch.tensor([float(bool(f.categories)) for f in encoding.categorical])
    return rows


@torch.no_grad()
def compute_outputs(network: nn.Module, inputs: Tensor, said: str, n_classes: int | None) -> Tensor:
    """Evaluation-mode logits of a few inputs, (B, C).

    Raises:
        UserCodeError: the forward pass failed.
        ModelError: they are no (B, C), with C as given or at least 2, or the inputs were changed.
    """
    with check_unchanged(inputs), report_as_user_code(f"{said} fails on {len(inputs)} examples"):
        logits = network.eval()(inputs)
    met = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    expected = (len(inputs), n_classes)
    is_table = isinstance(met, tuple) and len(met) == 2 and met[0] == len(inputs)
    if not is_table or (met != expected if n_classes else int(met[1]) < 2):
        wanted = expected if n_classes else f"({len(inputs)}, number of classes)"
        raise ModelError(
            f"{said} gives {met} for {len(inputs)} examples.",
            slug="model-output",
            hint=f"Its output must be {'a number a row' if n_classes == 1 else LOGITS}: here "
            f"{wanted}.",
        )
    return logits  # type: ignore[no-any-return]  # a Tensor, as checked


def digest_layers(network: nn.Module) -> str:
    """A digest (hex) of a network's layers and of its parameters' shapes, not of their values."""
    layers = [(name, type(module).__qualname__) for name, module in network.named_modules()]
    shapes = [(name, tuple(values.shape)) for name, values in network.state_dict().items()]
    return hashlib.sha256(f"{layers}{shapes}".encode()).hexdigest()
