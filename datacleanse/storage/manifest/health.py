"""What `run.json` says of the data beside its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

# Read from `run.json`, so that the fields' types must be known when the program runs.
from datacleanse.storage.typed_json import Count

HealthKind = Literal[
    "unlike-rows",
    "copies",
    "shared-rows",
    "leaking-columns",
    "useless-columns",
    "small-classes",
    "drift",
    "row-order",
]

HEALTH_KINDS: tuple[HealthKind, ...] = get_args(HealthKind)

Certainty = Literal["exact", "tested", "judged"]


@dataclass(frozen=True, kw_only=True)
class HealthFinding:
    """Something that was seen in the data beside wrong labels."""

    kind: HealthKind
    """What it is about: ``unlike-rows`` (rows unlike all others), ``copies`` (rows of DATA that
    repeat others), ``shared-rows`` (rows that DATA, CLEAN and TEST share), ``leaking-columns``
    (columns that give the label away), ``useless-columns`` (constant ones and ids),
    ``small-classes`` (too few rows to learn from), ``drift`` (the files are distributed
    differently), ``row-order`` (the order of the rows tells the label)."""
    message: str
    """A sentence with the numbers that matter."""
    advice: str
    """What it does, and what to do; empty where nothing need be done."""
    method: str
    """A sentence: how it was found."""
    certainty: Certainty
    """``exact``: counted, beyond doubt; ``tested``: by a test whose level ``method`` tells;
    ``judged``: by a bound that was set on other tables, without a promise."""
    is_warning: bool
    """Whether scores or results may suffer; else it is good to know."""
    columns: tuple[str, ...] = ()
    """Columns that it is about."""
    n_rows: Count = 0
    """Rows of DATA that it is about; 0: it is about none in particular."""
    first_rows: tuple[Count, ...] = ()
    """The clearest of these rows, 20 at most."""


@dataclass(frozen=True, kw_only=True)
class HealthSection:
    """What was seen in the data beside wrong labels."""

    findings: tuple[HealthFinding, ...]
    """Most important first; empty: nothing was found."""
    skipped: dict[str, str]
    """Kinds that were not looked for, and why."""
