"""Trainings judged: evidence gathered, rows scored, stability counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.class_tables import write_class_tables
from datacleanse.auditing.final_model import begin_final, tell_final_weights
from datacleanse.auditing.found_rows import FoundRows
from datacleanse.auditing.layout import lay_out_fold
from datacleanse.auditing.ledger_parts import keep_epochs
from datacleanse.auditing.manifest_sections import describe_findings
from datacleanse.auditing.original_cells import take_and_note
from datacleanse.auditing.plan import redraw_runs
from datacleanse.detection.assessment import assess
from datacleanse.detection.brought import join_brought
from datacleanse.detection.calibration import Clues
from datacleanse.detection.equal_rows import find_equal
from datacleanse.detection.evidence import Evidence, Fold, add_equal_rows
from datacleanse.detection.looked_at import LookedAt
from datacleanse.detection.unchecked import CleanPart, note_unchecked
from datacleanse.detection.worth import weigh_rows
from datacleanse.records import Notice
from datacleanse.storage.mapped_files import keep_rows, release_mapped
from datacleanse.training.placement import find_tensor
from datacleanse.training.rules import is_steered

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import nn

    from datacleanse.auditing.final_model import Final
    from datacleanse.auditing.manifest_sections import Findings
    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.running_audit import RunningAudit
    from datacleanse.detection.equal_rows import EqualRows
    from datacleanse.detection.evidence import Assessment
    from datacleanse.detection.health.look import Health
    from datacleanse.detection.second_opinion.question import Answer, Question
    from datacleanse.scheduling.pool import Ticket
    from datacleanse.settings import RuleName
    from datacleanse.storage.manifest.health import HealthSection
    from datacleanse.training.examples import Examples
    from datacleanse.training.side_by_side import Keep, Learning, Trainings
    from datacleanse.training.trainer import Trainer


@dataclass(frozen=True)
class Judgement:
    """What is left once the tables are written: little, so that the final model has room."""

    found: Findings
    """What `run.json` says of trainings and verdict."""
    control: nn.Module
    """The plainly trained network, to compare the final one with."""
    suggested: NDArray[np.int64]
    """(N,) class, -1 where the given label is the likeliest."""
    take_final: Callable[[], Final]
    """Waits for the final model, whose training began before the tables were written."""
    notices: tuple[Notice, ...]
    """What to say of the tables."""
    health: HealthSection
    """What was seen beside wrong labels."""


def judge(audit: RunningAudit, trainer: Trainer) -> Judgement:
    """Train with learned weights and plainly, and write what that says of each row."""
    folder, task, inputs = audit.begun.folder, audit.task, audit.inputs
    plan, settings = task.plan, task.settings

    learned = _begin_to_learn(audit, plan, trainer, keep_epochs(folder, trainer.ranks))
    again = [
        _begin_to_learn(audit, *redrawn) for redrawn in redraw_runs(plan, trainer, settings.repeats)
    ]
    networks, evidence, told = _learn(audit, learned)
    release_mapped()
    assessment = assess(evidence, fdr=settings.fdr)
    trainer.lap("score")
    worth = None
    if evidence.is_steered:
        worth = keep_rows(weigh_rows(assessment, plan.labels, plan.is_refitted))
    take_final = begin_final(audit, trainer, networks, worth, assessment)
    health = look_at_inputs(inputs, assessment)
    trainer.lap("health")
    stability = _measure_stability(audit, again) if again else None
    folder.check_ledger(task.lesson.schedule.epochs)
    for notice in told:
        audit.conduct.progress.say(notice.message)
    if not len(plan.strangers):
        told += note_unchecked(evidence, _list_parts(inputs))
    weights = tell_final_weights(plan, inputs.comparison.overlap, worth)
    found_rows = FoundRows(
        inputs.data, evidence, assessment, health, stability, weights, settings.top
    )
    write_class_tables(folder, found_rows, partial(take_and_note, inputs, told))
    found = describe_findings(networks, assessment, inputs, has_clean=plan.has_clean)
    trainer.lap("tables")
    return Judgement(
        found,
        networks.control.network,
        assessment.suggested,
        take_final,
        tuple(told),
        health.section,
    )


def look_at_inputs(inputs: Inputs, assessment: Assessment) -> Health:
    """Look at DATA, CLEAN and TEST beside their labels.

    Args:
        inputs: what was read.
        assessment: the verdict on DATA's rows.
    """
    # Loads SciPy's search for neighbours, while the final network is trained.
    from datacleanse.detection.health.look import look_at

    overlap = inputs.comparison.overlap
    is_single = overlap.clean_rows >= 0
    pair_rows = np.full(inputs.clean.n_rows, -1)
    pair_rows[overlap.clean_rows[is_single]] = overlap.data_rows[is_single]
    return look_at(
        inputs.data,
        inputs.clean,
        inputs.test,
        pair_rows=pair_rows,
        wrong=assessment.probability,
        class_shares=assessment.confusion.sum(axis=0) / inputs.data.n_rows,
        notices=(*inputs.data.notices, *inputs.comparison.notices),
    )


def _list_parts(inputs: Inputs) -> list[CleanPart]:
    """CLEAN's rows by the source that they were taken from; rows of decisions are in none."""
    verified = inputs.verified
    if verified is None:
        n_own = inputs.clean.n_rows - (0 if inputs.reviewed is None else len(inputs.reviewed.rows))
        return [CleanPart(inputs.clean.source, np.arange(n_own))]
    return [
        CleanPart(name, np.flatnonzero(verified.part == place))
        for place, name in enumerate(verified.sources)
    ]


