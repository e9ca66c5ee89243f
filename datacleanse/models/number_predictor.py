"""A trained network that predicts numbers, with its preprocessing, saved like other models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from datacleanse.data import read_new_rows
from datacleanse.models.description import REGRESSION
from datacleanse.models.encoding import Encoding, encode
from datacleanse.models.inference import compute_finite
from datacleanse.models.predictor import ImagePredictor, Predictor, check_images, list_portions
from datacleanse.models.pretrained_predictor import SeenPictures
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.data import AllowedValues, KnownValues, Source
    from datacleanse.models.description import NumberScale
    from datacleanse.models.residual import ResidualNetwork
    from datacleanse.models.tabular import TabularNetwork
    from datacleanse.models.user_network import UserNetwork
    from datacleanse.records import Dataset, Schema


@dataclass(frozen=True)
class NumberPredictor:
    """Predicts the label of new rows."""

    network: TabularNetwork | UserNetwork
    """In evaluation mode; encoded rows (n, F) to (n, 1) standardised numbers."""
    encoding: Encoding
    """From columns to what the network reads."""
    schema: Schema
    """DATA's columns; without classes."""
    label: NumberScale
    """From what the network says to numbers."""

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
        return self.answer(read_new_rows(source, self.schema, self.known, allowed=allowed))

    def answer(self, data: Dataset) -> NDArray[np.float64]:
        """(n,) numbers in the label's unit, of rows that are read already.

        Raises:
            ModelError: the network gives NaN or infinity.
        """
        device = next(self.network.parameters()).device
        inputs = torch.from_numpy(encode(data, self.encoding)).to(device)
        return _tell_numbers(self.network, inputs, self.label)


@dataclass(frozen=True)
class NumberImagePredictor:
    """Predicts the label of new images, decoded and scaled as those of the audit were."""

    network: ResidualNetwork
    """In evaluation mode; images (n, C, H, W) to (n, 1) standardised numbers."""
    schema: Schema
    """Without columns and classes."""
    label: NumberScale
    """From what the network says to numbers."""

    @property
    def size(self) -> tuple[int, int, int]:
        """(C, H, W) that images must have: 1 or 3 channels, height and width in pixels."""
        return self.network.size

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """As `answer`: every model of a run has this name for it."""
        return self.answer(images)

    def answer(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(n,) numbers in the label's unit, of images (n, C, H, W), 0 (black) to 255.

        Raises:
            InputError: they are no such array, or of another size.
            ModelError: the network gives NaN or infinity.
        """
        found = np.empty(len(images))
        for start, part in list_portions(self.network, images):
            found[start : start + len(part)] = _tell_numbers(self.network, part, self.label)
        return found


@dataclass(frozen=True)
class NumberPretrainedPredictor(SeenPictures[NumberPredictor]):
    """Predicts the label of new pictures: a number."""

    @property
    def label(self) -> NumberScale:
        """From what the head says to numbers."""
        return self.head.label

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """As `answer`: every model of a run has this name for it."""
        return self.answer(images)

    def answer(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(n,) numbers in the label's unit, of pictures (n, C, H, W), 0 (black) to 255.

        Raises:
            InputError: they are no such array, or of another size.
        """
        check_images(images, self.size)
        return self.head.answer(self.see(images)) if len(images) else np.empty(0)


AnyNumberPredictor: TypeAlias = NumberPredictor | NumberImagePredictor | NumberPretrainedPredictor
"""The model of an audit of numbers."""


def scale_predictor(
    found: Predictor | ImagePredictor, label: NumberScale
) -> NumberPredictor | NumberImagePredictor:
    """The predictor of numbers around a network of one output."""
    if isinstance(found, ImagePredictor):
        return NumberImagePredictor(found.network, found.schema, label)
    return NumberPredictor(found.network, found.encoding, found.schema, label)


def describe_scale(label: NumberScale) -> dict[str, Any]:
    """What `model.json` says of a model of numbers beside its network."""
    return {"task": REGRESSION, "label": {"centre": label.centre, "scale": label.scale}}


def _tell_numbers(network: nn.Module, inputs: Tensor, label: NumberScale) -> NDArray[np.float64]:
    """(n,) numbers in the label's unit.

    Raises:
        ModelError: the network gives NaN or infinity.
    """
    with use_one_thread():  # as in the audit, so that the same rows have the same digits
        outputs = compute_finite(network, inputs, what="no number could be told")
    found: NDArray[np.float64] = label.centre + label.scale * outputs[:, 0].cpu().numpy()
    return found


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
