"""Where a table lies: local paths, globs, folders of shards and remote addresses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs

from datacleanse.data.messages import quote_error, suggest_nearest
from datacleanse.data.remote_files import hold_remote
from datacleanse.data.run_as_source import refuse_run
from datacleanse.data.saved_datasets import SUFFIX as SAVED_SUFFIX
from datacleanse.data.saved_datasets import find_saved_files
from datacleanse.errors import InputError
from datacleanse.given_paths import expand_home

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
"""Suffix behind a format's own suffix -> Arrow's name of the codec."""
SHARD_SUFFIX = ".parquet"
"""Ending of the files in a folder or glob that are one table together."""
_PACKAGES = {"hf": "huggingface_hub"}
"""What opens addresses of a kind, where it is no extra of fsspec's."""
BLOCK = 1 << 20
"""Bytes read from a file at once."""


@dataclass(frozen=True)
class Location:
    """One table: a file, or the shards of a folder or glob.

    Attributes:
        name: how messages call it, as the person wrote it.
        filesystem: opens the paths.
        paths: at least one, sorted or as listed; several only for shards.
        root: what the shards' paths have in common, for ``key=value`` folders; None for a file.
        suffix: of the format, in lower case, e.g. ``.csv``.
        compression: Arrow's name of the codec around the whole file, None if there is none.
    """

    name: str
    filesystem: pafs.FileSystem
    paths: tuple[str, ...]
    root: str | None
    suffix: str
    compression: str | None

    @property
    def path(self) -> str:
        """The path of the file, or of the first shard."""
        return self.paths[0]

    def open_stream(self) -> pa.NativeStream:
        """Open the (first) file from its start, decompressed."""
        return self.filesystem.open_input_stream(
            self.path, compression=self.compression, buffer_size=BLOCK
        )

    def read_blocks(self) -> Iterator[bytes]:
        """Yield the (first) file's decompressed bytes in order, block by block."""
        with self.open_stream() as stream:
            while block := stream.read(BLOCK):
                yield block


def split_suffix(path: str) -> tuple[str, str | None]:
    """Format suffix and codec, e.g. ``a.csv.gz`` -> (``.csv``, ``gzip``)."""
    name = path.rstrip("/").rsplit("/", 1)[-1].rsplit("\\", 1)[-1].lower()
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - may be the path of an address
    compression = COMPRESSIONS.get(suffix)
    if compression is not None:
        suffix = os.path.splitext(stem)[1]  # noqa: PTH122
    return suffix, compression


def locate(source: str | os.PathLike[str]) -> Location:
    """Find what a path, glob or address means.

    Raises:
        InputError: nothing is there, it may not be read, or it is empty.
    """
    name = os.fspath(source)
    filesystem, path = _open_filesystem(name)
    try:
        info = filesystem.get_file_info(path)
        if info.type == pafs.FileType.Directory:
            refuse_run(name)
            saved = find_saved_files(name, filesystem, path.rstrip("/"))
            if saved:
                return Location(name, filesystem, saved, path, SAVED_SUFFIX, None)
            return _find_shards(name, filesystem, path, pattern=None)
        if info.type == pafs.FileType.NotFound and any(sign in path for sign in "*?["):
            return _find_shards(name, filesystem, path, pattern=path)
    except OSError as error:
        raise make_unreadable_error(name, error) from error
    if info.type == pafs.FileType.NotFound:
        raise _make_missing_error(name, filesystem, path)
    if info.type == pafs.FileType.Unknown:
        raise InputError(
            f"{name} is a pipe or a device, not a file.",
            slug="file-special",
            hint="Write the table to a file first and give that: it is read more than once.",
        )
    _check_content(name, filesystem, path)
    suffix, compression = split_suffix(path)
    return Location(name, filesystem, (path,), None, suffix, compression)


def check_exists(source: str | os.PathLike[str]) -> None:
    """Refuse a name under which nothing lies on this machine; addresses are not asked.

    Raises:
        InputError: nothing is there.
    """
    name = os.fspath(source)
    filesystem, path = _open_filesystem(name) if "://" not in name else (None, name)
    if filesystem is None or any(sign in path for sign in "*?["):
        return
    try:
        info = filesystem.get_file_info(path)
    except OSError:
        return  # whoever reads it says why it may not be looked at
    if info.type == pafs.FileType.NotFound:
        raise _make_missing_error(name, filesystem, path)


def is_same_file(first: str, second: str) -> bool:
    """Whether two names, as messages call tables, mean one file."""
    if first.startswith("<"):
        return False
    try:
        return first == second or Path(first).samefile(second)
    except OSError:
        return False


def would_be_shard(name: str, path: Path) -> bool:
    """Whether a file at ``path`` would be one more shard of the folder or glob ``name``."""
    filesystem, place = _open_filesystem(name)
    own = expand_home(path).resolve().as_posix()
    if not isinstance(filesystem, pafs.LocalFileSystem) or not own.lower().endswith(SHARD_SUFFIX):
        return False
    if filesystem.get_file_info(place).type == pafs.FileType.Directory:
        root = Path(place).resolve().as_posix()
        return own.startswith(f"{root}/") and _is_data(own, root)
    return any(sign in place for sign in "*?[") and _matches(own, place)


def make_unreadable_error(name: str, error: OSError) -> InputError:
    """The error for a place that the operating system or the network does not open."""
    if isinstance(error, PermissionError) or "Permission denied" in str(error):
        return InputError(
            f"{name} may not be read: permission denied.",
            slug="file-permission",
            hint="Allow reading it (for example with chmod u+r) or copy it to a place of yours.",
        )
    return InputError(
        f"{name} cannot be read: {quote_error(error)}.",
        slug="file-unreadable",
        hint="Check that the disk or the address answers, then try again.",
    )


