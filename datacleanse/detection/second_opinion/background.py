"""The second opinion formed beside other work: each computes with one thread.

In this process they would share Python's lock with a training of many small steps, and load
scikit-learn into it: a second and a half of an audit of 5,000 rows. So many rows get a process
of their own, ``python -m datacleanse.detection.second_opinion.background``. For few rows, starting
one takes longer than the trees.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy.sparse import load_npz, save_npz

from datacleanse.detection.second_opinion import features, images, tables
from datacleanse.storage.atomic_files import make_own_folder
from datacleanse.storage.mapped_files import (
    is_kept_on_disk,
    keep_on_disk,
    map_array,
    write_rows,
)
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO, Self

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from datacleanse.pictures.joined import Joined

    Rows = NDArray[np.float32] | NDArray[np.uint8] | Joined
    Answer = Callable[[], NDArray[np.float32] | None]

MANY = 3_000
"""Rows from which a process of its own pays."""

_ROWS, _LABELS, _USED, _OPINION = "rows.npy", "labels.npy", "used.npy", "opinion.npy"
_TEXTS, _VECTORS, _FEATURES = "texts.npz", "vectors.npy", "features.npy"

Kind = Literal["table", "images", "features"]
"""What the rows are: `tables` is asked, `images`, or `features`."""


@dataclass(frozen=True)
class Question:
    """What the second opinion is formed on: M rows, and the labels that may be learned."""

    kind: Kind
    rows: Rows
    """(M, F) float32 rows of a table, encoded, or features of pictures; or (M, channels, height,
    width) uint8 images. Not all that texts become is among a table's columns: see ``texts`` and
    ``vectors``."""
    labels: NDArray[np.int64]
    """(M,) class of each row, as given."""
    is_learned: NDArray[np.bool_]
    """(M,) True where the label may be learned."""
    n_classes: int
    """C."""
    seed: int
    """Of all draws."""
    n_numbers: int = 0
    """How many columns of a table, its first, are numbers; the others are codes of categories."""
    texts: csr_array | None = None
    """(M, V) float32 weighted counts of the terms in a table's texts; None where it has none."""
    vectors: NDArray[np.float32] | None = None
    """(M, E) what a text model makes of the same texts, NaN where missing; None without one."""
    features: NDArray[np.float32] | None = None
    """(M, F) features of images by a pretrained network, which is asked beside their patches."""

    def answer(self, is_unwanted: Callable[[], bool] = lambda: False) -> NDArray[np.float32]:
        """Form the opinion: (M, C) class probabilities, each row's without its own label.

        Args:
            is_unwanted: asked now and then; True gives up.

        Raises:
            AbandonedError: ``is_unwanted`` said so.
        """
        ask = self._choose()
        # Libraries can be limited once they are there.
        _load_libraries(self.kind)
        with use_one_thread():
            return ask(
                self.labels,
                self.is_learned,
                n_classes=self.n_classes,
                seed=self.seed,
                is_unwanted=is_unwanted,
            )

    def _choose(self) -> Callable[..., NDArray[np.float32]]:
        """Whom to ask, with the rows given to it."""
        rows: Any = self.rows
        if self.kind == "table":
            return partial(
                tables.ask, rows, n_numbers=self.n_numbers, texts=self.texts, vectors=self.vectors
            )
        if self.kind == "features":
            return partial(features.ask, rows)
        if self.features is not None:
            return partial(features.ask, self.features, images=rows)
        return partial(images.ask, rows)


