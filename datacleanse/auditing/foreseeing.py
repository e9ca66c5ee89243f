"""What an audit would take, told before it is begun: time, memory and room on disk.

What is read is read. Of each kind of training some steps are made, and the second opinion is formed
on some of the rows. The rest is counted.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np

from datacleanse.auditing.forecast import Forecast
from datacleanse.auditing.image_features import use_features, wants_pretrained
from datacleanse.auditing.layout import lay_out_fold
from datacleanse.auditing.own_opinion import try_cross_fit
from datacleanse.auditing.pretrained_trial import try_pretrained
from datacleanse.auditing.regression.number_audit import plan_number_audit
from datacleanse.auditing.tasks.interface import Audited
from datacleanse.auditing.tasks.planning import plan_task
from datacleanse.auditing.tried_sizes import foresee_seconds
from datacleanse.detection.second_opinion.waiting import MANY
from datacleanse.scheduling.cores import count_cores
from datacleanse.scheduling.forked import can_fork
from datacleanse.storage.mapped_files import LARGE
from datacleanse.training.device import choose_places, name_devices
from datacleanse.training.objectives import NUMBERS
from datacleanse.training.placement import find_tensor, is_handed_over
from datacleanse.training.short_trial import try_training

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.progress import Progress
    from datacleanse.training.examples import Examples
    from datacleanse.training.short_trial import Tried

SCORE_SECONDS, SCORE_SECONDS_A_ROW = 0.3, 6e-6
"""What the scores take. Measured by `benchmarks.cost.scaling`."""

BYTES_A_ROW = 120
"""Of `audit.parquet` and what else tells of every row, but for the weights of each epoch."""

REPORT_BYTES = 2 * 2**20
"""Of the reports, about, without pictures."""

PRIVATE_BYTES = 40 * 2**20
"""What a forked process comes to have for itself by computing at all, about."""

OPINION_BYTES = 110 * 2**20
"""What a process with scikit-learn takes, about."""


class Asked(Protocol):
    """What the second opinion is formed on."""

    @property
    def n_rows(self) -> int:
        """M."""

    def take_rows(self, at: NDArray[np.int64]) -> Asked:
        """The same of some rows alone."""

    def split(self) -> Sequence[Asked]:
        """The parts that may be formed apart."""

    def load(self) -> None:
        """Load what it is formed with."""

    def answer(self) -> object:
        """Form it."""


class Foreseen(Audited, Protocol):
    """What is asked of an audit that is not done."""

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> Asked | None:
        """Pose the question to the second opinion; None where there is none."""


def foresee(request: Request, inputs: Inputs, progress: Progress, begun: float) -> Forecast:
    """Try the parts of an audit, and count.

    Args:
        request: what is asked for.
        inputs: what was read, but for the user's classifier.
        progress: receives stages.
        begun: when the audit began, as `perf_counter` tells.

    Raises:
        DatacleanseError: an input or a setting cannot be used, or the user's code fails.
    """
    further = 0.0
    if request.second_opinion is not None:
        progress.stage("Trying your classifier", None)
        started = perf_counter()
        seed = request.settings.seed
        further = try_cross_fit(request.second_opinion, inputs.data, inputs.clean, seed=seed)
        further -= perf_counter() - started
    if request.settings.features is not None:
        inputs = use_features(inputs, request.settings)
    elif wants_pretrained(request.settings, inputs):
        inputs, of_pictures = try_pretrained(inputs, request.settings, progress)
        further += of_pictures
    progress.stage("Encoding", None)
    plan_it = plan_number_audit if request.options.task == "regression" else plan_task
    task: Foreseen = plan_it(request, inputs)
    examples = task.make_examples(inputs)
    progress.stage("Trying", None)
    return _count(task, examples, perf_counter() - begun + further)


def _count(task: Foreseen, examples: Examples, begun: float) -> Forecast:
    """Try trainings and opinion, and count; ``begun``: seconds until here."""
    peak = _measure_peak()
    places = choose_places(task.settings.device)
    if len(places) > 1:
        examples = examples.move_to(places[0])
    tried, n_runs = _try_parts(task, examples), 1 + task.settings.repeats
    side_by_side, spent = _deal(task, tried, examples, len(places))
    n_final = int(tried.audited is not None)
    plain, n_data = tried.plain, task.plan.n_data
    scored = (SCORE_SECONDS + SCORE_SECONDS_A_ROW * n_data) * n_runs
    held = find_tensor(examples.inputs)
    is_of_numbers = task.lesson.objective is NUMBERS
    is_short = task.settings.fast and not is_of_numbers
    final = plain.seconds / 2 if is_short else plain.seconds
    n_trained = (tried.n_folds + 1) * n_runs + n_final
    kept_bytes, scratch_bytes = _count_kept(n_data, plain, n_trained, held)
    return Forecast(
        rows=n_data,
        clean_rows=len(task.plan.labels) - n_data,
        features=held.shape[1] if held is not None and held.dim() == 2 else None,
        classes=0 if is_of_numbers else examples.n_classes,
        reweighted=tried.n_folds * n_runs,
        plain=n_runs + n_final,
        epochs=plain.epochs,
        steps=plain.steps,
        side_by_side=side_by_side,
        device=name_devices(task.settings.device, task.device),
        seconds=round(begun + spent + scored + n_final * final, 1),
        memory_bytes=peak + _count_memory(side_by_side, plain, has_opinion=tried.n_parts > 0),
        disk_bytes=kept_bytes,
        scratch_bytes=scratch_bytes,
    )


@dataclass(frozen=True)
class _TriedParts:
    """What trials of an audit's parts showed."""

    audited: Tried | None
    """A training with learned weights; None where there is none."""
    n_folds: int
    """How many there are of it in a run."""
    further_share: float
    """Of the time, taken by all but the first of them."""
    plain: Tried
    """A training without."""
    opinion: float
    """Seconds of a second opinion."""
    n_parts: int
    """Parts of it that may be formed apart; 0: there is none."""

    def list_seconds(self) -> list[float]:
        """Seconds of the tasks of a run, in the order in which they are started."""
        parts = [self.opinion / self.n_parts] * self.n_parts if self.n_parts else []
        folds = [self.audited.seconds] if self.audited is not None else []
        further = [seconds * self.further_share for seconds in folds] * (self.n_folds - 1)
        # A whole one is asked ahead; parts take less time than trainings, and stand behind them.
        ahead, behind = (parts, []) if self.n_parts == 1 else ([], parts)
        return [*ahead, *folds, self.plain.seconds, *further, *behind]


