"""Trainings judged: evidence gathered, rows scored, stability counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing import manifest
from datacleanse.auditing.audit_table import write_tables
from datacleanse.auditing.layout import of_fold
from datacleanse.auditing.plan import redrawn
from datacleanse.detection.assessment import assess
from datacleanse.detection.equal_rows import find_equal
from datacleanse.detection.evidence import Evidence, Fold, with_equal_rows
from datacleanse.detection.second_opinion.background import growing
from datacleanse.detection.worth import worth_of
from datacleanse.storage.ledger import write_epoch
from datacleanse.storage.mapped_files import release_mapped
from datacleanse.training.device import one_cpu_thread
from datacleanse.training.placement import held_in
from datacleanse.training.rules import is_steered

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.auditing.manifest import Json
    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.tasks.interface import Task
    from datacleanse.detection.equal_rows import EqualRows
    from datacleanse.settings import Settings
    from datacleanse.storage.ledger import EpochRecord
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse.training.examples import Examples
    from datacleanse.training.trainer import Keep, Trained, Trainer, Trainings


@dataclass(frozen=True)
class _Judged:
    """What is left when the tables are written: little, so that the final model has room."""

    found: Json
    """The manifest's part about trainings and verdict."""
    control: nn.Module
    batch_size: int
    worth: Tensor
    """(M,) in [0, 1]: how much each row counts in the final model."""
    suggested: NDArray[np.int64]
    """(N,) class, -1 where the given label is the likeliest."""
    final: Trained | None
    """The first network, where no true label steered it, so that no better one can be had."""


def _judge(
    folder: RunFolder, task: Task, inputs: Inputs, examples: Examples, trainer: Trainer
) -> _Judged:
    """Train with learned weights and plainly, and write what that says of each row."""
    plan, settings = task.plan, task.settings

    def keep(epoch: int, record: EpochRecord) -> None:
        write_epoch(folder.epoch_file(epoch), epoch, record)

    networks, evidence = _learned(folder, task, plan, examples, trainer, keep)
    release_mapped()
    with one_cpu_thread(task.device):
        assessment = assess(evidence, fdr=settings.fdr)
    stability = _stability(folder, task, examples, trainer) if settings.repeats else None
    folder.check_ledger(task.lesson.schedule.epochs)
    write_tables(folder, inputs.data, evidence, assessment, stability=stability, top=settings.top)
    found = {
        **manifest.describe_training(networks),
        **manifest.describe_assessment(assessment, inputs.data, settings.fdr),
    }
    trainer.lap("score")
    return _Judged(
        found,
        networks.control.network,
        networks.control.batch_size,
        torch.from_numpy(worth_of(assessment, plan.labels)),
        assessment.suggested,
        None if evidence.is_steered else networks.reweighted,
    )


def _learned(  # noqa: PLR0917  # all that learning needs
    folder: RunFolder,
    task: Task,
    plan: Plan,
    examples: Examples,
    trainer: Trainer,
    keep: Keep | None = None,
) -> tuple[Trainings, Evidence]:
    """Train in every fold and plainly, the second opinion being formed meanwhile."""
    question = task.question(examples, plan, trainer.lesson.seed)
    with growing(question, folder.checkpoint_dir) as second:
        folds = (of_fold(examples, plan, fold) for fold in plan.folds)
        networks = trainer.learn(folds, examples, keep=keep)
        trainer.progress.stage("Scoring", None)
        evidence = _evidence(plan, networks, second(), task.settings)
        return networks, with_equal_rows(evidence, _equal_rows(examples, plan))


def _stability(
    folder: RunFolder, task: Task, examples: Examples, trainer: Trainer
) -> NDArray[np.float64]:
    """(N,) share of repeated runs, with other random draws, in which each row is flagged."""
    repeats = task.settings.repeats
    flagged = np.zeros(task.plan.n_data)
    for number in range(1, repeats + 1):
        again = trainer.repeated(number)
        plan = redrawn(task.plan, seed=again.lesson.seed)
        _, evidence = _learned(folder, task, plan, examples, again)
        with one_cpu_thread(task.device):
            flagged += assess(evidence, fdr=task.settings.fdr).flagged
    trainer.lap("repeats")
    share: NDArray[np.float64] = flagged / repeats
    return share


def _evidence(
    plan: Plan, networks: Trainings, second: NDArray[np.float32] | None, settings: Settings
) -> Evidence:
    folds = (
        Fold(opinion, plan.n_data + fold.meta, plan.n_data + fold.calibration)
        for opinion, fold in zip(networks.opinions, plan.folds, strict=True)
    )
    return Evidence(
        reweighted=networks.reweighted.outcome.dynamics,
        control=networks.control.outcome.dynamics,
        folds=tuple(folds),
        is_steered=is_steered(settings.rule),
        second=second,
        labels=plan.labels,
        n_data=plan.n_data,
        trained=plan.trained,
        verified=plan.verified,
        n_reviewed=len(plan.reviewed),
    )


def _equal_rows(examples: Examples, plan: Plan) -> EqualRows | None:
    """Of a table, or of features; None where there are none or the inputs are something else."""
    matrix = held_in(examples.inputs)
    if matrix is None or matrix.dtype != torch.float32:
        return None
    return find_equal(matrix.cpu().numpy(), plan.labels, plan.learned, n_classes=examples.n_classes)
