"""The whole recipe on one page: what was read to network, ledger, audit table and model."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.auditing.audit_table import take_clean_rows
from datacleanse.auditing.judge import judge
from datacleanse.auditing.manifest import Ending, Stopwatch, begin_run, finish_run
from datacleanse.auditing.manifest_sections import compare_models, describe_training
from datacleanse.auditing.picture_files import write_picture_files
from datacleanse.auditing.places import open_pool
from datacleanse.auditing.ranked import compare_identities
from datacleanse.auditing.resuming import find_begun, hold_run, open_checkpoints
from datacleanse.auditing.running_audit import RunningAudit, do_nothing
from datacleanse.auditing.shared_worth import NOTHING
from datacleanse.detection.nearest_clean import find_neighbours
from datacleanse.models.model_card import write_card
from datacleanse.records import Notice
from datacleanse.storage.manifest.results import NONE_STEERED
from datacleanse.storage.manifest.whole import DeviceSection
from datacleanse.storage.mapped_files import park_rows
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.batches import RUNS
from datacleanse.training.device import name_devices
from datacleanse.training.placement import Moved, describe_rows, find_window
from datacleanse.training.ranks import ALONE
from datacleanse.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from datacleanse.auditing.judge import Judgement
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.tasks.interface import Task
    from datacleanse.detection.second_opinion.background import Adviser
    from datacleanse.progress import Progress
    from datacleanse.storage.manifest.results import MetricsSection, UsedRule
    from datacleanse.storage.manifest.whole import Manifest
    from datacleanse.training.examples import Examples
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.side_by_side import TrainedNetwork
    from datacleanse.training.stopping import StopRequest


def carry_out(
    task: Task,
    inputs: Inputs,
    place: Path,
    *,
    adviser: Adviser,
    force: bool,
    resume: bool,
    progress: Progress,
    stop: StopRequest,
    ranks: Ranks = ALONE,
    meanwhile: Callable[[], None] = do_nothing,
) -> RunFolder:
    """Train, score, and write the run folder.

    Where it fails or is interrupted, the folder stays if a training has saved something in it.
    To be called within `use_one_thread`.

    Args:
        task: what is audited.
        inputs: what was read for it; DATA's table in them is parked on disk.
        place: the run folder.
        adviser: forms the second opinion.
        force: replace what run is there.
        resume: go on with the unfinished run there; leave a finished one.
        progress: receives stages and messages.
        stop: asked after each batch of the trainings.
        ranks: the processes that train; this one is the first.
        meanwhile: called once while the final model is trained; see `RunningAudit`.
    """
    compare_identities(ranks, task.identity)
    watch = Stopwatch({"read": inputs.seconds})
    opening = begin_run(uuid.uuid4().hex, task.command, task.settings, task.identity)
    before = find_begun(place, task.identity, progress) if resume else None
    if before is not None and before.status == "finished":
        ranks.tell(NOTHING)
        return RunFolder(place)
    with hold_run(place, opening, before, force=force) as (folder, opening):
        ranks.tell(opening.run_id)
        if inputs.features is not None:
            # Loads what decodes pictures.
            from datacleanse.auditing.pretrained_features import keep_features

            keep_features(folder, inputs)
        progress.stage("Encoding", None)
        inputs.park_table(folder.parked_file)
        examples = _park_matrix(task.make_examples(inputs), folder.parked_file)
        watch.lap("encode")
        manifest = _learn_and_judge(
            RunningAudit(
                *(folder, opening, task, inputs, examples, adviser, watch, progress, stop),
                meanwhile=meanwhile,
            ),
            ranks,
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


def _learn_and_judge(audit: RunningAudit, ranks: Ranks) -> Manifest:
    """Train, judge, train the final model; all that `run.json` says of the run."""
    folder, task, inputs, examples = audit.folder, audit.task, audit.inputs, audit.examples
    watch, progress = audit.watch, audit.progress
    rows = describe_rows(examples.inputs)
    told = [*_tell_moved(examples, progress), *_tell_runs(examples, progress)]
    checkpoints = open_checkpoints(folder, task.identity, examples)
    compare_identities(ranks, checkpoints.identity)
    trainer = Trainer(
        task.lesson, task.device, watch.lap, progress, checkpoints, audit.stop, ranks=ranks
    )
    is_large = find_window(examples.inputs) > 0
    with open_pool(task.settings, is_large=is_large) as (pool, places):
        trainer = replace(trainer, pool=pool, places=places)
        judged = judge(audit, trainer)
        audit.meanwhile()
        final = judged.take_final()
    progress.stage("Writing", None)
    metrics = _write_final(audit, judged, final.trained)
    watch.lap("write")
    device = DeviceSection(
        name=name_devices(task.settings.device, task.device),
        threads=torch.get_num_threads(),
        rows=rows,
        processes=ranks.count,
    )
    training = describe_training(
        judged.found.trainings,
        task.lesson.schedule,
        final.trained,
        rule=_name_rule(task),
        network=task.describe(final.trained.network),
        inputs=inputs,
        temperature=final.temperature,
    )
    files = folder.model_files()
    ending = Ending(training, device, metrics, files, watch.stop(), judged.health)
    told += [*judged.notices, *trainer.tell_halved(final.trained.batch_size)]
    return finish_run(audit.opening, inputs, task.plan, judged.found, ending, told=told)


def _write_final(audit: RunningAudit, judged: Judgement, final: TrainedNetwork) -> MetricsSection:
    """Write the final model, and what it tells of suspects and pictures; how good it is."""
    folder, task, inputs = audit.folder, audit.task, audit.inputs
    if inputs.clean.n_rows:
        neighbours = _find_neighbours(audit, judged, final)
        folder.write_neighbours(neighbours)
        folder.write_clean_rows(take_clean_rows(inputs.clean, neighbours))
    task.save(final.network, folder.model_dir)
    write_picture_files(folder, inputs)
    return compare_models(
        task.test_network(final.network, inputs),
        task.test_network(judged.control, inputs),
        inputs.data.schema.classes,
    )


def _name_rule(task: Task) -> UsedRule:
    """What weighed the rows; where nothing could steer, that is said."""
    return task.lesson.rule if task.plan.has_clean else NONE_STEERED


def _find_neighbours(audit: RunningAudit, judged: Judgement, final: TrainedNetwork) -> pa.Table:
    """The clean rows that the stored suspects look like, by the suspects' rank."""
    suspects = audit.folder.read_suspects().column(0).to_numpy()
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
