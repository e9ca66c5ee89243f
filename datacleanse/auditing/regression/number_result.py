"""A finished audit of numbers for Python."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from datacleanse.auditing.result import AuditResult
from datacleanse.data.label_types import LabelValues
from datacleanse.models.loading import load_number_predictor
from datacleanse.storage.typed_json import to_json

if TYPE_CHECKING:
    from datacleanse.models.number_predictor import AnyNumberPredictor
    from datacleanse.storage.manifest.numbers import NumberManifest

_NUMBERS = ("given_label", "suggested_label", "verified_label")


@dataclass(frozen=True, repr=False)
class NumberResult(AuditResult):
    """A finished audit of numbers: its table, its suspects, its model.

    Labels are floats, and ``margin`` in its ledger holds residuals.
    """

    @cached_property
    def _numbers(self) -> NumberManifest:
        return self.folder.number_manifest()

    @property
    def _label_values(self) -> LabelValues:
        """The given numbers beside what the audit table spells, to write decisions by."""
        spelled = self.folder.read_number_audit(self.n_rows)["given_label"].to_pylist()
        names = tuple(dict.fromkeys(spelled))
        return LabelValues(names, np.array([float(name) for name in names]))

    @property
    def n_rows(self) -> int:
        """Rows of DATA."""
        return self._numbers.data.rows

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per row of DATA, in its order, with the columns of `audit.parquet`.

        Of a data frame it has the index; labels are floats.
        """
        frame: pd.DataFrame = self.folder.read_number_audit(self.n_rows).to_pandas()
        for name in _NUMBERS:
            frame[name] = pd.to_numeric(frame[name])
        index = self._name_rows()
        return frame if index is None else frame.set_axis(index)

    @cached_property
    def model(self) -> AnyNumberPredictor:  # type: ignore[override]  # it predicts numbers
        """The reweighted model; ``model.predict(frame)``."""
        return load_number_predictor(self.folder.model_dir, self._numbers, model=self._module)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """`run.json` as plain values: settings, data, training, metrics, flags, notices."""
        plain: dict[str, Any] = to_json(self._numbers)
        return plain

    def __repr__(self) -> str:
        found = self._numbers
        rate = found.noise.rate
        share = "" if rate is None else f"about {rate.share:.1%} of "
        return (
            f"NumberResult of {found.data.source}: {found.data.rows:,} rows, {share}the "
            f"numbers in column {found.data.label!r}{' wrong' if share else ''}, "
            f"{found.flags.flagged:,} flagged; in {self.folder.path}"
        )

    def _repr_html_(self) -> str | None:  # type: ignore[override]  # a notebook shows the text then
        return None
