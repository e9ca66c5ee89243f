"""Networks of the user's own: made by their factory, and tried before a run begins."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from datacleanse.influence import choose_engine, cross_entropy
from datacleanse.influence.interface import ModelError, trainable
from datacleanse.influence.soundness import differentiable, unchanged
from datacleanse.models.own import DenseRows, OwnNetwork
from datacleanse.optimisers import Optimisation, make_optimiser
from datacleanse.own_code import name_of, told_as_own

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.optim import Optimizer

    from datacleanse.encode import Encoding

    ModuleFactory = Callable[[int, int], nn.Module]
    """Number of features F and of classes C to a network from (B, F) float32 to logits (B, C)."""


def build_own(
    factory: ModuleFactory, encoding: Encoding, n_classes: int, *, seed: int, name: str = ""
) -> OwnNetwork:
    """A fresh network behind the encoding, on the CPU.

    Args:
        factory: called with torch's random generator at the seed.
        encoding: of the rows.
        n_classes: C.
        seed: of the parameters.
        name: by which messages and `model.json` know the factory; empty: the callable's own.

    Raises:
        OwnCodeError: the factory or the network's forward pass failed.
        ModelError: it made no network, or one whose output is not logits of all classes.
    """
    rows, name = DenseRows(encoding), name or name_of(factory)
    called = f"{name}({rows.width}, {n_classes})"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with told_as_own(f"{called} failed"):
            module = factory(rows.width, n_classes)
        if not isinstance(module, nn.Module):
            raise ModelError(
                f"{called} returned {type(module).__name__}, not a torch.nn.Module.",
                slug="model-no-module",
                hint="Let the factory return the network itself.",
            )
        network = OwnNetwork(rows, module, name=name)
        # Gives lazy layers their parameters, too.
        outputs(network, probe_rows(encoding), f"The network of {called}", n_classes)
    return network


def probe_rows(encoding: Encoding) -> Tensor:
    """Two made rows, (2, F): medians with unseen categories, and values off the median."""
    n_numeric, n_coded = len(encoding.numeric), len(encoding.categorical)
    rows = torch.zeros(2, n_numeric + n_coded)
    rows[1, :n_numeric] = torch.linspace(-2.0, 2.0, n_numeric)
    rows[1, n_numeric:] = torch.tensor([float(bool(f.categories)) for f in encoding.categorical])
    return rows


@torch.no_grad()
def outputs(network: nn.Module, inputs: Tensor, said: str, n_classes: int | None) -> Tensor:
    """Evaluation-mode logits of a few inputs, (B, C).

    Raises:
        OwnCodeError: the forward pass failed.
        ModelError: they are no (B, C), with C as given or at least 2, or the inputs were changed.
    """
    with unchanged(inputs), told_as_own(f"{said} fails on {len(inputs)} examples"):
        logits = network.eval()(inputs)
    met = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    expected = (len(inputs), n_classes)
    is_table = isinstance(met, tuple) and len(met) == 2 and met[0] == len(inputs)
    if not is_table or (met != expected if n_classes else int(met[1]) < 2):
        wanted = expected if n_classes else f"({len(inputs)}, number of classes)"
        raise ModelError(
            f"{said} gives {met} for {len(inputs)} examples.",
            slug="model-output",
            hint=f"Its output must be logits, one a class and no softmax: here {wanted}.",
        )
    return logits  # type: ignore[no-any-return]  # a Tensor, as checked


def try_training(
    network: nn.Module,
    build: Callable[[], nn.Module],
    inputs: Tensor,
    said: str,
    optimisation: Optimisation | None = None,
) -> Optimizer | None:
    """Make one step with a network that is thrown away, in the way that the training will.

    Args:
        network: made by ``build``, its outputs checked already; it is changed.
        build: gives a fresh network.
        inputs: (B, ...) of examples, B >= 2; their labels do not matter.
        said: how messages name the network.
        optimisation: by which the training will update.

    Returns:
        The optimiser where it is the caller's.

    Raises:
        ModelError: it cannot be trained: nothing to train, not made afresh, no derivative.
        OwnCodeError: its forward pass in training mode or its backward pass failed.
    """
    parameters = trainable(network)
    if not parameters:
        raise ModelError(
            f"{said} has no trainable parameters.",
            slug="model-not-trainable",
            hint="Leave requires_grad on for the layers that are to learn.",
        )
    if {id(p) for p in network.parameters()} & {id(p) for p in build().parameters()}:
        raise ModelError(
            f"{said} is the same object at each call; an audit trains two networks.",
            slug="model-not-fresh",
            hint="Let the factory make a new network whenever it is called.",
        )
    labels = torch.arange(len(inputs)) % 2
    engine = choose_engine(network.train(), cross_entropy)
    own = told_as_own(f"{said} fails in training mode")
    with own, differentiable(), unchanged(inputs), torch.random.fork_rng(devices=[]):
        direction, _ = engine.gradient(inputs, labels)
        network.train()
        step = engine.open(inputs, labels, direction)
        step.descend(torch.full((len(inputs),), 1.0 / len(inputs)))
    return _try_update(parameters, optimisation)


def _try_update(
    parameters: dict[str, nn.Parameter], optimisation: Optimisation | None
) -> Optimizer | None:
    if optimisation is None or optimisation.make is None:
        return None
    with told_as_own("The optimiser fails on the network's parameters"):
        made = optimisation.make(list(parameters.items()))
        make_optimiser(parameters, optimisation, peak=1.0, weight_decay=0.0).step(1.0)
    return made


def blueprint(network: nn.Module) -> str:
    """A digest (hex) of a network's layers and of its parameters' shapes, not of their values."""
    layers = [(name, type(module).__qualname__) for name, module in network.named_modules()]
    shapes = [(name, tuple(values.shape)) for name, values in network.state_dict().items()]
    return hashlib.sha256(f"{layers}{shapes}".encode()).hexdigest()
