"""A saved model read back, checked against what the run says of its files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file

from datacleanse.errors import DatacleanseError, RunFolderError
from datacleanse.models.encoding import Encoding
from datacleanse.models.model_files import (
    DESCRIPTION,
    FORMAT_VERSION,
    LOOSE,
    PARAMETERS,
    name_damage,
)
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
    """Read back what `Predictor.save` or `ImagePredictor.save` wrote; nothing in it is executed.

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
        _check_trust(directory, description["architecture"], model)
        if description["architecture"]["name"] == RESIDUAL:
            return _load_image_predictor(description, directory)
        if model is None:
            return _load_table_predictor(description, directory)
        return _load_own_predictor(description, directory, model)
    except DatacleanseError:
        raise
    except Exception as error:  # safetensors and torch raise their own kinds
        raise name_damage(directory, error) from error


def _load_image_predictor(description: dict[str, Any], directory: Path) -> ImagePredictor:
    shape = ResidualShape.from_json(_read_shape(description))
    sizes = (shape.channels, shape.stride, shape.n_classes, *shape.widths)
    tensors = _load_finite(directory)
    _check_sizes(sizes, shape.count_values(), tensors, directory)
    network = ResidualNetwork(shape)
    network.load_state_dict(tensors)
    return ImagePredictor(network.eval(), Schema.from_json(description["schema"]))


def _load_table_predictor(description: dict[str, Any], directory: Path) -> Predictor:
    shape = TabularShape.from_json(_read_shape(description))
    # 0 is right where there are no numbers, or no bins of one.
    sizes = (shape.width, shape.n_hidden, shape.n_classes, *shape.n_categories)
    sizes += (shape.n_numeric + 1, *(n + 1 for n in shape.n_bins))
    tensors = _load_finite(directory)
    _check_sizes(sizes, shape.count_values(), tensors, directory)
    network = TabularNetwork(shape)
    network.load_state_dict(tensors)
    encoding = Encoding.from_json(description["encoding"])
    return Predictor(network.eval(), encoding, Schema.from_json(description["schema"]))


def _load_own_predictor(
    description: dict[str, Any], directory: Path, model: str | ModuleFactory
) -> Predictor:
    """A network of the user's own, made again and compared with the one that was saved."""
    architecture = description["architecture"]
    encoding = Encoding.from_json(description["encoding"])
    schema = Schema.from_json(description["schema"])
    network = _build_own(model, encoding, len(schema.classes))
    tensors = _load_finite(directory)
    _check_shapes(network, tensors, directory, architecture)
    network.load_state_dict(tensors)
    predictor = Predictor(network.eval(), encoding, schema)
    if not predictor.check_probe(description["probe"]):
        raise _name_change(directory, architecture, "other outputs")
    return predictor


def _load_finite(directory: Path) -> dict[str, Tensor]:
    """The parameters, none of which is NaN or infinite."""
    tensors = load_file(directory / PARAMETERS)
    for name, values in tensors.items():
        if not values.isfinite().all():
            raise RunFolderError(
                f"{directory / PARAMETERS} holds NaN or infinity in {name}: its predictions would "
                "mean nothing.",
                slug="model-not-finite",
                hint="Copy the run folder again from where it was made, or repeat the audit.",
            )
    return tensors


def _check_sizes(
    sizes: tuple[int, ...], expected: int, tensors: dict[str, Tensor], directory: Path
) -> None:
    """Refuse a description that asks for another size than the parameters have, before it is made.

    Args:
        sizes: numbers of layers, units and so on, of which each must be 1 at least: as none is
            free then, the size of the file bounds them all.
        expected: values in all tensors of the network described.
        tensors: the file's.
        directory: for the message.
    """
    held = sum(values.numel() for values in tensors.values())
    if min(sizes) < 1 or expected != held:
        raise RunFolderError(
            f"{directory / DESCRIPTION} describes a network of {expected:,} values, and "
            f"{PARAMETERS} beside it holds {held:,}.",
            slug="model-damaged",
            hint="Copy the run folder again from where it was made, or repeat the audit.",
        )


def _read_shape(description: dict[str, Any]) -> dict[str, Any]:
    """What a network of the package's own is made from."""
    return {key: value for key, value in description["architecture"].items() if key != "name"}


def _check_files(directory: Path, sha256: Mapping[str, str]) -> None:
    """Refuse files that are not those that the run wrote."""
    for name, expected in sha256.items():
        found = hashlib.sha256((directory / name).read_bytes()).hexdigest()
        if found != expected:
            raise RunFolderError(
                f"{directory / name} is damaged or was changed: its sha256 is {found[:12]}…, and "
                f"run.json says {expected[:12]}….",
                slug="model-tampered",
                hint="Copy the run folder again from where it was made, or repeat the audit.",
            )


def _build_own(model: str | ModuleFactory, encoding: Encoding, n_classes: int) -> UserNetwork:
    if isinstance(model, str):
        return build_user_network(find_factory(model), encoding, n_classes, seed=0, name=model)
    return build_user_network(model, encoding, n_classes, seed=0)


def _check_trust(
    directory: Path, architecture: dict[str, Any], model: str | ModuleFactory | None
) -> None:
    """Refuse to import code that nobody has named, and a name for which there is no code."""
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
            raise _name_change(directory, architecture, difference)


def _name_change(directory: Path, architecture: dict[str, Any], difference: str) -> RunFolderError:
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
