"""The audit of a map-style dataset of the user's own."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from datacleanse.auditing.layout import lay_out
from datacleanse.auditing.plan import choose_rule
from datacleanse.auditing.prepared import plan_rows
from datacleanse.auditing.reading import Inputs
from datacleanse.auditing.tasks.dataset_labels import read_labels
from datacleanse.auditing.tasks.interface import Planned, identify_settings
from datacleanse.auditing.without_clean import compare_with_nothing, make_empty_clean
from datacleanse.data import compare_labels
from datacleanse.errors import InputError
from datacleanse.models.model_files import save_loose
from datacleanse.models.user_network import compute_outputs, digest_layers
from datacleanse.records import Dataset, Schema
from datacleanse.settings import make_range_error
from datacleanse.training.checkpoint import NETWORK, digest
from datacleanse.training.device import choose_device
from datacleanse.training.influence.choice import unwrap
from datacleanse.training.placement import Fetched, join_rows
from datacleanse.training.rehearsal import try_training
from datacleanse.training.schedule import choose_schedule
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
class DatasetTask(Planned):
    """A `Task`: the audit of a map-style dataset of the user's own with a network of theirs."""

    datasets: tuple[MapDataset[Any], ...]
    """DATA, and CLEAN where it is given."""
    n_classes: int

    def make_examples(self, inputs: Inputs) -> Examples:
        """Let the datasets make the inputs, or take the tensors that hold them."""
        del inputs
        rows = join_rows(self.datasets, self.device)
        return lay_out(rows, self.plan, n_classes=self.n_classes, device=self.device)

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> None:
        """Pose none: nothing is known of the inputs but what the network makes of them."""
        del examples, plan, seed

    def describe(self, network: nn.Module) -> str:
        """Name the class of the user's network."""
        return f"Network of your own, {type(network).__name__}."

    def save(self, network: nn.Module, directory: Path) -> None:
        """Keep the network's parameters; its code is the user's."""
        save_loose(network, directory)

    def test_network(self, network: nn.Module, inputs: Inputs) -> Tests:
        """Test nothing: a dataset has neither ``--test`` nor rows held back."""
        del network, inputs
        return {"test": None, "held_back": None}


def plan_dataset(
    model: nn.Module,
    datasets: tuple[MapDataset[Any], ...],
    classes: Sequence[str] | None,
    settings: Settings,
    optimisation: Optimisation,
) -> tuple[DatasetTask, Inputs]:
    """Try the network on a few examples, and read all labels."""
    started = perf_counter()
    device = choose_device(settings.device)
    for role, dataset in zip(("data", "trusted"), datasets, strict=False):
        _check_kind(role, dataset)
    sample = _take_sample(datasets)
    build, n_classes = _make_copier(model, sample)
    optimiser = try_training(build(), build, sample, "The network", optimisation)
    labels = [read_labels(dataset, n_classes) for dataset in datasets]
    names = _check_names(classes, n_classes)
    label_type = "int64" if classes is None else "string"
    inputs = _make_inputs(datasets, labels, names, label_type, started)
    plan = plan_rows(inputs, settings)
    identity = identify_settings(settings, device) | {
        "DATA": inputs.sha256["data"],
        "CLEAN": inputs.sha256.get("clean"),
        NETWORK: digest_layers(build()),
        "optimizer": _describe_optimiser(optimiser),
        "clip_norm": optimisation.clip_norm,
    }
    schedule = choose_schedule(settings, int(plan.is_trained.sum()))
    if optimiser is not None:
        schedule = replace(schedule, lr=max(float(g["lr"]) for g in optimiser.param_groups))
    lesson = Lesson(build, True, choose_rule(settings, plan), schedule, settings.seed, optimisation)
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


def _take_sample(datasets: tuple[MapDataset[Any], ...]) -> Tensor:
    """Three inputs, the last one trusted if any is, as one batch on the CPU."""
    n = len(datasets[0])  # type: ignore[arg-type]  # map-style
    rows = Fetched(datasets, torch.device("cpu"))
    with report_as_user_code("Inputs of data and trusted cannot be stacked to one batch"):
        return rows[torch.tensor([0, min(1, n - 1), min(n, len(rows) - 1)])]


def _make_copier(model: nn.Module, sample: Tensor) -> tuple[Callable[[], nn.Module], int]:
    """What makes copies of the network as it is now, and the number of classes C."""
    with report_as_user_code(f"The network ({type(model).__name__}) cannot be copied"):
        pristine = copy.deepcopy(unwrap(model)).cpu()
    logits = compute_outputs(pristine, sample, "The network", None)
    return partial(copy.deepcopy, pristine), logits.shape[1]


def _check_names(classes: Sequence[str] | None, n_classes: int) -> tuple[str, ...]:
    if not isinstance(classes, Iterable | None):
        raise make_range_error("classes", classes, "a list of names")
    names = tuple(map(str, range(n_classes) if classes is None else classes))
    if len(names) != n_classes or len(set(names)) != n_classes:
        raise InputError(
            f"classes has {len(set(names))} different names; the network's output has {n_classes}.",
            slug="dataset-classes",
            hint="Give one name for each output of the network, in their order.",
        )
    return names


def _make_inputs(
    datasets: tuple[MapDataset[Any], ...],
    labels: list[NDArray[np.int64]],
    names: tuple[str, ...],
    label_type: str,
    started: float,
) -> Inputs:
    """The labels as tables without features."""
    schema = Schema(
        label=LABEL, id=None, classes=names, columns=(), set_aside=(), label_type=label_type
    )
    data, *given = (
        Dataset(f"<{type(dataset).__name__}>", _tabulate(codes, names), schema, codes, names, ())
        for dataset, codes in zip(datasets, labels, strict=True)
    )
    sha256 = {
        role: digest(torch.from_numpy(codes))
        for role, codes in zip(("data", "clean"), labels, strict=False)
    }
    clean = given[0] if given else make_empty_clean(data)
    comparison = compare_labels(data, clean) if given else compare_with_nothing()
    seconds = round(perf_counter() - started, 3)
    return Inputs(data, clean, None, comparison, sha256, seconds)


def _tabulate(codes: NDArray[np.int64], names: tuple[str, ...]) -> pa.Table:
    column = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names, pa.string()))
    return pa.table({LABEL: column.cast(pa.string())})


def _describe_optimiser(optimiser: Optimizer | None) -> list[Any] | None:
    """What tells the caller's optimiser from another one: its kind, and its groups' sizes."""
    if optimiser is None:
        return None
    groups = [[len(group["params"]), float(group["lr"])] for group in optimiser.param_groups]
    return [type(optimiser).__qualname__, *groups]
