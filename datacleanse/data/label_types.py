"""The type that labels have where they come from, and classes in that type again.

Inside, a class is its name, a text. People compare predictions with labels, so that what they get
must be whole numbers where their labels are whole numbers, and not the texts ``'0'`` and ``'1'``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype
from pandas.api.types import is_object_dtype, is_string_dtype

from datacleanse.data.columns import is_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.records import Schema

LABEL_COLUMNS = ("given_label", "suggested_label", "verified_label")
"""Columns of the audit table that hold labels."""

_TEXT = "string"
_DAYS = np.dtype("datetime64[D]")
_TEXT_KINDS = "OU"
"""NumPy's kinds of arrays of text."""
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
"""In the spelling of `str`, so that no two classes are one number; fits into 64 bits."""


def name_label_type(kind: pa.DataType, *, text_is_typed: bool) -> str | None:
    """Arrow's name of the labels' type; None for text that may have meant something else.

    Args:
        kind: of the label column; of a dictionary, its values' type counts.
        text_is_typed: whether the source tells text from numbers.
    """
    if pa.types.is_dictionary(kind):
        return name_label_type(kind.value_type, text_is_typed=text_is_typed)
    if is_text(kind):
        return _TEXT if text_is_typed else None
    return str(kind)


def type_classes(names: Sequence[str], label_type: str | None) -> NDArray[Any]:
    """The classes as labels are typed: (C,); text where that cannot be told.

    Args:
        names: of the classes, (C,) different ones.
        label_type: as `name_label_type` gives it; None: whole numbers or booleans if all names look
            so, as a reader of CSV files would take them.
    """
    if label_type is None:
        return _guess_types(names)
    texts = make_texts(names)
    if label_type == _TEXT:
        return texts
    try:
        values = pa.array(names, pa.string()).cast(pa.type_for_alias(label_type))
    except (ValueError, pa.ArrowException):  # a type without such a name, or not of these texts
        return texts
    typed: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    if typed.dtype == _DAYS:  # which pandas has not
        typed = typed.astype(object)
    return typed if len(pd.unique(typed)) == len(names) else texts


def type_schema_classes(schema: Schema) -> NDArray[Any]:
    """A schema's classes in the type of their labels, (C,)."""
    return type_classes(schema.classes, schema.label_type)


def make_texts(names: Sequence[str]) -> NDArray[np.object_]:
    """The names as an array of Python's strings."""
    return np.array(tuple(names), dtype=object)


def _guess_types(names: Sequence[str]) -> NDArray[Any]:
    folded = [name.casefold() for name in names]
    if sorted(folded) == ["false", "true"]:
        return np.array([name == "true" for name in folded])
    if all(_WHOLE.fullmatch(name) for name in names):
        return np.array([int(name) for name in names])
    return make_texts(names)


@dataclass(frozen=True)
class LabelValues:
    """Names of classes beside what they stand for."""

    names: Sequence[str]
    """(C,) as the audit table has them."""
    values: NDArray[Any]
    """(C,) the classes themselves."""
    dtype: Any = None
    """pandas' type of the label column; None: the source was no data frame."""

    def restore(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with classes in place of their names, in the label column's own type.

        Numbers and booleans become pandas' nullable ones in columns where some are missing.
        """
        names = pd.Index(make_texts(self.names))
        columns = {
            name: self._take(names.get_indexer(pd.Index(table[name], dtype=object)))
            for name in LABEL_COLUMNS
            if name in table.columns
        }
        return table.assign(**columns)

    def _take(self, codes: NDArray[np.intp]) -> Any:  # noqa: ANN401  # any array of pandas
        """(N,) the classes of codes, -1 for a missing one."""
        is_missing = codes < 0
        if isinstance(self.dtype, pd.CategoricalDtype):
            positions = self._find_categories(self.dtype.categories)
            if positions is not None:
                return pd.Categorical.from_codes(
                    np.where(is_missing, -1, positions[codes]), dtype=self.dtype
                )
        dtype = self._choose_dtype(has_missing=bool(is_missing.any()))
        values = self.values.astype(object) if is_object_dtype(dtype) else self.values
        taken: Any = pd.array(values, dtype=dtype).take(codes, allow_fill=True)
        return taken

    def _find_categories(self, categories: pd.Index[Any]) -> NDArray[np.intp] | None:
        """(C,) which category each class is, by itself or by its name; None: one is none."""
        values = pd.Series(self.values).tolist()
        for told, sought in ((categories.tolist(), values), (map(str, categories), self.names)):
            places = {each: place for place, each in enumerate(told)}
            found = [places.get(each, -1) for each in sought]
            if min(found, default=0) >= 0:
                return np.array(found, dtype=np.intp)
        return None

    def _choose_dtype(self, *, has_missing: bool) -> Any:  # noqa: ANN401  # any of pandas'
        own = self.dtype
        if self.values.dtype.kind in _TEXT_KINDS:
            is_of_pandas = isinstance(own, ExtensionDtype) and is_string_dtype(own)
            if is_of_pandas or (own is not None and is_object_dtype(own)):
                return own
            return pd.Series(self.values.astype(object)).dtype
        if own is None or isinstance(own, np.dtype | pd.CategoricalDtype):
            own = self.values.dtype
        if has_missing and isinstance(own, np.dtype) and own.kind in "iub":
            return pd.array(np.empty(0, own)).dtype
        return own
