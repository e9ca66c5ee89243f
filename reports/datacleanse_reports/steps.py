"""What to do next, with the commands as they are typed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse_reports import sentences
from datacleanse_reports.wording import format_count, format_plural, format_rate

if TYPE_CHECKING:
    from datacleanse_reports.run_view import RunView


@dataclass(frozen=True)
class Step:
    """One thing to do."""

    text: str
    """What for, as a sentence or its beginning."""
    command: str
    """As a shell takes it; empty where none is needed."""


def list_steps(view: RunView, *, served: bool) -> tuple[Step, ...]:
    """What to do next, in order.

    Args:
        view: of the run.
        served: whether the page comes from the review's own command, which need not be named.
    """
    steps = []
    if view.next_words:
        steps.append(Step(_say_verifying(view), _spell(view.next_words)))
    review, end = ("", ".") if served else (_spell(view.review_words), ":")
    if _is_reviewed(view):
        steps.append(Step(f"All of these rows are decided; decisions can be changed{end}", review))
    elif view.headline.flagged:
        rows = format_plural(view.headline.flagged, "flagged row")
        steps.append(Step(f"Decide about the {rows}, by keys{end}", review))
    else:
        steps.append(Step(f"Review the ranking from the top, by keys{end}", review))
    steps.append(
        Step("Write the cleaned data, with a list of all changes:", _spell(view.apply_words))
    )
    return tuple(steps)


def say_flags_briefly(view: RunView) -> str:
    """What the flags are worth, in a sentence that the first screen has room for."""
    flagging, level = view.flagging, format_rate(view.headline.fdr)
    if flagging.basis == "none":
        return "No row is flagged, so review the ranking from the top."
    if flagging.basis == "estimated":
        return f"About {level} of such a list are false alarms: an estimate, no guarantee."
    bound = flagging.false_at_most
    told = f"Expect at most {level} of the flagged rows to be false alarms"
    if not bound:
        return f"{told}."
    return f"{told}. It is 90% certain that no more than {format_count(bound)} of them are."


def _say_verifying(view: RunView) -> str:
    if view.is_doubted:
        return "Check the clean rows that the warning names, or rows drawn anew:"
    if view.is_checked:
        return sentences.say_verifying_more(view)
    return "For a rate of wrong labels and for flags, check rows drawn at random:"


def _is_reviewed(view: RunView) -> bool:
    return 0 < view.progress.rows == len(view.progress.decided)


def _spell(words: tuple[str, ...]) -> str:
    return "datacleanse " + shlex.join(words)
