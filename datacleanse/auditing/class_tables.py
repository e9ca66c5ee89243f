"""The tables of an audit of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.auditing.audit_table import name_classes, write_found, write_telling
from datacleanse.detection.assessment import find_likely_classes
from datacleanse.detection.conflicts import find_conflicts
from datacleanse.detection.verdicts import VERDICTS, judge_rows
from datacleanse.storage.atomic_files import write_parquet
from datacleanse.storage.suspect_schemas import LIKELIHOODS_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from datacleanse.auditing.found_rows import FoundRows
    from datacleanse.detection.evidence import Assessment, Evidence
    from datacleanse.records import Dataset
    from datacleanse.storage.run_folder import RunFolder

LIKELY_CLASSES = 9
"""Classes that are told of a stored suspect: as many as there are digits to choose them by."""


def write_class_tables(
    folder: RunFolder, found: FoundRows, take: Callable[[NDArray[np.int64]], pa.Table]
) -> None:
    """Write the audit table, what is kept of the suspects, conflicts and calibration scores.

    Args:
        folder: of the run.
        found: of DATA's rows.
        take: gives rows of DATA, whose numbers ascend, with all their columns.
    """
    data, evidence, assessment = found.data, found.evidence, found.assessment
    names, verdict = data.given_labels, judge_rows(evidence, assessment, found.health.is_unlike)

    def tell_labels(rows: slice) -> dict[str, pa.Array]:
        return {
            "given_label": name_classes(data.labels[rows], names),
            "suggested_label": name_classes(assessment.suggested[rows], names),
            "verified_label": name_classes(evidence.verified[rows], names),
            "verdict": name_classes(verdict[rows].astype(np.int64), VERDICTS),
        }

    stored = write_found(folder, found, take, tell_labels)
    likelihoods = _tabulate_likelihoods(data, evidence, assessment, stored)
    write_parquet(folder.likelihoods_file, likelihoods)
    if data.schema.columns:
        write_parquet(folder.conflicts_file, find_conflicts(data, assessment.rank))
    write_telling(folder, data, assessment.probability, assessment.suggested, stored)


def _tabulate_likelihoods(
    data: Dataset, evidence: Evidence, assessment: Assessment, rows: NDArray[np.int64]
) -> pa.Table:
    """One line a row and place, with the columns of `LIKELIHOODS_COLUMNS`."""
    classes, probability = find_likely_classes(evidence, assessment, rows, places=LIKELY_CLASSES)
    places = classes.shape[1]
    return pa.table(
        {
            "row": pa.array(np.repeat(rows, places)),
            "place": pa.array(np.tile(np.arange(1, places + 1, dtype=np.int32), len(rows))),
            "label": name_classes(classes.ravel(), data.given_labels),
            "probability": pa.array(probability.ravel().astype(np.float32)),
        },
        schema=LIKELIHOODS_SCHEMA,
    )
