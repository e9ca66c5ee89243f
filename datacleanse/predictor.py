"""A trained network with its preprocessing: saved as safetensors and JSON, no pickle anywhere."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from datacleanse.atomic import written_aside
from datacleanse.data import read_like
from datacleanse.encode import Encoding, encode
from datacleanse.errors import DatacleanseError, InputError, RunFolderError
from datacleanse.models.own import ARCHITECTURE, OwnNetwork
from datacleanse.models.residual import ARCHITECTURE as RESIDUAL
from datacleanse.models.residual import ResidualNetwork, ResidualShape
from datacleanse.models.tabular import TabularNetwork, TabularShape
from datacleanse.own_code import find, name_of
from datacleanse.own_network import build_own, probe_rows
from datacleanse.records import Dataset, Schema
from datacleanse.train import logits_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.data import Source
    from datacleanse.own_network import ModuleFactory

FORMAT_VERSION = 1
"""Of `model.json`.

1: first version.
"""

PROBE_TOLERANCE = 1e-3
"""Largest difference of a network's outputs from those when it was saved, over their largest: what
another processor may do, far below what another network does."""

IMAGES_AT_ONCE = 1024
"""That a network classifies; a batch of them lies in memory as numbers."""

RESIZE = "the whole image onto width x height, bilinear with antialiasing"
"""How images become as large as the network's input, for people who read `model.json`."""

LOOSE = "own dataset"
"""Architecture of a network that is of no table, in `model.json`."""

PARAMETERS = "model.safetensors"
DESCRIPTION = "model.json"


