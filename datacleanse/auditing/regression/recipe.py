"""The recipe of an audit of numbers on one page; see `auditing/recipe.py` for that of classes."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.beginning import begin_audit
from datacleanse.auditing.final_model import tell_final_weights, tell_worth
from datacleanse.auditing.found_rows import FoundRows
from datacleanse.auditing.judge import look_at_inputs
from datacleanse.auditing.layout import lay_out_final
from datacleanse.auditing.manifest import Ending
from datacleanse.auditing.manifest_sections import describe_training, describe_trainings
from datacleanse.auditing.original_cells import take_and_note
from datacleanse.auditing.picture_files import write_picture_files
from datacleanse.auditing.ranked import make_trainer
from datacleanse.auditing.regression.like_numbers import write_like_numbers
from datacleanse.auditing.regression.number_audit import RunningNumbers
from datacleanse.auditing.regression.number_judge import learn_and_judge
from datacleanse.auditing.regression.number_sections import compare_predictions, finish_number_run
from datacleanse.auditing.regression.number_tables import write_number_tables
from datacleanse.auditing.tasks.interface import describe_device, name_rule
from datacleanse.detection.worth import weigh_by_probability
from datacleanse.models.inference import EVALUATION_BATCH, compute_logits
from datacleanse.models.number_card import write_number_card
from datacleanse.models.number_predictor import describe_scale
from datacleanse.models.predictor import IMAGES_AT_ONCE
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.conduct import Conduct
    from datacleanse.auditing.regression.number_audit import NumberAudit
    from datacleanse.auditing.regression.number_judge import JudgedNumbers
    from datacleanse.records import Notice
    from datacleanse.storage.manifest.numbers import NumberManifest, NumberMetricsSection
    from datacleanse.training.examples import Examples
    from datacleanse.training.side_by_side import TrainedNetwork, Trainings

LEAST_RIGHT = 0.5
"""P(right) from which a row tells the mean of right numbers."""

LEAST_CHECKED = 10
"""Verified rows below which they bear nothing out."""


def carry_out_numbers(audit: NumberAudit, conduct: Conduct) -> RunFolder:
    """Train, score, and write the run folder.

    Args:
        audit: what is audited.
        conduct: of the audit; this process is the first of its ranks.
    """
    with begin_audit(audit, audit.inputs, conduct) as begun:
        if begun is None:
            return RunFolder(conduct.place)
        folder, lap = begun.folder, begun.watch.lap
        examples = audit.make_examples(audit.inputs)
        lap("encode")
        trainer = make_trainer(audit, examples, folder, lap, conduct)
        manifest = _learn_and_judge(RunningNumbers(audit, begun, examples, trainer))
        folder.write_card(write_number_card(manifest))
        folder.finish(manifest)
        return folder


def _learn_and_judge(running: RunningNumbers) -> NumberManifest:
    """Train, judge, train the final model; all that `run.json` says of the run."""
    audit, folder, trainer = running.audit, running.begun.folder, running.trainer
    plan, inputs = audit.plan, audit.inputs

    judged, stability = learn_and_judge(running)
    networks, evidence, assessed = judged.networks, judged.evidence, judged.assessed
    health = look_at_inputs(inputs, assessed.rows)
    trainer.lap("health")
    folder.check_ledger(audit.lesson.schedule.epochs)
    worth = None
    if evidence.is_steered:
        worth = weigh_by_probability(assessed.rows, len(plan.labels)).astype(np.float32)
    weights = tell_final_weights(plan, inputs.comparison.overlap, worth)
    told: list[Notice] = []
    take, top = partial(take_and_note, inputs, told), audit.settings.top
    found = FoundRows(inputs.data, evidence, assessed.rows, health, stability, weights, top)
    write_number_tables(folder, found, assessed, audit.targets, take)
    trainer.lap("tables")
    final, mean_error = _train_final(running, networks, worth)
    trainer.progress.stage("Writing", None)
    metrics = _write_final(running, judged, final, mean_error)
    trainer.lap("write")
    told += trainer.tell_halved(final.batch_size)
    training = describe_training(
        describe_trainings(networks),
        audit.lesson.schedule,
        final,
        rule=name_rule(audit),
        network=audit.task.describe(final.network),
        inputs=inputs,
    )
    device = describe_device(audit, running.examples, trainer.ranks)
    files, timings = folder.model_files(), running.begun.watch.stop()
    ending = Ending(training, device, metrics, files, timings, health.section)
    return finish_number_run(running.begun.opening, audit, assessed, ending, told=told)


def _train_final(
    running: RunningNumbers, networks: Trainings, worth: NDArray[np.float32] | None
) -> tuple[TrainedNetwork, float]:
    """The network to save, and its mean error.

    Args:
        running: the audit.
        networks: trained before.
        worth: (M,) how much each row counts; None: no true label steered, so that the saved network
            is the first one.
    """
    ranks = running.trainer.ranks
    if worth is None:
        tell_worth(ranks, None)
        return networks.reweighted, 0.0
    rows = lay_out_final(running.examples, running.audit.plan)
    counted = torch.from_numpy(worth)
    tell_worth(ranks, counted)
    is_fast = running.audit.settings.fast
    final = running.trainer.refit(rows, counted, networks.control, is_fast=is_fast)
    has_pictures = running.audit.inputs.pictures is not None
    at_once = IMAGES_AT_ONCE if has_pictures else EVALUATION_BATCH
    return final, _measure_mean_error(final, rows, counted, at_once=at_once)


def _write_final(
    running: RunningNumbers, judged: JudgedNumbers, final: TrainedNetwork, mean_error: float
) -> NumberMetricsSection:
    """Write the final model, and what it tells of suspects and pictures; how good it is."""
    audit, folder = running.audit, running.begun.folder
    scale = audit.scale_outputs(mean_error)
    audit.task.save(final.network, folder.model_dir, describe_scale(scale))
    write_like_numbers(running, judged.assessed, final)
    write_picture_files(folder, audit.inputs)
    return compare_predictions(
        audit.predict_known(final, scale),
        audit.predict_known(judged.networks.control, audit.scale_outputs()),
    )


def _measure_mean_error(
    trained: TrainedNetwork,
    examples: Examples,
    worth: torch.Tensor,
    *,
    at_once: int = EVALUATION_BATCH,
) -> float:
    """Mean of label minus output over the rows learned from, where labels are right.

    Under Huber's loss a network tells the middle of skewed numbers, not their mean. A row counts by
    the probability that its label is right, of which its worth is the square. One that is likelier
    wrong counts not at all: a number times a thousand would outweigh all others by its rest.
    What verified rows do not bear out, by a standard error of their own mean, is cut off: wrong
    labels that were not recognised move the mean, too.
    """
    rows = examples.training_rows
    right = worth.to(rows.device)[rows].double().sqrt()
    weights = right * (right > LEAST_RIGHT)
    parts = [compute_logits(trained.network, examples.inputs[p]) for p in rows.split(at_once)]
    outputs = torch.cat(parts)[:, 0].double()
    errors = examples.labels[rows].double() - outputs
    mean = float((weights * errors).sum() / weights.sum().clamp(min=1.0))
    checked = errors[rows >= examples.n_data]
    if len(checked) < LEAST_CHECKED:
        return 0.0
    middle, spread = float(checked.mean()), float(checked.std()) / math.sqrt(len(checked))
    return min(max(mean, middle - spread), middle + spread)
