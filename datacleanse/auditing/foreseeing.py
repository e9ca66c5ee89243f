"""What an audit would take, told before it is begun: time, memory and room on disk.

What is read is read. Of each kind of training some steps are made, and the second opinion is formed
on some of the rows. The rest is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from datacleanse.auditing.forecast import Forecast
from datacleanse.auditing.image_features import use_features, wants_pretrained
from datacleanse.auditing.kept_files import measure_kept
from datacleanse.auditing.own_opinion import try_cross_fit
from datacleanse.auditing.places import count_jobs
from datacleanse.auditing.pretrained_trial import try_pretrained
from datacleanse.auditing.regression.number_audit import plan_number_audit
from datacleanse.auditing.tasks.planning import plan_task
from datacleanse.auditing.trials import try_parts
from datacleanse.detection.second_opinion.waiting import MANY
from datacleanse.scheduling.cores import count_cores
from datacleanse.scheduling.forked import can_fork
from datacleanse.storage.mapped_files import LARGE
from datacleanse.training.device import choose_places, name_devices
from datacleanse.training.objectives import NUMBERS
from datacleanse.training.placement import find_tensor, is_handed_over
from datacleanse.training.trainer import SHORT_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from datacleanse.auditing.memory_need import Need
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.auditing.trials import AnyQuestion, Foreseen, TriedParts
    from datacleanse.progress import Progress
    from datacleanse.training.examples import Examples

SCORE_SECONDS, SCORE_SECONDS_A_ROW = 0.15, 7e-6
"""What the scores of a run take at the usual pace. Measured as all here: decision 68."""

LOOK_SECONDS, LOOK_SECONDS_A_ROW = 0.15, 38e-6
"""What else is seen in the rows, and the tables, at the usual pace."""

TOUCHED_BYTES = 30 * 2**20
"""What a forked process comes to have for itself by counting references, about."""


def foresee(
    request: Request, inputs: Inputs, need: Need, progress: Progress, begun: float
) -> Forecast:
    """Try the parts of an audit, and count.

    Args:
        request: what is asked for.
        inputs: what was read, but for the user's classifier.
        need: what was told of it before.
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
    spent = perf_counter() - begun + further
    return _count(task, examples, inputs, need, spent)


def _count(
    task: Foreseen, examples: Examples, inputs: Inputs, need: Need, begun: float
) -> Forecast:
    """Try trainings and opinion, and count; ``begun``: seconds until here."""
    devices, settings = choose_places(task.settings.device), task.settings
    n_devices = len(devices)
    if n_devices > 1:
        examples = examples.move_to(devices[0])
    question = task.pose_question(examples, task.plan, task.lesson.seed)
    jobs = count_jobs(settings, n_devices)
    places = min(jobs, _count_tasks(task, question) * (1 + settings.repeats))
    is_forked = places > 1 and can_fork() and is_handed_over(examples.inputs)
    beside = min(places, count_cores()) - 1 if is_forked and n_devices < 2 else 0
    tried = try_parts(task, examples, question, beside)
    is_of_table = inputs.pictures is None
    spent = _count_seconds(task, tried, places, is_forked=is_forked, is_of_table=is_of_table)
    counted = _count_networks(task, tried)
    held = find_tensor(examples.inputs)
    kept, scratch = _count_bytes(
        task, inputs, tried, counted["reweighted"] + counted["plain"], held
    )
    taken = need.raise_to(_count_memory(tried, places if is_forked else 0), kept + scratch)
    return Forecast(
        rows=task.plan.n_data,
        clean_rows=len(task.plan.labels) - task.plan.n_data,
        features=held.shape[1] if held is not None and held.dim() == 2 else None,
        classes=0 if _is_of_numbers(task) else examples.n_classes,
        **counted,
        side_by_side=places,
        device=name_devices(settings.device, task.device),
        seconds=round(begun + spent, 1),
        memory_bytes=taken.memory,
        disk_bytes=kept,
        scratch_bytes=taken.disk - kept,
    )


def _is_of_numbers(task: Foreseen) -> bool:
    return task.lesson.objective is NUMBERS


def _count_tasks(task: Foreseen, question: AnyQuestion | None) -> int:
    """Trainings and parts of the second opinion in a run."""
    n_folds = 0 if task.lesson.rule == "uniform" else len(task.plan.folds)
    return n_folds + 1 + (0 if question is None else len(question.split()))


