"""The clean rows that a suspect looks like to the final network: evidence for whoever reviews it.

Distances are Euclidean, between what the network's last layer reads; of a table of texts alone,
between the texts' directions along their main axes, so that they are the nearest texts by cosine.
The nearest clean rows of the
suggested class come first, since they show what the suspect is said to be; where there is no
suggestion, or fewer than `N_NEIGHBOURS` such rows, the nearest of all others follow. A row that
stands in CLEAN too is no neighbour of itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from datacleanse.storage.suspect_schemas import NEIGHBOURS_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from datacleanse.training.examples import Examples
    from datacleanse.training.placement import Rows

N_NEIGHBOURS = 3
"""Of each suspect."""

BATCH = 256
"""Rows that are described by their last layer's inputs at a time."""

SAME = 1e-3
"""Distance below which two rows are one to the network, as a share of their lengths' sum."""

BLOCK = 1_024
"""Suspects that are compared at a time."""


def find_neighbours(
    network: nn.Module,
    examples: Examples,
    suspects: NDArray[np.int64],
    suggested: NDArray[np.int64],
    names: tuple[str, ...],
    *,
    is_in_clean: NDArray[np.bool_],
) -> pa.Table:
    """The nearest clean rows of each suspect, as with the columns of `NEIGHBOURS_COLUMNS`.

    Args:
        network: the final one, on the examples' device.
        examples: DATA's rows, then CLEAN's.
        suspects: (S,) rows of DATA.
        suggested: (S,) class, -1 where the given label is the likeliest.
        names: of the classes.
        is_in_clean: (S,) whether the suspect stands in CLEAN too: what equals it there is itself.
    """
    n, device = examples.n_data, examples.labels.device
    clean = torch.arange(n, len(examples.labels), device=device)
    labels = examples.labels[clean]
    of_clean = _describe(network, examples, clean)
    count = min(N_NEIGHBOURS, len(clean))
    places, distances = [], []
    for start in range(0, len(suspects), BLOCK):
        part = slice(start, start + BLOCK)
        rows = torch.tensor(suspects[part], device=device)
        here = _describe(network, examples, rows)
        gap = torch.cdist(here, of_clean)
        itself = torch.tensor(is_in_clean[part], device=device)[:, None] & _is_same(
            gap, here, of_clean
        )
        gap[itself] = torch.inf
        wanted = torch.tensor(suggested[part], device=device)
        found = _order(gap, (labels[None] == wanted[:, None]) & ~itself)[:, :count]
        places.append(found.cpu().numpy())
        distances.append(gap.gather(1, found).cpu().numpy())
    clean_row = np.concatenate(places) if places else np.empty((0, count), np.int64)
    distance = np.concatenate(distances) if distances else np.empty((0, count), np.float32)
    return _tabulate(suspects, clean_row, distance, labels.cpu().numpy(), names)


def _describe(network: nn.Module, examples: Examples, index: Tensor) -> Tensor:
    """(n, K) what distances are measured between."""
    if examples.axes is None:
        return compute_penultimate(network, examples.inputs, index)
    along = torch.cat([examples.inputs[part] for part in index.split(BATCH)])
    along = along[:, examples.axes.to(along.device)].nan_to_num()
    return nn.functional.normalize(along, dim=1)


@torch.no_grad()
def compute_penultimate(model: nn.Module, rows: Rows, index: Tensor) -> Tensor:
    """What the last layer reads of some rows, (n, F) float32, in evaluation mode.

    Networks of the user's own, whose layers are not known, give their logits.
    """
    model.eval()
    encode = getattr(model, "penultimate", model)
    return torch.cat([encode(rows[part]).float() for part in index.split(BATCH)])


def _is_same(gap: Tensor, here: Tensor, of_clean: Tensor) -> Tensor:
    """(S, V) whether two rows differ by no more than rounding."""
    lengths = here.norm(dim=1)[:, None] + of_clean.norm(dim=1)[None]
    is_same: Tensor = gap <= SAME * lengths
    return is_same


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
    # Infinitely far is the row itself, which stands last.
    is_other = np.isfinite(distance.ravel())
    place = np.tile(np.arange(1, count + 1, dtype=np.int32), len(suspects))
    label = pa.DictionaryArray.from_arrays(
        pa.array(labels[clean_row.ravel()][is_other]), pa.array(names, pa.string())
    )
    columns = [
        pa.array(suspects.repeat(count)[is_other]),
        pa.array(place[is_other]),
        pa.array(clean_row.ravel()[is_other]),
        label.cast(pa.string()),
        pa.array(distance.ravel()[is_other], pa.float32()),
    ]
    return pa.table(columns, schema=NEIGHBOURS_SCHEMA)
