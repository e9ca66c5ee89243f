"""The formats of tables. One reader a file; this registry is the only place that names them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.data.readers.csv import CsvReader
from datacleanse.data.readers.feather import FeatherReader
from datacleanse.data.readers.jsonl import JsonLinesReader
from datacleanse.data.readers.parquet import ParquetReader
from datacleanse.data.sources import COMPRESSIONS
from datacleanse.errors import InputError

if TYPE_CHECKING:
    from datacleanse.data.interface import TableReader
    from datacleanse.data.sources import Location

READERS: tuple[TableReader, ...] = (
    CsvReader(suffixes=(".csv",), delimiter=","),
    CsvReader(suffixes=(".tsv",), delimiter="\t"),
    JsonLinesReader(),
    ParquetReader(),
    FeatherReader(),
)

_PICTURE = (
    "Give the folder whose folders of pictures are the classes, or a manifest: a CSV with the "
    "columns path and label."
)
_CURES = {
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"), _PICTURE),
    ".tar": "Unpack it into a folder of pictures for each class and give that.",
    ".xlsx": "Export the sheet to CSV (File > Save As > CSV UTF-8) and give that file.",
    ".xls": "Export the sheet to CSV (File > Save As > CSV UTF-8) and give that file.",
    ".ods": "Export the sheet to CSV and give that file.",
    ".json": "Write one JSON object a line (jq -c '.[]' file.json > file.jsonl) and give that.",
    ".txt": "Rename it to .csv or .tsv, with --delimiter if cells are separated by another sign.",
    ".pkl": "Write it as Parquet (frame.to_parquet): a pickle can run code when it is read.",
    ".zip": "Unpack it and give the table inside.",
}


def format_suffixes() -> str:
    """All suffixes that are read, for messages and the docs."""
    plain = [suffix for reader in READERS for suffix in reader.suffixes]
    packed = [suffix for reader in READERS if reader.compressible for suffix in reader.suffixes]
    also = " or ".join(COMPRESSIONS)
    return f"{', '.join(plain)} ({', '.join(packed)} also with {also})"


def find_reader(location: Location) -> TableReader:
    """The reader of a location's format.

    Raises:
        InputError: the suffix is unknown, or the format is not read compressed.
    """
    for reader in READERS:
        if location.suffix in reader.suffixes:
            if location.compression is None or reader.compressible:
                return reader
            raise InputError(
                f"{location.name}: {location.suffix} is not read inside {location.compression}.",
                slug="format-unknown",
                hint="Unpack it first; these formats are compressed inside.",
            )
    ending = f"the ending '{location.suffix}'" if location.suffix else "no ending"
    raise InputError(
        f"{location.name} has {ending}; accepted are {format_suffixes()}.",
        slug="format-unknown",
        hint=_CURES.get(location.suffix, "Save the table in one of these formats."),
    )
