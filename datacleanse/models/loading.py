"""A saved model read back, checked against what the run says of its files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file

from datacleanse.errors import DatacleanseError, RunFolderError
from datacleanse.models.encoding import Encoding
from datacleanse.models.model_files import DESCRIPTION, FORMAT_VERSION, LOOSE, PARAMETERS, _damaged
from datacleanse.models.predictor import ImagePredictor, Predictor
from datacleanse.models.residual import ARCHITECTURE as RESIDUAL
from datacleanse.models.residual import ResidualNetwork, ResidualShape
from datacleanse.models.tabular import TabularNetwork, TabularShape
from datacleanse.models.user_network import ARCHITECTURE, UserNetwork, build_user_network
from datacleanse.records import Schema
from datacleanse.user_code import find_factory, name_factory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from datacleanse.models.user_network import ModuleFactory


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
        UserCodeError: ``model`` cannot be imported or fails.
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
        network: TabularNetwork | UserNetwork
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


def _own(model: str | ModuleFactory, encoding: Encoding, n_classes: int) -> UserNetwork:
    if isinstance(model, str):
        return build_user_network(find_factory(model), encoding, n_classes, seed=0, name=model)
    return build_user_network(model, encoding, n_classes, seed=0)


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
            f"{model if isinstance(model, str) else name_factory(model)}.",
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
