"""Folders that `datasets.Dataset.save_to_disk` wrote: Arrow files, and a list of them as JSON.

The list counts: beside them may lie files in which that library keeps intermediate results.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.fs as pafs

from datacleanse.data.messages import format_list, quote_value
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

STATE, PARTS = "state.json", "dataset_dict.json"
"""What lists the files of a data set, and the parts of a set that has some, such as ``train``."""

SUFFIX = ".arrow"


def find_saved_files(name: str, filesystem: pafs.FileSystem, root: str) -> tuple[str, ...]:
    """Paths of the Arrow files in their order; none where the folder holds no such data set.

    Args:
        name: how messages call the folder.
        filesystem: opens paths.
        root: path of the folder.

    Raises:
        InputError: it holds several parts, or its list is damaged.
    """
    parts = _read_json(name, filesystem, f"{root}/{PARTS}")
    if parts is not None:
        raise _make_parts_error(name, parts.get("splits"))
    state = _read_json(name, filesystem, f"{root}/{STATE}")
    if state is None or "_data_files" not in state:
        return ()
    try:
        files = [str(each["filename"]) for each in state["_data_files"]]
    except (TypeError, KeyError) as error:
        raise _make_damage_error(name, STATE) from error
    # The files lie beside their list, wherever a damaged one may point.
    if not files or any("/" in file or not file.endswith(SUFFIX) for file in files):
        raise _make_damage_error(name, STATE)
    return tuple(f"{root}/{file}" for file in files)


def _read_json(name: str, filesystem: pafs.FileSystem, path: str) -> dict[str, Any] | None:
    """An object in a file; None where there is no such file."""
    if filesystem.get_file_info(path).type != pafs.FileType.File:
        return None
    with filesystem.open_input_stream(path) as stream:
        content = stream.read()
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _make_damage_error(name, path.rpartition("/")[2]) from error
    if not isinstance(found, dict):
        raise _make_damage_error(name, path.rpartition("/")[2])
    return found


def _make_parts_error(name: str, parts: object) -> InputError:
    names = [str(part) for part in parts] if isinstance(parts, list) else []
    first = names[0] if names else "train"
    return InputError(
        f"{name} holds the parts of a data set"
        + (f": {format_list([quote_value(part) for part in names])}." if names else "."),
        slug="dataset-parts",
        hint=f"Give the part that is meant, e.g. {name.rstrip('/')}/{first}.",
    )


def _make_damage_error(name: str, file: str) -> InputError:
    return InputError(
        f"{name}/{file} does not list the files of a data set, as datasets writes it.",
        slug="file-damaged",
        hint="Save the data set again (save_to_disk), or write it as Parquet (to_parquet).",
    )


def join_saved(name: str, tables: Sequence[pa.Table]) -> pa.Table:
    """The tables of all files as one, with the metadata of the first.

    Raises:
        InputError: their columns differ.
    """
    try:
        return pa.concat_tables(tables)
    except pa.ArrowException as error:
        raise InputError(
            f"The files of {name} do not have the same columns.",
            slug="shards-differ",
            hint="Save the data set again (save_to_disk), or write it as Parquet (to_parquet).",
        ) from error