@dataclass(frozen=True)
class Predictor:
    """Classifies new rows."""

    network: TabularNetwork | OwnNetwork
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
        logits = logits_of(self.network, inputs).double()
        result: NDArray[np.float64] = torch.softmax(logits, dim=1).cpu().numpy()
        return result

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `model.json`."""
        save_parameters(self.network, directory)
        description = {
            "format_version": FORMAT_VERSION,
            "architecture": self.network.architecture(),
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
            return logits_of(self.network, probe_rows(self.encoding).to(device)).cpu()

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
            logits = logits_of(self.network, part).double()
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
            "architecture": self.network.architecture(),
            "resize": RESIZE,
            "schema": asdict(self.schema),
        }
        save_description(description, directory)


def save_parameters(network: nn.Module, directory: Path) -> None:
    """Write `model.safetensors`."""
    # Copies, as safetensors refuses parameters that share memory.
    tensors = {k: v.cpu().contiguous().clone() for k, v in network.state_dict().items()}
    with written_aside(directory / PARAMETERS) as aside:
        # Not by safetensors: its errors do not tell a full disk from a bug.
        aside.write_bytes(to_bytes(tensors))


def save_loose(network: nn.Module, directory: Path) -> None:
    """Keep a network that is of no table, for `load_parameters`."""
    save_parameters(network, directory)
    architecture = {"name": LOOSE, "class": type(network).__qualname__}
    save_description({"format_version": FORMAT_VERSION, "architecture": architecture}, directory)


def load_parameters(directory: Path) -> dict[str, Tensor]:
    """`model.safetensors`, by the parameters' names.

    Raises:
        RunFolderError: it is missing or damaged.
    """
    try:
        return load_file(directory / PARAMETERS)
    except (OSError, SafetensorError) as error:
        raise _damaged(directory, error) from error


def save_description(description: dict[str, Any], directory: Path) -> None:
    """Write `model.json`."""
    with written_aside(directory / DESCRIPTION) as aside:
        text = json.dumps(description, ensure_ascii=False, allow_nan=False)
        aside.write_text(text + "\n", encoding="utf-8")


def load_predictor(
    directory: Path,
    *,
    model: str | ModuleFactory | None = None,
    sha256: Mapping[str, str] | None = None,
) -> Predictor | ImagePredictor:
    """Inverse of `Predictor.save` and `ImagePredictor.save`; executes nothing from the files.

    Args:
        directory: `model/` of a run.
        model: for a network of your own, its factory or ``package.module:factory``. The run names
            it, too, but no code is imported because a file names it.
        sha256: (hex) of the files by name, as the run's manifest has them; None: not checked.

    Raises:
        RunFolderError: a file is missing, damaged, not the one the run wrote or of a later version,
            ``model`` is missing or not wanted, or it no longer makes the network that was saved.
        OwnCodeError: ``model`` cannot be imported or fails.
    """
    try:
        description = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
        _check_version(directory, description)
        _check_files(directory, sha256 or {})
        architecture = description["architecture"]
        _check_trust(directory, architecture, model)
        if architecture["name"] == RESIDUAL:
            return _image_predictor(description, directory)
        encoding = Encoding.from_json(description["encoding"])
        schema = Schema.from_json(description["schema"])
        network: TabularNetwork | OwnNetwork
        if model is None:
            shape = {k: v for k, v in architecture.items() if k != "name"}
            network = TabularNetwork(TabularShape.from_json(shape))
        else:
            network = _own(model, encoding, len(schema.classes))
        tensors = load_file(directory / PARAMETERS)
        if model is not None:
            _check_shapes(network, tensors, directory, architecture)
        network.load_state_dict(tensors)
        predictor = Predictor(network.eval(), encoding, schema)
        if model is not None and not predictor.check_probe(description["probe"]):
            raise _changed(directory, architecture, "other outputs")
    except DatacleanseError:
        raise
    except Exception as error:  # safetensors and torch raise their own kinds
        raise _damaged(directory, error) from error
    return predictor


def _image_predictor(description: dict[str, Any], directory: Path) -> ImagePredictor:
    shape = {k: v for k, v in description["architecture"].items() if k != "name"}
    network = ResidualNetwork(ResidualShape.from_json(shape))
    network.load_state_dict(load_file(directory / PARAMETERS))
    return ImagePredictor(network.eval(), Schema.from_json(description["schema"]))


def _damaged(directory: Path, error: Exception) -> RunFolderError:
    return RunFolderError(
        f"The model in {directory} is missing or damaged ({type(error).__name__}: {error}).",
        slug="model-damaged",
        hint="Repeat the audit.",
    )


def _check_files(directory: Path, sha256: Mapping[str, str]) -> None:
    """See that the files are those that the run wrote."""
    for name, expected in sha256.items():
        found = hashlib.sha256((directory / name).read_bytes()).hexdigest()
        if found != expected:
            raise RunFolderError(
                f"{directory / name} is damaged or was changed: its sha256 is {found[:12]}…, and "
                f"run.json says {expected[:12]}….",
                slug="model-tampered",
                hint="Copy the run folder again from where it was made, or repeat the audit.",
            )


def _own(model: str | ModuleFactory, encoding: Encoding, n_classes: int) -> OwnNetwork:
    if isinstance(model, str):
        return build_own(find(model), encoding, n_classes, seed=0, name=model)
    return build_own(model, encoding, n_classes, seed=0)


def _check_trust(
    directory: Path, architecture: dict[str, Any], model: str | ModuleFactory | None
) -> None:
    """See that code is imported where a person has said so, and only there."""
    kind = architecture["name"]
    if kind == LOOSE:
        raise RunFolderError(
            f"The model in {directory} is a network for a dataset of your own: this program cannot "
            "rebuild it.",
            slug="model-own-dataset",
            hint=f"Load {directory / PARAMETERS} into your network with safetensors.torch.",
        )
    if kind == ARCHITECTURE and model is None:
        factory = architecture["factory"]
        raise RunFolderError(
            f"The model in {directory} is a network of your own, made by {factory}. No code is run "
            "because a file names it.",
            slug="model-needs-trust",
            hint=f"If you trust that code, name it: --model {factory} (in Python: "
            f'load_predictor(..., model="{factory}")).',
        )
    if kind != ARCHITECTURE and model is not None:
        raise RunFolderError(
            f"The model in {directory} is the package's own network, not one made by "
            f"{model if isinstance(model, str) else name_of(model)}.",
            slug="model-not-own",
            hint="Leave --model out.",
        )


def _check_shapes(
    network: nn.Module, saved: dict[str, Tensor], directory: Path, architecture: dict[str, Any]
) -> None:
    own = {name: tuple(values.shape) for name, values in network.state_dict().items()}
    for name in sorted(own.keys() | saved.keys()):
        met = tuple(saved[name].shape) if name in saved else "missing"
        if own.get(name, "missing") != met:
            difference = f"{name} is {own.get(name, 'missing')} now and was {met}"
            raise _changed(directory, architecture, difference)


def _changed(directory: Path, architecture: dict[str, Any], difference: str) -> RunFolderError:
    return RunFolderError(
        f"The network made now is not the one saved in {directory}: {difference}.",
        slug="model-changed",
        hint=f"Give the code of {architecture['factory']} that the run was made with.",
    )


def _check_version(directory: Path, description: dict[str, Any]) -> None:
    version = description["format_version"]
    if version > FORMAT_VERSION:
        raise RunFolderError(
            f"The model in {directory} has format {version}; this program reads up to "
            f"{FORMAT_VERSION}.",
            slug="model-newer",
            hint="Update datacleanse: pip install -U datacleanse.",
        )
