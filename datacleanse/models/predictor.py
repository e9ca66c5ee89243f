"""A trained network with its preprocessing: saved as safetensors and JSON, no pickle anywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from datacleanse.data import read_like
from datacleanse.errors import InputError
from datacleanse.models.encoding import Encoding, encode
from datacleanse.models.inference import compute_logits
from datacleanse.models.model_files import FORMAT_VERSION, save_description, save_parameters
from datacleanse.models.user_network import UserNetwork, make_probe_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from datacleanse.data import Source
    from datacleanse.models.residual import ResidualNetwork
    from datacleanse.models.tabular import TabularNetwork
    from datacleanse.records import Dataset, Schema

PROBE_TOLERANCE = 1e-3
"""Largest difference of a network's outputs from those when it was saved, over their largest: what
another processor may do, far below what another network does."""

IMAGES_AT_ONCE = 1024
"""That a network classifies; a batch of them lies in memory as numbers."""

RESIZE = "the whole image onto width x height, bilinear with antialiasing"
"""How images become as large as the network's input, for people who read `model.json`."""


@dataclass(frozen=True)
class Predictor:
    """Classifies new rows."""

    network: TabularNetwork | UserNetwork
    encoding: Encoding
    schema: Schema

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.schema.classes

    def predict_proba(self, source: Source) -> NDArray[np.float64]:
        """Class probabilities of each row of a file or frame: (n, C), rows sum to 1.

        Raises:
            InputError: a column is missing, of another kind than in DATA, or not DATA's.
        """
        return self.probabilities(read_like(source, self.schema, role="NEW"))

    def predict(self, source: Source) -> NDArray[np.object_]:
        """Likeliest class name of each row: (n,) strings."""
        names = np.array(self.classes, dtype=object)
        result: NDArray[np.object_] = names[self.predict_proba(source).argmax(axis=1)]
        return result

    def probabilities(self, data: Dataset) -> NDArray[np.float64]:
        """As `predict_proba`, for rows that are read already."""
        device = next(self.network.parameters()).device
        inputs = torch.from_numpy(encode(data, self.encoding)).to(device)
        logits = compute_logits(self.network, inputs).double()
        result: NDArray[np.float64] = torch.softmax(logits, dim=1).cpu().numpy()
        return result

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `model.json`."""
        save_parameters(self.network, directory)
        description = {
            "format_version": FORMAT_VERSION,
            "architecture": self.network.describe_architecture(),
            "encoding": self.encoding.to_json(),
            "schema": asdict(self.schema),
            "probe": self._probe().tolist(),
        }
        save_description(description, directory)

    def _probe(self) -> Tensor:
        """(2, C) logits of made rows: they tell whether this is the network that was saved."""
        device = next(self.network.parameters()).device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return compute_logits(self.network, make_probe_rows(self.encoding).to(device)).cpu()

    def check_probe(self, saved: list[list[float]]) -> bool:
        """Whether the network gives the logits that it gave when it was saved."""
        before, now = torch.tensor(saved), self._probe()
        return bool(((now - before).abs() <= PROBE_TOLERANCE * (1 + before.abs().max())).all())


@dataclass(frozen=True)
class ImagePredictor:
    """Classifies new images, decoded and scaled as those of the audit were."""

    network: ResidualNetwork
    schema: Schema

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.schema.classes

    @property
    def size(self) -> tuple[int, int, int]:
        """(C, H, W) that images must have: 1 or 3 channels, height and width in pixels."""
        shape = self.network.shape
        return shape.channels, shape.height, shape.width

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Class probabilities of images (n, C, H, W), 0 (black) to 255: (n, K), rows sum to 1.

        Raises:
            InputError: they are no such array, or of another size.
        """
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            met = images.dtype if isinstance(images, np.ndarray) else type(images).__name__
            raise InputError(
                f"The images are {met}, not an array of bytes.",
                slug="images-kind",
                hint="Give a NumPy array of uint8 with values from 0 to 255.",
            )
        if images.ndim != 4 or images.shape[1:] != self.size:
            wanted = ", ".join(map(str, self.size))
            raise InputError(
                f"The images are an array of {images.shape}; the network was trained on "
                f"(n, {wanted}).",
                slug="images-size",
                hint=f"Scale them to {wanted} (channels, height, width).",
            )
        device = next(self.network.parameters()).device
        result = np.empty((len(images), len(self.classes)))
        for start in range(0, len(images), IMAGES_AT_ONCE):
            # A copy: torch warns of arrays that it could not write to.
            part = torch.from_numpy(np.array(images[start : start + IMAGES_AT_ONCE])).to(device)
            logits = compute_logits(self.network, part).double()
            result[start : start + len(part)] = torch.softmax(logits, dim=1).cpu().numpy()
        return result

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.object_]:
        """Likeliest class name of each image: (n,) strings."""
        names = np.array(self.classes, dtype=object)
        result: NDArray[np.object_] = names[self.predict_proba(images).argmax(axis=1)]
        return result

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `model.json`."""
        save_parameters(self.network, directory)
        description = {
            "format_version": FORMAT_VERSION,
            "architecture": self.network.describe_architecture(),
            "resize": RESIZE,
            "schema": asdict(self.schema),
        }
        save_description(description, directory)
