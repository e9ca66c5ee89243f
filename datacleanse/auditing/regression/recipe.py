"""The recipe of an audit of numbers on one page; see `auditing/recipe.py` for that of classes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.judge import gather_evidence, tell_final_weights
from datacleanse.auditing.layout import encode_examples, lay_out_final, lay_out_fold
from datacleanse.auditing.ledger_parts import keep_epochs
from datacleanse.auditing.manifest import Stopwatch, begin_run, read_clock
from datacleanse.auditing.manifest_sections import (
    describe_flags,
    describe_schema,
    describe_share,
    describe_test,
    describe_training,
    describe_trainings,
    gather_notices,
)
from datacleanse.auditing.original_cells import take_original_cells
from datacleanse.auditing.plan import choose_rule
from datacleanse.auditing.prepared import learn_encoding
from datacleanse.auditing.regression.number_card import write_number_card
from datacleanse.auditing.regression.number_plan import plan_numbers
from datacleanse.auditing.regression.number_sections import (
    compare_predictions,
    describe_clean,
    describe_data,
    describe_noise,
    describe_overlap,
)
from datacleanse.auditing.regression.number_tables import write_number_tables
from datacleanse.auditing.resuming import find_begun, hold_run, open_checkpoints
from datacleanse.auditing.tasks.interface import identify_request
from datacleanse.data import take_rows
from datacleanse.detection.evidence import Evidence
from datacleanse.detection.noise_rates import expect_budget
from datacleanse.detection.regression.assess import Seen, assess_numbers
from datacleanse.detection.regression.opinions import predict_without_own_labels
from datacleanse.detection.worth import weigh_by_probability
from datacleanse.models.inference import compute_logits
from datacleanse.models.number_predictor import NumberPredictor
from datacleanse.models.tabular import TabularNetwork, build_network
from datacleanse.storage.manifest.numbers import NumberManifest
from datacleanse.storage.manifest.whole import DeviceSection, Opening
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.device import choose_device, name_device
from datacleanse.training.objectives import NUMBERS
from datacleanse.training.placement import describe_rows, find_tensor
from datacleanse.training.schedule import choose_schedule
from datacleanse.training.trainer import Lesson, Trainer

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.auditing.regression.number_plan import NumberPlan
    from datacleanse.detection.regression.assess import NumberAssessment
    from datacleanse.models.encoding import Encoding
    from datacleanse.progress import Progress
    from datacleanse.records import Notice
    from datacleanse.storage.manifest.numbers import NumberMetricsSection
    from datacleanse.storage.manifest.results import TrainingSection
    from datacleanse.training.checkpoint import Identity
    from datacleanse.training.examples import Examples
    from datacleanse.training.side_by_side import TrainedNetwork, Trainings
    from datacleanse.training.stopping import StopRequest


@dataclass(frozen=True)
class _Audit:
    """An audit of numbers, planned."""

    request: Request
    inputs: Inputs
    planned: NumberPlan
    encoding: Encoding
    device: torch.device
    lesson: Lesson
    identity: Identity

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

    audit: _Audit
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
    audit = _plan(request, inputs)
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


def _plan(request: Request, inputs: Inputs) -> _Audit:
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
    return _Audit(request, inputs, planned, encoding, device, lesson, identity)


def _learn_and_judge(running: _Running) -> NumberManifest:
    """Train, judge, train the final model; all that `run.json` says of the run."""
    audit, folder, trainer = running.audit, running.folder, running.trainer
    plan, inputs, examples = audit.planned.plan, audit.inputs, running.examples

    folds = [partial(lay_out_fold, examples, plan, fold) for fold in plan.folds]
    networks = trainer.learn(folds, examples, keep=keep_epochs(folder, trainer.ranks))
    trainer.progress.stage("Scoring", None)
    evidence, assessed = _judge(audit, examples, networks)
    folder.check_ledger(audit.lesson.schedule.epochs)
    worth = weigh_by_probability(assessed.rows, len(plan.labels)).astype(np.float32)
    notices = _write_tables(running, evidence, assessed, worth)
    trainer.lap("score")
    refitted, counted = lay_out_final(examples, plan), torch.from_numpy(worth)
    final = trainer.refit(refitted, counted, networks.control.batch_size)
    trainer.progress.stage("Writing", None)
    predictor = audit.make_predictor(final, _measure_mean_error(final, refitted, counted))
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
        rule=audit.lesson.rule,
        network=predictor.network.describe(),
        inputs=inputs,
    )
    return _describe(running, assessed, training, metrics, notices)


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
    worth: NDArray[np.float32],
) -> list[Notice]:
    """Write the audit table and the suspects; what is to be said of them."""
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
    told: list[Notice],
) -> NumberManifest:
    """All of `run.json`."""
    audit, opening = running.audit, running.opening
    inputs, planned = audit.inputs, audit.planned
    begun = {each.name: getattr(opening, each.name) for each in fields(Opening)}
    return NumberManifest(
        **(begun | {"status": "finished", "stopped_at": None}),
        data=describe_data(inputs, planned),
        clean=describe_clean(inputs, planned),
        test=describe_test(inputs),
        schema=describe_schema(inputs.data.schema),
        overlap=describe_overlap(inputs, planned),
        notices=gather_notices(inputs, told),
        training=training,
        flags=describe_flags(assessed.rows, audit.request.settings.fdr),
        noise=describe_noise(assessed),
        budget=tuple(map(describe_share, expect_budget(assessed.rows))),
        device=DeviceSection(
            name=name_device(audit.device),
            threads=torch.get_num_threads(),
            rows=describe_rows(running.examples.inputs),
        ),
        metrics=metrics,
        model_files=running.folder.model_files(),
        timings=running.watch.stop(),
        finished_at=read_clock(),
    )


def _judge(
    audit: _Audit, examples: Examples, networks: Trainings
) -> tuple[Evidence, NumberAssessment]:
    """What the trainings and the second opinions say of each row."""
    plan, settings = audit.planned.plan, audit.request.settings
    rows = _take_matrix(examples)
    control = networks.control.outcome.dynamics
    opinions = predict_without_own_labels(
        rows,
        audit.planned.standardised,
        plan.is_learned,
        n_numbers=len(audit.encoding.numeric),
        seed=settings.seed,
    )
    opinions = np.column_stack([opinions, control.probability[:, 0]])
    evidence = gather_evidence(plan, networks, None, audit.lesson.rule)
    assessed = assess_numbers(
        evidence,
        audit.planned.targets,
        Seen(rows, opinions, plan.is_learned),
        fdr=settings.fdr,
        seed=settings.seed,
    )
    return evidence, assessed


def _take_matrix(examples: Examples) -> NDArray[np.float32]:
    """(M, F) the encoded rows in main memory."""
    held = find_tensor(examples.inputs)
    assert held is not None
    found: NDArray[np.float32] = held.cpu().numpy()
    return found