class Adviser:
    """Forms second opinions beside other work: on few rows in a thread, on many in a process.

    The process that the first question on many rows goes to may be started before that question is
    known: it loads its libraries while the caller loads torch. Whoever starts it so closes the
    adviser in the end, best by a ``with`` block.
    """

    def __init__(self, expected_rows: int = 0) -> None:
        """Start a process where a table of so many rows, soon to be asked about, will want one."""
        self._waiting = _start("table") if expected_rows >= MANY else None

    def __enter__(self) -> Self:
        """Return the adviser, which leaving the block closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the adviser."""
        self.close()

    @contextmanager
    def ask(self, question: Question | None, place: Path) -> Iterator[Answer]:
        """Form an opinion beside the block's work, and abandon it when the block is left.

        Args:
            question: None where there is nothing to form an opinion on.
            place: folder for the files that a process of its own reads and writes.

        Yields:
            What waits for the answer; it returns None without a question.
        """
        if question is None:
            yield lambda: None
        elif len(question.rows) < MANY:
            with _ask_thread(question) as answer:
                yield answer
        else:
            process, self._waiting = self._waiting or _start(question.kind), None
            try:
                with _ask_process(process, question, place) as answer:
                    yield answer
            finally:
                _end(process)

    def close(self) -> None:
        """End the process that was started and never asked, if there is one."""
        _end(self._waiting)
        self._waiting = None


@contextmanager
def _ask_thread(question: Question) -> Iterator[Answer]:
    is_left = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="opinion") as pool:
        try:
            yield pool.submit(question.answer, is_left.is_set).result
        finally:
            is_left.set()


@contextmanager
def _ask_process(
    process: subprocess.Popen[bytes] | None, question: Question, place: Path
) -> Iterator[Answer]:
    make_own_folder(place)
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

        def wait() -> NDArray[np.float32]:
            if process is not None and process.wait() == 0:
                kept = folder / _OPINION
                is_large = is_kept_on_disk(kept.stat().st_size)
                opinion: NDArray[np.float32] = map_array(kept) if is_large else np.load(kept)
                return opinion
            # No process could be started, or it was killed: the same answer, only later.
            return question.answer()

        try:
            yield wait
        finally:
            # Before the folder goes, in which it may still write.
            _end(process)


def _save(path: Path, rows: Rows) -> None:
    """Write rows as `numpy.save` does, but a portion at a time."""
    header = {
        "descr": np.lib.format.dtype_to_descr(rows.dtype),
        "fortran_order": False,
        "shape": (len(rows), *rows.shape[1:]),
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        write_rows(file, rows)


def _start(kind: Kind) -> subprocess.Popen[bytes] | None:
    """Start a process that waits for a question; None where the system does not let it."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # The same packages as here, wherever they were found.
    path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "datacleanse.detection.second_opinion.background", kind],
            env=os.environ | threads | path,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def _send(process: subprocess.Popen[bytes] | None, folder: Path, question: Question) -> None:
    """Tell the process where its question lies; one that has ended is noticed later."""
    if process is None or process.stdin is None:
        return
    numbers = (question.n_classes, question.seed, question.n_numbers)
    with suppress(OSError), process.stdin as pipe:
        pipe.write(json.dumps([str(folder), question.kind, *numbers]).encode() + b"\n")


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """Kill the process, where it still runs."""
    if process is None:
        return
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _load_libraries(kind: Kind) -> None:
    """Load what an opinion is formed with; trees only for a table."""
    if kind == "table":
        import_module("sklearn.tree")
    import_module("scipy.optimize")


def main(kind: str, asked: BinaryIO) -> None:
    """Answer a question when it comes; give up where nobody waits for it any more."""
    parent = os.getppid()
    _load_libraries(_name_kind(kind))
    line = asked.readline()
    if not line:
        return
    place, kind, *numbers = json.loads(line)
    folder = Path(place)
    with keep_on_disk(folder):
        answer = _read_question(folder, _name_kind(kind), numbers).answer
        np.save(folder / _OPINION, answer(lambda: os.getppid() != parent))


def _read_question(folder: Path, kind: Kind, numbers: Sequence[int]) -> Question:
    # Mapped: nothing of it is copied but what is learned from at a time.
    n_classes, seed, n_numbers = numbers
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
    )


def _name_kind(kind: str) -> Kind:
    return next((known for known in get_args(Kind) if known == kind), "images")


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer)
