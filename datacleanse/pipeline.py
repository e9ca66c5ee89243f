"""The whole recipe on one page: what was read to network, ledger, audit table and model."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import torch

from datacleanse import manifest, runfolder
from datacleanse.audit_table import write_tables
from datacleanse.checkpoint import ROWS, Checkpoints, Identity, check_identity, digest
from datacleanse.device import choose_device
from datacleanse.errors import (
    DatacleanseError,
    OutputError,
    Stopped,
)
from datacleanse.examples import make_examples, make_plan
from datacleanse.ledger import write_epoch
from datacleanse.parking import parked
from datacleanse.runfolder import RunFolder
from datacleanse.score import Evidence, assess
from datacleanse.train import TrainingError
from datacleanse.trainings import train_pair
from datacleanse.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datacleanse.config import Settings
    from datacleanse.examples import Plan
    from datacleanse.inputs import Inputs, Request
    from datacleanse.ledger import EpochRecord
    from datacleanse.manifest import Json, Stopwatch
    from datacleanse.progress import Progress
    from datacleanse.stopping import StopRequest
    from datacleanse.train import Examples
    from datacleanse.trainings import Pair


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
    """Train, score, and write the run folder.

    Where it fails or is interrupted, the folder stays if a training has saved something in it.

    Args:
        request: what is asked for.
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
    settings = request.settings
    device = choose_device(settings.device)
    plan = make_plan(inputs.data, inputs.clean, inputs.comparison.overlap, seed=settings.seed)
    identity = _identity(request, inputs, device)
    opening = manifest.opening(uuid.uuid4().hex, request.command, settings)
    opening |= {"identity": identity}
    before = _begun(place, identity, progress) if resume else None
    if before is not None and before["status"] == "finished":
        return RunFolder(place)
    folder = runfolder.create(place, force=force) if before is None else RunFolder(place)
    opening |= _continued(before)
    with _kept_if_resumable(folder, opening):
        folder.begin(opening)
        progress.stage("Encoding", None)
        examples, encoding = make_examples(inputs.data, inputs.clean, plan, device=device)
        watch.lap("encode")

        def keep(epoch: int, record: EpochRecord) -> None:
            write_epoch(folder.epoch_file(epoch), epoch, record)

        with parked(inputs.data.table, folder.parked_file) as table:
            inputs = replace(inputs, data=replace(inputs.data, table=table))
            pair = train_pair(
                examples,
                encoding,
                inputs.data.schema,
                settings,
                keep=keep,
                lap=watch.lap,
                progress=progress,
                checkpoints=_checkpoints(folder, identity, examples),
                stop=stop,
            )
            del examples
            progress.stage("Scoring", None)
            found = _conclude(folder, settings, inputs=inputs, plan=plan, pair=pair, watch=watch)
        folder.finish(opening | found)
    return folder


def _conclude(
    folder: RunFolder,
    settings: Settings,
    *,
    inputs: Inputs,
    plan: Plan,
    pair: Pair,
    watch: Stopwatch,
) -> manifest.Json:
    """Score, write the tables and the model; return the manifest's part about it."""
    evidence = Evidence(
        reweighted=pair.reweighted.outcome.dynamics,
        control=pair.control.outcome.dynamics,
        labels=plan.labels,
        n_data=plan.n_data,
        trained=plan.trained,
        verified=plan.verified,
    )
    assessment = assess(evidence, fdr=settings.fdr)
    folder.check_ledger(pair.schedule.epochs)
    write_tables(folder, inputs.data, evidence, assessment, top=settings.top)
    pair.reweighted.predictor.save(folder.model_dir)
    metrics = manifest.compare_models(inputs.test, pair)
    watch.lap("score")
    return {
        **manifest.describe_inputs(inputs, plan),
        **manifest.describe_training(pair),
        **manifest.describe_assessment(assessment, settings.fdr),
        "metrics": metrics,
        "timings": watch.stop(),
        "status": "finished",
        "finished_at": manifest.now(),
    }


def _identity(request: Request, inputs: Inputs, device: torch.device) -> Identity:
    """All that the trainings depend on, by the names that users know."""
    options, schema = request.options, inputs.data.schema
    # These two matter after training; the device's name is replaced by what was chosen.
    free = {"fdr", "top", "device"}
    settings = {key: value for key, value in asdict(request.settings).items() if key not in free}
    return {
        "datacleanse": __version__,
        "torch": torch.__version__,
        "DATA": inputs.sha256["data"],
        "CLEAN": inputs.sha256["clean"],
        "--label": schema.label,
        "--id": schema.id,
        "--drop": sorted(options.drop),
        "--categorical": sorted(options.categorical),
        "--numeric": sorted(options.numeric),
        "device": device.type,
        **{f"--{name.replace('_', '-')}": value for name, value in settings.items()},
    }


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
    rows = digest(examples.inputs, examples.labels, examples.trained, examples.trusted)
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
        if is_kept and isinstance(told, OutputError | TrainingError):
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


def _with_cure(error: OutputError | TrainingError, folder: RunFolder) -> DatacleanseError:
    """The error, with what is left of the run and what to do about it."""
    if isinstance(error, TrainingError):
        kept = f"The last good checkpoint is kept in {folder.path} until then."
        hint = f"{error.hint[:-1]} and start anew with --force. {kept}"
    else:
        hint = f"Free some space, then go on with --resume: {folder.path} keeps what is trained."
    return type(error)(error.message, slug=error.slug, hint=hint)
