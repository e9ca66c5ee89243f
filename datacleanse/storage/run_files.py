"""The names of a run's files. The only module that knows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MANIFEST_NAME = "run.json"
"""What makes a folder a run."""


@dataclass(frozen=True)
class RunFiles:
    """Where everything of a run lies."""

    path: Path

    def __fspath__(self) -> str:
        """Its path, so that it serves where a path is asked for."""
        return str(self.path)

    @property
    def manifest_file(self) -> Path:
        """`run.json`: settings, data, timings, metrics, notices."""
        return self.path / MANIFEST_NAME

    @property
    def audit_file(self) -> Path:
        """`audit.parquet`: one row per row of DATA."""
        return self.path / "audit.parquet"

    @property
    def suspects_file(self) -> Path:
        """`suspects.parquet`: the original columns of the most suspicious rows, typed."""
        return self.path / "suspects.parquet"

    @property
    def decisions_file(self) -> Path:
        """`decisions.jsonl`: what a reviewer decided; there once there is a decision."""
        return self.path / "decisions.jsonl"

    @property
    def review_address_file(self) -> Path:
        """`.review.json`: port and token of the last review; for this user's eyes alone."""
        return self.path / ".review.json"

    @property
    def likelihoods_file(self) -> Path:
        """`likelihoods.parquet`: the likeliest classes of the stored suspects."""
        return self.path / "likelihoods.parquet"

    @property
    def clues_file(self) -> Path:
        """`clues.parquet`: what was thought of the first rows of the ranking, for a later round."""
        return self.path / "clues.parquet"

    @property
    def neighbours_file(self) -> Path:
        """`neighbours.parquet`: the nearest verified rows of the stored suspects."""
        return self.path / "neighbours.parquet"

    @property
    def clean_rows_file(self) -> Path:
        """`clean_rows.parquet`: the original columns of those verified rows, typed."""
        return self.path / "clean_rows.parquet"

    @property
    def telling_file(self) -> Path:
        """`telling.parquet`: which cells of the stored suspects tell most."""
        return self.path / "telling.parquet"

    @property
    def terms_file(self) -> Path:
        """`terms.parquet`: which words of the stored suspects' texts tell most."""
        return self.path / "terms.parquet"

    @property
    def thumbnails_file(self) -> Path:
        """`thumbnails.parquet`: small pictures of the stored suspects and their neighbours."""
        return self.path / "thumbnails.parquet"

    @property
    def conflicts_file(self) -> Path:
        """`conflicts.parquet`: rows of DATA that are equal but for their labels."""
        return self.path / "conflicts.parquet"

    @property
    def duplicates_file(self) -> Path:
        """`duplicates.parquet`: pictures of DATA that show the same as another one."""
        return self.path / "duplicates.parquet"

    @property
    def unreadable_file(self) -> Path:
        """`unreadable.parquet`: pictures that were left out, and why."""
        return self.path / "unreadable.parquet"

    @property
    def parked_file(self) -> Path:
        """What DATA, then a large matrix, is mapped from; without a name as soon as it is."""
        return self.path / ".data.arrow"

    @property
    def calibration_file(self) -> Path:
        """`calibration.parquet`: part played and score of each row of CLEAN."""
        return self.path / "calibration.parquet"

    @property
    def checkpoint_dir(self) -> Path:
        """`checkpoint/`: what `--resume` needs; gone when the run is finished."""
        return self.path / "checkpoint"

    @property
    def features_file(self) -> Path:
        """What a pretrained network made of the pictures, for `--resume`."""
        return self.checkpoint_dir / "features.safetensors"

    @property
    def weights_dir(self) -> Path:
        """`weights/`: the ledger."""
        return self.path / "weights"

    @property
    def model_dir(self) -> Path:
        """`model/`: safetensors and JSON."""
        return self.path / "model"

    @property
    def reports_dir(self) -> Path:
        """`reports/`: what people read."""
        return self.path / "reports"

    @property
    def lock_file(self) -> Path:
        """Held by whoever writes in the folder, and only there meanwhile."""
        return self.path / ".lock"
