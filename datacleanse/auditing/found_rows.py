"""What an audit found of DATA's rows, and the columns that tell it whatever their labels are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.data import read_ids, seal_rows
from datacleanse.detection.ranking import score_ranks
from datacleanse.storage.mapped_files import release_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Assessment, Evidence
    from datacleanse.detection.health.look import Health
    from datacleanse.records import Dataset

STORED_SUSPECTS = 1000
"""Rows whose own columns are kept in the run folder, at least, so that reports can be rendered
again without DATA."""


@dataclass(frozen=True)
class FoundRows:
    """What an audit found of DATA's N rows, be their labels classes or numbers."""

    data: Dataset
    evidence: Evidence
    """What training showed."""
    assessment: Assessment
    """What that says of each row."""
    health: Health
    """What was seen beside wrong labels."""
    stability: NDArray[np.float64] | None
    """(N,) share of the repeated runs that flag each row; None: there were none."""
    final_weight: NDArray[np.float32]
    """(N,) how much each row counts in the final model, in [0, 1]."""
    top: int
    """Rows that the reports list."""

    @cached_property
    def n_stored(self) -> int:
        """Rows of the lowest ranks that are kept, and known again, beyond the run."""
        # Rows that p-values flag may stand behind others.
        flagged = self.assessment.rank[self.assessment.flagged]
        return max(STORED_SUSPECTS, self.top, int(flagged.max(initial=0)))

    @cached_property
    def score(self) -> NDArray[np.float64]:
        """(N,) the column ``suspicion``; see `score_ranks`."""
        found = self.assessment
        return score_ranks(found.suspicion, found.verdict, found.rank)

    def take_columns(self, rows: slice) -> dict[str, pa.Array]:
        """Make the columns of some rows, but what hangs on the labels' kind and weights by epoch.

        NaN becomes null.
        """
        release_mapped()  # of the portion before
        found, dynamics = self.assessment, self.evidence.reweighted
        part = replace(self.data, table=self.data.table[rows], labels=self.data.labels[rows])
        group = self.health.copy_group[rows]
        measured: dict[str, NDArray[np.floating]] = {
            "suspicion": self.score,
            "mislabel_probability": found.probability,
            "p_value": found.p_value,
            "mean_weight": dynamics.weight,
            "zero_weight_share": dynamics.zero_weight_share,
            "mean_influence": dynamics.influence,
            "mean_margin": dynamics.margin,
            "mean_loss": dynamics.loss,
            "control_margin": self.evidence.control.margin,
            "unlike_p_value": self.health.unlike_p_value,
            "final_weight": self.final_weight,
        }
        return {
            "row": pa.array(np.arange(rows.start, rows.stop)),
            "id": read_ids(part) if self.data.schema.id else _name_rows(self.data, rows),
            "rank": pa.array(found.rank[rows]),
            "flagged": pa.array(found.flagged[rows]),
            "in_training": pa.array(self.evidence.is_trained[rows]),
            "flag_stability": self._tell_stability(rows),
            "false_at_most": self._tell_bound(rows),
            "copy_group": pa.array(group, mask=group < 0),
            "row_sha256": self._seal_known(part, rows),
            **tabulate_floats(measured, rows),
        }

    def _tell_stability(self, rows: slice) -> pa.Array:
        if self.stability is None:
            return pa.nulls(rows.stop - rows.start, pa.float64())
        return pa.array(self.stability[rows])

    def _tell_bound(self, rows: slice) -> pa.Array:
        bound = self.assessment.false_at_most
        if bound is None:
            return pa.nulls(rows.stop - rows.start, pa.int64())
        return pa.array(bound[rows], mask=bound[rows] < 0)

    def _seal_known(self, part: Dataset, rows: slice) -> pa.Array:
        """Seal stored suspects and verified rows, to know them again; null at all others."""
        is_known = (self.assessment.rank[rows] <= self.n_stored) | (
            self.evidence.verified[rows] >= 0
        )
        seals = np.full(len(is_known), None, dtype=object)
        known = np.flatnonzero(is_known)
        seals[known] = seal_rows(part, known)
        return pa.array(seals, pa.string())


def tabulate_floats(measured: dict[str, NDArray[np.floating]], rows: slice) -> dict[str, pa.Array]:
    """Columns of some rows, each of (N,) floats; NaN becomes null."""
    return {
        name: pa.array(values[rows], type=pa.float64(), from_pandas=True)
        for name, values in measured.items()
    }


def _name_rows(data: Dataset, rows: slice) -> pa.Array:
    """What rows without ids are called: by a data frame's index, else by their numbers."""
    if data.row_names is not None:
        return data.row_names[rows]
    return pa.array(np.arange(rows.start, rows.stop)).cast(pa.string())
