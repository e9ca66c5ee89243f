"""Reads the audit table: the listed suspects, and what reports sum up of all rows.

Only what a report draws or lists is worked out here: histograms, running sums, counts. Estimates
come from the run folder or from `datacleanse.detection`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from datacleanse.storage.manifest.results import NONE_STEERED
from datacleanse_reports.cells import choose_cells, spell_column
from datacleanse_reports.reason import Evidence, give_reason
from datacleanse_reports.records import Basis, ReadingPoint, WeightDistribution
from datacleanse_reports.suspect import Suspect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.detection.reliability import ReliabilityBin
    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.manifest.whole import Manifest
    from datacleanse.storage.run_folder import Classes, RunFolder
    from datacleanse_reports.companions import Companions

_SUMMED = [
    "rank",
    "given_label",
    "flagged",
    "mean_weight",
    "suspicion",
    "mislabel_probability",
    "p_value",
    "verdict",
]
_MAX_BINS = 24

_FOR_PEOPLE = frozenset({"text", "unclear", "dropped", "beside pictures"})
"""Why a column may be set aside whose cells people read all the same."""

_READING_POINTS = 80
"""Points of the reading curve, at most."""
_BEYOND = 2.0
"""The reading curve is drawn for so many times the expected number of wrong labels."""


def read_columns(folder: RunFolder, classes: Classes | None) -> pa.Table:
    """The narrow columns of all rows. The histories stay on disk: they are the bulk of the file."""
    # Labels as codes: there are few of them and many rows.
    table = folder.read_audit_columns(_SUMMED, classes, coded=["given_label"])
    return table.unify_dictionaries()


def read_ranked(folder: RunFolder, classes: Classes, *, last: int) -> pa.Table:
    """All columns of the rows with rank 1 to ``last``, by rank; ``classes``: of DATA."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from datacleanse.storage.schemas import AUDIT_SCHEMA

    # Group by group, so that all histories are never in memory at once.
    groups = [
        rows.filter(pc.less_equal(rows["rank"], last)).replace_schema_metadata()
        for rows in folder.read_audit_groups(AUDIT_SCHEMA.names, classes)
    ]
    empty = AUDIT_SCHEMA.empty_table().replace_schema_metadata()
    return pa.concat_tables([empty, *groups]).sort_by("rank")


