"""The whole recipe on one page: what was read to network, ledger, audit table and model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.audit_table import take_clean_rows
from datacleanse.auditing.beginning import begin_audit
from datacleanse.auditing.judge import judge
from datacleanse.auditing.manifest import Ending, finish_run
from datacleanse.auditing.manifest_sections import (
    compare_models,
    describe_training,
)
from datacleanse.auditing.picture_files import write_picture_files
from datacleanse.auditing.places import place_trainings
from datacleanse.auditing.ranked import make_trainer
from datacleanse.auditing.running_audit import RunningAudit
from datacleanse.auditing.tasks.interface import describe_device, name_rule
from datacleanse.detection.nearest_clean import find_neighbours
from datacleanse.models.model_card import write_card
from datacleanse.records import Notice
from datacleanse.storage.atomic_files import write_parquet
from datacleanse.storage.mapped_files import park_rows
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.batches import RUNS
from datacleanse.training.placement import Moved, find_window

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from datacleanse.auditing.conduct import Conduct
    from datacleanse.auditing.judge import Judgement
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.tasks.interface import Task
    from datacleanse.detection.second_opinion.background import Adviser
    from datacleanse.progress import Progress
    from datacleanse.storage.manifest.results import MetricsSection
    from datacleanse.storage.manifest.whole import Manifest
    from datacleanse.training.examples import Examples
    from datacleanse.training.side_by_side import TrainedNetwork


def carry_out(task: Task, inputs: Inputs, conduct: Conduct, *, adviser: Adviser) -> RunFolder:
    """Train, score, and write the run folder.

    Where it fails or is interrupted, the folder stays if a training has saved something in it.
    To be called within `use_one_thread`.

    Args:
        task: what is audited.
        inputs: what was read for it; DATA's table in them is parked on disk.
        conduct: of the audit; this process is the first of its ranks.
        adviser: forms the second opinion.
    """
    with begin_audit(task, inputs, conduct) as begun:
        if begun is None:
            return RunFolder(conduct.place)
        folder = begun.folder
        inputs.park_table(folder.parked_file)
        examples = _park_matrix(task.make_examples(inputs), folder.parked_file)
        begun.watch.lap("encode")
        manifest = _learn_and_judge(
            RunningAudit(
                task=task,
                inputs=inputs,
                examples=examples,
                adviser=adviser,
                begun=begun,
                conduct=conduct,
            )
        )
        folder.write_card(write_card(manifest))
        folder.finish(manifest)
        return folder


def _park_matrix(examples: Examples, path: Path) -> Examples:
    """Return the examples, a large matrix in main memory moved to a mapped file beside ``path``."""
    matrix = examples.inputs
    if not isinstance(matrix, torch.Tensor) or matrix.dtype != torch.float32 or matrix.is_cuda:
        return examples
    return replace(examples, inputs=torch.from_numpy(park_rows(matrix.numpy(), path)))


def _learn_and_judge(audit: RunningAudit) -> Manifest:
    """Train, judge, train the final model; all that `run.json` says of the run."""
    task, inputs, examples = audit.task, audit.inputs, audit.examples
    begun, progress = audit.begun, audit.conduct.progress
    told = [*_tell_moved(examples, progress), *_tell_runs(examples, progress)]
    trainer = make_trainer(task, examples, begun.folder, begun.watch.lap, audit.conduct)
    with place_trainings(trainer, task.settings) as trainer:
        judged = judge(audit, trainer)
        audit.conduct.meanwhile()
        final = judged.take_final()
    progress.stage("Writing", None)
    metrics = _write_final(audit, judged, final.trained)
    trainer.lap("write")
    training = describe_training(
        judged.found.trainings,
        task.lesson.schedule,
        final.trained,
        rule=name_rule(task),
        network=task.describe(final.trained.network),
        inputs=inputs,
        temperature=final.temperature,
    )
    device = describe_device(task, examples, audit.conduct.ranks)
    files = begun.folder.model_files()
    ending = Ending(training, device, metrics, files, begun.watch.stop(), judged.health)
    told += [*judged.notices, *trainer.tell_halved(final.trained.batch_size)]
    return finish_run(begun.opening, inputs, task.plan, judged.found, ending, told=told)


def _write_final(audit: RunningAudit, judged: Judgement, final: TrainedNetwork) -> MetricsSection:
    """Write the final model, and what it tells of suspects and pictures; how good it is."""
    folder, task, inputs = audit.begun.folder, audit.task, audit.inputs
    if inputs.clean.n_rows:
        neighbours = _find_neighbours(audit, judged, final)
        write_parquet(folder.neighbours_file, neighbours)
        write_parquet(folder.clean_rows_file, take_clean_rows(inputs.clean, neighbours))
    task.save(final.network, folder.model_dir)
    write_picture_files(folder, inputs)
    return compare_models(
        task.test_network(final.network, inputs),
        task.test_network(judged.control, inputs),
        inputs.data.schema.classes,
    )


def _find_neighbours(audit: RunningAudit, judged: Judgement, final: TrainedNetwork) -> pa.Table:
    """The clean rows that the stored suspects look like, by the suspects' rank."""
    suspects = audit.begun.folder.read_suspects().column(0).to_numpy()
    suggested, names = judged.suggested[suspects], audit.inputs.clean.given_labels
    overlap = audit.inputs.comparison.overlap
    return find_neighbours(
        final.network,
        audit.examples,
        suspects,
        suggested,
        names,
        is_in_clean=np.isin(suspects, overlap.data_rows),
    )


def _tell_runs(examples: Examples, progress: Progress) -> list[Notice]:
    """Say where batches are drawn in runs, and not from all rows alike."""
    window = find_window(examples.inputs)
    if not window:
        return []
    message = (
        f"The inputs are large, so batches are drawn in runs: {window:,} rows, from {RUNS} places "
        "of the file, are mixed at a time."
    )
    progress.say(message)
    return [Notice("rows-in-runs", message)]


def _tell_moved(examples: Examples, progress: Progress) -> list[Notice]:
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
