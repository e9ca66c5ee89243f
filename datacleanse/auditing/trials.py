"""The parts of an audit tried for a moment each, beside as much other work as in an audit."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from datacleanse.auditing.layout import lay_out_fold
from datacleanse.auditing.pace import measure_pace
from datacleanse.auditing.tasks.interface import Audited
from datacleanse.auditing.tried_sizes import foresee_seconds
from datacleanse.scheduling.forked import fork
from datacleanse.training.short_trial import try_training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from datacleanse.auditing.plan import Plan
    from datacleanse.scheduling.forked import Parent
    from datacleanse.training.examples import Examples
    from datacleanse.training.short_trial import Tried

START_SECONDS = 0.05
"""What a forked process takes besides its task, at the usual pace: pages copied, results sent.
Measured: decision 68."""

LOOK_SECONDS = 0.01
"""Between two looks. What comes and goes within a step of a training lasts longer."""


class AnyQuestion(Protocol):
    """What the second opinion is formed on."""

    @property
    def n_rows(self) -> int:
        """M."""

    def take_rows(self, at: NDArray[np.int64]) -> AnyQuestion:
        """The same of some rows alone."""

    def split(self) -> Sequence[AnyQuestion]:
        """The parts that may be formed apart."""

    def load(self) -> None:
        """Load what it is formed with."""

    def answer(self) -> object:
        """Form it."""


class Foreseen(Audited, Protocol):
    """What is asked of an audit that is not done."""

    def pose_question(self, examples: Examples, plan: Plan, seed: int) -> AnyQuestion | None:
        """Pose the question to the second opinion; None where there is none."""

    def save(self, network: nn.Module, directory: Path) -> None:
        """Keep a network as the audit keeps its own."""


@dataclass(frozen=True)
class TriedParts:
    """What trials of an audit's parts showed."""

    audited: Tried | None
    """A training with learned weights; None where there is none."""
    n_folds: int
    """How many there are of it in a run."""
    further_share: float
    """Of the time, taken by all but the first of them."""
    plain: Tried
    """A training without."""
    opinion: tuple[float, ...]
    """Seconds of each part of a second opinion; none: there is none."""
    loaded: float
    """Seconds in which what it is formed with is loaded."""
    pace: float
    """See `measure_pace`."""
    watched: Watched
    """Memory while a training was tried."""

    def list_run(self, *, is_forked: bool, is_ahead: bool) -> list[float]:
        """Seconds of the tasks of a run, in the order in which they are started.

        Args:
            is_forked: whether each has a process of its own, in which it loads what it needs.
            is_ahead: whether the first part of the opinion was asked for before the trainings, in a
                process that loaded all while torch was loaded.
        """
        begun = START_SECONDS * self.pace if is_forked else 0.0
        folds = [self.audited.seconds] if self.audited is not None else []
        further = [seconds * self.further_share for seconds in folds] * (self.n_folds - 1)
        trainings = [begun + each for each in (*folds, self.plain.seconds, *further)]
        ahead = [self.opinion[0]] if is_ahead else []
        behind = self.opinion[1:] if is_ahead else self.opinion
        return [*ahead, *trainings, *(begun + self.loaded + each for each in behind)]


def try_parts(
    task: Foreseen, examples: Examples, question: AnyQuestion | None, beside: int
) -> TriedParts:
    """Try each kind of training, and each part of the second opinion.

    Args:
        task: what would be audited.
        examples: what the network would see.
        question: what would be asked of the second opinion; None: there is none.
        beside: trainings that go on in processes of their own all the while.

    Raises:
        TrainingError: a loss became NaN or infinite.
        UserCodeError: the user's network failed.
    """
    plan, lesson = task.plan, task.lesson
    rows = lay_out_fold(examples, plan, plan.split)
    audited, asked = None, () if question is None else tuple(question.split())
    with TemporaryDirectory() as folder:
        place = Path(folder)

        def train_on(parent: Parent) -> None:
            while not parent.is_unwanted():
                with TemporaryDirectory(dir=place) as own:
                    try_training(lesson, lesson.rule, rows, Path(own), is_kept=True)

        with _keep_busy(train_on, beside), watch_memory() as watched:
            if lesson.rule != "uniform":
                audited = try_training(lesson, lesson.rule, rows, place, is_kept=True)
            is_first = audited is None
            plain = try_training(lesson, "uniform", examples, place, is_kept=is_first)
        with _keep_busy(train_on, beside):
            loaded, opinion = _try_opinion(asked)
            pace = measure_pace()
    return TriedParts(
        audited,
        0 if audited is None else len(plan.folds),
        lesson.schedule.further_share,
        plain,
        opinion,
        loaded,
        pace,
        watched,
    )


@contextmanager
def _keep_busy(work: Callable[[Parent], None], n: int) -> Iterator[None]:
    """Have n forked processes at work within the block: cores side by side may slow each other."""
    with ExitStack() as stack:
        for _ in range(n):
            child = fork(work)
            if child is not None:
                stack.callback(child.end)
        yield


def _try_opinion(parts: Sequence[AnyQuestion]) -> tuple[float, tuple[float, ...]]:
    """Seconds in which it is loaded, and of each of its parts on all rows."""
    if not parts:
        return 0.0, ()
    started = perf_counter()
    parts[0].load()
    loaded = perf_counter() - started
    return loaded, tuple(foresee_seconds(partial(_answer, each), each.n_rows) for each in parts)


def _answer(part: AnyQuestion, rows: NDArray[np.int64]) -> None:
    part.take_rows(rows).answer()


@dataclass
class Watched:
    """What was seen."""

    before: int
    """Bytes that the process had before."""
    peak: int
    """Bytes that it had at most."""


@contextmanager
def watch_memory() -> Iterator[Watched]:
    """Look at this process' memory all through the block. What it had earlier does not count."""
    now = measure_resident()
    seen, is_over = Watched(now, now), threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_SECONDS):
            seen.peak = max(seen.peak, measure_resident())

    watcher = threading.Thread(target=look, name="memory", daemon=True)
    # Where address space is short there may be no room for a thread: then the end is looked at.
    with suppress(RuntimeError):
        watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        if watcher.ident is not None:
            watcher.join()
        seen.peak = max(seen.peak, measure_resident())


def measure_resident() -> int:
    """Bytes of memory that this process has; 0 where the system does not tell.

    Where it tells no more than the most so far, that: what is added to it is seen all the same.
    """
    try:
        import resource
    except ImportError:  # Windows
        return 0
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        # Linux counts in KiB, macOS in bytes.
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    return int(pages) * resource.getpagesize()