def make_spelling_error(name: str) -> InputError:
    """The error for a name whose bytes are no UTF-8, as names from old archives may be."""
    try:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # no name of a file
        shown = ascii(name)[1:-1]
    return InputError(
        f"{shown} is no name in UTF-8.",
        slug="name-encoding",
        hint="Give the file or folder a name in UTF-8 (mv, or convmv for many), then use that.",
    )


def is_utf8(name: str) -> bool:
    """Whether a name stands for bytes in UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _open_filesystem(name: str) -> tuple[pafs.FileSystem, str]:
    if not name or "\0" in name:
        raise InputError(
            f"{name!a} is no name of a file.",
            slug="name-impossible",
            hint="Give a path; a variable of the shell without a value gives an empty text.",
        )
    if "://" not in name:
        place = expand_home(name).absolute().as_posix()
        if not is_utf8(place):
            raise make_spelling_error(place)
        return pafs.LocalFileSystem(), place
    try:
        filesystem, path = pafs.FileSystem.from_uri(name)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ImportError):
        return _open_fsspec(name)
    except OSError as error:
        raise make_unreadable_error(name, error) from error
    # Some addresses, such as hf://, are opened by fsspec's file systems within Arrow, too.
    is_own = not isinstance(filesystem, pafs.PyFileSystem)
    return (filesystem, path) if is_own else _open_fsspec(name)


def _open_fsspec(name: str) -> tuple[pafs.FileSystem, str]:
    scheme = name.split("://", 1)[0]
    try:
        import fsspec

        filesystem, path = fsspec.core.url_to_fs(name)
    except ImportError as error:
        raise InputError(
            f"{name} needs a package that is not installed: {quote_error(error)}.",
            slug="address-unsupported",
            hint=f"Install it (pip install '{_PACKAGES.get(scheme, f'fsspec[{scheme}]')}') or "
            "download the file first.",
        ) from error
    except ValueError as error:
        raise InputError(
            f"{name}: {quote_error(error)}.",
            slug="address-unsupported",
            hint="Use a path, or an address that pyarrow or fsspec opens, such as s3:// or gs://.",
        ) from error
    except OSError as error:
        raise make_unreadable_error(name, error) from error
    return hold_remote(filesystem), path


def _check_content(name: str, filesystem: pafs.FileSystem, path: str) -> None:
    try:
        with filesystem.open_input_stream(path, compression=None) as stream:
            is_empty = not stream.read(1)
    except OSError as error:
        raise make_unreadable_error(name, error) from error
    if is_empty:
        raise InputError(
            f"{name} is empty (0 bytes).",
            slug="file-empty",
            hint="Check the program that wrote it; a table needs a header and rows.",
        )


def _make_missing_error(name: str, filesystem: pafs.FileSystem, path: str) -> InputError:
    parent, _, own = path.rpartition("/")
    try:
        selector = pafs.FileSelector(parent or "/", allow_not_found=False)
        neighbours = [info.base_name for info in filesystem.get_file_info(selector)]
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError):  # a neighbour's name is no UTF-8
        neighbours = []
    return InputError(
        f"{name} does not exist.",
        slug="file-missing",
        hint=suggest_nearest(own, neighbours, otherwise="Check the path for a typing error."),
    )


def _find_shards(
    name: str, filesystem: pafs.FileSystem, path: str, *, pattern: str | None
) -> Location:
    root = path.rstrip("/")
    if pattern is not None:
        before = pattern[: min(pattern.find(sign) for sign in "*?[" if sign in pattern)]
        root = before.rpartition("/")[0]
    selector = pafs.FileSelector(root or "/", allow_not_found=True, recursive=True)
    try:
        below = [(info.path, info.is_file) for info in filesystem.get_file_info(selector)]
    except UnicodeDecodeError as error:
        raise make_spelling_error(os.fsdecode(error.object)) from error
    found = sorted(
        place
        for place, is_file in below
        if is_file
        and place.lower().endswith(SHARD_SUFFIX)
        and _is_data(place, root)
        and (pattern is None or _matches(place, pattern))
    )
    if not found:
        what = "matches no Parquet file"
        if pattern is None:
            what = "holds no Parquet file"
            # What else it holds may be pictures, which are no rows of a table.
            what += "" if any(is_file for _, is_file in below) else ", and no pictures in folders"
        raise InputError(
            f"{name} {what}.",
            slug="shards-missing",
            hint="Name one table file, a folder or glob of .parquet files, or a folder that holds "
            "a folder of pictures for each class.",
        )
    return Location(name, filesystem, tuple(found), root, SHARD_SUFFIX, None)


def _is_data(path: str, root: str) -> bool:
    """Whether no part below the root is hidden; engines put logs under ``_`` and ``.``."""
    return not any(part.startswith(("_", ".")) for part in path[len(root) :].split("/") if part)


def _matches(path: str, pattern: str) -> bool:
    """Match part by part, so that ``*`` stays within one folder; ``**`` spans folders."""
    return _match_parts(path.strip("/").split("/"), pattern.strip("/").split("/"))


def _match_parts(parts: list[str], patterns: list[str]) -> bool:
    from fnmatch import fnmatchcase

    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_match_parts(parts[skip:], patterns[1:]) for skip in range(len(parts) + 1))
    if not parts or not fnmatchcase(parts[0], patterns[0]):
        return False
    return _match_parts(parts[1:], patterns[1:])