def read_calibration(
    folder: RunFolder, n_clean: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of the K of ``n_clean`` verified rows that calibrate: scores, and which are wrong pairs."""
    import numpy as np

    table = folder.read_calibration(n_clean)
    scores = table["score"].to_numpy()
    is_scored = np.isfinite(scores)
    is_wrong = table["is_wrong"].fill_null(False).to_numpy()
    return scores[is_scored], is_wrong[is_scored]


def keep_finite(value: float | None) -> float | None:
    """The number, or None for what is missing, NaN or infinite."""
    return float(value) if value is not None and math.isfinite(value) else None


def find_originals(originals: pa.Table, label: str) -> tuple[list[int], tuple[str, ...]]:
    """Positions and names of the original columns behind ``row``, without the label column.

    By position: the names may repeat and may be the audit's own.
    """
    positions = [i for i, name in enumerate(originals.column_names) if i > 0 and name != label]
    return positions, tuple(originals.column_names[i] for i in positions)


def collect_suspects(
    ranked: pa.Table,
    originals: pa.Table,
    beside: Companions,
    *,
    manifest: Manifest,
) -> tuple[Suspect, ...]:
    """The suspects that have their cells stored.

    Args:
        ranked: the audit columns by rank.
        originals: ``row`` and the original columns, in any order of rows.
        beside: what the run keeps of the suspects besides.
        manifest: `run.json`. The label column is left out: it is shown as the given label. Only
            weights of ``l2rw`` are evidence; where none was steered, the network is the control.
    """
    stored = spell_originals(originals, manifest)
    of_text = {each.name for each in manifest.schema.columns if each.kind == "text"}
    in_text = tuple(sorted(place for name, place in stored.places.items() if name in of_text))
    suspects = []
    for record in ranked.to_pylist():
        row = record["row"]
        if row in stored.at and not _is_known(record):
            cells = stored.take(row)
            suspect = _make_suspect(record, cells, beside, manifest)
            # A text whose words tell something is read before all other cells.
            first = [name for name in stored.places if name in of_text and suspect.terms]
            told = [*first, *beside.telling.get(row, ())]
            telling = choose_cells(cells, stored.places, told)
            suspects.append(replace(suspect, telling=telling, texts=in_text))
    return tuple(suspects)


@dataclass(frozen=True)
class StoredCells:
    """The original cells of the stored suspects, as text."""

    texts: list[list[str | None]]
    """By column, then by suspect."""
    at: dict[int, int]
    """Which suspect each stored row of DATA is."""
    places: dict[str, int]
    """Where the columns stand that say something to people; see `_place_for_people`."""

    def take(self, row: int) -> tuple[str | None, ...]:
        """Those of a stored row."""
        return tuple(text[self.at[row]] for text in self.texts)


def spell_originals(originals: pa.Table, manifest: AnyManifest) -> StoredCells:
    """Spell the stored suspects' cells; the label column is left out.

    Args:
        originals: ``row`` and the original columns, in any order of rows.
        manifest: `run.json`.
    """
    positions, names = find_originals(originals, manifest.data.label)
    return StoredCells(
        texts=[spell_column(originals.column(i), originals.field(i)) for i in positions],
        at={row: i for i, row in enumerate(originals.column(0).to_pylist())},
        places=_place_for_people(names, manifest),
    )


def _place_for_people(names: Sequence[str], manifest: AnyManifest) -> dict[str, int]:
    """Where the columns stand that say something to people, those that the network read first.

    Vectors are no reading matter, and the id stands beside the row anyway.
    """
    schema = manifest.schema
    told = [each.name for each in schema.columns if each.kind != "embedding"]
    told += [each.name for each in schema.set_aside if each.kind in _FOR_PEOPLE]
    place = {name: i for i, name in reversed(list(enumerate(names)))}
    return {name: place[name] for name in told if name in place and name != manifest.data.id}


def _is_known(record: Mapping[str, Any]) -> bool:
    """Whether the row is verified, hence no suspect: such rows score below 0, behind all others."""
    return (record["suspicion"] or 0.0) < 0


_TAKEN_OVER = ("rank", "row", "given_label", "suggested_label", "verified_label", "verdict")
_MEASURED = (
    *("suspicion", "mislabel_probability", "p_value", "mean_weight", "zero_weight_share"),
    *("mean_influence", "mean_margin", "mean_loss", "control_margin"),
)


def take_record(
    record: Mapping[str, Any], cells: tuple[str | None, ...], beside: Companions
) -> dict[str, Any]:
    """The fields of a `Suspect` that are taken over, be labels classes or numbers.

    Args:
        record: the row's audit columns.
        cells: its own.
        beside: what the run keeps of the suspects besides.
    """
    row = record["row"]
    return {
        **{name: record[name] for name in _TAKEN_OVER},
        **{name: keep_finite(record[name]) for name in _MEASURED},
        "id": record["id"] if record["id"] is not None else str(row),
        "flagged": bool(record["flagged"]),
        "in_training": bool(record["in_training"]),
        "weight_by_epoch": tuple(map(keep_finite, record["weight_by_epoch"] or ())),
        "row_sha256": record.get("row_sha256"),
        "cells": cells,
        "neighbours": beside.neighbours.get(row, ()),
        "picture": beside.pictures.get(row),
    }


def _make_suspect(
    record: Mapping[str, Any],
    cells: tuple[str | None, ...],
    beside: Companions,
    manifest: Manifest,
) -> Suspect:
    rule = manifest.training.rule
    evidence = _collect_evidence(record, beside, n_classes=len(manifest.data.classes))
    if rule != "l2rw":
        evidence = replace(evidence, weights=())
    if rule == NONE_STEERED:
        evidence = replace(evidence, margin=None)
    return Suspect(
        **take_record(record, cells, beside),
        reason=give_reason(evidence),
        likely=evidence.likely,
        terms=evidence.terms,
    )


def _collect_evidence(record: Mapping[str, Any], beside: Companions, *, n_classes: int) -> Evidence:
    near = beside.neighbours.get(record["row"], ())
    return Evidence(
        given=record["given_label"],
        suggested=record["suggested_label"],
        verified=record["verified_label"],
        p_value=keep_finite(record["p_value"]),
        weights=tuple(keep_finite(weight) for weight in record["weight_by_epoch"] or ()),
        margin=keep_finite(record["mean_margin"]),
        control_margin=keep_finite(record["control_margin"]),
        n_classes=n_classes,
        likely=beside.likely.get(record["row"], ()),
        neighbours=tuple(neighbour.label for neighbour in near),
        terms=beside.terms.get(record["row"], ()),
    )


def count_flagged_by_label(table: pa.Table) -> dict[str, int]:
    """Flagged rows by given label, of the labels that DATA has."""
    sums = table.group_by("given_label").aggregate([("flagged", "sum")])
    return {group["given_label"]: group["flagged_sum"] for group in sums.to_pylist()}


def choose_basis(table: pa.Table, *, listed: int) -> tuple[Basis, NDArray[np.bool_]]:
    """Which rows summaries are about, and a mask of them, (N,)."""
    flagged = table["flagged"].to_numpy()
    if flagged.any():
        return "flagged", flagged
    return "top", table["rank"].to_numpy() <= listed


def bin_weights(
    table: pa.Table, basis: Basis, mask: NDArray[np.bool_]
) -> WeightDistribution | None:
    """Histogram of the mean weight, in and out of the basis; None where there is nothing to see."""
    import numpy as np

    weights = table["mean_weight"].to_numpy().astype(np.float64)
    known = np.isfinite(weights)
    inside, outside = weights[known & mask], weights[known & ~mask]
    if not len(inside) or not len(outside) or np.ptp(weights[known]) == 0:
        return None
    right = float(np.quantile(weights[known], 0.99)) or float(weights[known].max())
    edges = np.linspace(0.0, right, _MAX_BINS + 1)

    def shares(values: NDArray[np.float64]) -> tuple[float, ...]:
        counts, _ = np.histogram(np.clip(values, 0.0, right), bins=edges)
        return tuple(float(n) / len(values) for n in counts)

    return WeightDistribution(
        basis=basis,
        edges=tuple(map(float, edges)),
        basis_rows=len(inside),
        other_rows=len(outside),
        basis_shares=shares(inside),
        other_shares=shares(outside),
        basis_median=float(np.median(inside)),
        other_median=float(np.median(outside)),
    )


def check_probabilities(
    table: pa.Table,
    scores: NDArray[np.float64],
    null_share: float | None,
    is_wrong: NDArray[np.bool_] | None = None,
) -> tuple[ReliabilityBin, ...]:
    """Predicted shares of wrong labels beside those that verified rows show, by bins.

    Args:
        table: the audit's narrow columns, (N,).
        scores: (K,) of the verified rows that calibrate.
        null_share: pi0; None where nothing calibrates, which gives no bins.
        is_wrong: (K,) whether their given labels are wrong, where they are pairs.
    """
    from datacleanse.detection.reliability import compare_with_pairs, compare_with_verified

    # Rows that were compared with verified ones have a p-value, and no others.
    tested = table["p_value"].is_valid().to_numpy()
    suspicion = table["suspicion"].to_numpy()[tested]
    probability = table["mislabel_probability"].to_numpy()[tested]
    if is_wrong is not None:
        return compare_with_pairs(suspicion, probability, scores, is_wrong)
    return compare_with_verified(suspicion, probability, scores, null_share)


def sum_by_rank(table: pa.Table) -> tuple[ReadingPoint, ...]:
    """Running sum of the mislabel probabilities by rank, at up to `_READING_POINTS` places."""
    import numpy as np

    order = np.argsort(table["rank"].to_numpy())
    found = np.cumsum(np.nan_to_num(table["mislabel_probability"].to_numpy()[order]))
    last = min(len(found), max(20, math.ceil(_BEYOND * found[-1])))
    places = np.unique(np.linspace(1, last, min(last, _READING_POINTS)).round().astype(np.int64))
    return tuple(ReadingPoint(int(n), float(found[n - 1])) for n in places)