def _try_parts(task: Foreseen, examples: Examples) -> _TriedParts:
    """Try each kind of training, and the second opinion."""
    plan, lesson, audited = task.plan, task.lesson, None
    with TemporaryDirectory() as folder:
        if lesson.rule != "uniform":
            rows = lay_out_fold(examples, plan, plan.split)
            audited = try_training(lesson, lesson.rule, rows, Path(folder))
        plain = try_training(lesson, "uniform", examples, Path(folder))
    question = task.pose_question(examples, plan, lesson.seed)
    opinion = 0.0 if question is None else _try_question(question)
    return _TriedParts(
        audited,
        0 if audited is None else len(plan.folds),
        lesson.schedule.further_share,
        plain,
        opinion,
        0 if question is None else len(question.split()),
    )


def _deal(
    task: Foreseen, tried: _TriedParts, examples: Examples, n_devices: int
) -> tuple[int, float]:
    """How many tasks would be at work at a time, and seconds until all are done."""
    n_runs = 1 + task.settings.repeats
    seconds = tried.list_seconds() * n_runs
    if n_devices > 1:
        places = min(task.settings.jobs or n_devices + 1, len(seconds))
        return places, _pack(seconds, places)
    places = min(task.settings.jobs or count_cores(), len(seconds))
    # More than there are cores get in each other's way.
    cores = min(places, count_cores())
    if cores == 1 or (can_fork() and is_handed_over(examples.inputs)):
        return places, _pack(seconds, cores)
    opinions = tried.opinion * n_runs
    return min(places, 2), max(sum(seconds) - opinions, opinions)


def _pack(tasks: Iterable[float], places: int) -> float:
    """Seconds until all tasks are done that are started in their order, each in a free place."""
    free = [0.0] * places
    for seconds in tasks:
        first = free.index(min(free))
        free[first] += seconds
    return max(free)


def _try_question(question: Asked) -> float:
    """Seconds that an opinion on all rows takes, from those that it takes on some."""
    started = perf_counter()
    question.load()
    loaded = perf_counter() - started
    # Large ones load their libraries while torch is loaded here.
    beside = loaded if question.n_rows < MANY else 0.0
    return beside + foresee_seconds(lambda rows: question.take_rows(rows).answer(), question.n_rows)


def _count_memory(places: int, plain: Tried, *, has_opinion: bool) -> int:
    """Bytes that trainings and the opinion take beside this process."""
    trainings = places * (PRIVATE_BYTES + 2 * plain.checkpoint_bytes)
    return trainings + has_opinion * OPINION_BYTES


def _count_kept(n_data: int, plain: Tried, n_trained: int, held: Tensor | None) -> tuple[int, int]:
    """Bytes of the run folder in the end, and of what lies beside it until then."""
    rows = n_data * (BYTES_A_ROW + 4 * plain.epochs)
    matrix = 0 if held is None or held.nbytes < LARGE else held.nbytes
    scratch = n_trained * plain.checkpoint_bytes + matrix
    return rows + plain.epochs * plain.ledger_bytes + REPORT_BYTES, scratch


def _measure_peak() -> int:
    """Bytes of memory that this process had at most so far; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    # Linux counts in KiB, macOS in bytes.
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
