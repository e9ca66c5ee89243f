"""The whole recipe on one page: what was read to network, ledger, audit table and model."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from datacleanse.auditing import manifest
from datacleanse.auditing.image_features import wants_features, with_features
from datacleanse.auditing.judge import _judge, _Judged
from datacleanse.auditing.picture_files import write_picture_files
from datacleanse.auditing.resuming import _begun, _checkpoints, _continued, _kept_if_resumable
from datacleanse.auditing.tasks.images import image_task
from datacleanse.auditing.tasks.table import table_task
from datacleanse.detection.nearest_clean import neighbours
from datacleanse.errors import (
    SettingsError,
)
from datacleanse.models.model_card import card_text
from datacleanse.records import Notice
from datacleanse.storage import run_folder
from datacleanse.storage.mapped_files import park_rows, park_table
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.device import describe_device
from datacleanse.training.placement import Moved, described
from datacleanse.training.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from datacleanse.auditing.manifest import Json, Stopwatch
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.auditing.tasks.interface import Task
    from datacleanse.progress import Progress
    from datacleanse.settings import Settings
    from datacleanse.stopping import StopRequest
    from datacleanse.training.examples import Examples
    from datacleanse.training.trainer import Trained


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
    folder = run_folder.create(place, force=force) if before is None else RunFolder(place)
    opening |= _continued(before)
    with _kept_if_resumable(folder, opening):
        folder.begin(opening)
        progress.stage("Encoding", None)
        table = park_table(inputs.data.table, folder.parked_file)
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
    return replace(examples, inputs=torch.from_numpy(park_rows(matrix.numpy(), path)))


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


def _neighbours(
    folder: RunFolder, inputs: Inputs, examples: Examples, judged: _Judged, final: Trained
) -> pa.Table:
    """Of the stored suspects, by rank."""
    suspects = folder.read_suspects().column(0).to_numpy()
    suggested, names = judged.suggested[suspects], inputs.clean.given_labels
    return neighbours(final.network, examples, suspects, suggested, names)


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
