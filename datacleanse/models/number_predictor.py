"""A trained network that predicts numbers, with its preprocessing, saved like other models."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.data import read_new_rows
from datacleanse.models.description import REGRESSION
from datacleanse.models.encoding import Encoding, encode
from datacleanse.models.inference import compute_finite
from datacleanse.models.model_files import FORMAT_VERSION, save_description, save_parameters
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.data import AllowedValues, KnownValues, Source
    from datacleanse.models.tabular import TabularNetwork
    from datacleanse.records import Dataset, Schema


@dataclass(frozen=True)
class NumberPredictor:
    """Predicts the label of new rows."""

    network: TabularNetwork
    """Encoded rows (n, F) to (n, 1) standardised numbers."""
    encoding: Encoding
    """From columns to what the network reads."""
    schema: Schema
    """DATA's columns; without classes."""
    centre: float
    """Of DATA's labels: the network's 0."""
    scale: float
    """Of DATA's labels: the network's 1."""

    @property
    def known(self) -> tuple[KnownValues, ...]:
        """What was learned of each column's values."""
        return self.encoding.list_known()

    def predict(self, source: Source, *, allow_unknown: bool = False) -> NDArray[np.float64]:
        """The number of each row of a file or frame, (n,), in the label's unit.

        Values that are unknown, unreadable or missing where none was are told by `DataWarning`.

        Args:
            source: new rows, labels are not needed.
            allow_unknown: whether rows are predicted although a column holds no value that can be
                read or is known; it counts as missing then.

        Raises:
            InputError: a column is missing, of another kind than in DATA, or not DATA's; or none of
                its values is known, and that is not to be allowed.
        """
        allowed: AllowedValues = "any" if allow_unknown else "known"
        return self.predict_rows(read_new_rows(source, self.schema, self.known, allowed=allowed))

    def predict_rows(self, data: Dataset) -> NDArray[np.float64]:
        """(n,) numbers in the label's unit, of rows that are read already.

        Raises:
            ModelError: the network gives NaN or infinity.
        """
        device = next(self.network.parameters()).device
        inputs = torch.from_numpy(encode(data, self.encoding)).to(device)
        with use_one_thread():  # as in the audit, so that the same rows have the same digits
            outputs = compute_finite(self.network, inputs, what="no number could be told")
        found: NDArray[np.float64] = self.centre + self.scale * outputs[:, 0].cpu().numpy()
        return found

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `model.json`."""
        beside = {k: torch.from_numpy(v) for k, v in self.encoding.name_tensors().items()}
        save_parameters(self.network, directory, beside)
        description = {
            "format_version": FORMAT_VERSION,
            "task": REGRESSION,
            "architecture": self.network.describe_architecture(),
            "label": {"centre": self.centre, "scale": self.scale},
            "encoding": self.encoding.to_json(),
            "schema": asdict(self.schema),
        }
        save_description(description, directory)


def measure_predictions(
    predicted: NDArray[np.float64], true: NDArray[np.float64]
) -> dict[str, float | None]:
    """``rmse``, ``mae`` in the label's unit, and ``r2``; None where all numbers are one.

    Args:
        predicted: (n,), n >= 1.
        true: (n,).
    """
    error = predicted - true
    spread = float(np.square(true - true.mean()).sum())
    return {
        "rmse": float(np.sqrt(np.square(error).mean())),
        "mae": float(np.abs(error).mean()),
        "r2": None if spread == 0 else 1 - float(np.square(error).sum()) / spread,
    }


def estimate_difference_error(
    first: NDArray[np.float64], second: NDArray[np.float64], true: NDArray[np.float64]
) -> float:
    """Standard error of the difference of two predictions' RMSEs on the same n >= 1 rows, (n,).

    By the delta method: RMSE_1 - RMSE_2 = (MSE_1 - MSE_2) / (RMSE_1 + RMSE_2).
    """
    squares = np.square(first - true), np.square(second - true)
    total = sum(float(np.sqrt(each.mean())) for each in squares)
    deviation = float((squares[0] - squares[1]).std())
    return deviation / math.sqrt(len(true)) / max(total, 1e-300)
