"""All pictures of a source, decoded on all cores.

A few are decoded in threads: Pillow works without Python's lock. Many are decoded in processes, one
a thread (`worker_processes`), since what Python does about a small picture takes longer than its
pixels.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from datacleanse.errors import OutputError
from datacleanse.memory_bound import measure_free_memory
from datacleanse.pictures.chunks import Chunk, Target, decode_chunk
from datacleanse.pictures.decode_one import decode, has_colour, silence_decoding
from datacleanse.pictures.signatures import PictureError
from datacleanse.pictures.stores import FileStore
from datacleanse.pictures.threads import map_in_threads
from datacleanse.pictures.worker_processes import start_workers
from datacleanse.scheduling.cores import count_cores
from datacleanse.storage.mapped_files import limit_memory, map_new_file, release_mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.pictures.interface import Blob, Store
    from datacleanse.progress import Progress

Result = TypeVar("Result")

LARGEST = 64
"""Largest side that is chosen without being asked for, in pixels: training time grows with its
square."""
SMALLEST = 8
"""Smallest side that is chosen, in pixels."""
_STEP = 4
"""Sides are multiples of it, so that networks can halve them twice."""
_PROBED = 256
"""Pictures by which size and colours are chosen."""
MANY = 8_000
"""Pictures from which processes pay for being started, a quarter of a second each, on two cores."""
_CHUNK = 32
"""Pictures that a thread decodes at a time."""

MEMORY_SHARE = 0.25
"""Share of the free memory that the pixels of one source may take; training needs the rest."""

_BLOCK = 1 << 22


@dataclass(frozen=True)
class Pixels:
    """What came of decoding, row by row.

    Attributes:
        values: (K, C, S, S) the pictures that could be read.
        rows: (K,) which of the source's rows they are, ascending.
        sha256: (K, 32) of their encoded bytes.
        sizes: (K, 2) width and height of the originals, upright, in pixels.
        failures: row -> why it could not be read, as the end of a sentence about it.
    """

    values: NDArray[np.uint8]
    rows: NDArray[np.int64]
    sha256: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    failures: dict[int, str]


def choose_shape(store: Store, image_size: int | None) -> tuple[int, int, int]:
    """Choose a shape (C, S, S) for a source, by up to 256 pictures spread over it.

    S is the median of the pictures' mean sides (the root of width times height), at most `LARGEST`,
    rounded down to a multiple of 4; C is 1 if they are all grey.
    """
    n = len(store)
    rows = np.unique(np.linspace(0, n - 1, min(n, _PROBED)).astype(np.int64))
    sides, is_grey = [], True
    side = image_size or LARGEST
    with silence_decoding():
        for _, blob in store.iterate_blobs(rows):
            try:
                found = decode(blob(), (side, side))
            except PictureError:
                continue
            sides.append(math.sqrt(found.width * found.height))
            is_grey = is_grey and not has_colour(found.image)
    if image_size is None:
        median = min(float(np.median(sides)) if sides else LARGEST, LARGEST)
        side = max(SMALLEST, int(median) // _STEP * _STEP)
    return (1 if is_grey else 3, side, side)


def decode_all(
    store: Store,
    shape: tuple[int, int, int],
    *,
    scratch: Path,
    progress: Progress,
    must_be_grey: bool = False,
) -> Pixels:
    """Decode every picture of a source.

    Args:
        store: N pictures.
        shape: (C, S, S) of each.
        scratch: folder for a file where memory does not suffice.
        progress: is told of each picture.
        must_be_grey: stop at the first picture that has colours.

    Raises:
        ColourFoundError: there is one, and there must be none.
        OutputError: there is neither memory nor disk space.
    """
    n = len(store)
    values = allocate((n, *shape), scratch)
    sha256, sizes = np.zeros((n, 32), np.uint8), np.zeros((n, 2), np.int32)
    failures: dict[int, str] = {}
    start = 0
    for chunk in _decode_chunks(store, Target(shape, must_be_grey)):
        end = start + len(chunk.values)
        values[start:end], sha256[start:end] = chunk.values, chunk.sha256
        sizes[start:end] = chunk.sizes
        failures |= {start + place: why for place, why in chunk.failures.items()}
        release_mapped()
        progress.advance(end - start)
        start = end
    rows = np.setdiff1d(np.arange(n), np.fromiter(failures, np.int64), assume_unique=True)
    return Pixels(_move_to_front(values, rows), rows, sha256[rows], sizes[rows], failures)


def _decode_chunks(store: Store, target: Target) -> Iterator[Chunk]:
    """What came of each chunk, in order; only a few chunks' bytes are held at a time."""
    threads = count_cores()
    with ExitStack() as stack:
        stack.enter_context(silence_decoding())
        decode: Callable[[tuple[Blob, ...]], Chunk] = partial(decode_chunk, target)
        if len(store) >= MANY and threads > 1:
            own = stack.enter_context(start_workers(threads, target))
            # A system that lets no process be started leaves the work to the threads.
            if own.processes:
                decode = partial(own.decode, is_sent=isinstance(store, FileStore))
        blobs = (blob for _, blob in store.iterate_blobs(np.arange(len(store))))
        yield from map_in_threads(decode, iter(lambda: tuple(islice(blobs, _CHUNK)), ()))


def decode_and_work(
    store: Store,
    rows: NDArray[np.int64],
    shape: tuple[int, int, int],
    work: Callable[[Chunk], Result],
    *,
    portion: int,
    in_threads: bool,
) -> Iterator[Result]:
    """Decode some pictures to another size, and work on each portion before the next is held.

    Args:
        store: N pictures.
        rows: (K,) of them, ascending.
        shape: (C, S, S) to decode to.
        work: what is made of a portion.
        portion: pictures in one, the last may have fewer.
        in_threads: whether ``work`` is done on all cores, in the threads that decode.

    Yields:
        What was made of each portion, in order.
    """
    decode = partial(decode_chunk, Target(shape, must_be_grey=False))
    with silence_decoding():
        blobs = (blob for _, blob in store.iterate_blobs(rows))
        portions = iter(lambda: tuple(islice(blobs, portion)), ())
        if in_threads:
            yield from map_in_threads(lambda some: work(decode(some)), portions)
        else:
            yield from map(work, map_in_threads(decode, portions))


def allocate(shape: tuple[int, ...], scratch: Path) -> NDArray[np.uint8]:
    """Make an array of bytes: in memory if there is room, else in a nameless file in ``scratch``.

    The file has no name, so it goes with the array, or with the process, however that ends. Its
    space is taken at once: a disk that fills up later would kill the process, not raise an error.

    Raises:
        OutputError: the file does not fit on the disk.
    """
    size = int(np.prod(shape, dtype=np.int64))
    if size <= MEMORY_SHARE * limit_memory(measure_free_memory()):
        return np.zeros(shape, np.uint8)
    try:
        mapped = map_new_file(size, scratch)
    except OutputError as error:
        raise OutputError(
            f"The decoded pictures take {error.message}",
            slug="pictures-no-space",
            hint="Free some space, choose another disk with --out, or a smaller --image-size.",
        ) from error
    return np.frombuffer(mapped, np.uint8).reshape(shape)


def _move_to_front(values: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Move some rows, ascending, to the array's front; no second array is made."""
    block = max(1, _BLOCK // max(1, values[0].nbytes)) if len(values) else 1
    if len(rows) < len(values):
        for start in range(0, len(rows), block):
            here = rows[start : start + block]
            values[start : start + len(here)] = values[here]
            release_mapped()
    return values[: len(rows)]
