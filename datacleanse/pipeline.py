"""The whole recipe on one page: what was read to network, ledger, audit table and model."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse import manifest, runfolder
from datacleanse.audit_table import write_tables
from datacleanse.checkpoint import ROWS, Checkpoints, Identity, check_identity, digest
from datacleanse.device import describe_device, one_cpu_thread
from datacleanse.equal_rows import find_equal
from datacleanse.errors import DatacleanseError, OutputError, SettingsError, Stopped
from datacleanse.examples import of_fold, redrawn
from datacleanse.featured import wants_features, with_features
from datacleanse.growing import growing
from datacleanse.image_task import image_task
from datacleanse.ledger import write_epoch
from datacleanse.model_card import card_text
from datacleanse.neighbours import neighbours
from datacleanse.parking import let_go, parked, parked_rows
from datacleanse.picture_files import write_picture_files
from datacleanse.records import Notice
from datacleanse.rows import Moved, described, held_in
from datacleanse.rules import is_steered
from datacleanse.runfolder import RunFolder
from datacleanse.score import Evidence, Fold, assess, with_equal_rows, worth_of
from datacleanse.shortage import MemoryShortError
from datacleanse.tasks import table_task
from datacleanse.train import TrainingError
from datacleanse.trainings import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.config import Settings
    from datacleanse.equal_rows import EqualRows
    from datacleanse.examples import Plan
    from datacleanse.inputs import Inputs, Request
    from datacleanse.ledger import EpochRecord
    from datacleanse.manifest import Json, Stopwatch
    from datacleanse.progress import Progress
    from datacleanse.stopping import StopRequest
    from datacleanse.tasks import Task
    from datacleanse.train import Examples
    from datacleanse.trainings import Keep, Trained, Trainings


def learn(
    request: Request,
    handed_over: list[Inputs],
    place: Path,
    *,
    force: bool,
    resume: bool,
    progress: Progress,
    stop: StopRequest,
) -> RunFolder:
    """Plan the audit of a table or of images, and carry it out; see `carry_out`."""
    settings, inputs = request.settings, handed_over[0]
    if wants_features(settings):
        if inputs.pictures is None:
            raise _no_pictures(settings)
        progress.stage("Features", None)
        inputs = handed_over[0] = with_features(inputs, settings)
    plan = table_task if inputs.pictures is None else image_task
    task: Task = plan(request, inputs)
    del inputs
    return carry_out(
        task, handed_over, place, force=force, resume=resume, progress=progress, stop=stop
    )


def _no_pictures(settings: Settings) -> SettingsError:
    asked = "--features" if settings.features is not None else f"--model {settings.model}"
    return SettingsError(
        f"{asked} is for images, and DATA is a table.",
        slug="settings-contradict",
        hint="A column of lists in a table counts as features by itself.",
    )


def carry_out(
    task: Task,
    handed_over: list[Inputs],
    place: Path,
    *,
    force: bool,
    resume: bool,
    progress: Progress,
    stop: StopRequest,
) -> RunFolder:
    """Train, score, and write the run folder.

    Where it fails or is interrupted, the folder stays if a training has saved something in it.

    Args:
        task: what is audited.
        handed_over: one item, what was read for it; taken out, so that nobody else holds DATA's
            table while it is parked.
        place: the run folder.
        force: see `auditing.run_audit`, as all that follow.
        resume: go on with the unfinished run there.
        progress: receives stages and messages.
        stop: asked after each batch of the trainings.
    """
    inputs = handed_over.pop()
    watch = manifest.Stopwatch({"read": inputs.seconds})
    opening = manifest.opening(uuid.uuid4().hex, task.command, task.settings)
    opening |= {"identity": task.identity}
    before = _begun(place, task.identity, progress) if resume else None
    if before is not None and before["status"] == "finished":
        return RunFolder(place)
    folder = runfolder.create(place, force=force) if before is None else RunFolder(place)
    opening |= _continued(before)
    with _kept_if_resumable(folder, opening):
        folder.begin(opening)
        progress.stage("Encoding", None)
        table = parked(inputs.data.table, folder.parked_file)
        inputs = replace(inputs, data=replace(inputs.data, table=table))
        examples = _parked(task.examples(inputs), folder.parked_file)
        watch.lap("encode")
        found = opening | _learn_and_judge(
            folder, task, inputs, examples, watch=watch, progress=progress, stop=stop
        )
        folder.write_card(card_text(found))
        folder.finish(found)
    return folder


def _parked(examples: Examples, path: Path) -> Examples:
    """The same examples, a large matrix in main memory in a mapped file."""
    matrix = examples.inputs
    if not isinstance(matrix, torch.Tensor) or matrix.dtype != torch.float32 or matrix.is_cuda:
        return examples
    return replace(examples, inputs=torch.from_numpy(parked_rows(matrix.numpy(), path)))


def _learn_and_judge(
    folder: RunFolder,
    task: Task,
    inputs: Inputs,
    examples: Examples,
    *,
    watch: Stopwatch,
    progress: Progress,
    stop: StopRequest,
) -> Json:
    """Train, judge, train the final model; the manifest's part about all that."""
    rows, told = described(examples.inputs), _told(examples, progress)
    checkpoints = _checkpoints(folder, task.identity, examples)
    trainer = Trainer(task.lesson, task.device, watch.lap, progress, checkpoints, stop)
    judged = _judge(folder, task, inputs, examples, trainer)
    final = judged.final or trainer.refit(examples, judged.worth, judged.batch_size)
    progress.stage("Writing", None)
    folder.write_neighbours(_neighbours(folder, inputs, examples, judged, final))
    task.save(final.network, folder.model_dir)
    metrics = manifest.compare_models(
        task.tested(final.network, inputs),
        task.tested(judged.control, inputs),
        inputs.data.schema.classes,
    )
    write_picture_files(folder, inputs)
    watch.lap("write")
    return {
        **manifest.describe_inputs(inputs, task.plan, [*told, *trainer.halved(final.batch_size)]),
        **judged.found,
        **manifest.describe_final(
            judged.found, task.lesson.schedule, final, network=task.describe(final.network)
        ),
        "device": {**describe_device(task.device), "rows": rows},
        "metrics": metrics,
        "model_files": folder.model_files(),
        "timings": watch.stop(),
        "status": "finished",
        "finished_at": manifest.now(),
    }


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
    let_go()
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


