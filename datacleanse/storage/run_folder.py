"""The files of a run, written and read; `run_files` knows their names."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datacleanse.storage.atomic_files import write_aside
from datacleanse.storage.damage import make_missing_error
from datacleanse.storage.ledger import read_epoch
from datacleanse.storage.manifest.file import (
    is_of_numbers,
    read_any_manifest,
    read_manifest,
    read_number_manifest,
    read_opening,
    read_status,
    write_manifest,
)
from datacleanse.storage.number_schemas import NUMBER_AUDIT_COLUMNS
from datacleanse.storage.run_files import RunFiles
from datacleanse.storage.run_tables import (
    check_cells,
    check_counts,
    check_distinct,
    check_first_column,
    check_numbered,
    check_rows_by_label,
    open_run_table,
    report_damage_as,
)
from datacleanse.storage.schemas import (
    AUDIT_COLUMNS,
    AUDIT_SCHEMA,
    CALIBRATION_COLUMNS,
    CLEAN_ROW,
    CONFLICTS_COLUMNS,
    EPOCH_SCHEMA,
    SUSPECTS_ROW,
    UNREADABLE_COLUMNS,
)
from datacleanse.storage.suspect_schemas import (
    CLUES_COLUMNS,
    LIKELIHOODS_COLUMNS,
    NEIGHBOURS_COLUMNS,
    TELLING_COLUMNS,
    TERMS_COLUMNS,
    THUMBNAILS_COLUMNS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from datacleanse.storage.manifest.numbers import AnyManifest, NumberManifest
    from datacleanse.storage.manifest.whole import Manifest, Opening
    from datacleanse.storage.run_tables import RunTable
    from datacleanse.storage.table_column import TableColumn

Classes: TypeAlias = "Mapping[str, int]"
"""Rows of DATA by given label, in the order of the network's outputs."""

_LABELS = ("given_label", "suggested_label", "verified_label")
"""Columns of the audit table that hold classes of DATA, as DATA spells them."""

MODEL_SUFFIXES = (".json", ".safetensors")
"""In `model/`; the README there may be edited."""


