"""What reports of an audit of numbers tell, read from the run folder once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datacleanse.data.any_number import read_number
from datacleanse_reports.audit import (
    find_originals,
    read_columns,
    spell_originals,
    take_record,
)
from datacleanse_reports.cells import choose_cells
from datacleanse_reports.companions import read_companions
from datacleanse_reports.health import make_health
from datacleanse_reports.read_run_view import read_run_view
from datacleanse_reports.run_view import RunView
from datacleanse_reports.suspect import Suspect
from datacleanse_reports.wording import format_measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from datacleanse.storage.manifest.numbers import NumberManifest
    from datacleanse.storage.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class NumberSuspect(Suspect):
    """A listed row; margins are residuals: label minus prediction, in robust deviations."""

    predicted: float
    """In the label's unit."""
    predicted_low: float
    predicted_high: float
    """Nine of ten right labels lie between."""
    slip: str | None
    """What made the number wrong, likelier than not."""

    @property
    def mean_residual(self) -> float | None:
        """By the reweighted network, mean over the epochs."""
        return self.mean_margin

    @property
    def control_residual(self) -> float | None:
        """By plain training."""
        return self.control_margin

    @property
    def expected(self) -> str:
        """The range that nine of ten right labels lie in."""
        return f"{format_measure(self.predicted_low)} to {format_measure(self.predicted_high)}"

    @property
    def number(self) -> float | None:
        """The given number, to sort by."""
        return read_number(self.given_label)


@dataclass(frozen=True, kw_only=True)
class NumberView(RunView):
    """A finished audit of numbers."""

    manifest: NumberManifest
    suspects: tuple[NumberSuspect, ...]

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
    suspects = _collect_suspects(folder, manifest, originals, top)
    table = read_columns(folder, None)
    common = read_run_view(folder, manifest, table, originals=originals, suspects=suspects, top=top)
    own = {"suspects": suspects, "health": make_health(manifest.health)}
    return NumberView(**{**vars(common), **own}, manifest=manifest)


def _collect_suspects(
    folder: RunFolder, manifest: NumberManifest, originals: pa.Table, top: int
) -> tuple[NumberSuspect, ...]:
    """The listed rows that have their cells stored, by rank."""
    stored = spell_originals(originals, manifest)
    listed = [each for each in folder.read_number_suspects(last=top) if each["row"] in stored.at]
    rows = {record["row"] for record in listed}
    _, names = find_originals(originals, manifest.data.label)
    beside = read_companions(folder, manifest, rows=rows, columns=names)
    suspects = []
    for record in listed:
        cells, told = stored.take(record["row"]), beside.telling.get(record["row"], ())
        suspect = NumberSuspect(
            **take_record(record, cells, beside),
            **{name: record[name] for name in _OF_NUMBERS},
            reason=give_reason(record),
            likely=(),
            telling=choose_cells(cells, stored.places, told),
        )
        suspects.append(suspect)
    return tuple(suspects)


_OF_NUMBERS = ("slip", "predicted", "predicted_low", "predicted_high")


def give_reason(record: Mapping[str, Any]) -> str:
    """Why a row is suspected, in a sentence."""
    low, high = (f"{record[name]:.4g}" for name in ("predicted_low", "predicted_high"))
    expected = f"rows like it have {low} to {high}"
    if record["slip"] is not None:
        return (
            f"As if {record['suggested_label']} had been changed by {record['slip']}; {expected}."
        )
    given = read_number(record["given_label"])
    if given is not None and record["predicted_low"] <= given <= record["predicted_high"]:
        return f"Within what is expected: {expected}."
    return f"Not what is expected: {expected}."