def _neighbours(
    folder: RunFolder, inputs: Inputs, examples: Examples, judged: _Judged, final: Trained
) -> pa.Table:
    """Of the stored suspects, by rank."""
    suspects = folder.read_suspects().column(0).to_numpy()
    suggested, names = judged.suggested[suspects], inputs.clean.given_labels
    return neighbours(final.network, examples, suspects, suggested, names)


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


def _told(examples: Examples, progress: Progress) -> list[Notice]:
    """Say where the examples lie if it is not on the device."""
    if not isinstance(examples.inputs, Moved):
        return []
    size = examples.inputs.values.nbytes / 2**20
    message = (
        f"The examples take {size:,.0f} MiB, too much for the memory that is free on the "
        f"{examples.labels.device.type}: they stay in main memory and are moved batch by batch."
    )
    progress.say(message)
    return [Notice("rows-moved", message)]


def _begun(place: Path, identity: Identity, progress: Progress) -> Json | None:
    """The manifest of the run that is to be resumed; None where there is none."""
    before = RunFolder(place).begun()
    if before is None:
        progress.say(f"There is no run in {place} to go on with; the audit starts.")
        return None
    check_identity(before.get("identity", {}), identity, place)
    if before["status"] == "finished":
        # A run killed in its last moment may have left it.
        RunFolder(place).forget_checkpoint()
        progress.say(f"The run in {place} is finished already.")
    return before


def _continued(before: Json | None) -> Json:
    """What a resumed run keeps of its manifest."""
    if before is None:
        return {}
    kept = {key: before[key] for key in ("run_id", "created_at", "command")}
    return kept | {"resumed_at": [*before.get("resumed_at", []), manifest.now()]}


def _checkpoints(folder: RunFolder, identity: Identity, examples: Examples) -> Checkpoints:
    # Those that a dataset makes whenever they are asked for are its own affair.
    inputs = held_in(examples.inputs)
    held = () if inputs is None else (inputs,)
    rows = digest(*held, examples.labels, examples.trained, examples.trusted)
    return Checkpoints(folder.checkpoint_dir, identity | {ROWS: rows})


@contextmanager
def _kept_if_resumable(folder: RunFolder, opening: Json) -> Iterator[None]:
    """Leave either something to go on with or nothing."""
    try:
        yield
    except BaseException as error:
        is_kept = folder.has_checkpoint()
        if not is_kept:
            shutil.rmtree(folder.path, ignore_errors=True)
        elif isinstance(error, Stopped | KeyboardInterrupt):
            stopped = {"status": "stopped", "stopped_at": manifest.now()}
            folder.write_manifest(opening | stopped)
        told = _unwritable(folder, error) if isinstance(error, OSError) else error
        if is_kept and isinstance(told, OutputError | TrainingError | MemoryShortError):
            told = _with_cure(told, folder)
        if told is error:
            raise
        raise told from error


def _unwritable(folder: RunFolder, error: OSError) -> OutputError:
    return OutputError(
        f"The run folder {folder.path} cannot be written: {error.strerror or error}.",
        slug="run-not-writable",
        hint="Free some space or choose another place with --out, then repeat the audit.",
    )


def _with_cure(
    error: OutputError | TrainingError | MemoryShortError, folder: RunFolder
) -> DatacleanseError:
    """The error, with what is left of the run and what to do about it."""
    if isinstance(error, TrainingError):
        kept = f"The last good checkpoint is kept in {folder.path} until then."
        hint = f"{error.hint[:-1]} and start anew with --force. {kept}"
    elif isinstance(error, MemoryShortError):
        hint = f"{error.hint} With more memory, --resume goes on with {folder.path}."
    else:
        hint = f"Free some space, then go on with --resume: {folder.path} keeps what is trained."
    return type(error)(error.message, slug=error.slug, hint=hint)
