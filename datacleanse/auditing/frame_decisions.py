"""Decisions made in a data frame, as the file of decisions that a review would have left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeGuard

import pandas as pd
from pandas.api.types import is_scalar

from datacleanse.data.messages import suggest_nearest
from datacleanse.data.readers.frame import convert_frame, is_frame
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datacleanse.data.label_types import LabelValues
    from datacleanse.data.readers.frame import Frame

_NEEDED = ("row", "action")


def is_frame_of_decisions(decisions: object) -> TypeGuard[Frame]:
    """Whether decisions stand in a table, and not in files; an empty list names no file."""
    return is_frame(decisions) and not (isinstance(decisions, list | tuple) and not decisions)


def write_frame_decisions(
    decisions: Frame, file: Path, table: pd.DataFrame, labels: LabelValues
) -> None:
    """Write the file that stands for a frame's decisions.

    Args:
        decisions: ``row``, ``action`` and, where labels are new, ``new_label``; rows without an
            action are not decided. Other columns, such as those of `suspects`, may stand beside.
        file: to write.
        table: of the audit, with labels as the caller has them.
        labels: their names.

    Raises:
        InputError: a column is missing, or a row is none of the audit's.
    """
    if not isinstance(decisions, pd.DataFrame):
        decisions = convert_frame(decisions).to_pandas()
    for name in (*_NEEDED, "new_label"):
        if (n := decisions.columns.tolist().count(name)) > 1:
            raise InputError(
                f"The decisions have {n} columns named '{name}'.",
                slug="decisions-columns",
                hint="Keep the one that is meant.",
            )
        if name in _NEEDED and not n:
            raise InputError(
                f"The decisions have no column '{name}'; their columns are "
                f"{', '.join(map(str, decisions.columns[:10]))}.",
                slug="decisions-columns",
                hint=suggest_nearest(
                    name,
                    [str(column) for column in decisions.columns],
                    otherwise="Give a frame with row, action and new_label.",
                ),
            )
    lines = [json.dumps(each) for each in _list_records(decisions, table, labels)]
    if not lines:
        raise InputError(
            f"None of the {len(decisions):,} rows of the decisions has an action.",
            slug="decisions-missing",
            hint="Write keep, relabel, drop or unsure into the column action.",
        )
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _list_records(
    decisions: pd.DataFrame, table: pd.DataFrame, labels: LabelValues
) -> Iterator[dict[str, Any]]:
    given = dict(zip(table["row"].tolist(), table["given_label"].tolist(), strict=True))
    names = _name_labels(labels)
    decided = decisions[decisions["action"].notna()]
    news = decided["new_label"] if "new_label" in decided.columns else [None] * len(decided)
    for row, action, new in zip(decided["row"].tolist(), decided["action"], news, strict=True):
        if not is_scalar(row) or row not in given:
            raise InputError(
                f"The decisions name row {row}, and the audit has {len(table):,} rows, from 0.",
                slug="decisions-row",
                hint="Take row from result.suspects() or result.table: it is the position in DATA.",
            )
        if action == "relabel" and (not is_scalar(new) or pd.isna(new)):
            raise _make_unnamed_error(row, decisions)
        is_new = action == "relabel"
        yield {
            "row": int(row),
            "action": str(action),
            "given_label": names[given[row]],
            "new_label": names.get(new, str(new)) if is_new else None,
        }


def _name_labels(labels: LabelValues) -> dict[Any, str]:
    """Names of labels, by the labels themselves and as the audit table shows them."""
    shown = labels.restore(pd.DataFrame({"given_label": list(labels.names)}))["given_label"]
    spelled = ((pd.Series(labels.values), labels.names), (shown, labels.names))
    return {label: name for each, names in spelled for label, name in zip(each, names, strict=True)}


def _make_unnamed_error(row: object, decisions: pd.DataFrame) -> InputError:
    """The error for a row that gets another label, and none is given."""
    missing = "the decisions have no column 'new_label'"
    if "new_label" in decisions.columns:
        missing = "its new_label is missing"
    cure = "Write the right label into the column new_label"
    if "suggested_label" in decisions.columns:
        cure += ", e.g. .assign(new_label=lambda frame: frame['suggested_label'])"
    return InputError(
        f"Row {row} is to be relabelled, but {missing}.",
        slug="decisions-columns",
        hint=f"{cure}; rows without a suggestion need one of yours, or another action.",
    )
