"""A fabricated run of numbers, beside that of classes in `conftest.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from datacleanse.storage.number_schemas import NUMBER_AUDIT_SCHEMA
from tests.reports.conftest import Fabricated

if TYPE_CHECKING:
    from datacleanse.storage.run_folder import RunFolder


@dataclass
class FabricatedNumbers(Fabricated):
    """Given numbers are 100.0, 107.5, ...; every other suggestion undoes a slip."""

    with_companions: bool = False
    knows_rows: bool = False
    decimals: int | None = 1
    label_type: str | None = None

    def _fill(self, folder: RunFolder) -> None:
        self.schema = NUMBER_AUDIT_SCHEMA
        super()._fill(folder)

    def _audit(self, generator: np.random.Generator) -> dict[str, pa.Array]:
        audit = super()._audit(generator)
        given = 100 + 7.5 * np.arange(self.n_rows)
        suggested = np.round(given / 10, 1)
        is_suggested = audit["suggested_label"].is_valid().to_numpy(zero_copy_only=False)
        is_known = audit["verified_label"].is_valid().to_numpy(zero_copy_only=False)
        slips = ["× 10" if i % 2 == 0 else None for i in range(self.n_rows)]
        return audit | {
            "given_label": pa.array([f"{each:.1f}" for each in given]),
            "suggested_label": pa.array([f"{each:.1f}" for each in suggested], mask=~is_suggested),
            "verified_label": pa.array([f"{each:.1f}" for each in given], mask=~is_known),
            "predicted": pa.array(suggested),
            "predicted_low": pa.array(suggested - 5),
            "predicted_high": pa.array(suggested + 5),
            "slip": pa.array(slips, pa.string(), mask=~is_suggested),
        }

    def _describe(self, audit: dict[str, pa.Array]) -> None:
        super()._describe(audit)
        given = np.array(audit["given_label"].to_pylist(), dtype=np.float64)
        manifest = self.manifest
        manifest["task"] = "regression"
        manifest["data"]["reading"]["task"] = "regression"
        manifest["data"] |= {
            "label_type": self.label_type,
            "least": given.min(),
            "median": float(np.median(given)),
            "most": given.max(),
            "deviation": 50.0,
            "decimals": self.decimals,
        }
        manifest["noise"]["slips"] = [{"name": "× 10", "verified": 9, "rows": 14}]
        manifest["metrics"]["test"] = {
            "rows": 100,
            "reweighted": _measure(12.5),
            "control": _measure(15.25),
            "rmse_difference_error": 0.5,
        }

    def _forget_clean(self) -> None:
        measured = self.manifest["metrics"]["test"]
        super()._forget_clean()
        self.manifest["noise"]["slips"] = []
        self.manifest["metrics"]["test"] = measured


def _measure(rmse: float) -> dict[str, Any]:
    return {"rmse": rmse, "mae": rmse / 2, "r2": 0.875}
