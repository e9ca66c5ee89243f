"""The recipe of an audit of numbers on one page; see `auditing/recipe.py` for that of classes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.health import look_at_inputs
from datacleanse.auditing.judge import gather_evidence, tell_final_weights
from datacleanse.auditing.layout import encode_examples, lay_out_final, lay_out_fold
from datacleanse.auditing.ledger_parts import keep_epochs
from datacleanse.auditing.manifest import Stopwatch, begin_run, read_clock
from datacleanse.auditing.manifest_sections import (
    describe_flags,
    describe_overlap,
    describe_reviewed,
    describe_schema,
    describe_share,
    describe_test,
    describe_training,
    describe_trainings,
    gather_notices,
)
from datacleanse.auditing.original_cells import take_original_cells
from datacleanse.auditing.places import open_pool
from datacleanse.auditing.plan import choose_rule
from datacleanse.auditing.prepared import learn_encoding
from datacleanse.auditing.regression.number_plan import plan_numbers
from datacleanse.auditing.regression.number_sections import (
    compare_predictions,
    describe_clean,
    describe_data,
    describe_noise,
)
from datacleanse.auditing.regression.number_tables import write_number_tables
from datacleanse.auditing.resuming import find_begun, hold_run, open_checkpoints
from datacleanse.auditing.tasks.interface import identify_request
from datacleanse.data import take_rows
from datacleanse.detection.evidence import Evidence
from datacleanse.detection.noise_rates import expect_budget
from datacleanse.detection.regression.assess import Seen, assess_numbers
from datacleanse.detection.regression.opinions import NumberQuestion
from datacleanse.detection.worth import weigh_by_probability
from datacleanse.models.inference import compute_logits
from datacleanse.models.number_card import write_number_card
from datacleanse.models.number_predictor import NumberPredictor
from datacleanse.models.tabular import TabularNetwork, build_network
from datacleanse.storage.manifest.numbers import NumberManifest
from datacleanse.storage.manifest.results import NONE_STEERED
from datacleanse.storage.manifest.whole import DeviceSection, Opening
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.device import choose_device, name_device
from datacleanse.training.objectives import NUMBERS
from datacleanse.training.placement import describe_rows, find_tensor, find_window
from datacleanse.training.schedule import choose_schedule
from datacleanse.training.trainer import Lesson, Trainer

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.auditing.regression.number_plan import NumberPlan
    from datacleanse.detection.health.look import Health
    from datacleanse.detection.regression.assess import NumberAssessment
    from datacleanse.models.encoding import Encoding
    from datacleanse.progress import Progress
    from datacleanse.records import Notice
    from datacleanse.settings import Settings
    from datacleanse.storage.manifest.health import HealthSection
    from datacleanse.storage.manifest.numbers import NumberMetricsSection
    from datacleanse.storage.manifest.results import FlagsSection, TrainingSection
    from datacleanse.training.checkpoint import Identity
    from datacleanse.training.examples import Examples
    from datacleanse.training.side_by_side import TrainedNetwork, Trainings
    from datacleanse.training.stopping import StopRequest


@dataclass(frozen=True)
class NumberAudit:
    """An audit of numbers, planned; a `Foreseen` of a forecast."""

    request: Request
    inputs: Inputs
    planned: NumberPlan
    encoding: Encoding
    device: torch.device
    lesson: Lesson
    identity: Identity

    @property
    def settings(self) -> Settings:
        """What the user chose."""
        return self.request.settings

    @property
    def plan(self) -> Plan:
        """The part that each row plays."""
        return self.planned.plan

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> NumberQuestion:
        """Pose the question to the second opinions: trees and regressions.

        Args:
            examples: what the network sees.
            plan: the part of each row.
            seed: of the opinions.
        """
        return NumberQuestion(
            _take_matrix(examples),
            self.planned.standardised,
            plan.is_learned,
            len(self.encoding.numeric),
            seed,
        )

    def make_examples(self) -> Examples:
        """Encode DATA and CLEAN into one matrix, beside standardised labels."""
        inputs, plan = self.inputs, self.planned.plan
        examples = encode_examples(
            inputs.data, inputs.clean, plan, self.encoding, device=self.device
        )
        labels = torch.from_numpy(self.planned.standardised.astype(np.float32))
        return replace(examples, labels=labels.to(self.device), n_classes=1)

    def make_predictor(self, trained: TrainedNetwork, shift: float = 0.0) -> NumberPredictor:
        """The predictor of numbers around a network.

        Args:
            trained: the network.
            shift: to add to what it says, in standardised units.
        """
        assert isinstance(trained.network, TabularNetwork)
        targets = self.planned.targets
        return NumberPredictor(
            trained.network,
            self.encoding,
            self.inputs.data.schema,
            targets.centre + targets.scale * shift,
            targets.scale,
        )


@dataclass(frozen=True)
class _Running:
    """The same with its run folder begun."""

    audit: NumberAudit
    folder: RunFolder
    opening: Opening
    examples: Examples
    trainer: Trainer
    watch: Stopwatch


def carry_out_numbers(
    request: Request,
    inputs: Inputs,
    place: Path,
    *,
    force: bool,
    resume: bool,
    progress: Progress,
    stop: StopRequest,
) -> RunFolder:
    """Train, score, and write the run folder.

    Args:
        request: what is asked for.
        inputs: what was read for it.
        place: the run folder.
        force: replace what run is there.
        resume: go on with the unfinished run there; leave a finished one.
        progress: receives stages and messages.
        stop: asked after each batch of the trainings.
    """
    watch = Stopwatch({"read": inputs.seconds})
    audit = plan_number_audit(request, inputs)
    opening = begin_run(uuid.uuid4().hex, request.command, request.settings, audit.identity)
    before = find_begun(place, audit.identity, progress) if resume else None
    if before is not None and before.status == "finished":
        return RunFolder(place)
    with hold_run(place, opening, before, force=force) as (folder, opening):
        progress.stage("Encoding", None)
        examples = audit.make_examples()
        watch.lap("encode")
        checkpoints = open_checkpoints(folder, audit.identity, examples)
        trainer = Trainer(audit.lesson, audit.device, watch.lap, progress, checkpoints, stop)
        manifest = _learn_and_judge(_Running(audit, folder, opening, examples, trainer, watch))
        folder.write_card(write_number_card(manifest))
        folder.finish(manifest)
    return folder


def plan_number_audit(request: Request, inputs: Inputs) -> NumberAudit:
    """Plan the audit.

    Raises:
        InputError: nothing is left to train on.
        SettingsError: the device asked for is not there.
    """
    settings = request.settings
    planned = plan_numbers(inputs, settings)
    device, plan = choose_device(settings.device), planned.plan
    encoding = learn_encoding(inputs.data, plan)
    lesson = Lesson(
        partial(build_network, encoding, 1, seed=settings.seed),
        False,
        choose_rule(settings, plan),
        choose_schedule(settings, int(plan.is_trained.sum())),
        settings.seed,
        objective=NUMBERS,
    )
    identity = identify_request(request, inputs, device) | {"--task": "regression"}
    return NumberAudit(request, inputs, planned, encoding, device, lesson, identity)


def _learn_and_judge(running: _Running) -> NumberManifest:
    """Train, judge, train the final model; all that `run.json` says of the run."""
    audit, folder, trainer = running.audit, running.folder, running.trainer
    plan, inputs = audit.planned.plan, audit.inputs

    networks, question, opinions = _learn(running)
    evidence, assessed = _judge(audit, question, opinions, networks)
    trainer.lap("score")
    health = look_at_inputs(inputs, assessed.rows)
    trainer.lap("health")
    folder.check_ledger(audit.lesson.schedule.epochs)
    worth = None
    if evidence.is_steered:
        worth = weigh_by_probability(assessed.rows, len(plan.labels)).astype(np.float32)
    notices = _write_tables(running, evidence, assessed, worth, health)
    trainer.lap("tables")
    final, mean_error = _train_final(running, networks, worth)
    trainer.progress.stage("Writing", None)
    predictor = audit.make_predictor(final, mean_error)
    predictor.save(folder.model_dir)
    metrics = compare_predictions(
        predictor,
        audit.make_predictor(networks.control),
        inputs.test,
        take_rows(inputs.clean, plan.held_back),
    )
    trainer.lap("write")
    notices += trainer.tell_halved(final.batch_size)
    training = describe_training(
        describe_trainings(networks),
        audit.lesson.schedule,
        final,
        rule=audit.lesson.rule if plan.has_clean else NONE_STEERED,
        network=predictor.network.describe(),
        inputs=inputs,
    )
    return _describe(running, assessed, training, metrics, told=notices, health=health.section)


def _learn(running: _Running) -> tuple[Trainings, NumberQuestion, NDArray[np.float64]]:
    """Train, with the second opinions beside; what these were asked, and say."""
    audit, trainer, examples = running.audit, running.trainer, running.examples
    plan = audit.plan
    is_large = find_window(examples.inputs) > 0
    with open_pool(audit.settings, is_large=is_large) as (pool, places):
        trainer = replace(trainer, pool=pool, places=places)
        question = audit.pose_question(examples, plan, audit.settings.seed)
        ticket = pool.submit(question)
        folds = [partial(lay_out_fold, examples, plan, fold) for fold in plan.folds]
        keep = keep_epochs(running.folder, trainer.ranks)
        networks = trainer.learn(folds, examples, keep=keep)
        trainer.progress.stage("Scoring", None)
        return networks, question, pool.wait(ticket)


def _train_final(
    running: _Running, networks: Trainings, worth: NDArray[np.float32] | None
) -> tuple[TrainedNetwork, float]:
    """The network to save, and its mean error; see `_write_tables` for ``worth``."""
    if worth is None:
        return networks.reweighted, 0.0
    rows = lay_out_final(running.examples, running.audit.planned.plan)
    counted = torch.from_numpy(worth)
    final = running.trainer.refit(rows, counted, networks.control.batch_size)
    return final, _measure_mean_error(final, rows, counted)


def _measure_mean_error(trained: TrainedNetwork, examples: Examples, worth: torch.Tensor) -> float:
    """Mean of label minus output over the rows learned from, where labels are right.

    Under Huber's loss a network tells the middle of skewed numbers, not their mean. A row counts by
    the probability that its label is right, of which its worth is the square: so weighed, the mean
    is that of right labels.
    """
    rows = examples.training_rows
    weights = worth.to(rows.device)[rows].double().sqrt()
    outputs = compute_logits(trained.network, examples.inputs[rows])[:, 0].double()
    errors = examples.labels[rows].double() - outputs
    return float((weights * errors).sum() / weights.sum().clamp(min=1.0))


def _write_tables(
    running: _Running,
    evidence: Evidence,
    assessed: NumberAssessment,
    worth: NDArray[np.float32] | None,
    health: Health,
) -> list[Notice]:
    """Write the audit table and the suspects; what is to be said of them.

    ``worth``: how much each row counts in the final model; None: no true label steered, so that
    the saved network is the first one.
    """
    audit = running.audit
    notices: list[Notice] = []

    def take(rows: NDArray[np.int64]) -> pa.Table:
        table, told = take_original_cells(audit.inputs, rows)
        notices.extend(told)
        return table

    write_number_tables(
        running.folder,
        audit.inputs.data,
        evidence,
        assessed,
        audit.planned.targets,
        health=health,
        final_weight=tell_final_weights(audit.planned.plan, audit.inputs.comparison.overlap, worth),
        top=audit.request.settings.top,
        take=take,
    )
    return notices


def _describe(
    running: _Running,
    assessed: NumberAssessment,
    training: TrainingSection,
    metrics: NumberMetricsSection,
    *,
    told: list[Notice],
    health: HealthSection,
) -> NumberManifest:
    """All of `run.json`."""
    audit, opening = running.audit, running.opening
    inputs, planned = audit.inputs, audit.planned
    has_clean = planned.plan.has_clean
    begun = {each.name: getattr(opening, each.name) for each in fields(Opening)}
    return NumberManifest(
        **(begun | {"status": "finished", "stopped_at": None}),
        data=describe_data(inputs, planned),
        clean=describe_clean(inputs, planned),
        test=describe_test(inputs),
        schema=describe_schema(inputs.data.schema),
        reviewed=describe_reviewed(inputs.reviewed),
        overlap=describe_overlap(inputs, planned.plan),
        notices=gather_notices(inputs, told),
        training=training,
        flags=_describe_flags(assessed, audit.request.settings.fdr, has_clean=has_clean),
        noise=describe_noise(assessed, has_clean=has_clean),
        budget=tuple(map(describe_share, expect_budget(assessed.rows))) if has_clean else (),
        device=DeviceSection(
            name=name_device(audit.device),
            threads=torch.get_num_threads(),
            rows=describe_rows(running.examples.inputs),
        ),
        metrics=metrics,
        model_files=running.folder.model_files(),
        timings=running.watch.stop(),
        finished_at=read_clock(),
        health=health,
    )


def _describe_flags(assessed: NumberAssessment, fdr: float, *, has_clean: bool) -> FlagsSection:
    """What the flags promise; without CLEAN nothing tells how many labels are wrong."""
    flags = describe_flags(assessed.rows, fdr)
    return flags if has_clean else replace(flags, estimated_wrong=None)


def _judge(
    audit: NumberAudit,
    question: NumberQuestion,
    opinions: NDArray[np.float64],
    networks: Trainings,
) -> tuple[Evidence, NumberAssessment]:
    """What the trainings and the second opinions say of each row."""
    control = networks.control.outcome.dynamics
    evidence = gather_evidence(audit.plan, networks, None, audit.lesson.rule)
    heard = np.column_stack([opinions, control.probability[:, 0]])
    assessed = assess_numbers(
        evidence,
        audit.planned.targets,
        Seen(question.rows, heard, question.is_learned),
        fdr=audit.settings.fdr,
        seed=audit.settings.seed,
    )
    return evidence, assessed


def _take_matrix(examples: Examples) -> NDArray[np.float32]:
    """(M, F) the encoded rows in main memory."""
    held = find_tensor(examples.inputs)
    assert held is not None
    found: NDArray[np.float32] = held.cpu().numpy()
    return found