@dataclass(frozen=True)
class _Learned:
    """A run's trainings and its second opinion, under way in the scheduler."""

    plan: Plan
    trainer: Trainer
    learning: Learning
    question: Question | None
    """None where there is nothing to form an opinion on."""
    parts: list[Ticket[Answer]]
    """Of the second opinion."""


def _begin_to_learn(
    audit: RunningAudit, plan: Plan, trainer: Trainer, keep: Keep | None = None
) -> _Learned:
    """Submit the second opinion, and the trainings in every fold and plainly."""
    examples, folder = audit.examples, audit.begun.folder
    question = audit.task.pose_question(examples, plan, trainer.lesson.seed)
    asked = [] if question is None else audit.adviser.ask(question, folder.checkpoint_dir)
    # One that was asked ahead has its place already. The others take less time than a training,
    # and what takes long goes first: one training would be left alone at the end.
    ahead = {each.part: trainer.pool.submit(each) for each in asked if each.is_begun}
    folds = [partial(lay_out_fold, examples, plan, fold) for fold in plan.folds]
    learning = trainer.begin(folds, examples, keep=keep)
    parts = [ahead.get(each.part) or trainer.pool.submit(each) for each in asked]
    return _Learned(plan, trainer, learning, question, parts)


def _learn(audit: RunningAudit, learned: _Learned) -> tuple[Trainings, Evidence, list[Notice]]:
    """Wait for the networks and the second opinion, and gather what they say."""
    plan, trainer, question = learned.plan, learned.trainer, learned.question
    networks = learned.learning.finish()
    trainer.progress.stage("Scoring", None)
    answers = [trainer.pool.wait(part) for part in learned.parts]
    opinion = None if question is None else question.join(answers)
    rule, looked_at = audit.task.lesson.rule, recall_looked_at(audit.inputs)
    evidence = gather_evidence(
        plan,
        networks,
        opinion,
        rule,
        looked_at=looked_at,
        has_texts=question is not None and question.texts is not None,
    )
    evidence, told = _hear_brought(audit.inputs, evidence, plan)
    told += _note_sample(question, plan)
    return networks, add_equal_rows(evidence, _find_equal_rows(audit.examples, plan)), told


