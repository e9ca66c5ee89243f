"""The tables of an audit of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.auditing.audit_table import (
    count_stored,
    name_rows,
    seal_known_rows,
    tabulate_calibration,
    tell_bound,
    write_audit,
    write_clues,
    write_suspects,
)
from datacleanse.data import read_ids
from datacleanse.data.number_labels import count_decimals, spell_fully, spell_number
from datacleanse.detection.ranking import UNVERIFIED, score_ranks
from datacleanse.detection.regression.assess import NO_SLIP
from datacleanse.detection.verdicts import AMBIGUOUS, CLEAR, FINE, LIKELY_WRONG, UNLIKE, VERDICTS
from datacleanse.storage.atomic_files import write_parquet
from datacleanse.storage.mapped_files import release_mapped
from datacleanse.storage.number_schemas import NUMBER_AUDIT_COLUMNS, NUMBER_AUDIT_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Evidence
    from datacleanse.detection.health.look import Health
    from datacleanse.detection.regression.assess import NumberAssessment, Targets
    from datacleanse.records import Dataset
    from datacleanse.storage.run_folder import RunFolder


@dataclass(frozen=True)
class NumberColumns:
    """Every column of the audit table but the weights by epoch, made when asked for."""

    data: Dataset
    evidence: Evidence
    assessed: NumberAssessment
    targets: Targets
    health: Health
    """What was seen beside wrong labels."""
    stability: NDArray[np.float64] | None
    """(N,) share of the repeated runs that flag each row; None: there were none."""
    score: NDArray[np.float64]
    """(N,) the column ``suspicion``; see `score_ranks`."""
    decimals: int | None
    """Of DATA's labels."""
    final_weight: NDArray[np.float32]
    """(N,) how much each row counts in the final model, in [0, 1]."""
    n_stored: int
    """Rows of the lowest ranks that are kept, and known again, beyond the run."""

    def take_rows(self, rows: slice) -> dict[str, pa.Array]:
        """Make every column of some rows but the weights by epoch."""
        data, common = self.data, self.assessed.rows
        release_mapped()  # of the portion before
        labels = data.labels[rows]
        part = replace(data, table=data.table[rows], labels=labels)
        spelled = np.array(data.given_labels, dtype=object)
        unknown = {
            each.name: pa.nulls(len(labels), each.type)
            for each in NUMBER_AUDIT_COLUMNS
            if each.may_lack
        }
        return unknown | {
            "row": pa.array(np.arange(rows.start, rows.stop)),
            "id": read_ids(part) if data.schema.id else name_rows(data, rows),
            "given_label": pa.array(spelled[labels], pa.string()),
            "suggested_label": pa.array(self._spell_suggestions(rows), pa.string()),
            "rank": pa.array(common.rank[rows]),
            "flagged": pa.array(common.flagged[rows]),
            "in_training": pa.array(self.evidence.is_trained[rows]),
            "verified_label": pa.array(self._spell_verified(rows), pa.string()),
            "flag_stability": self._tell_stability(rows),
            "false_at_most": tell_bound(common, rows),
            "row_sha256": seal_known_rows(
                part, common.rank[rows], self.evidence.verified[rows], self.n_stored
            ),
            "copy_group": pa.array(
                self.health.copy_group[rows], mask=self.health.copy_group[rows] < 0
            ),
            "slip": self._name_slips(rows),
            "verdict": self._judge(rows),
            **self._measure(rows),
        }

    def _tell_stability(self, rows: slice) -> pa.Array:
        if self.stability is None:
            return pa.nulls(len(self.data.labels[rows]), pa.float64())
        return pa.array(self.stability[rows])

    def _measure(self, rows: slice) -> dict[str, pa.Array]:
        """The columns of floats; NaN becomes null."""
        found, common, dynamics = self.assessed, self.assessed.rows, self.evidence.reweighted
        measured: dict[str, NDArray[np.floating]] = {
            "suspicion": self.score,
            "mislabel_probability": common.probability,
            "p_value": common.p_value,
            "mean_weight": dynamics.weight,
            "zero_weight_share": dynamics.zero_weight_share,
            "mean_influence": dynamics.influence,
            "mean_margin": dynamics.margin,
            "mean_loss": dynamics.loss,
            "control_margin": self.evidence.control.margin,
            "final_weight": self.final_weight,
            "unlike_p_value": self.health.unlike_p_value,
            "predicted": found.prediction,
            "predicted_low": found.low,
            "predicted_high": found.high,
        }
        return {
            name: pa.array(values[rows], type=pa.float64(), from_pandas=True)
            for name, values in measured.items()
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
            for code in self.evidence.verified[rows].tolist()
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
        places = np.where(self.health.is_unlike[rows] & is_open, UNLIKE, places)
        return pa.array(np.array(VERDICTS, dtype=object)[places], pa.string())


def write_number_tables(
    folder: RunFolder,
    data: Dataset,
    evidence: Evidence,
    assessed: NumberAssessment,
    targets: Targets,
    *,
    health: Health,
    stability: NDArray[np.float64] | None,
    final_weight: NDArray[np.float32],
    top: int,
    take: Callable[[NDArray[np.int64]], pa.Table],
) -> None:
    """Write the audit table, what is kept of the suspects, and what became of CLEAN's rows.

    Args:
        folder: of the run.
        data: DATA.
        evidence: what training showed.
        assessed: what it says of each row.
        targets: what codes stand for.
        health: what was seen beside wrong labels.
        stability: see `NumberColumns`.
        final_weight: see `NumberColumns`.
        top: rows that the reports list.
        take: gives rows of DATA, whose numbers ascend, with all their columns.
    """
    common, decimals = assessed.rows, count_decimals(data.targets)
    n_stored = count_stored(common, top)
    score = score_ranks(common.suspicion, common.verdict, common.rank)
    columns = NumberColumns(
        data,
        evidence,
        assessed,
        targets,
        health,
        stability,
        score,
        decimals,
        final_weight,
        n_stored,
    )
    write_audit(
        folder.audit_file,
        columns.take_rows,
        folder.epoch_files(),
        data.n_rows,
        NUMBER_AUDIT_SCHEMA,
    )
    write_suspects(folder, common.rank, n_stored, take)
    write_parquet(folder.calibration_file, tabulate_calibration(data, evidence, common))
    write_clues(folder, common)
