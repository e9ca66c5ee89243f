"""The names of a run's files. The only module that knows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MANIFEST_NAME = "run.json"
"""What makes a folder a run."""


class _Place:
    """A path below the run folder, as an attribute of whoever knows that."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __get__(self, run: RunFiles, _: object = None) -> Path:
        return run.path.joinpath(*self._names)


@dataclass(frozen=True)
class RunFiles:
    """Where everything of a run lies."""

    path: Path

    def __fspath__(self) -> str:
        """Its path, so that it serves where a path is asked for."""
        return str(self.path)

    manifest_file = _Place(MANIFEST_NAME)
    """Settings, data, timings, metrics, notices."""
    audit_file = _Place("audit.parquet")
    """One row per row of DATA."""
    suspects_file = _Place("suspects.parquet")
    """The original columns of the most suspicious rows, typed."""
    decisions_file = _Place("decisions.jsonl")
    """What a reviewer decided; there once there is a decision."""
    review_address_file = _Place(".review.json")
    """Port and token of the last review; for this user's eyes alone."""
    likelihoods_file = _Place("likelihoods.parquet")
    """The likeliest classes of the stored suspects."""
    clues_file = _Place("clues.parquet")
    """What was thought of the first rows of the ranking, for a later round."""
    neighbours_file = _Place("neighbours.parquet")
    """The nearest verified rows of the stored suspects."""
    clean_rows_file = _Place("clean_rows.parquet")
    """The original columns of those verified rows, typed."""
    telling_file = _Place("telling.parquet")
    """Which cells of the stored suspects tell most."""
    terms_file = _Place("terms.parquet")
    """Which words of the stored suspects' texts tell most."""
    thumbnails_file = _Place("thumbnails.parquet")
    """Small pictures of the stored suspects and their neighbours."""
    conflicts_file = _Place("conflicts.parquet")
    """Rows of DATA that are equal but for their labels."""
    duplicates_file = _Place("duplicates.parquet")
    """Pictures of DATA that show the same as another one."""
    unreadable_file = _Place("unreadable.parquet")
    """Pictures that were left out, and why."""
    parked_file = _Place(".data.arrow")
    """What DATA, then a large matrix, is mapped from; without a name as soon as it is."""
    calibration_file = _Place("calibration.parquet")
    """Part played and score of each row of CLEAN."""
    checkpoint_dir = _Place("checkpoint")
    """What `--resume` needs; gone when the run is finished."""
    features_file = _Place("checkpoint", "features.safetensors")
    """What a pretrained network made of the pictures, for `--resume`."""
    weights_dir = _Place("weights")
    """The ledger."""
    model_dir = _Place("model")
    """Safetensors and JSON."""
    reports_dir = _Place("reports")
    """What people read."""
    lock_file = _Place(".lock")
    """Held by whoever writes in the folder, and only there meanwhile."""


OWN_NAMES = frozenset(
    each._names[0] for each in vars(RunFiles).values() if isinstance(each, _Place)
)
"""What lies right in a run's folder, if it is the run's own."""
