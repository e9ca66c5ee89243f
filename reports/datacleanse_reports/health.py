"""What reports show of the data beside its labels, and of the verdicts on its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from datacleanse.storage.manifest.health import Certainty, HealthFinding, HealthSection

TITLES = {
    "unlike-rows": "Rows unlike all others",
    "copies": "Rows that repeat each other",
    "shared-rows": "Rows in more than one file",
    "leaking-columns": "A column gives the label away",
    "useless-columns": "Columns that tell nothing",
    "small-classes": "Classes with few rows",
    "drift": "Files that differ",
    "row-order": "The order of the rows",
}
"""What each kind is called where people read it."""

_SURE: dict[Certainty, str] = {
    "exact": "counted",
    "tested": "by a test",
    "judged": "by a bound set on other tables",
}

RETOLD = ("-shares-unlike", "-features-unlike", "pictures-duplicate")
"""How slugs end of notices that findings tell again: reports show these among the findings."""

VERDICTS = ("likely wrong", "ambiguous", "unlike the rest", "fine")
"""In the order in which they are counted."""

MARKS = {"fine": 0, "likely wrong": 1, "ambiguous": 2, "unlike the rest": 3}
"""The number of a verdict on the page, which is shorter than its words 500 times; `table.js` shows
and colours all but the first."""


@dataclass(frozen=True)
class FindingView:
    """A finding."""

    kind: str
    title: str
    """Of the kind, for people."""
    message: str
    """A sentence with the numbers that matter."""
    advice: str
    """What it does and what to do; may be empty."""
    method: str
    """How it was found."""
    sure: str
    """How sure it is, in a few words."""
    is_warning: bool
    columns: tuple[str, ...]
    n_rows: int
    first_rows: tuple[int, ...]
    """The clearest rows, 20 at most."""


@dataclass(frozen=True)
class HealthView:
    """What was seen beside wrong labels."""

    findings: tuple[FindingView, ...]
    skipped: dict[str, str]
    """Kinds that were not looked for, by title, and why."""


def make_health(section: HealthSection | None) -> HealthView | None:
    """The view of what was seen; None of runs that did not look."""
    if section is None:
        return None
    return HealthView(
        tuple(map(_make_finding, section.findings)),
        {TITLES.get(kind, kind): why for kind, why in section.skipped.items()},
    )


def _make_finding(found: HealthFinding) -> FindingView:
    return FindingView(
        kind=found.kind,
        title=TITLES[found.kind],
        message=found.message,
        advice=found.advice,
        method=found.method,
        sure=_SURE[found.certainty],
        is_warning=found.is_warning,
        columns=found.columns,
        n_rows=found.n_rows,
        first_rows=found.first_rows,
    )


def count_verdicts(table: pa.Table) -> dict[str, int]:
    """Rows by verdict, in the order of `VERDICTS`; empty of runs without verdicts."""
    counts = table["verdict"].value_counts().to_pylist()
    found = {each["values"]: each["counts"] for each in counts}
    if set(found) <= {None}:
        return {}
    return {verdict: found.get(verdict, 0) for verdict in VERDICTS}