class RunFolder(RunFiles):
    """Everything of a run: what is written to its files and read from them."""

    def model_files(self) -> dict[str, str]:
        """sha256 (hex) of the files in `model/` that make the model, by name."""
        made = [file for file in self.model_dir.iterdir() if file.suffix in MODEL_SUFFIXES]
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(made)}

    def epoch_file(self, epoch: int) -> Path:
        """The ledger of one epoch, counted from 0."""
        return self.weights_dir / f"epoch-{epoch:04d}.parquet"

    def part_file(self, epoch: int, number: int) -> Path:
        """The rows of an epoch's ledger that one of several processes wrote."""
        return self.weights_dir / f"epoch-{epoch:04d}" / f"part-{number:02d}.parquet"

    def epoch_files(self) -> list[Path]:
        """The ledger's closed files, in order; folders where several processes wrote parts."""
        found = {*self.weights_dir.glob("epoch-*.parquet"), *self.weights_dir.glob("epoch-????")}
        return sorted(found, key=lambda path: path.stem)

    def forget_epoch(self, epoch: int) -> None:
        """Remove what a run that was killed may have left of an epoch that is trained again."""
        self.epoch_file(epoch).unlink(missing_ok=True)
        shutil.rmtree(self.part_file(epoch, 0).parent, ignore_errors=True)

    def manifest(self) -> Manifest:
        """Read `run.json` of a finished run.

        Raises:
            RunFolderError: no run, a damaged one, one of a later version, or an unfinished one.
        """
        return read_manifest(self.manifest_file)

    def any_manifest(self) -> AnyManifest:
        """Read `run.json` of a finished run, be its labels classes or numbers.

        Raises:
            RunFolderError: no run, a damaged one, one of a later version, or an unfinished one.
        """
        return read_any_manifest(self.manifest_file)

    def number_manifest(self) -> NumberManifest:
        """Read `run.json` of a finished audit of numbers.

        Raises:
            RunFolderError: no run, a damaged one, one of classes, or an unfinished one.
        """
        return read_number_manifest(self.manifest_file)

    def is_of_numbers(self) -> bool:
        """Whether it is a finished audit of numbers.

        Raises:
            RunFolderError: no run, a damaged one, or one of a later version.
        """
        return is_of_numbers(self.manifest_file)

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

    def finish(self, manifest: Manifest | NumberManifest) -> None:
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
            if not (self.epoch_file(epoch).is_file() or self.part_file(epoch, 0).is_file()):
                raise make_missing_error(self.epoch_file(epoch))

    def begun(self) -> Opening | None:
        """What is known of a run that is finished or may be gone on with; None: there is none.

        Raises:
            RunFolderError: a damaged run, or one of a later version.
        """
        return read_opening(self.manifest_file)

    def is_finished(self) -> bool:
        """Whether `run.json` says so."""
        return read_status(self.manifest_file) == "finished"

    def read_audit(self, classes: Classes | None = None) -> pa.Table:
        """The audit table, in DATA's order.

        Args:
            classes: rows of DATA by given label, as `run.json` has them, to which the table is
                held; None: they are not at hand. The same holds for the other readers of it.

        Raises:
            RunFolderError: it is missing, damaged or of another run.
        """
        with self._open_audit(classes) as table:
            return _check_audit(table.read(), classes)

    def read_audit_columns(
        self, names: Sequence[str], classes: Classes | None = None, *, coded: Sequence[str] = ()
    ) -> pa.Table:
        """Some columns of the audit table, in DATA's order; texts in ``coded`` as codes."""
        with self._open_audit(classes, coded) as table:
            return _check_audit(table.read(names), classes)

    def read_audit_groups(
        self, names: Sequence[str], classes: Classes | None = None
    ) -> Iterator[pa.Table]:
        """Some columns of the audit table, the rows of a portion of DATA at a time."""
        with self._open_audit(classes) as table:
            yield from table.read_groups(names)

    def read_flagged(self, classes: Classes | None = None) -> pa.Table:
        """The flagged rows of the audit table, without their histories."""
        names = [name for name in AUDIT_SCHEMA.names if name != "weight_by_epoch"]
        return self._select_audit(names, lambda group: group["flagged"], classes)

    def read_verified(self, classes: Classes | None = None) -> pa.Table:
        """The rows of the audit table with a verified label: both labels, and how to know them."""
        names = ["row", "id", "given_label", "verified_label", "row_sha256"]
        return self._select_audit(names, lambda group: group["verified_label"].is_valid(), classes)

    def _select_audit(
        self,
        names: Sequence[str],
        select: Callable[[pa.Table], pa.ChunkedArray],
        classes: Classes | None,
    ) -> pa.Table:
        """Some columns of the rows of the audit table that ``select`` marks."""
        # Group by group, so that the others are never in memory at once.
        groups = [group.filter(select(group)) for group in self.read_audit_groups(names, classes)]
        empty = pa.schema([AUDIT_SCHEMA.field(name) for name in names]).empty_table()
        found = pa.concat_tables([empty.replace_schema_metadata(), *groups])
        with report_damage_as(self.audit_file):
            check_distinct(found["row"], "row")
        return found

    def read_number_audit(self, n_rows: int) -> pa.Table:
        """The audit table of an audit of numbers, in DATA's order.

        Raises:
            RunFolderError: it is missing, damaged or of another run.
        """
        with open_run_table(self.audit_file, NUMBER_AUDIT_COLUMNS, n_rows=n_rows) as table:
            return _check_audit(table.read(), None)

    def read_number_suspects(self, *, last: int) -> list[dict[str, Any]]:
        """Records of the rows with rank 1 to ``last`` that nobody verified, of an audit of numbers.

        Raises:
            RunFolderError: the audit table is missing or damaged.
        """
        columns = NUMBER_AUDIT_COLUMNS
        found: list[dict[str, Any]] = []
        with open_run_table(self.audit_file, columns) as table:
            for group in table.read_groups():
                is_listed = pc.and_(
                    pc.less_equal(group["rank"], last), pc.is_null(group["verified_label"])
                )
                found += group.filter(is_listed).to_pylist()
        return sorted(found, key=lambda record: int(record["rank"]))

    def read_slips(self) -> set[int]:
        """Rows whose number a slip made, likelier than not, of an audit of numbers.

        Raises:
            RunFolderError: the audit table is missing or damaged.
        """
        with open_run_table(self.audit_file, NUMBER_AUDIT_COLUMNS) as table:
            found = table.read(["row", "slip"])
        return set(found.filter(found["slip"].is_valid())["row"].to_pylist())

    def read_suspects(self, n_rows: int | None = None) -> pa.Table:
        """The stored suspects' ``row`` (first column) and original columns, by rank."""
        return _read_originals(self.suspects_file, SUSPECTS_ROW, n_rows)

    def read_calibration(self, n_clean: int | None = None) -> pa.Table:
        """Part played and score of each row of CLEAN, ``n_clean`` of them."""
        file = self.calibration_file
        with open_run_table(file, CALIBRATION_COLUMNS, n_rows=n_clean) as table:
            return table.read()

    def read_ranks(self) -> NDArray[np.int64]:
        """(N,) the audit table's ranks, in DATA's order."""
        rank: NDArray[np.int64] = self.read_audit_columns(["rank"]).column(0).to_numpy()
        return rank

    def read_unreadable(self) -> pa.Table:
        """The pictures that were left out, of a run of pictures."""
        with open_run_table(self.unreadable_file, UNREADABLE_COLUMNS) as table:
            return table.read()

    def read_likelihoods(self, n_rows: int | None = None) -> pa.Table | None:
        """The likeliest classes of the stored suspects; None in runs of before there were any."""
        return _read_kept(self.likelihoods_file, LIKELIHOODS_COLUMNS, {"row": n_rows})

    def read_neighbours(
        self, n_rows: int | None = None, n_clean: int | None = None
    ) -> pa.Table | None:
        """The stored suspects' nearest verified rows; None in runs of before there were any."""
        below = {"row": n_rows, "clean_row": n_clean}
        return _read_kept(self.neighbours_file, NEIGHBOURS_COLUMNS, below)

    def read_clues(self, n_rows: int | None = None) -> pa.Table | None:
        """What was thought of the first rows of the ranking before it was calibrated.

        None where no pairs calibrated, and in runs of before there were any.
        """
        return _read_kept(self.clues_file, CLUES_COLUMNS, {"row": n_rows})

    def read_clean_rows(self, n_clean: int | None = None) -> pa.Table | None:
        """Position in CLEAN (first column) and original columns of those that are shown.

        None in runs of before there was any.
        """
        if not self.clean_rows_file.is_file():
            return None
        return _read_originals(self.clean_rows_file, CLEAN_ROW, n_clean)

    def read_telling(self, n_rows: int | None = None) -> pa.Table | None:
        """Which cells of the stored suspects tell most; None where it is not known."""
        return _read_kept(self.telling_file, TELLING_COLUMNS, {"row": n_rows})

    def read_terms(self, n_rows: int | None = None) -> pa.Table | None:
        """Which words of the stored suspects' texts tell most; None where there are no texts."""
        return _read_kept(self.terms_file, TERMS_COLUMNS, {"row": n_rows})

    def read_thumbnails(self) -> pa.Table | None:
        """Small pictures of the stored suspects and their neighbours; None where there are none."""
        return _read_kept(self.thumbnails_file, THUMBNAILS_COLUMNS)

    def read_conflicts(self, n_rows: int | None = None) -> pa.Table | None:
        """Rows that are equal but for their labels; None where they were not looked for."""
        table = _read_kept(self.conflicts_file, CONFLICTS_COLUMNS, {"row": n_rows})
        if table is not None:
            with report_damage_as(self.conflicts_file):
                check_counts(table.schema.metadata, ("groups", "rows"))
        return table

    def read_ledger(self, n_rows: int | None = None) -> pa.Table:
        """The epochs, one after the other."""
        parts = [read_epoch(path, n_rows) for path in self.epoch_files()]
        return pa.concat_tables([EPOCH_SCHEMA.empty_table().replace_schema_metadata(), *parts])

    def _open_audit(
        self, classes: Classes | None, coded: Sequence[str] = ()
    ) -> AbstractContextManager[RunTable]:
        if classes is None:
            return open_run_table(self.audit_file, AUDIT_COLUMNS, coded=coded)
        return open_run_table(
            self.audit_file,
            AUDIT_COLUMNS,
            n_rows=sum(classes.values()),
            among=dict.fromkeys(_LABELS, classes),
            coded=coded,
        )