def recall_looked_at(inputs: Inputs) -> LookedAt | None:
    """What earlier rounds thought of the suspects that reviewers looked at, and these found."""
    judged = None if inputs.reviewed is None else inputs.reviewed.judged
    if judged is None:
        return None
    # Of numbers there is one kind of label.
    is_of_numbers = inputs.data.numbers is not None
    labels = np.zeros_like(judged.labels) if is_of_numbers else judged.labels
    return LookedAt(Clues(judged.log_odds, judged.views, labels), judged.is_wrong)


def _note_sample(question: Question | None, plan: Plan) -> list[Notice]:
    """Say from how many rows the second opinion learned, where not from all that it could."""
    if question is None:
        return []
    n, n_all = int(question.is_learned.sum()), int(plan.is_learned.sum())
    if n == n_all:
        return []
    message = (
        f"The second opinion learned from {n:,} of {n_all:,} rows, drawn at random; it judges all."
    )
    return [Notice("opinion-sampled", message)]


def _hear_brought(inputs: Inputs, evidence: Evidence, plan: Plan) -> tuple[Evidence, list[Notice]]:
    """Let probabilities that the user brought into the second opinion; and what is said of them."""
    brought = inputs.brought
    if brought is None:
        return evidence, []
    of_clean = np.full((inputs.clean.n_rows, brought.data.shape[1]), np.nan, dtype=np.float32)
    of_clean[: len(brought.clean)] = brought.clean
    overlap = inputs.comparison.overlap
    is_single = overlap.clean_rows >= 0
    of_data, place = brought.data[overlap.data_rows[is_single]], overlap.clean_rows[is_single]
    of_clean[place] = np.where(np.isnan(of_clean[place]), of_data, of_clean[place])
    whole = np.concatenate([brought.data, of_clean])
    joined = join_brought(brought.name, whole, evidence, plan.is_learned)
    return replace(evidence, second=joined.second), [joined.notice]


def _measure_stability(audit: RunningAudit, repeats: list[_Learned]) -> NDArray[np.float64]:
    """(N,) share of the repeated runs in which each row is flagged."""
    fdr = audit.task.settings.fdr
    evidences = (_learn(audit, learned)[1] for learned in repeats)
    share: NDArray[np.float64] = np.mean(
        [assess(evidence, fdr=fdr).flagged for evidence in evidences], axis=0
    )
    audit.begun.watch.lap("repeats")
    return share


def gather_evidence(
    plan: Plan,
    networks: Trainings,
    second: NDArray[np.float32] | None,
    rule: RuleName,
    *,
    looked_at: LookedAt | None,
    has_texts: bool = False,
) -> Evidence:
    """Put together what the trainings showed, for the assessment."""
    clean_at = plan.clean_at
    folds = []
    for number, (opinion, fold) in enumerate(zip(networks.opinions, plan.folds, strict=True)):
        # As of the other verified rows, half of them in each fold.
        strangers = plan.strangers[number::2] if len(fold.calibration) else plan.strangers[:0]
        calibration = np.concatenate([clean_at[fold.calibration], strangers])
        folds.append(Fold(opinion, clean_at[fold.drawn_steering], calibration))
    return Evidence(
        reweighted=networks.reweighted.outcome.dynamics,
        control=networks.control.outcome.dynamics,
        folds=tuple(folds),
        is_steered=is_steered(rule),
        second=second,
        labels=plan.labels,
        n_data=plan.n_data,
        is_trained=plan.is_trained,
        truth=plan.truth,
        clean_at=clean_at,
        n_reviewed=len(plan.reviewed),
        corrected=plan.corrected,
        strangers=plan.strangers,
        looked_at=looked_at,
        has_texts=has_texts,
    )


def _find_equal_rows(examples: Examples, plan: Plan) -> EqualRows | None:
    """Find rows with equal inputs; None where no matrix of float32 holds the inputs."""
    matrix = find_tensor(examples.inputs)
    if matrix is None or matrix.dtype != torch.float32:
        return None
    return find_equal(
        # Inputs of a dataset may have any shape; a row is one example.
        matrix.cpu().numpy().reshape(len(matrix), -1),
        plan.labels,
        plan.is_learned,
        n_classes=examples.n_classes,
        portion_read=release_mapped,
    )
