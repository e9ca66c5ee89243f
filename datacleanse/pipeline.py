"""The whole recipe on one page: files to network, ledger, audit table and model."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from datacleanse import manifest, runfolder
from datacleanse.audit_table import write_tables
from datacleanse.checkpoint import ROWS, Checkpoints, Identity, check_identity, digest
from datacleanse.config import Settings
from datacleanse.data import ReadOptions, compare, fingerprint, read_data, read_like
from datacleanse.device import choose_device
from datacleanse.errors import (
    DatacleanseError,
    OutputError,
    SettingsError,
    Stopped,
)
from datacleanse.examples import make_examples, make_plan
from datacleanse.ledger import write_epoch
from datacleanse.parking import parked
from datacleanse.progress import SILENT, Progress
from datacleanse.runfolder import RunFolder
from datacleanse.score import Evidence, assess
from datacleanse.stopping import NEVER, StopRequest
from datacleanse.train import TrainingError
from datacleanse.trainings import train_pair
from datacleanse.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datacleanse.data import Source
    from datacleanse.examples import Plan
    from datacleanse.ledger import EpochRecord
    from datacleanse.manifest import Inputs, Json, Stopwatch
    from datacleanse.train import Examples
    from datacleanse.trainings import Pair


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    data: Source
    clean: Source
    test: Source | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    settings: Settings = field(default_factory=Settings)
    command: tuple[str, ...] = ()
    """How it was called, for the manifest."""


def run_audit(
    request: Request,
    place: Path,
    *,
    force: bool = False,
    resume: bool = False,
    progress: Progress = SILENT,
    stop: StopRequest = NEVER,
) -> RunFolder:
    """Audit DATA and write the run folder. Nothing is written before all inputs are checked.

    Where it fails or is interrupted, the folder stays if a training has saved something in it.

    Args:
        request: what is asked for.
        place: the run folder.
        force: replace what run is there.
        resume: go on with the unfinished run there; leave a finished one; start where there is
            none.
        progress: receives stages and messages.
        stop: asked after each batch of the trainings.

    Raises:
        DatacleanseError: an input or a setting cannot be used, or nothing can be written.
        Stopped: on request; everything so far is saved.
    """
    _check_flags(force=force, resume=resume)
    watch = manifest.Stopwatch()
    settings = request.settings
    device = choose_device(settings.device)
    inputs = read_inputs(request, progress)
    plan = make_plan(inputs.data, inputs.clean, inputs.comparison.overlap, seed=settings.seed)
    watch.lap("read")
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


def read_inputs(request: Request, progress: Progress) -> Inputs:
    """Read all files and check them against each other."""
    progress.stage("Reading", None)
    options = request.options
    data = read_data(request.data, options, progress=progress)
    delimiter = options.delimiter
    clean = read_like(
        request.clean, data.schema, role="CLEAN", delimiter=delimiter, progress=progress
    )
    test = request.test
    return manifest.Inputs(
        data,
        clean,
        None
        if test is None
        else read_like(test, data.schema, role="TEST", delimiter=delimiter, progress=progress),
        compare(data, clean),
        {
            role: fingerprint(source)
            for role, source in (("data", request.data), ("clean", request.clean), ("test", test))
            if source is not None
        },
    )


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


def _check_flags(*, force: bool, resume: bool) -> None:
    if force and resume:
        raise SettingsError(
            "--force and --resume contradict each other.",
            slug="settings-contradict",
            hint="Give --resume to go on with the run there, or --force to replace it.",
        )


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
