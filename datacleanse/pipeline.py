"""The whole recipe on one page: files to network, ledger, audit table and model."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from datacleanse import manifest, runfolder
from datacleanse.audit_table import write_tables
from datacleanse.config import Settings
from datacleanse.data import ReadOptions, compare, fingerprint, read_data, read_like
from datacleanse.device import choose_device
from datacleanse.errors import RunFolderError
from datacleanse.examples import make_examples, make_plan
from datacleanse.ledger import write_epoch
from datacleanse.parking import parked
from datacleanse.progress import SILENT, Progress
from datacleanse.score import Evidence, assess
from datacleanse.trainings import train_pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datacleanse.data import Source
    from datacleanse.examples import Plan
    from datacleanse.ledger import EpochRecord
    from datacleanse.manifest import Inputs, Stopwatch
    from datacleanse.runfolder import RunFolder
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
    request: Request, place: Path, *, force: bool = False, progress: Progress = SILENT
) -> RunFolder:
    """Audit DATA and write the run folder. Nothing is written before all inputs are checked.

    Raises:
        DatacleanseError: an input or a setting cannot be used, or nothing can be written.
    """
    watch = manifest.Stopwatch()
    settings = request.settings
    device = choose_device(settings.device)
    inputs = read_inputs(request, progress)
    plan = make_plan(inputs.data, inputs.clean, inputs.comparison.overlap, seed=settings.seed)
    watch.lap("read")
    folder = runfolder.create(place, force=force)
    with _removed_on_failure(folder):
        opening = manifest.opening(uuid.uuid4().hex, request.command, settings)
        folder.write_manifest(opening)
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
            )
            del examples
            progress.stage("Scoring", None)
            found = _conclude(folder, settings, inputs=inputs, plan=plan, pair=pair, watch=watch)
        folder.write_manifest(opening | found)
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


@contextmanager
def _removed_on_failure(folder: RunFolder) -> Iterator[None]:
    """Leave nothing half-written behind."""
    try:
        yield
    except BaseException as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise RunFolderError(
            f"The run folder {folder.path} cannot be written: {error.strerror or error}.",
            slug="run-not-writable",
            hint="Free some space or choose another place with --out, then repeat the audit.",
        ) from error
