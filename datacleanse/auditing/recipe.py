"""The whole recipe on one page: what was read to network, ledger, audit table and model."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from datacleanse.auditing import manifest
from datacleanse.auditing.judge import judge
from datacleanse.auditing.picture_files import write_picture_files
from datacleanse.auditing.resuming import (
    _continued,
    find_begun,
    keep_if_resumable,
    open_checkpoints,
)
from datacleanse.auditing.running_audit import RunningAudit
from datacleanse.detection.nearest_clean import neighbours
from datacleanse.models.model_card import card_text
from datacleanse.records import Notice
from datacleanse.storage import run_folder
from datacleanse.storage.mapped_files import parked_rows
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.device import describe_device
from datacleanse.training.placement import Moved, describe_rows
from datacleanse.training.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from datacleanse.auditing.judge import Judgement
    from datacleanse.auditing.manifest import Json
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.tasks.interface import Task
    from datacleanse.detection.second_opinion.background import Adviser
    from datacleanse.progress import Progress
    from datacleanse.stopping import StopRequest
    from datacleanse.training.examples import Examples
    from datacleanse.training.trainer import TrainedNetwork


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
) -> RunFolder:
    """Train, score, and write the run folder.

    Where it fails or is interrupted, the folder stays if a training has saved something in it.

    Args:
        task: what is audited.
        inputs: what was read for it; DATA's table in them is parked on disk.
        place: the run folder.
        adviser: forms the second opinion.
        force: replace what run is there.
        resume: go on with the unfinished run there; leave a finished one.
        progress: receives stages and messages.
        stop: asked after each batch of the trainings.
    """
    watch = manifest.Stopwatch({"read": inputs.seconds})
    opening = manifest.opening(uuid.uuid4().hex, task.command, task.settings)
    opening |= {"identity": task.identity}
    before = find_begun(place, task.identity, progress) if resume else None
    if before is not None and before["status"] == "finished":
        return RunFolder(place)
    folder = run_folder.create(place, force=force) if before is None else RunFolder(place)
    opening |= _continued(before)
    with keep_if_resumable(folder, opening):
        folder.begin(opening)
        progress.stage("Encoding", None)
        inputs.park_table(folder.parked_file)
        examples = _park_matrix(task.make_examples(inputs), folder.parked_file)
        watch.lap("encode")
        found = opening | _learn_and_judge(
            RunningAudit(folder, task, inputs, examples, adviser, watch, progress, stop)
        )
        folder.write_card(card_text(found))
        folder.finish(found)
    return folder


def _park_matrix(examples: Examples, path: Path) -> Examples:
    """Return the examples, a large matrix in main memory moved to a mapped file at ``path``."""
    matrix = examples.inputs
    if not isinstance(matrix, torch.Tensor) or matrix.dtype != torch.float32 or matrix.is_cuda:
        return examples
    return replace(examples, inputs=torch.from_numpy(parked_rows(matrix.numpy(), path)))


def _learn_and_judge(audit: RunningAudit) -> Json:
    """Train, judge, train the final model; the manifest's part about all that."""
    folder, task, inputs, examples = audit.folder, audit.task, audit.inputs, audit.examples
    watch, progress = audit.watch, audit.progress
    rows, told = describe_rows(examples.inputs), _tell_moved(examples, progress)
    checkpoints = open_checkpoints(folder, task.identity, examples)
    trainer = Trainer(task.lesson, task.device, watch.lap, progress, checkpoints, audit.stop)
    judged = judge(audit, trainer)
    final = judged.final or trainer.refit(examples, judged.worth, judged.batch_size)
    progress.stage("Writing", None)
    folder.write_neighbours(_find_neighbours(audit, judged, final))
    task.save(final.network, folder.model_dir)
    metrics = manifest.compare_models(
        task.test_network(final.network, inputs),
        task.test_network(judged.control, inputs),
        inputs.data.schema.classes,
    )
    write_picture_files(folder, inputs)
    watch.lap("write")
    return {
        **manifest.describe_inputs(
            inputs, task.plan, [*told, *trainer.tell_halved(final.batch_size)]
        ),
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


def _find_neighbours(audit: RunningAudit, judged: Judgement, final: TrainedNetwork) -> pa.Table:
    """The clean rows that the stored suspects look like, by the suspects' rank."""
    suspects = audit.folder.read_suspects().column(0).to_numpy()
    suggested, names = judged.suggested[suspects], audit.inputs.clean.given_labels
    return neighbours(final.network, audit.examples, suspects, suggested, names)


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
