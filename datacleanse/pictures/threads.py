"""Work for several threads, of which only a little is prepared ahead."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from datacleanse.scheduling.cores import count_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4
"""Items a thread that are taken before results are."""


def map_in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results in the order of the items, which are taken only a few ahead of them.

    An executor's own `map` would first take all of them, and hold what they hold.
    """
    threads = count_cores()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
    rest = iter(items)
    try:
        waiting: deque[Future[Result]] = deque(
            pool.submit(function, item) for item in islice(rest, threads * _AHEAD)
        )
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(rest, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