def _count_networks(task: Foreseen, tried: TriedParts) -> dict[str, int]:
    """How many of each kind are trained, and how long."""
    n_runs = 1 + task.settings.repeats
    return {
        "reweighted": tried.n_folds * n_runs,
        "plain": n_runs + int(tried.n_folds > 0),
        "epochs": tried.plain.epochs,
        "steps": tried.plain.steps,
    }


def _count_seconds(
    task: Foreseen, tried: TriedParts, places: int, *, is_forked: bool, is_of_table: bool
) -> float:
    """Seconds from encoded rows to tables."""
    settings, n = task.settings, task.plan.n_data
    plain, is_short = tried.plain.seconds, settings.fast and not _is_of_numbers(task)
    final = (SHORT_SHARE if is_short else 1.0) * plain if tried.n_folds else 0.0
    is_ahead = is_forked and is_of_table and n >= MANY and not _is_of_numbers(task)
    again = tried.list_run(is_forked=is_forked, is_ahead=False)
    parts = Parts(
        run=tried.list_run(is_forked=is_forked, is_ahead=is_ahead),
        repeats=[again] * settings.repeats,
        score=(SCORE_SECONDS + SCORE_SECONDS_A_ROW * n) * tried.pace,
        final=final,
        look=(LOOK_SECONDS + LOOK_SECONDS_A_ROW * n) * tried.pace,
    )
    if len(choose_places(settings.device)) > 1:
        return parts.deal(places)
    # More than there are cores get in each other's way.
    cores = min(places, count_cores())
    if cores == 1:
        return parts.add_up()
    if is_forked:
        return parts.deal(cores)
    # Opinions are formed beside the trainings, which follow each other in this process.
    opinions = sum(tried.opinion) * (1 + settings.repeats)
    return max(parts.add_up() - opinions, opinions)


def _count_memory(tried: TriedParts, n_forked: int) -> int:
    """Bytes that this process and so many forked trainings take."""
    seen = tried.watched
    grown = seen.peak - seen.before
    return seen.before + (n_forked * (grown + TOUCHED_BYTES) if n_forked else grown)


def _count_bytes(
    task: Foreseen, inputs: Inputs, tried: TriedParts, n_trained: int, held: Tensor | None
) -> tuple[int, int]:
    """Bytes of the run folder in the end, and of what lies beside it until then."""
    # Weights that are all alike take less room than learned ones.
    first = tried.plain if tried.audited is None else tried.audited
    matrix = 0 if held is None or held.nbytes < LARGE else held.nbytes
    kept = measure_kept(task, inputs, first.epochs, first.ledger_bytes)
    return kept, n_trained * first.checkpoint_bytes + matrix


@dataclass(frozen=True)
class Parts:
    """Seconds of all that follows once rows are encoded."""

    run: Sequence[float]
    """Trainings and parts of the second opinion, in the order in which they are started."""
    repeats: Sequence[Sequence[float]]
    """The same of each repeated run."""
    score: float
    """Of the scores of a run."""
    final: float
    """Of the final training; 0: there is none."""
    look: float
    """Of what is done in the program itself beside the final training: what else is seen in the
    rows, and the tables."""

    def add_up(self) -> float:
        """Seconds until all is done, one after the other."""
        tasks = [*self.run, *(each for repeat in self.repeats for each in repeat)]
        scores = (1 + len(self.repeats)) * self.score
        return sum(tasks) + scores + self.final + self.look

    def deal(self, places: int) -> float:
        """Seconds until all is done, so many tasks at a time, scores and looks beside them.

        Args:
            places: at least 1.
        """
        free = [0.0] * places
        scored = _start(free, self.run) + self.score
        again = max((_start(free, tasks) for tasks in self.repeats), default=0.0)
        # It is submitted last, and finds its place when those before it have begun.
        final = max(scored, min(free)) + self.final if self.final else 0.0
        looked = max(scored + self.look, again + len(self.repeats) * self.score)
        return max(final, looked)


def _start(free: list[float], tasks: Iterable[float]) -> float:
    """Start tasks, each in the place that is free first; when the last of them ends.

    Args:
        free: when each place is free; is changed.
        tasks: seconds of each.
    """
    ends = [0.0]
    for seconds in tasks:
        first = free.index(min(free))
        free[first] += seconds
        ends.append(free[first])
    return max(ends)
