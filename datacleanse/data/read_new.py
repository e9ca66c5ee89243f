"""New rows in memory, with warnings of what the model that classifies them cannot make use of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from datacleanse.data.new_values import NewValues
from datacleanse.data.read import read_like
from datacleanse.notices import warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacleanse.data.new_values import KnownValues
    from datacleanse.data.raw_table import Source
    from datacleanse.records import Dataset, Schema

AllowedValues: TypeAlias = Literal["known", "new names", "any"]
"""What a column of new rows may consist of: values that can be read and some that are known; names
of which none is known, too, as in the folds of a cross-validation; or anything, which counts as
missing then."""


def read_new_rows(
    source: Source,
    schema: Schema,
    known: Iterable[KnownValues],
    *,
    allowed: AllowedValues = "known",
) -> Dataset:
    """Read rows to be classified, and warn of values that are unknown, unreadable or missing.

    Args:
        source: as for `read_like`.
        schema: DATA's.
        known: what the model has learned of the columns.
        allowed: what a column may hold nothing but.

    Raises:
        InputError: as `read_like`; or a column holds no value that is allowed.
    """
    data = read_like(source, schema, role="NEW", allow_unknown=allowed == "any")
    values = NewValues(known)
    values.add(data)
    if allowed == "known":
        values.check()
    # Ids are no part of what is made of the rows here.
    told = [notice for notice in data.notices if notice.slug != "id-missing"]
    warn([*told, *values.make_notices()])
    return data
