"""A file of verdicts that an audit was given: whether it is gone on with, or another is begun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.errors import DatacleanseError
from datacleanse.review.drawn_rows import fingerprint_names
from datacleanse.review.verified_file import is_verified_file, read_verified_file

if TYPE_CHECKING:
    from datacleanse.review.verified_file import VerifiedFile
    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder


def list_clean(manifest: AnyManifest) -> tuple[str, ...]:
    """The sources of CLEAN that a further audit can be given again; without tables in memory."""
    clean = manifest.clean
    if clean is None:
        return ()
    sources = clean.sources or (clean.source,)
    return tuple(source for source in sources if not source.startswith("<"))


def find_file_to_go_on(folder: RunFolder, manifest: AnyManifest) -> VerifiedFile | None:
    """The single file of verdicts that CLEAN is and that a larger draw goes on with.

    It is one draw of DATA as it is now, and not by class. None where CLEAN is anything else.
    """
    sources = list_clean(manifest)
    found = _read(sources[0]) if len(sources) == 1 else None
    if found is None or not found.is_one_draw or found.draw.by_class:
        return None
    is_same = found.data_sha256 in (manifest.data.sha256, _fingerprint_pictures(folder))
    return found if is_same else None


def choose_seed(manifest: AnyManifest) -> int:
    """The seed of a draw that is none of those in the files of CLEAN.

    With the same seed the rows that are verified already would be drawn again.
    """
    files = map(_read, list_clean(manifest))
    return max((found.draw.seed + 1 for found in files if found is not None), default=0)


def _read(source: str) -> VerifiedFile | None:
    """A file of verdicts; None where it is none, or cannot be read any more."""
    if not is_verified_file(source):
        return None
    try:
        return read_verified_file(Path(source))
    except DatacleanseError:
        return None


def _fingerprint_pictures(folder: RunFolder) -> str:
    """Of DATA's names and labels; another one where some pictures could not be read."""
    table = folder.read_audit_columns(["row", "id", "given_label"]).sort_by("row")
    names, labels = (table.column(name).to_pylist() for name in ("id", "given_label"))
    return fingerprint_names(map(str, names), labels)
