"""The model that an audit leaves: a refit in which each row counts by what it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.layout import lay_out_final
from datacleanse.detection.ranking import UNVERIFIED
from datacleanse.models.inference import compute_logits
from datacleanse.models.residual import ResidualNetwork
from datacleanse.models.tabular import TabularNetwork
from datacleanse.models.temperature import divide_logits, fit_temperature
from datacleanse.sampling import draw_spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.running_audit import RunningAudit
    from datacleanse.detection.evidence import Assessment
    from datacleanse.records import Overlap
    from datacleanse.training.examples import Examples
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.side_by_side import TrainedNetwork, Trainings
    from datacleanse.training.trainer import Trainer

MOST_ASKED, AT_ONCE = 3_000, 256
"""Unverified rows, spread over all, that the temperature is fitted on at most, and how many at a
time."""

NOTHING = ""
"""What rank 0 tells where nothing is left to train."""


@dataclass(frozen=True)
class Final:
    """The model to save."""

    trained: TrainedNetwork
    """With logits that were divided by the temperature."""
    temperature: float | None
    """At least 1; None: it is no refit, or a network of the user's own, whose layers are not
    known."""


def begin_final(
    audit: RunningAudit,
    trainer: Trainer,
    networks: Trainings,
    worth: NDArray[np.float32] | None,
    assessment: Assessment,
) -> Callable[[], Final]:
    """Begin to train the final model; what is returned waits for it.

    Args:
        audit: the audit.
        trainer: of the run itself.
        networks: trained before.
        worth: (M,) in [0, 1], how much each row counts; None: no true label steered the first
            network, so no better one can be had.
        assessment: of DATA's rows.
    """
    if worth is None:
        tell_worth(trainer.ranks, None)
        return partial(Final, networks.reweighted, None)
    counted = torch.from_numpy(worth)
    tell_worth(trainer.ranks, counted)
    examples = lay_out_final(audit.examples, audit.task.plan)
    is_fast = audit.task.settings.fast
    begun = trainer.begin_refit(examples, counted, networks.control, is_fast=is_fast)

    def take_final() -> Final:
        trained = trainer.wait(begun)
        return Final(trained, _set_temperature(trained.network, examples, assessment))

    return take_final


def _set_temperature(
    network: nn.Module, examples: Examples, assessment: Assessment
) -> float | None:
    """Make the final model as sure of DATA's labels as the audit is; see `fit_temperature`.

    Of verified rows the audit is sure, and so is a network that learned them.
    """
    asked = np.flatnonzero(assessment.verdict == UNVERIFIED)
    if not isinstance(network, TabularNetwork | ResidualNetwork) or not len(asked):
        return None
    asked, device = asked[draw_spread(len(asked), MOST_ASKED)], examples.labels.device
    rows = torch.from_numpy(asked).to(device)
    # Of pictures, many at a time take gigabytes.
    logits = [compute_logits(network, examples.inputs[part]) for part in rows.split(AT_ONCE)]
    temperature = fit_temperature(
        torch.cat(logits),
        examples.labels[rows],
        torch.from_numpy(assessment.probability[asked]).to(device),
    )
    divide_logits(network.head, temperature)
    return temperature


def tell_final_weights(
    plan: Plan, overlap: Overlap, worth: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """(N,) how much each row of DATA counts in the final model, a verified one by its true label.

    Args:
        plan: the part of each row.
        overlap: rows of DATA that stand in CLEAN.
        worth: (M,) of all rows in the refit; None: there is none, and all rows count alike.
    """
    if worth is None:
        counted = plan.is_learned.astype(np.float32)
        counted[: plan.n_data][plan.verified >= 0] = 0.0
        return counted[: plan.n_data]
    counted = np.where(plan.is_refitted, worth, np.float32(0.0))
    of_data = counted[: plan.n_data].copy()
    is_single = overlap.clean_rows >= 0
    places = plan.n_data + overlap.clean_rows[is_single]
    of_data[overlap.data_rows[is_single]] = counted[places]
    return of_data


def tell_worth(ranks: Ranks, worth: Tensor | None) -> None:
    """Tell the other ranks what each row counts in the final model; None: it is trained already."""
    if ranks.count == 1:
        return
    ranks.tell(NOTHING if worth is None else "worth")
    if worth is not None:
        ranks.add_up(worth.clone())


def hear_worth(ranks: Ranks, n_rows: int) -> Tensor | None:
    """Hear what `tell_worth` tells: (M,) in [0, 1], or None."""
    if ranks.tell(None) == NOTHING:
        return None
    return ranks.add_up(torch.zeros(n_rows, dtype=torch.float32))
