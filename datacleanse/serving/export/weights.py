"""`--format weights`: how far each row of DATA is to be trusted, for any ``sample_weight``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from datacleanse.data import check_target, write_table
from datacleanse.storage.manifest.numbers import NumberManifest

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.serving.export.interface import FinishedRun


@dataclass(frozen=True)
class WeightsFormat:
    """Columns: ``row``, ``id``, ``weight`` = 1 - P(label is wrong), ``keep`` = not flagged."""

    name: str = "weights"
    default_target: str = "weights.csv"

    def check(self, target: Path) -> None:
        """Refuse an ending that is none of a table, and a place where no file can be written."""
        check_target(target, source="<run>")

    def list_beside(self, target: Path) -> tuple[Path, ...]:
        """Nothing."""
        del target
        return ()

    def write(self, run: FinishedRun, target: Path) -> tuple[str, ...]:
        """Write the table; say how many rows it has and what they weigh."""
        audit = _read_audit(run)
        wrong = audit.column("mislabel_probability")
        keep = pc.invert(audit.column("flagged"))
        # Where there was no basis for an estimate, nothing speaks against the row.
        weight = pc.subtract(pa.scalar(1.0), pc.fill_null(wrong, 0.0))
        table = pa.table(
            {"row": audit.column("row"), "id": audit.column("id"), "weight": weight, "keep": keep}
        )
        write_table(table, target)
        told = [
            f"{table.num_rows:,} rows, mean weight {pc.mean(weight).as_py():.3f}, "
            f"{pc.sum(keep).as_py() or 0:,} to keep."
        ]
        if wrong.null_count:
            told.append(f"{wrong.null_count:,} rows without an estimate have weight 1.")
        return tuple(told)


def _read_audit(run: FinishedRun) -> pa.Table:
    if isinstance(run.manifest, NumberManifest):
        return run.folder.read_number_audit(run.manifest.data.rows)
    return run.folder.read_audit(run.manifest.data.classes)
