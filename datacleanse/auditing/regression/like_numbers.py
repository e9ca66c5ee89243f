"""What is shown beside a suspect whose label is a number: groups of like numbers are its classes.

A cell tells much where its value is commoner among rows whose numbers are like the suggested one,
and verified rows with such numbers stand before others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import torch

from datacleanse.auditing.audit_table import take_clean_rows, write_telling
from datacleanse.data.number_labels import GROUPS, count_decimals, group_by_size, spell_fully
from datacleanse.detection.nearest_clean import find_neighbours
from datacleanse.storage.atomic_files import write_parquet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.regression.number_audit import RunningNumbers
    from datacleanse.detection.regression.assess import NumberAssessment
    from datacleanse.training.side_by_side import TrainedNetwork

NAMES = tuple(map(str, range(GROUPS)))
"""Of the groups; nobody is shown them."""


def write_like_numbers(
    running: RunningNumbers, assessed: NumberAssessment, final: TrainedNetwork
) -> None:
    """Write which cells of the stored suspects tell most, and the verified rows like them.

    Args:
        running: the audit, its tables written.
        assessed: the verdict.
        final: the network that tells which rows are like each other.
    """
    folder, inputs = running.begun.folder, running.audit.inputs
    numbers, suspects = inputs.data.targets, folder.read_suspects().column(0).to_numpy()
    suggested = _group_suggestions(numbers, assessed.suggested)
    grouped = replace(inputs.data, labels=group_by_size(numbers), given_labels=NAMES)
    wrong = assessed.rows.probability
    write_telling(folder, grouped, wrong, suggested, np.sort(suspects))
    if not inputs.clean.n_rows:
        return
    given = running.audit.targets.values[running.audit.plan.labels]
    labels = torch.from_numpy(group_by_size(numbers, given)).to(running.examples.labels.device)
    found = find_neighbours(
        final.network,
        replace(running.examples, labels=labels),
        suspects,
        suggested[suspects],
        NAMES,
        is_in_clean=np.isin(suspects, inputs.comparison.overlap.data_rows),
    )
    decimals = count_decimals(numbers)
    spelled = [spell_fully(number, decimals) for number in inputs.clean.targets.tolist()]
    own = pa.array(spelled, pa.string()).take(found["clean_row"].combine_chunks())
    place = found.schema.get_field_index("label")
    neighbours = found.set_column(place, found.schema.field(place), own)
    write_parquet(folder.neighbours_file, neighbours)
    write_parquet(folder.clean_rows_file, take_clean_rows(inputs.clean, neighbours))


def _group_suggestions(
    numbers: NDArray[np.float64], suggested: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(N,) the group of each suggested number, -1 where it is NaN."""
    is_known = ~np.isnan(suggested)
    found = np.full(len(suggested), -1)
    found[is_known] = group_by_size(numbers, suggested[is_known])
    return found
