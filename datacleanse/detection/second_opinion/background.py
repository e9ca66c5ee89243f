"""The second opinion formed beside other work: each computes with one thread.

In this process it would share Python's lock with a training of many small steps, and load
scikit-learn into it. Where processes can be forked, it is formed in a forked one, which sees the
rows without a copy. Where they cannot, many rows get a process of its own kind, and few a thread:
for few rows, starting a process takes longer than the trees.

A process of its own kind, ``python -m datacleanse.detection.second_opinion.background``, can also
be started before there is a question. It loads scikit-learn while the caller reads and loads torch,
and can be asked before torch is there: see `Adviser`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
from scipy.sparse import load_npz, save_npz

from datacleanse.detection.second_opinion.question import Kind, Question, load_libraries
from datacleanse.detection.second_opinion.waiting import MANY, end, start
from datacleanse.scheduling.forked import can_fork, fork
from datacleanse.scheduling.interface import CannotBeDoneThereError
from datacleanse.storage.atomic_files import make_own_folder
from datacleanse.storage.mapped_files import (
    is_kept_on_disk,
    keep_on_disk,
    map_array,
    write_rows,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType
    from typing import BinaryIO, Self

    from numpy.typing import NDArray

    from datacleanse.detection.second_opinion.question import Answer
    from datacleanse.pictures.joined import Joined
    from datacleanse.scheduling.interface import Running

    Rows = NDArray[np.float32] | NDArray[np.uint8] | Joined

_ROWS, _LABELS, _USED, _OPINION = "rows.npy", "labels.npy", "used.npy", "opinion.npy"
_TEXTS, _VECTORS, _FEATURES = "texts.npz", "vectors.npy", "features.npy"


class Adviser:
    """Has second opinions formed, as tasks of the scheduler.

    A process may be started before the question is known: it loads its libraries while the caller
    reads and loads torch. Whoever starts it so closes the adviser in the end, best by a ``with``
    block.
    """

    def __init__(
        self,
        expected_rows: int = 0,
        *,
        is_split: bool = True,
        waiting: subprocess.Popen[bytes] | None = None,
    ) -> None:
        """Start a process where a table of so many rows, soon to be asked about, will want one.

        Args:
            expected_rows: of the table, about; 0: none is expected.
            is_split: whether parts of an opinion may be formed apart.
            waiting: a process of `waiting` that was started before.
        """
        self._waiting = waiting
        self._ahead: tuple[Question, tuple[Question, ...], RunningOpinion] | None = None
        self._is_split = is_split
        self.expect(expected_rows)

    def __enter__(self) -> Self:
        """Return the adviser, which leaving the block closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the adviser."""
        self.close()

    def expect(self, rows: int) -> None:
        """Have a process wait where a table of so many rows will want one, and none elsewhere."""
        if rows < MANY:
            end(self._waiting)
            self._waiting = None
        elif self._waiting is None:
            self._waiting = start("table")

    @property
    def is_waiting(self) -> bool:
        """Whether a process waits for a question."""
        return self._waiting is not None

    def ask_ahead(self, question: Question) -> None:
        """Put a question to the process that waits, if one does, before its task is submitted.

        Of several parts that is the first: it takes longest, and nothing should be left alone at
        the end.
        """
        if self._waiting is not None:
            with ExitStack() as stack:
                place = Path(stack.enter_context(TemporaryDirectory()))
                parts = self._split(question)
                running = self._put(parts[0], place)
                running.stack.push(stack.pop_all())
                self._ahead = question, parts, running

    def is_asked_ahead(self, question: Question) -> bool:
        """Whether the process that waited has this question before its task began."""
        return self._ahead is not None and self._ahead[1][0] is question

    def take_ahead(self, question: Question) -> RunningOpinion | None:
        """What forms the answer, where it was asked ahead; whoever takes it ends it."""
        if self._ahead is None or not self.is_asked_ahead(question):
            return None
        running, self._ahead = self._ahead[2], None
        return running

    def ask(self, question: Question, place: Path) -> list[Opinion]:
        """The tasks of forming an opinion, whose results `Question.join` takes in their order.

        Args:
            question: what is asked; what was asked ahead is not asked again.
            place: folder for the files that a process of its own kind reads and writes.
        """
        parts = self._split(question)
        if self._ahead is not None and self._ahead[0] is question:
            parts = self._ahead[1]
        return [Opinion(self, part, place) for part in parts]

    def _split(self, question: Question) -> tuple[Question, ...]:
        """The parts that are asked apart: where processes must be started for each, it is whole."""
        return question.split() if self._is_split and can_fork() else (question,)

    def begin(self, question: Question, place: Path) -> Running[Answer] | None:
        """Begin to answer beside this process; None where that cannot be."""
        running = self.take_ahead(question)
        if running is not None:
            return running
        if self._ahead is not None and not any(question is part for part in self._ahead[1]):
            self._ahead[2].end()
            self._ahead = None
        is_many = len(question.rows) >= MANY
        if can_fork() and not (is_many and self._waiting is not None):
            return fork(lambda parent: question.answer(parent.is_unwanted))
        if is_many:
            make_own_folder(place)
            return self._put(question, place)
        return _ask_thread(question)

    def _put(self, question: Question, place: Path) -> RunningOpinion:
        """Put a question to the process that waits, or to a new one."""
        process, self._waiting = self._waiting or start(question.kind), None
        with ExitStack() as stack:
            stack.callback(end, process)
            answer = stack.enter_context(_ask_process(process, question, place))
            return RunningOpinion(
                lambda: process is None or process.poll() is not None, answer, stack.pop_all()
            )

    def close(self) -> None:
        """End the process that was started and never asked, or asked in vain, if there is one."""
        end(self._waiting)
        self._waiting = None
        if self._ahead is not None:
            self._ahead[2].end()
            self._ahead = None


@dataclass(frozen=True)
class Opinion:
    """A `Task`: a second opinion formed."""

    adviser: Adviser
    question: Question
    place: Path

    needs_device: bool = False

    @property
    def is_begun(self) -> bool:
        """Whether it was asked ahead."""
        return self.adviser.is_asked_ahead(self.question)

    @property
    def part(self) -> int | None:
        """Of the whole opinion; None: it is the whole."""
        return self.question.part

    def start(self, device: str | None) -> Running[Answer] | None:
        """Form it beside this process."""
        del device
        return self.adviser.begin(self.question, self.place)

    def run_here(self) -> Answer:
        """Form it in this process, unless one that was asked ahead does, as on a single core."""
        running = self.adviser.take_ahead(self.question)
        if running is not None:
            with running.stack, suppress(CannotBeDoneThereError):
                return running.take()
        return self.question.answer()


@dataclass(frozen=True)
class RunningOpinion:
    """An opinion that a thread forms, or a process that was not forked; a `Running`."""

    attend: Callable[[], bool]
    take: Callable[[], Answer]
    stack: ExitStack
    """What is to be undone in the end."""
    connection: None = None
    is_served: bool = False

    def ask_to_stop(self) -> None:
        """Nothing of an opinion is saved."""

    def end(self) -> None:
        """Abandon it, if it is not formed yet."""
        self.stack.close()


def _ask_thread(question: Question) -> RunningOpinion:
    is_left = threading.Event()
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="opinion"))
        stack.callback(is_left.set)
        formed = pool.submit(question.answer, is_left.is_set)
        return RunningOpinion(formed.done, formed.result, stack.pop_all())


@contextmanager
def _ask_process(
    process: subprocess.Popen[bytes] | None, question: Question, place: Path
) -> Iterator[Callable[[], Answer]]:
    with TemporaryDirectory(dir=place) as directory:
        folder = Path(directory)
        _save(folder / _ROWS, question.rows)
        np.save(folder / _LABELS, question.labels)
        np.save(folder / _USED, question.is_learned)
        if question.features is not None:
            np.save(folder / _FEATURES, question.features)
        if question.texts is not None:
            save_npz(folder / _TEXTS, question.texts, compressed=False)
        if question.vectors is not None:
            np.save(folder / _VECTORS, question.vectors)
        _send(process, folder, question)

        def wait() -> Answer:
            if process is not None and process.wait() == 0:
                kept = folder / _OPINION
                is_large = is_kept_on_disk(kept.stat().st_size)
                opinion: NDArray[np.float32] = map_array(kept) if is_large else np.load(kept)
                return opinion
            # No process could be started, or it was killed: the same answer, only later.
            raise CannotBeDoneThereError

        try:
            yield wait
        finally:
            # Before the folder goes, in which it may still write.
            end(process)


def _save_answer(path: Path, answer: Answer) -> None:
    """Write an answer as `numpy.save` would, (M, C), or (K, M, C) where there are K voices."""
    if isinstance(answer, np.ndarray):
        _save(path, answer)
    else:
        _save(path, *answer, shape=(len(answer), *answer[0].shape))


def _save(path: Path, *parts: Rows, shape: tuple[int, ...] | None = None) -> None:
    """Write rows as `numpy.save` does, but a portion at a time.

    Args:
        path: of the file.
        parts: rows, one after the other.
        shape: of all together; None: that of the one part that there is.
    """
    first = parts[0]
    header = {
        "descr": np.lib.format.dtype_to_descr(first.dtype),
        "fortran_order": False,
        "shape": shape or (len(first), *first.shape[1:]),
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for rows in parts:
            write_rows(file, rows)


def _send(process: subprocess.Popen[bytes] | None, folder: Path, question: Question) -> None:
    """Tell the process where its question lies; one that has ended is noticed later."""
    if process is None or process.stdin is None:
        return
    numbers = (question.n_classes, question.seed, question.n_numbers, question.part)
    is_quick = question.is_quick
    with suppress(OSError), process.stdin as pipe:
        pipe.write(json.dumps([str(folder), question.kind, is_quick, *numbers]).encode() + b"\n")


def main(kind: str, asked: BinaryIO) -> None:
    """Answer a question when it comes; give up where nobody waits for it any more."""
    parent = os.getppid()
    with _without_pandas():
        load_libraries(has_trees=_name_kind(kind) == "table")
    line = asked.readline()
    if not line:
        return
    place, kind, is_quick, *numbers = json.loads(line)
    folder = Path(place)
    with keep_on_disk(folder):
        answer = _read_question(folder, _name_kind(kind), numbers, is_quick=is_quick).answer
        _save_answer(folder / _OPINION, answer(lambda: os.getppid() != parent))


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Have scikit-learn do without pandas, which takes it .4 s to load; questions are arrays."""
    hidden = cast("dict[str, ModuleType | None]", sys.modules)
    if "pandas" in hidden:
        yield
        return
    # A module that is None cannot be imported.
    hidden["pandas"] = None
    try:
        yield
    finally:
        del hidden["pandas"]


def _read_question(folder: Path, kind: Kind, numbers: Sequence[int], *, is_quick: bool) -> Question:
    # Mapped: nothing of it is copied but what is learned from at a time.
    n_classes, seed, n_numbers, part = numbers
    return Question(
        kind,
        map_array(folder / _ROWS),
        map_array(folder / _LABELS),
        np.load(folder / _USED),
        n_classes,
        seed,
        n_numbers=n_numbers,
        texts=load_npz(folder / _TEXTS) if (folder / _TEXTS).is_file() else None,
        vectors=np.load(folder / _VECTORS) if (folder / _VECTORS).is_file() else None,
        features=np.load(folder / _FEATURES) if (folder / _FEATURES).is_file() else None,
        is_quick=is_quick,
        part=part,
    )


def _name_kind(kind: str) -> Kind:
    return next((known for known in get_args(Kind) if known == kind), "images")


if __name__ == "__main__":
    # It lives too short to leave much behind, and looking through all that libraries make takes a
    # tenth of the time that they load in.
    gc.disable()
    main(sys.argv[1], sys.stdin.buffer)
    # Whoever asked waits for the end: nothing is gained by taking the libraries apart.
    os._exit(0)
