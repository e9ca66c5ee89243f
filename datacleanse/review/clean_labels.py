"""What the clean set says of single rows of DATA, for a person who decides about them.

It is what the run knows, and what files of verdicts among CLEAN's sources say by now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.data.any_number import is_one_number
from datacleanse.data.row_seals import spell_label
from datacleanse.errors import InputError
from datacleanse.given_paths import expand_home
from datacleanse.review.verified_file import is_verified_file, read_verified_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datacleanse.review.decisions import Decision
    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder

_REVIEWED = "reviewed"
"""Part of clean rows that come from decisions of an earlier round."""


@dataclass(frozen=True)
class CleanLabel:
    """The label that a row of DATA was verified to have."""

    label: str
    place: str
    """Where that stands, e.g. ``row 12 of the clean set``."""
    is_number: bool = False
    """Whether labels are numbers, which may be spelled in several ways."""

    def contradicts(self, decision: Decision) -> bool:
        """Whether a decision gives its row another label."""
        label = decision.label
        if label is None or (self.is_number and is_one_number(label, self.label)):
            return False
        return spell_label(label) != spell_label(self.label)


class CleanLabels:
    """The verified labels of DATA's rows. Methods may be called from several threads."""

    def __init__(self, folder: RunFolder, manifest: AnyManifest) -> None:
        """Read what a finished run knows.

        Raises:
            RunFolderError: a table of the run is damaged.
        """
        self._known = _read_known(folder, manifest)
        self._sha256, self._are_numbers = manifest.data.sha256, manifest.classes is None
        self._files = [_VerdictFile(path) for path in _list_verdict_files(manifest)]

    def find(self, row: int) -> CleanLabel | None:
        """What row ``row`` of DATA was verified to be; None: nobody has verified it."""
        told = (file.read(self._sha256).get(row) for file in self._files)
        found = next((each for each in told if each is not None), self._known.get(row))
        return None if found is None else replace(found, is_number=self._are_numbers)


def _read_known(folder: RunFolder, manifest: AnyManifest) -> dict[int, CleanLabel]:
    verified = folder.read_verified(manifest.classes)
    if not verified.num_rows:
        return {}
    places: dict[int, str] = {}
    if folder.calibration_file.is_file():
        calibration = folder.read_calibration(manifest.n_clean)
        columns = (calibration[name].to_pylist() for name in ("data_row", "row", "part"))
        places = {
            data_row: "an earlier review" if part == _REVIEWED else f"row {row} of the clean set"
            for data_row, row, part in zip(*columns, strict=True)
            if data_row is not None
        }
    pairs = zip(verified["row"].to_pylist(), verified["verified_label"].to_pylist(), strict=True)
    return {row: CleanLabel(label, places.get(row, "the clean set")) for row, label in pairs}


def _list_verdict_files(manifest: AnyManifest) -> list[Path]:
    """The files of verdicts among CLEAN's sources that are still there, the latest named first."""
    clean = manifest.clean
    sources = () if clean is None else clean.sources or (clean.source,)
    return [Path(each) for each in reversed(sources) if is_verified_file(each)]


class _VerdictFile:
    """A file of verdicts that may grow while a run is reviewed."""

    def __init__(self, path: Path) -> None:
        self._path = expand_home(path)
        self._read: tuple[object, Mapping[int, CleanLabel]] = (None, {})

    def read(self, data_sha256: str) -> Mapping[int, CleanLabel]:
        """What it says by now, by row; nothing where it is about other DATA, or damaged."""
        try:
            about = self._path.stat()
            state = (about.st_mtime_ns, about.st_size)
            if self._read[0] != state:
                self._read = (state, self._parse(data_sha256))
        except (OSError, InputError):  # the next audit tells what is wrong with it
            return {}
        return self._read[1]

    def _parse(self, data_sha256: str) -> dict[int, CleanLabel]:
        file = read_verified_file(self._path)
        if file.data_sha256 != data_sha256:
            return {}
        return {
            row: CleanLabel(verdict.label, _name_place(self._path, verdict.reviewer))
            for row, verdict in file.last.items()
            if verdict.label is not None
        }


def _name_place(path: Path, reviewer: str) -> str:
    return f"{path.name}, by {reviewer}" if reviewer else path.name
