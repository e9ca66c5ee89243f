"""The whole recipe: files to network, ledger, audit table and model."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from datacleanse import manifest, runfolder
from datacleanse.atomic import written_aside
from datacleanse.audit_table import audit_columns, ranks
from datacleanse.config import Schedule, Settings
from datacleanse.data import ReadOptions, compare, fingerprint, read_data, read_like
from datacleanse.device import choose_device, describe_device
from datacleanse.errors import RunFolderError
from datacleanse.examples import Plan, make_examples, make_plan
from datacleanse.ledger import write_audit, write_epoch
from datacleanse.metrics import classification_metrics
from datacleanse.models.tabular import TabularNetwork, shape_for
from datacleanse.predictor import Predictor
from datacleanse.progress import SILENT, Progress
from datacleanse.rules import make_rule
from datacleanse.schedule import DROPOUT, N_HIDDEN, WIDTH, schedule_for
from datacleanse.score import Assessment, Evidence, assess
from datacleanse.train import Examples, Outcome, n_batches, train

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.config import RuleName
    from datacleanse.data import Source
    from datacleanse.encode import Encoding
    from datacleanse.ledger import EpochRecord
    from datacleanse.records import Comparison, Dataset
    from datacleanse.runfolder import RunFolder

STORED_SUSPECTS = 1000
"""Rows whose original columns are kept in the run folder, at least, so that reports can be
rendered again without DATA."""


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


@dataclass(frozen=True)
class Inputs:
    """What was read, checked against each other."""

    data: Dataset
    clean: Dataset
    test: Dataset | None
    comparison: Comparison


@dataclass(frozen=True)
class Trained:
    """A network and what its training showed."""

    predictor: Predictor
    outcome: Outcome


def run_audit(
    request: Request, place: Path, *, force: bool = False, progress: Progress = SILENT
) -> RunFolder:
    """Audit DATA and write the run folder. Nothing is written before all inputs are checked.

    Raises:
        DatacleanseError: an input or a setting cannot be used, or nothing can be written.
    """
    watch = manifest.Stopwatch()
    device = choose_device(request.settings.device)
    progress.stage("Reading", None)
    inputs = read_inputs(request, progress)
    plan = make_plan(
        inputs.data, inputs.clean, inputs.comparison.overlap, seed=request.settings.seed
    )
    watch.lap("read")
    folder = runfolder.create(place, force=force)
    try:
        _fill(folder, request, inputs, plan, device, watch, progress)
    except KeyboardInterrupt:
        raise
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise RunFolderError(
            f"The run folder {place} cannot be written: {error.strerror or error}.",
            slug="run-not-writable",
            hint="Free some space or choose another place with --out, then repeat the audit.",
        ) from error
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return folder


def read_inputs(request: Request, progress: Progress) -> Inputs:
    """Read and check all files."""
    options = request.options
    data = read_data(request.data, options, progress=progress)
    clean = read_like(
        request.clean, data.schema, role="CLEAN", delimiter=options.delimiter, progress=progress
    )
    test = None
    if request.test is not None:
        test = read_like(
            request.test, data.schema, role="TEST", delimiter=options.delimiter, progress=progress
        )
    return Inputs(data, clean, test, compare(data, clean))


def _fill(
    folder: RunFolder,
    request: Request,
    inputs: Inputs,
    plan: Plan,
    device: torch.device,
    watch: manifest.Stopwatch,
    progress: Progress,
) -> None:
    settings = request.settings
    record = manifest.opening(uuid.uuid4().hex, request.command, settings)
    folder.write_manifest(record)
    progress.stage("Encoding", None)
    examples, encoding = make_examples(inputs.data, inputs.clean, plan, device=device)
    watch.lap("encode")

    schedule = schedule_for(settings, len(examples.trained))
    total = schedule.epochs * n_batches(len(examples.trained), schedule.batch_size)
    job = _Job(inputs, examples, encoding, schedule, settings.seed, progress)
    progress.stage(f"Training, rule {settings.rule}", total)
    reweighted = job.run(settings.rule, folder)
    watch.lap("reweighted")
    control = reweighted
    if settings.rule != "uniform":
        progress.stage("Training, uniform control", total)
        control = job.run("uniform", None)
    watch.lap("control")

    progress.stage("Scoring", None)
    evidence = Evidence(
        reweighted=reweighted.outcome.dynamics,
        control=control.outcome.dynamics,
        labels=plan.labels,
        n_data=plan.n_data,
        trained=plan.trained,
        verified=plan.verified,
    )
    assessment = assess(evidence, fdr=settings.fdr)
    _write_tables(folder, inputs, plan, evidence, assessment, settings.top)
    reweighted.predictor.save(folder.model_dir)
    record |= _found(request, inputs, plan, device)
    record["training"] = _training(schedule, examples, reweighted, control)
    record["metrics"] = {"test": _compare_models(inputs.test, reweighted, control)}
    record["metrics"]["held_back"] = None
    record["flags"] = manifest.describe_flags(assessment, settings.fdr)
    watch.lap("score")
    record |= {"timings": watch.stop(), "status": "finished", "finished_at": manifest.now()}
    folder.write_manifest(record)


@dataclass(frozen=True)
class _Job:
    """What both trainings share."""

    inputs: Inputs
    examples: Examples
    encoding: Encoding
    schedule: Schedule
    seed: int
    progress: Progress

    def run(self, rule: RuleName, folder: RunFolder | None) -> Trained:
        """Train a fresh network, the same at the start for every rule; keep its ledger."""

        def keep(epoch: int, record: EpochRecord) -> None:
            if folder is not None:
                write_epoch(folder.epoch_file(epoch), epoch, record)

        network = build_network(self.encoding, self.examples.n_classes, seed=self.seed)
        network.to(self.examples.inputs.device)
        outcome = train(
            network,
            make_rule(rule, seed=self.seed),
            self.examples,
            self.schedule,
            seed=self.seed,
            on_epoch=keep,
            progress=self.progress,
        )
        return Trained(Predictor(network, self.encoding, self.inputs.data.schema), outcome)


def build_network(encoding: Encoding, n_classes: int, *, seed: int) -> TabularNetwork:
    """The default network, initialised from the seed, on the CPU."""
    shape = shape_for(encoding, n_classes, width=WIDTH, n_hidden=N_HIDDEN, dropout=DROPOUT)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TabularNetwork(shape)
    network.numbers.set_edges(encoding)
    return network


def _write_tables(
    folder: RunFolder,
    inputs: Inputs,
    plan: Plan,
    evidence: Evidence,
    assessment: Assessment,
    top: int,
) -> None:
    columns = audit_columns(inputs.data, evidence, assessment)
    write_audit(folder.audit_file, columns, folder.epoch_files())
    n_stored = max(STORED_SUSPECTS, top, int(assessment.flagged.sum()))
    _write(folder.suspects_file, _suspects(inputs.data, assessment.suspicion, n_stored))
    is_meta = pa.array(["calibration" if t else "meta" for t in plan.trained[plan.n_data :]])
    score = pa.array(assessment.calibration_score, from_pandas=True)
    rows = pa.array(range(len(score)), pa.int64())
    _write(folder.calibration_file, pa.table({"row": rows, "part": is_meta, "score": score}))


def _suspects(data: Dataset, suspicion: NDArray[np.float64], count: int) -> pa.Table:
    """The most suspicious rows as they stand in DATA, their position in the first column."""
    rows = pa.array(ranks(suspicion).argsort()[:count])
    name = "row"
    while name in data.table.column_names:
        name = f"{name}_"
    return data.table.take(rows).add_column(0, name, rows)


def _write(path: Path, table: pa.Table) -> None:
    with written_aside(path) as aside:
        pq.write_table(table, aside)


def _found(request: Request, inputs: Inputs, plan: Plan, device: torch.device) -> dict[str, Any]:
    """The manifest's part about inputs."""
    data, clean, test, comparison = inputs.data, inputs.clean, inputs.test, inputs.comparison
    notices = [*data.notices, *clean.notices, *comparison.notices]
    if test is not None:
        notices += test.notices
    return {
        "device": describe_device(device),
        "data": manifest.describe_data(data, fingerprint(request.data)),
        "clean": {
            **manifest.describe_file(clean, fingerprint(request.clean)),
            "classes": manifest.class_counts(clean),
            "meta_rows": len(plan.split.meta),
            "calibration_rows": len(plan.split.calibration),
        },
        "test": manifest.describe_file(test, fingerprint(request.test))
        if test is not None and request.test is not None
        else None,
        "schema": manifest.describe_schema(data.schema),
        "overlap": {
            "rows": len(comparison.overlap.data_rows),
            "verified": int((plan.verified >= 0).sum()),
            "matched_by": comparison.overlap.matched_by,
        },
        "methods": manifest.describe_methods(),
        "notices": manifest.describe_notices(notices),
    }


def _training(
    schedule: Schedule, examples: Examples, reweighted: Trained, control: Trained
) -> dict[str, Any]:
    network = reweighted.predictor.network
    return {
        "epochs": schedule.epochs,
        "batch_size": schedule.batch_size,
        "lr": schedule.lr,
        "training_rows": len(examples.trained),
        "parameters": sum(p.numel() for p in network.parameters()),
        "network": network.describe(),
        "skipped_steps": reweighted.outcome.skipped_steps,
        "curves": {
            "reweighted": manifest.curves(reweighted.outcome),
            "control": manifest.curves(control.outcome),
        },
    }


def _compare_models(
    test: Dataset | None, reweighted: Trained, control: Trained
) -> dict[str, Any] | None:
    if test is None:
        return None
    return {
        "rows": test.n_rows,
        **{
            name: classification_metrics(trained.predictor.probabilities(test), test.labels)
            for name, trained in (("reweighted", reweighted), ("control", control))
        },
    }
