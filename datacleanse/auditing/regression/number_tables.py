"""The tables of an audit of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.auditing.audit_table import write_found
from datacleanse.auditing.found_rows import FoundRows, tabulate_floats
from datacleanse.data.number_labels import count_decimals, spell_fully, spell_number
from datacleanse.detection.ranking import UNVERIFIED
from datacleanse.detection.regression.assess import NO_SLIP
from datacleanse.detection.verdicts import AMBIGUOUS, CLEAR, FINE, LIKELY_WRONG, UNLIKE, VERDICTS
from datacleanse.storage.number_schemas import NUMBER_AUDIT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from datacleanse.detection.regression.assess import NumberAssessment, Targets
    from datacleanse.storage.run_folder import RunFolder


@dataclass(frozen=True)
class NumberColumns:
    """The columns of the audit table that hang on labels being numbers."""

    found: FoundRows
    assessed: NumberAssessment
    targets: Targets
    """What codes stand for."""
    decimals: int | None
    """Of DATA's labels."""

    def tell_labels(self, rows: slice) -> dict[str, pa.Array]:
        """Make them of some rows."""
        data, found = self.found.data, self.assessed
        spelled = np.array(data.given_labels, dtype=object)
        measured: dict[str, NDArray[np.floating]] = {
            "predicted": found.prediction,
            "predicted_low": found.low,
            "predicted_high": found.high,
        }
        return {
            "given_label": pa.array(spelled[data.labels[rows]], pa.string()),
            "suggested_label": pa.array(self._spell_suggestions(rows), pa.string()),
            "verified_label": pa.array(self._spell_verified(rows), pa.string()),
            "slip": self._name_slips(rows),
            "verdict": self._judge(rows),
            **tabulate_floats(measured, rows),
        }

    def _spell_suggestions(self, rows: slice) -> list[str | None]:
        """Spell what numbers should have been; None where there is no suggestion.

        An undone slip has all its digits, a prediction not more than mean something.
        """
        found = zip(
            self.assessed.suggested[rows].tolist(),
            self.assessed.slip[rows].tolist(),
            self._spell_verified(rows),
            strict=True,
        )
        return [
            None
            if math.isnan(number)
            else verified
            or spell_number(number, self.decimals, digits=6 if slip == NO_SLIP else 12)
            for number, slip, verified in found
        ]

    def _spell_verified(self, rows: slice) -> list[str | None]:
        """Spell verified numbers with all their digits; None where a row is not verified."""
        return [
            None if code < 0 else spell_fully(float(self.targets.values[code]), self.decimals)
            for code in self.found.evidence.verified[rows].tolist()
        ]

    def _name_slips(self, rows: slice) -> pa.Array:
        names = [slip.describe() for slip in self.assessed.slips]
        found = self.assessed.slip[rows]
        return pa.array([None if at == NO_SLIP else names[at] for at in found], pa.string())

    def _judge(self, rows: slice) -> pa.Array:
        """One word for each row: by proof, by its distance, else by the odds that it is wrong."""
        wrong = self.assessed.rows.probability[rows]
        is_wrong, is_fine = wrong >= CLEAR * (1 - wrong), 1 - wrong >= CLEAR * wrong
        places = np.where(is_wrong, LIKELY_WRONG, np.where(is_fine, FINE, AMBIGUOUS))
        is_open = self.assessed.rows.verdict[rows] == UNVERIFIED
        places = np.where(self.found.health.is_unlike[rows] & is_open, UNLIKE, places)
        return pa.array(np.array(VERDICTS, dtype=object)[places], pa.string())


def write_number_tables(
    folder: RunFolder,
    found: FoundRows,
    assessed: NumberAssessment,
    targets: Targets,
    take: Callable[[NDArray[np.int64]], pa.Table],
) -> None:
    """Write the audit table, what is kept of the suspects, and what became of CLEAN's rows.

    Args:
        folder: of the run.
        found: of DATA's rows.
        assessed: what was found of their numbers.
        targets: what codes stand for.
        take: gives rows of DATA, whose numbers ascend, with all their columns.
    """
    columns = NumberColumns(found, assessed, targets, count_decimals(found.data.targets))
    write_found(folder, found, take, columns.tell_labels, NUMBER_AUDIT_SCHEMA)
