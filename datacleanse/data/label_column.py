"""Which column of a table is the label."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datacleanse.data.messages import find_padded, format_names, quote_value, suggest_nearest
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL_NAMES = ("label", "target", "class", "y")
"""Names of a label column that are taken without asking, if exactly one of them is there."""

_LABEL_WORDS = (
    frozenset({"label", "labels", "target", "class", "classes", "category"}),
    frozenset({"outcome", "churn", "diagnosis", "sentiment", "species", "response", "default"}),
    frozenset({"type", "kind", "status", "grade", "result", "income", "survived", "quality"}),
)
"""Words in the names of columns that often are the label, the surest first."""

_HUMP = re.compile("(?<=[a-z])(?=[A-Z])")
"""Where a word begins within a name such as ``eventType``."""


def choose_label(
    names: Sequence[str], wanted: str | None, *, source: str, dropped: Sequence[str] = ()
) -> str:
    """Choose the label column by its name.

    Args:
        names: of the columns.
        wanted: what the person calls it; None: a usual name is looked for.
        source: how messages name the table.
        dropped: columns that are the label only where it is wanted.

    Raises:
        InputError: the wanted column is not there, or none was named and none or several fit.
    """
    if wanted is not None:
        if wanted in names:
            return wanted
        raise InputError(
            f"{source} has no column '{wanted}' for the label; its columns are "
            f"{format_names(names)}.",
            slug="label-column-missing",
            hint=find_padded(names, [wanted])
            or suggest_nearest(wanted, names, otherwise="Name one of these with --label."),
        )
    left_out = [name for name in names if name in USUAL_NAMES and name in dropped]
    names = [name for name in names if name not in dropped]
    usual = [name for name in names if name in USUAL_NAMES]
    if len(usual) == 1:
        return usual[0]
    if usual:
        raise InputError(
            f"{source} has several columns that may be the label: {', '.join(usual)}.",
            slug="label-column-ambiguous",
            hint="Say which with --label; leave the others out with --drop if they give it away.",
        )
    if left_out:
        raise InputError(
            f"{source} has no other column for the label than {quote_value(left_out[0])}, which "
            "--drop names.",
            slug="label-column-missing",
            hint="Leave that --drop out, or say which column holds the label with --label.",
        )
    raise InputError(
        f"{source} has no column named {', '.join(USUAL_NAMES[:-1])} or {USUAL_NAMES[-1]}; its "
        f"columns are {format_names(names)}.",
        slug="label-column-missing",
        hint=find_padded(names, USUAL_NAMES) or _suggest_label(names),
    )


def _suggest_label(names: Sequence[str]) -> str:
    """A hint on the column whose name sounds most like a label's; nothing is taken without a word.

    Of several that sound alike the last one, where most tables have it.
    """
    words = [set(re.findall("[a-z]+", _HUMP.sub(" ", name).lower())) for name in names]
    for wanted in _LABEL_WORDS:
        fitting = [name for name, own in zip(names, words, strict=True) if wanted & own]
        if fitting:
            return f"Say which holds the label with --label: perhaps {quote_value(fitting[-1])}."
    return "Say which holds the label with --label."
