"""What reports of an audit of numbers tell, read from the run folder once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datacleanse_reports.audit import find_originals, keep_finite
from datacleanse_reports.cells import spell_column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacleanse.storage.manifest.numbers import NumberManifest
    from datacleanse.storage.run_folder import RunFolder


@dataclass(frozen=True)
class NumberSuspect:
    """A listed row; fields are those of `audit.parquet`, and ``reason`` and ``cells``."""

    rank: int
    row: int
    id: str
    given_label: str
    suggested_label: str | None
    predicted_low: float
    predicted_high: float
    mislabel_probability: float | None
    flagged: bool
    slip: str | None
    reason: str
    """A sentence."""
    p_value: float | None
    suspicion: float | None
    predicted: float
    mean_weight: float | None
    zero_weight_share: float | None
    mean_influence: float | None
    mean_residual: float | None
    mean_loss: float | None
    control_residual: float | None
    in_training: bool
    row_sha256: str | None
    cells: tuple[str | None, ...]
    """The row's own columns without its label, as the file spells them."""


@dataclass(frozen=True)
class NumberView:
    """A finished audit of numbers."""

    manifest: NumberManifest
    suspects: tuple[NumberSuspect, ...]
    """By rank; verified rows are none."""
    columns: tuple[str, ...]
    """Names of the original columns, as ``cells`` has them."""

    @property
    def flagged(self) -> int:
        """Rows of DATA that are flagged."""
        return self.manifest.flags.flagged


def read_number_view(folder: RunFolder, *, top: int) -> NumberView:
    """Read what the reports tell.

    Args:
        folder: of a finished audit of numbers.
        top: suspects to list, at least 1.

    Raises:
        RunFolderError: the run is missing, unfinished, damaged, or one of classes.
    """
    manifest = folder.number_manifest()
    originals = folder.read_suspects(manifest.data.rows)
    positions, names = find_originals(originals, manifest.data.label)
    texts = [spell_column(originals.column(i), originals.field(i)) for i in positions]
    stored = {row: i for i, row in enumerate(originals.column(0).to_pylist())}
    suspects = [
        _make_suspect(record, [text[stored[record["row"]]] for text in texts])
        for record in folder.read_number_suspects(last=top)
        if record["row"] in stored
    ]
    return NumberView(manifest, tuple(suspects), names)


def _make_suspect(record: Mapping[str, Any], cells: list[str | None]) -> NumberSuspect:
    values: dict[str, Any] = {name: record[name] for name in _TAKEN_OVER}
    values |= {name: keep_finite(record[name]) for name in _MEASURED}
    return NumberSuspect(
        **values,
        mean_residual=keep_finite(record["mean_margin"]),
        control_residual=keep_finite(record["control_margin"]),
        id=record["id"] if record["id"] is not None else str(record["row"]),
        flagged=bool(record["flagged"]),
        reason=give_reason(record),
        cells=tuple(cells),
    )


_TAKEN_OVER = (
    *("rank", "row", "given_label", "suggested_label", "slip", "in_training", "row_sha256"),
    *("predicted", "predicted_low", "predicted_high"),
)
_MEASURED = (
    *("mislabel_probability", "p_value", "suspicion", "mean_weight", "zero_weight_share"),
    *("mean_influence", "mean_loss"),
)


def give_reason(record: Mapping[str, Any]) -> str:
    """Why a row is suspected, in a sentence."""
    low, high = (f"{record[name]:.4g}" for name in ("predicted_low", "predicted_high"))
    expected = f"rows like it have {low} to {high}"
    if record["slip"] is not None:
        return (
            f"As if {record['suggested_label']} had been changed by {record['slip']}; {expected}."
        )
    if record["predicted_low"] <= float_label(record["given_label"]) <= record["predicted_high"]:
        return f"Within what is expected: {expected}."
    return f"Not what is expected: {expected}."


def float_label(text: str) -> float:
    """The number that a stored label stands for; NaN where its spelling is no plain number."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
