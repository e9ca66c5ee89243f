"""New rows in memory, with warnings of what the model that classifies them cannot make use of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.data.new_values import NewValues
from datacleanse.data.read import read_like
from datacleanse.notices import warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacleanse.data.new_values import KnownValues
    from datacleanse.data.read import Source
    from datacleanse.records import Dataset, Schema


def read_new_rows(
    source: Source,
    schema: Schema,
    known: Iterable[KnownValues],
    *,
    allow_unknown: bool = False,
    allow_new_names: bool = False,
) -> Dataset:
    """Read rows to be classified, and warn of values that are unknown, unreadable or missing.

    Args:
        source: as for `read_like`.
        schema: DATA's.
        known: what the model has learned of the columns.
        allow_unknown: whether columns are read in which nothing can be read or is known.
        allow_new_names: whether columns of names may hold none that is known, as in the folds of a
            cross-validation.

    Raises:
        InputError: as `read_like`; or a column holds no known value, and that is not allowed.
    """
    data = read_like(source, schema, role="NEW", allow_unknown=allow_unknown)
    values = NewValues(known)
    values.add(data)
    if not (allow_unknown or allow_new_names):
        values.check()
    warn([*data.notices, *values.make_notices()])
    return data
