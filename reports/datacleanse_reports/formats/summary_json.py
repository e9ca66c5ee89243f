"""``summary.json``: the report as one JSON object for scripts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datacleanse_reports.records import ReportView

SCHEMA_VERSION = 2
"""Of `summary.json`. Keys may be added within a version, never renamed or removed.

1: first version.
2: ``clean.meta_rows`` is ``clean.steering_rows``.
"""

KEYS = (
    "run_id",
    "created_at",
    "finished_at",
    "command",
    "headline",
    "flagging",
    "budgets",
    "classes",
    "confusions",
    "training",
    "test",
    "data",
    "clean",
    "test_set",
    "overlap",
    "columns_read",
    "columns_aside",
    "health",
    "verdicts",
    "methods",
    "notices",
    "settings",
    "versions",
    "device",
    "timings",
)
"""Fields of `ReportView` that stand in the object under the same name; its docstrings say what
each means and in which unit. Numbers are plain numbers, and what is not known is null."""

SECTION_KEYS = {
    "flagging": (
        *("basis", "false_at_most", "calibration_rows", "smallest_p_value", "null_share"),
        *("rows_needed", "listed_at_double"),
    ),
    "data": ("source", "sha256", "rows", "columns", "label", "id"),
    "clean": (
        *("source", "sha256", "rows", "steering_rows", "calibration_rows", "classes"),
        "reviewed_rows",
    ),
    "columns_read": ("name", "kind", "width"),
}
"""Of what the view takes over from `run.json`, the fields that stand in the object."""

SUSPECT_KEYS = (
    "rank",
    "row",
    "id",
    "given_label",
    "suggested_label",
    "suspicion",
    "mislabel_probability",
    "p_value",
    "flagged",
    "verdict",
    "mean_weight",
    "zero_weight_share",
    "mean_margin",
    "control_margin",
    "reason",
)
"""Of each of ``suspects``. The rows' own columns are in `suspects.csv`, so that the summary can be
passed on without the data."""


@dataclass(frozen=True)
class SummaryJson:
    """For scripts and dashboards."""

    name: str = "json"
    file_name: str = "summary.json"

    def render(self, view: ReportView) -> str:
        """The object of `summarise`, indented."""
        text = json.dumps(summarise(view), indent=2, ensure_ascii=False, allow_nan=False)
        return text + "\n"


def summarise(view: ReportView) -> dict[str, Any]:
    """``schema_version``, the view's `KEYS` and ``suspects`` with `SUSPECT_KEYS`."""
    # A suspect is not copied whole: the rest of it, its neighbours above all, is far larger.
    whole = asdict(replace(view, suspects=()))
    return {
        "schema_version": SCHEMA_VERSION,
        **{key: _pick(whole[key], SECTION_KEYS.get(key)) for key in KEYS},
        "suspects": [
            {key: getattr(suspect, key) for key in SUSPECT_KEYS} for suspect in view.suspects
        ],
    }


def _pick(found: Any, names: tuple[str, ...] | None) -> Any:  # noqa: ANN401  # JSON
    """Some fields of an object, or of each in a list; None: all of them."""
    if names is None or found is None:
        return found
    if isinstance(found, dict):
        return {name: found[name] for name in names}
    return [_pick(each, names) for each in found]
