"""The files of a run. The only module that knows their names."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.errors import RunFolderError
from datacleanse.storage.atomic_files import write_aside, write_parquet
from datacleanse.storage.manifest.file import (
    read_manifest,
    read_opening,
    read_status,
    write_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.storage.manifest.whole import Manifest, Opening

MODEL_SUFFIXES = (".json", ".safetensors")
"""In `model/`; the README there may be edited."""


@dataclass(frozen=True)
class RunFolder:
    """Where everything of a run lies."""

    path: Path

    @property
    def manifest_file(self) -> Path:
        """`run.json`: settings, data, timings, metrics, notices."""
        return self.path / "run.json"

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
    def likelihoods_file(self) -> Path:
        """`likelihoods.parquet`: the likeliest classes of the stored suspects."""
        return self.path / "likelihoods.parquet"

    @property
    def neighbours_file(self) -> Path:
        """`neighbours.parquet`: the nearest verified rows of the stored suspects."""
        return self.path / "neighbours.parquet"

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

    def model_files(self) -> dict[str, str]:
        """sha256 (hex) of the files in `model/` that make the model, by name."""
        made = [file for file in self.model_dir.iterdir() if file.suffix in MODEL_SUFFIXES]
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(made)}

    def epoch_file(self, epoch: int) -> Path:
        """The ledger of one epoch, counted from 0."""
        return self.weights_dir / f"epoch-{epoch:04d}.parquet"

    def epoch_files(self) -> list[Path]:
        """The ledger's closed files, in order."""
        return sorted(self.weights_dir.glob("epoch-*.parquet"))

    def manifest(self) -> Manifest:
        """Read `run.json` of a finished run.

        Raises:
            RunFolderError: no run, a damaged one, one of a later version, or an unfinished one.
        """
        return read_manifest(self.manifest_file)

    def has_checkpoint(self) -> bool:
        """Whether a training has saved something to go on with."""
        return any(self.checkpoint_dir.glob("*.safetensors"))

    def write_card(self, text: str) -> None:
        """Write `model/README.md`, the model card."""
        with write_aside(self.model_dir / "README.md") as aside:
            aside.write_text(text, encoding="utf-8")

    def write_opening(self, opening: Opening) -> None:
        """Write `run.json` of a run that begins or stops, so that what it leaves is known."""
        write_manifest(self.manifest_file, opening)

    def finish(self, manifest: Manifest) -> None:
        """Write `run.json` last, and let go of what only an unfinished run needs."""
        write_manifest(self.manifest_file, manifest)
        self.forget_checkpoint()

    def forget_checkpoint(self) -> None:
        """Remove what a finished run does not need."""
        shutil.rmtree(self.checkpoint_dir, ignore_errors=True)

    def check_ledger(self, epochs: int) -> None:
        """See that every epoch has its file.

        Raises:
            RunFolderError: one is missing.
        """
        for epoch in range(epochs):
            if not self.epoch_file(epoch).is_file():
                raise RunFolderError(
                    f"{self.epoch_file(epoch)} is missing.",
                    slug="run-damaged",
                    hint="Repeat the audit with --force.",
                )

    def begun(self) -> Opening | None:
        """What is known of a run that is finished or may be gone on with; None: there is none.

        Raises:
            RunFolderError: a damaged run, or one of a later version.
        """
        return read_opening(self.manifest_file)

    def is_finished(self) -> bool:
        """Whether `run.json` says so."""
        return read_status(self.manifest_file) == "finished"

    def read_audit(self) -> pa.Table:
        """The audit table, in DATA's order."""
        return self._read(self.audit_file)

    def read_audit_columns(self, names: Sequence[str]) -> pa.Table:
        """Some columns of the audit table, in DATA's order; one that it lacks is all null."""
        with report_damage_as(self.audit_file), pq.ParquetFile(self.audit_file) as file:
            table = file.read(columns=[n for n in names if n in file.schema_arrow.names])
        for name in names:
            if name not in table.column_names:
                table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
        return table

    def read_flagged(self) -> pa.Table:
        """The flagged rows of the audit table, without their histories."""
        # Group by group, so that the others are never in memory at once.
        with report_damage_as(self.audit_file), pq.ParquetFile(self.audit_file) as file:
            names = [name for name in file.schema_arrow.names if name != "weight_by_epoch"]
            groups = [
                group.filter(group["flagged"])
                for group in map(
                    partial(file.read_row_group, columns=names), range(file.num_row_groups)
                )
            ]
        return pa.concat_tables(groups)

    def read_suspects(self) -> pa.Table:
        """The stored suspects' ``row`` (first column) and original columns, by rank."""
        return self._read(self.suspects_file)

    def read_calibration(self) -> pa.Table:
        """Part played and score of each row of CLEAN."""
        return self._read(self.calibration_file)

    def read_ranks(self) -> NDArray[np.int64]:
        """(N,) the audit table's ranks, in DATA's order."""
        with report_damage_as(self.audit_file), pq.ParquetFile(self.audit_file) as file:
            rank: NDArray[np.int64] = file.read(columns=["rank"]).column(0).to_numpy()
        return rank

    def read_unreadable(self) -> pa.Table:
        """The pictures that were left out, of a run of pictures."""
        return self._read(self.unreadable_file)

    def write_neighbours(self, table: pa.Table) -> None:
        """Write ``row``, ``place``, ``clean_row``, ``label``, ``distance``."""
        write_parquet(self.neighbours_file, table)

    def read_neighbours(self) -> pa.Table | None:
        """What `write_neighbours` wrote; None in runs of before there were any."""
        return self._read(self.neighbours_file) if self.neighbours_file.is_file() else None

    def read_ledger(self) -> pa.Table:
        """The epochs' files, one after the other."""
        return pa.concat_tables([self._read(file) for file in self.epoch_files()])

    def _read(self, file: Path) -> pa.Table:
        # `read_table` goes by name and refuses a file in which one repeats.
        with report_damage_as(file), pq.ParquetFile(file) as parquet:
            return parquet.read()


@contextmanager
def report_damage_as(file: Path) -> Iterator[None]:
    """Say which file of a run is missing or damaged while the block reads it.

    Raises:
        RunFolderError: it is.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        raise RunFolderError(
            f"{file} is missing or damaged ({error}).",
            slug="run-damaged",
            hint="Repeat the audit.",
        ) from error


def find_decisions(place: Path) -> Path:
    """The file of decisions that is meant by its own name or by that of the run it is about."""
    is_folder = os.path.isdir(place)  # noqa: PTH112 - says no where it may not be looked
    return RunFolder(place).decisions_file if is_folder else place
