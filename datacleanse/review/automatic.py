"""Decisions taken from the flags, without a reviewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from datacleanse.errors import SettingsError
from datacleanse.review.decisions import Decision, read_clock
from datacleanse.settings import read_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.storage.run_folder import Classes, RunFolder

AUTO = "auto"
"""Reviewer of what was decided by the flags alone."""


@dataclass(frozen=True)
class FlagLimits:
    """From which mislabel probability on flagged rows are changed that nobody has decided about.

    A flagged row is relabelled to its suggestion, or dropped, where its mislabel probability is at
    least the limit; where it reaches both limits the higher one decides, and at one height the
    suggestion does if there is one.

    Raises:
        SettingsError: there is no limit, or one is not in [0, 1].
    """

    relabel_above: float | None = None
    """In [0, 1]; None: no row is relabelled."""
    drop_above: float | None = None
    """In [0, 1]; None: no row is dropped."""

    def __post_init__(self) -> None:
        limits = {"relabel-above": self.relabel_above, "drop-above": self.drop_above}
        for name, limit in limits.items():
            if limit is not None and not 0 <= read_number(name, limit, is_whole=False) <= 1:
                raise SettingsError(
                    f"--{name} is {limit!r}.",
                    slug="setting-out-of-range",
                    hint="Give a probability between 0 and 1, e.g. 0.95.",
                )
        if all(limit is None for limit in limits.values()):
            raise SettingsError(
                "--auto is given without a limit.",
                slug="auto-without-limit",
                hint="Say from which mislabel probability on rows are changed: --relabel-above 0.95"
                " or --drop-above 0.9, or both.",
            )

    def choose_action(
        self, probability: float, suggestion: str | None
    ) -> Literal["relabel", "drop"] | None:
        """Choose what becomes of a flagged row; None leaves it as it is."""
        relabel, drop = self.relabel_above, self.drop_above
        can_relabel = relabel is not None and suggestion is not None and probability >= relabel
        can_drop = drop is not None and probability >= drop
        if can_relabel and not (can_drop and drop > relabel):  # type: ignore[operator]
            return "relabel"
        return "drop" if can_drop else None


def decide_flagged(
    folder: RunFolder, limits: FlagLimits, *, run_id: str, classes: Classes | None
) -> Iterator[tuple[int, Decision]]:
    """Decide about flagged rows by their flags alone: rows of DATA, each with its decision.

    Args:
        folder: of the run.
        limits: from which probability on.
        run_id: of the run.
        classes: rows of DATA by given label; None: labels are numbers. There only a suggestion
            that undoes a slip is written: any other one is a prediction, which nobody measured.
    """
    at = read_clock()
    slipped = folder.read_slips() if classes is None else None
    for record in folder.read_flagged(classes).to_pylist():
        probability, suggestion = record["mislabel_probability"], record["suggested_label"]
        if slipped is not None and record["row"] not in slipped:
            suggestion = None
        action = limits.choose_action(probability or 0.0, suggestion)
        if action is not None:
            yield (
                record["row"],
                Decision(
                    row=record["row"],
                    id=record["id"],
                    row_sha256=record["row_sha256"],
                    given_label=record["given_label"],
                    action=action,
                    new_label=suggestion if action == "relabel" else None,
                    reviewer=AUTO,
                    at=at,
                    run_id=run_id,
                ),
            )
