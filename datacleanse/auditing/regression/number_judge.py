"""Trainings and second opinions on numbers, and what they say of each row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.auditing.judge import gather_evidence, recall_looked_at
from datacleanse.auditing.layout import lay_out_fold
from datacleanse.auditing.ledger_parts import keep_epochs
from datacleanse.auditing.places import place_trainings
from datacleanse.auditing.plan import redraw_runs
from datacleanse.detection.evidence import Evidence
from datacleanse.detection.regression.assess import Seen, assess_numbers
from datacleanse.training.trainer import Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.regression.number_audit import NumberAudit, RunningNumbers
    from datacleanse.detection.regression.assess import NumberAssessment
    from datacleanse.detection.regression.opinions import NumberOpinions, NumberQuestion
    from datacleanse.scheduling.pool import Ticket
    from datacleanse.training.side_by_side import Keep, Learning, Trainings


@dataclass(frozen=True)
class JudgedNumbers:
    """Trainings, and what they and the second opinions say of each row."""

    networks: Trainings
    evidence: Evidence
    assessed: NumberAssessment


@dataclass(frozen=True)
class _Learned:
    """A run's trainings and second opinions, under way in the scheduler."""

    audit: NumberAudit
    plan: Plan
    trainer: Trainer
    learning: Learning
    question: NumberQuestion
    ticket: Ticket[NumberOpinions]

    def judge(self) -> JudgedNumbers:
        """Wait for all, and judge each row by them."""
        audit, trainer = self.audit, self.trainer
        networks = self.learning.finish()
        trainer.progress.stage("Scoring", None)
        opinions = trainer.pool.wait(self.ticket)
        control = networks.control.outcome.dynamics
        rule, looked_at = audit.lesson.rule, recall_looked_at(audit.inputs)
        evidence = gather_evidence(self.plan, networks, None, rule, looked_at=looked_at)
        heard = np.column_stack([opinions.predictions, control.probability[:, 0]])
        assessed = assess_numbers(
            evidence,
            audit.targets,
            Seen(opinions.rows, heard, self.question.is_learned),
            fdr=audit.settings.fdr,
            seed=trainer.lesson.seed,
        )
        return JudgedNumbers(networks, evidence, assessed)


def learn_and_judge(running: RunningNumbers) -> tuple[JudgedNumbers, NDArray[np.float64] | None]:
    """Train and judge; beside it the share of repeated runs that flag each row, (N,), or None."""
    audit, trainer, settings = running.audit, running.trainer, running.audit.settings
    with place_trainings(trainer, settings) as trainer:
        keep = keep_epochs(running.begun.folder, trainer.ranks)
        learned = _begin_to_learn(running, audit.plan, trainer, keep)
        again = [
            _begin_to_learn(running, *redrawn)
            for redrawn in redraw_runs(audit.plan, trainer, settings.repeats)
        ]
        judged = learned.judge()
        trainer.lap("score")
        if not again:
            return judged, None
        flagged = np.mean([each.judge().assessed.rows.flagged for each in again], axis=0)
        running.begun.watch.lap("repeats")
        return judged, flagged


def _begin_to_learn(
    running: RunningNumbers, plan: Plan, trainer: Trainer, keep: Keep | None = None
) -> _Learned:
    """Submit the second opinions, and the trainings in every fold and plainly."""
    audit, examples = running.audit, running.examples
    question = audit.pose_question(examples, plan, trainer.lesson.seed)
    ticket = trainer.pool.submit(question)
    folds = [partial(lay_out_fold, examples, plan, fold) for fold in plan.folds]
    learning = trainer.begin(folds, examples, keep=keep)
    return _Learned(audit, plan, trainer, learning, question, ticket)
