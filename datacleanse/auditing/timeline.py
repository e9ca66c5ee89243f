"""When an audit would be through, from the seconds that its parts take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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