def _check_audit(audit: pa.Table, classes: Classes | None) -> pa.Table:
    """The table, in which all rows stand in DATA's order and each has a rank of its own."""
    if classes is not None and "given_label" in audit.column_names:
        check_rows_by_label(audit["given_label"], "given_label", classes)
    if "row" in audit.column_names:
        check_numbered(audit["row"], "row", first=0, is_in_order=True)
    if "rank" in audit.column_names:
        check_numbered(audit["rank"], "rank", first=1)
    return audit


def _read_originals(file: Path, first: TableColumn, n_rows: int | None) -> pa.Table:
    """A table of original columns behind one that numbers its rows, which are below ``n_rows``."""
    # The original columns may be anything that a table may hold, and bear any name twice.
    with report_damage_as(file), pq.ParquetFile(file) as parquet:
        check_first_column(parquet.schema_arrow)
        table = parquet.read()
        table.validate(full=True)
        check_cells(table.column(0), first, n_rows)
        check_distinct(table.column(0), table.column_names[0])
    return table.replace_schema_metadata()


def _read_kept(
    file: Path, columns: Sequence[TableColumn], below: Mapping[str, int | None] | None = None
) -> pa.Table | None:
    """A file that not every run has; None where it is missing."""
    if not file.is_file():
        return None
    known = {name: limit for name, limit in (below or {}).items() if limit is not None}
    with open_run_table(file, columns, below=known) as table:
        return table.read()


def find_decisions(place: Path) -> Path:
    """The file of decisions that is meant by its own name or by that of the run it is about."""
    is_folder = os.path.isdir(place)  # noqa: PTH112 - says no where it may not be looked
    return RunFolder(place).decisions_file if is_folder else place
