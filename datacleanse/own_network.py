"""An audit with a network of the caller's; the run folder holds its ledger and tables, no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from datacleanse.audit_table import write_tables
from datacleanse.device import choose_device, one_cpu_thread
from datacleanse.examples import make_examples, make_plan
from datacleanse.ledger import EpochRecord, write_epoch
from datacleanse.rules import make_rule
from datacleanse.schedule import schedule_for
from datacleanse.score import Evidence, assess
from datacleanse.train import Hooks, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse.config import RuleName, Settings
    from datacleanse.encode import Encoding
    from datacleanse.inputs import Inputs
    from datacleanse.runfolder import RunFolder
    from datacleanse.train import Examples, Outcome

    ModuleFactory = Callable[[int, int], nn.Module]
    """Number of features F and of classes C to a network from (B, F) float32 to logits (B, C)."""


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
        self.register_buffer("missing", torch.tensor(missing, dtype=torch.int64))
        self.register_buffer("source", pairs[:, 0].clone())
        self.register_buffer("code", pairs[:, 1].float())
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


def audit_with(
    factory: ModuleFactory, inputs: Inputs, settings: Settings, folder: RunFolder
) -> tuple[nn.Module, Encoding]:
    """Train the caller's network by the rule and uniformly; write the ledger and the tables.

    Args:
        factory: called twice, with the same state of torch's random generator.
        inputs: read and checked.
        settings: of the run.
        folder: where to write; nothing is there yet.

    Returns:
        The reweighted network on the CPU, encoded rows to logits, and the encoding.

    Raises:
        DatacleanseError: the inputs or a setting cannot be used, or training diverged.
        TypeError: the factory returned no module.
        ValueError: its output is not logits of all classes.
    """
    plan = make_plan(inputs.data, inputs.clean, inputs.comparison.overlap, seed=settings.seed)
    device = choose_device(settings.device)
    examples, encoding = make_examples(inputs.data, inputs.clean, plan, device=device)
    network, reweighted, control = _train_both(factory, examples, encoding, settings, folder)
    evidence = Evidence(
        reweighted.dynamics,
        control.dynamics,
        labels=plan.labels,
        n_data=plan.n_data,
        trained=plan.trained,
        verified=plan.verified,
    )
    assessment = assess(evidence, fdr=settings.fdr)
    write_tables(folder, inputs.data, evidence, assessment, top=settings.top)
    return network.cpu(), encoding


def _train_both(
    factory: ModuleFactory,
    examples: Examples,
    encoding: Encoding,
    settings: Settings,
    folder: RunFolder,
) -> tuple[nn.Module, Outcome, Outcome]:
    """The reweighted network, and the outcomes of its training and of its control's."""
    folder.weights_dir.mkdir(parents=True)

    def keep(epoch: int, record: EpochRecord) -> None:
        write_epoch(folder.epoch_file(epoch), epoch, record)

    with one_cpu_thread(examples.inputs.device):
        network, plain = (
            _build(factory, encoding, examples.n_classes, seed=settings.seed) for _ in range(2)
        )
        reweighted = _train(network, settings.rule, examples, settings, Hooks(on_epoch=keep))
        control = _train(plain, "uniform", examples, settings, Hooks())
    return network, reweighted, control


def _build(factory: ModuleFactory, encoding: Encoding, n_classes: int, *, seed: int) -> nn.Module:
    rows = DenseRows(encoding)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = factory(rows.width, n_classes)
    if not isinstance(module, nn.Module):
        raise TypeError(f"module returned {type(module).__name__}, not a torch.nn.Module.")
    network = nn.Sequential(rows, module)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        logits = network.eval()(torch.zeros(2, encoding.width))
    met = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if met != (2, n_classes):
        raise ValueError(
            f"module({rows.width}, {n_classes}) returned a network whose output for 2 rows is "
            f"{met}. Its output must be logits, here (2, {n_classes})."
        )
    return network


def _train(
    network: nn.Module, rule: RuleName, examples: Examples, settings: Settings, hooks: Hooks
) -> Outcome:
    network.to(examples.inputs.device)
    return train(
        network,
        make_rule(rule, seed=settings.seed),
        examples,
        schedule_for(settings, len(examples.trained)),
        seed=settings.seed,
        hooks=hooks,
    )
