"""The columns of the files about suspects: see `schemas`."""

from __future__ import annotations

import pyarrow as pa

from datacleanse.storage.table_column import TableColumn, make_arrow_schema

LIKELIHOODS_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("row", pa.int64(), "position of a stored suspect in DATA, from 0", least=0),
    TableColumn("place", pa.int32(), "1 for the likeliest class, to 9 at most", least=1),
    TableColumn("label", pa.string(), "the class"),
    TableColumn(
        "probability",
        pa.float32(),
        "of being the true one, by the posterior behind suspicion",
        least=0,
        most=1,
    ),
)

NEIGHBOURS_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("row", pa.int64(), "position of a stored suspect in DATA, from 0", least=0),
    TableColumn(
        "place",
        pa.int32(),
        "1 for the neighbour shown first: of the suggested class, then nearest",
        least=1,
    ),
    TableColumn("clean_row", pa.int64(), "the neighbour's position in CLEAN, from 0", least=0),
    TableColumn("label", pa.string(), "its verified label"),
    TableColumn(
        "distance",
        pa.float32(),
        "Euclidean, between what the final network's last layer reads; of a table of texts alone, "
        "between the texts' directions along their main axes",
        least=0,
    ),
)

TELLING_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("row", pa.int64(), "position of a stored suspect in DATA, from 0", least=0),
    TableColumn("place", pa.int32(), "1 for the cell that tells most, to 12 at most", least=1),
    TableColumn("column", pa.string(), "name of the cell's column"),
    TableColumn(
        "evidence",
        pa.float32(),
        "logarithm of how much commoner its value is among rows of the suggested class than among "
        "those of the given one; where none is suggested, than it is in the whole table. Numbers "
        "and dates are compared by twelfths",
    ),
)

TERMS_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("row", pa.int64(), "position of a stored suspect in DATA, from 0", least=0),
    TableColumn("place", pa.int32(), "1 for the column's word that tells most", least=1),
    TableColumn("column", pa.string(), "name of the column of text"),
    TableColumn("term", pa.string(), "the word, in small letters"),
    TableColumn(
        "evidence",
        pa.float32(),
        "logarithm of how much commoner texts with the word are among rows of the suggested class "
        "than among those of the given one; where none is suggested, than they are in the whole "
        "table",
    ),
)

THUMBNAILS_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("source", pa.string(), "data or clean"),
    TableColumn("row", pa.int64(), "position there, from 0", least=0),
    TableColumn(
        "image",
        pa.binary(),
        "JPEG or PNG, of at most 128 pixels a side",
        is_nullable=True,
    ),
    TableColumn(
        "note",
        pa.string(),
        "what was noted of the original, such as 'blurred, dark'; else null",
        is_nullable=True,
    ),
)

CLUES_COLUMNS: tuple[TableColumn, ...] = (
    TableColumn("row", pa.int64(), "position in DATA, from 0", least=0),
    TableColumn(
        "log_odds", pa.float64(), "of a wrong label, by the posterior before its calibration"
    ),
    TableColumn("views", pa.list_(pa.float64()), "the same by each opinion alone"),
)

LIKELIHOODS_SCHEMA = make_arrow_schema(LIKELIHOODS_COLUMNS, kind="likelihoods")

NEIGHBOURS_SCHEMA = make_arrow_schema(NEIGHBOURS_COLUMNS, kind="neighbours")

TELLING_SCHEMA = make_arrow_schema(TELLING_COLUMNS, kind="telling")

TERMS_SCHEMA = make_arrow_schema(TERMS_COLUMNS, kind="terms")

THUMBNAILS_SCHEMA = make_arrow_schema(THUMBNAILS_COLUMNS, kind="thumbnails")

CLUES_SCHEMA = make_arrow_schema(CLUES_COLUMNS, kind="clues")
