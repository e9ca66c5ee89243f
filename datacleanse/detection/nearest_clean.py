"""The clean rows that a suspect looks like to the final network: evidence for whoever reviews it.

Distances are Euclidean, between what the network's last layer reads. The nearest clean rows of the
suggested class come first, since they show what the suspect is said to be; where there is no
suggestion, or fewer than `N_NEIGHBOURS` such rows, the nearest of all others follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import torch

from datacleanse.storage.schemas import NEIGHBOURS_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.training.examples import Examples
    from datacleanse.training.placement import Rows

N_NEIGHBOURS = 3
"""Of each suspect."""

BATCH = 256
"""Rows that are described by their last layer's inputs at a time."""

BLOCK = 1_024
"""Suspects that are compared at a time."""


def find_neighbours(
    network: nn.Module,
    examples: Examples,
    suspects: NDArray[np.int64],
    suggested: NDArray[np.int64],
    names: tuple[str, ...],
) -> pa.Table:
    """The nearest clean rows of each suspect, as with the columns of `NEIGHBOURS_COLUMNS`.

    Args:
        network: the final one, on the examples' device.
        examples: DATA's rows, then CLEAN's.
        suspects: (S,) rows of DATA.
        suggested: (S,) class, -1 where the given label is the likeliest.
        names: of the classes.
    """
    n, device = examples.n_data, examples.labels.device
    clean = torch.arange(n, len(examples.labels), device=device)
    labels = examples.labels[clean]
    of_clean = compute_penultimate(network, examples.inputs, clean)
    count = min(N_NEIGHBOURS, len(clean))
    places, distances = [], []
    for start in range(0, len(suspects), BLOCK):
        part = slice(start, start + BLOCK)
        rows = torch.tensor(suspects[part], device=device)
        gap = torch.cdist(compute_penultimate(network, examples.inputs, rows), of_clean)
        wanted = torch.tensor(suggested[part], device=device)
        found = _order(gap, labels[None] == wanted[:, None])[:, :count]
        places.append(found.cpu().numpy())
        distances.append(gap.gather(1, found).cpu().numpy())
    clean_row = np.concatenate(places) if places else np.empty((0, count), np.int64)
    distance = np.concatenate(distances) if distances else np.empty((0, count), np.float32)
    return _tabulate(suspects, clean_row, distance, labels.cpu().numpy(), names)


@torch.no_grad()
def compute_penultimate(model: nn.Module, rows: Rows, index: Tensor) -> Tensor:
    """What the last layer reads of some rows, (n, F) float32, in evaluation mode.

    Networks of the user's own, whose layers are not known, give their logits.
    """
    model.eval()
    encode = getattr(model, "penultimate", model)
    return torch.cat([encode(rows[part]).float() for part in index.split(BATCH)])


def _order(gap: Tensor, is_wanted: Tensor) -> Tensor:
    """(S, V) columns by distance, those that are wanted before all others."""
    by_distance = gap.argsort(dim=1, stable=True)
    is_other = (~is_wanted).gather(1, by_distance)
    first = is_other.to(torch.uint8).argsort(dim=1, stable=True)
    return by_distance.gather(1, first)


def _tabulate(
    suspects: NDArray[np.int64],
    clean_row: NDArray[np.int64],
    distance: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: tuple[str, ...],
) -> pa.Table:
    count = clean_row.shape[1]
    label = pa.DictionaryArray.from_arrays(
        pa.array(labels[clean_row.ravel()]), pa.array(names, pa.string())
    )
    columns = [
        pa.array(suspects.repeat(count)),
        pa.array(np.tile(np.arange(1, count + 1, dtype=np.int32), len(suspects))),
        pa.array(clean_row.ravel()),
        label.cast(pa.string()),
        pa.array(distance.ravel(), pa.float32()),
    ]
    return pa.table(columns, schema=NEIGHBOURS_SCHEMA)
