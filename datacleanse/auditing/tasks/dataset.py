"""The audit of a map-style dataset of the user's own."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from torch import nn
from torch.utils.data import TensorDataset

from datacleanse.auditing.layout import lay_out
from datacleanse.auditing.reading import Inputs
from datacleanse.auditing.tasks.interface import identity_of_run, plan_of
from datacleanse.data import compare_labels
from datacleanse.errors import InputError, ModelError
from datacleanse.models.model_files import save_loose
from datacleanse.models.user_network import compute_outputs, digest_layers
from datacleanse.records import Dataset, Schema
from datacleanse.training.checkpoint import NETWORK, Identity, digest
from datacleanse.training.device import choose_device
from datacleanse.training.influence.choice import unwrapped
from datacleanse.training.placement import Fetched, item, rows_of
from datacleanse.training.rehearsal import try_training
from datacleanse.training.schedule import schedule_for
from datacleanse.training.trainer import Lesson
from datacleanse.user_code import report_as_user_code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor
    from torch.optim import Optimizer
    from torch.utils.data import Dataset as MapDataset

    from datacleanse.auditing.plan import Plan
    from datacleanse.models.metrics import Tests
    from datacleanse.settings import Settings
    from datacleanse.training.examples import Examples
    from datacleanse.training.optimisers import Optimisation

LABEL = "label"


@dataclass(frozen=True)
class DatasetTask:
    """The audit of a dataset; see `tasks.Task`."""

    settings: Settings
    command: tuple[str, ...]
    plan: Plan
    device: torch.device
    identity: Identity
    lesson: Lesson
    datasets: tuple[MapDataset[Any], MapDataset[Any]]
    n_classes: int

    def examples(self, inputs: Inputs) -> Examples:
        """See `Task`."""
        del inputs
        rows = rows_of(self.datasets, self.device)
        return lay_out(rows, self.plan, n_classes=self.n_classes, device=self.device)

    def question(self, examples: Examples, plan: Plan, seed: int) -> None:
        """See `Task`."""
        del examples, plan, seed

    def describe(self, network: nn.Module) -> str:
        """See `Task`."""
        return f"Network of your own, {type(network).__name__}."

    def save(self, network: nn.Module, directory: Path) -> None:
        """See `Task`."""
        save_loose(network, directory)

    def tested(self, network: nn.Module, inputs: Inputs) -> Tests:
        """See `Task`."""
        del network, inputs
        return {"test": None, "held_back": None}


def _prepare(
    model: nn.Module,
    datasets: tuple[MapDataset[Any], MapDataset[Any]],
    classes: Sequence[str] | None,
    settings: Settings,
    optimisation: Optimisation,
) -> tuple[DatasetTask, Inputs]:
    """Try the network on a few examples, and read all labels."""
    started = perf_counter()
    device = choose_device(settings.device)
    for role, dataset in zip(("data", "trusted"), datasets, strict=True):
        _check_kind(role, dataset)
    sample = _sample(datasets)
    build, n_classes = _copier(model, sample)
    optimiser = try_training(build(), build, sample, "The network", optimisation)
    labels = [_labels(dataset, n_classes) for dataset in datasets]
    inputs = _inputs(datasets, labels, _names(classes, n_classes), started)
    plan = plan_of(inputs, settings)
    identity = identity_of_run(settings, device) | {
        "DATA": inputs.sha256["data"],
        "CLEAN": inputs.sha256["clean"],
        NETWORK: digest_layers(build()),
        "optimizer": _described(optimiser),
        "clip_norm": optimisation.clip_norm,
    }
    schedule = schedule_for(settings, int(plan.trained.sum()))
    if optimiser is not None:
        schedule = replace(schedule, lr=max(float(g["lr"]) for g in optimiser.param_groups))
    lesson = Lesson(build, True, settings.rule, schedule, settings.seed, optimisation)
    command = ("datacleanse.audit_dataset",)
    task = DatasetTask(settings, command, plan, device, identity, lesson, datasets, n_classes)
    return task, inputs


def _check_kind(role: str, dataset: MapDataset[Any]) -> None:
    kind = type(dataset).__name__
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise InputError(
            f"{role} is {kind}, which is no map-style dataset.",
            slug="dataset-kind",
            hint="Give an object with __len__ and __getitem__(i) -> (input, label).",
        )
    if not len(dataset):
        raise InputError(
            f"{role} ({kind}) has no examples.",
            slug="dataset-empty",
            hint="Check the program that makes it.",
        )


def _sample(datasets: tuple[MapDataset[Any], MapDataset[Any]]) -> Tensor:
    """Three inputs, the last one trusted, as one batch on the CPU."""
    n = len(datasets[0])  # type: ignore[arg-type]  # map-style
    with report_as_user_code("Inputs of data and trusted cannot be stacked to one batch"):
        return Fetched(datasets, torch.device("cpu"))[torch.tensor([0, min(1, n - 1), n])]


def _copier(model: nn.Module, sample: Tensor) -> tuple[Callable[[], nn.Module], int]:
    """What makes copies of the network as it is now, and the number of classes C."""
    if not isinstance(model, nn.Module):
        raise ModelError(
            f"model is {type(model).__name__}, not a torch.nn.Module.",
            slug="model-no-module",
            hint="Give the network itself.",
        )
    with report_as_user_code(f"The network ({type(model).__name__}) cannot be copied"):
        pristine = copy.deepcopy(unwrapped(model)).cpu()
    logits = compute_outputs(pristine, sample, "The network", None)
    return partial(copy.deepcopy, pristine), logits.shape[1]


def _labels(dataset: MapDataset[Any], n_classes: int) -> NDArray[np.int64]:
    """(N,) classes of all examples."""
    n = len(dataset)  # type: ignore[arg-type]  # map-style
    found: Sequence[Any]
    if type(dataset) is TensorDataset and len(dataset.tensors) == 2:
        found = dataset.tensors[1].tolist()
    else:
        found = [item([dataset], position)[1] for position in range(n)]
    result = np.empty(n, np.int64)
    for position, label in enumerate(found):
        plain = label.item() if hasattr(label, "item") and np.size(label) == 1 else label
        if not isinstance(plain, int) or not 0 <= plain < n_classes:
            raise InputError(
                f"{type(dataset).__name__}[{position}] has the label {plain!r}.",
                slug="dataset-label",
                hint=f"Labels are classes of the network's output: whole numbers from 0 to "
                f"{n_classes - 1}.",
            )
        result[position] = plain
    return result


def _names(classes: Sequence[str] | None, n_classes: int) -> tuple[str, ...]:
    names = tuple(map(str, range(n_classes) if classes is None else classes))
    if len(names) != n_classes or len(set(names)) != n_classes:
        raise InputError(
            f"classes has {len(set(names))} different names; the network's output has {n_classes}.",
            slug="dataset-classes",
            hint="Give one name for each output of the network, in their order.",
        )
    return names


def _inputs(
    datasets: tuple[MapDataset[Any], MapDataset[Any]],
    labels: list[NDArray[np.int64]],
    names: tuple[str, ...],
    started: float,
) -> Inputs:
    """The labels as tables without features."""
    schema = Schema(label=LABEL, id=None, classes=names, columns=(), set_aside=())
    data, clean = (
        Dataset(f"<{type(dataset).__name__}>", _table(codes, names), schema, codes, names, ())
        for dataset, codes in zip(datasets, labels, strict=True)
    )
    sha256 = {
        role: digest(torch.from_numpy(codes))
        for role, codes in zip(("data", "clean"), labels, strict=True)
    }
    seconds = round(perf_counter() - started, 3)
    return Inputs(data, clean, None, compare_labels(data, clean), sha256, seconds)


def _table(codes: NDArray[np.int64], names: tuple[str, ...]) -> pa.Table:
    column = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names, pa.string()))
    return pa.table({LABEL: column.cast(pa.string())})


def _described(optimiser: Optimizer | None) -> list[Any] | None:
    """What tells the caller's optimiser from another one: its kind, and its groups' sizes."""
    if optimiser is None:
        return None
    groups = [[len(group["params"]), float(group["lr"])] for group in optimiser.param_groups]
    return [type(optimiser).__qualname__, *groups]
