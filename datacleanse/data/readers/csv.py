"""Tables of separated text: .csv and .tsv."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pacsv

from datacleanse.data.columns import MISSING_TEXTS
from datacleanse.data.readers import csv_faults as faults
from datacleanse.data.sources import BLOCK, unreadable

if TYPE_CHECKING:
    from datacleanse.data.interface import Request
    from datacleanse.data.sources import Location

_BIG_BLOCK = 1 << 28
"""Bytes to read at once when a single row does not fit into an ordinary block."""
_FEW_VALUES = 1000
"""Distinct texts in a block up to which a column is held as a dictionary from the start."""


@dataclass(frozen=True)
class CsvReader:
    """Reads RFC 4180 text in UTF-8, with or without a byte order mark; line breaks in quotes too.

    Attributes:
        suffixes: file endings.
        delimiter: what separates cells unless the request says otherwise.
    """

    suffixes: tuple[str, ...]
    delimiter: str
    compressible: bool = True

    def read(self, location: Location, *, request: Request) -> pa.Table:
        """Read the file; empty cells and pandas' missing texts are null."""
        delimiter = request.delimiter or self.delimiter
        faults.check_delimiter_setting(delimiter)
        faults.check_head(location, delimiter)
        table = self._parse(location, request=request, delimiter=delimiter)
        faults.check_table(location, table, delimiter)
        return table

    def _parse(self, location: Location, *, request: Request, delimiter: str) -> pa.Table:
        try:
            try:
                return _arrow_read(location, request, delimiter=delimiter, block=BLOCK)
            except pa.ArrowInvalid as error:
                if "straddling" not in str(error):
                    raise
                return _arrow_read(location, request, delimiter=delimiter, block=_BIG_BLOCK)
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise faults.diagnose(location, delimiter, error) from error
        except OSError as error:
            raise unreadable(location.name, error) from error


def _arrow_read(location: Location, request: Request, *, delimiter: str, block: int) -> pa.Table:
    with location.stream() as stream:
        return pacsv.read_csv(
            stream,
            read_options=pacsv.ReadOptions(block_size=block),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                null_values=sorted(MISSING_TEXTS),
                strings_can_be_null=True,
                column_types=dict.fromkeys(request.as_text, pa.string()),
                auto_dict_encode=True,
                auto_dict_max_cardinality=_FEW_VALUES,
            ),
        )
