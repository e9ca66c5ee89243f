"""A saved model read back, checked against what the run says of its files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from datacleanse.errors import RunFolderError
from datacleanse.keyword_arguments import suggest_keywords
from datacleanse.models.description import (
    Factory,
    ImageModel,
    LooseModel,
    OwnModel,
    TableModel,
    read_description,
    read_number_description,
)
from datacleanse.models.model_files import (
    DESCRIPTION,
    PARAMETERS,
    find_difference,
    load_parameters,
    name_damage,
)
from datacleanse.models.number_predictor import (
    NumberPredictor,
    NumberPretrainedPredictor,
    scale_predictor,
)
from datacleanse.models.predictor import ImagePredictor, Predictor
from datacleanse.models.pretrained_predictor import PretrainedPredictor
from datacleanse.models.residual import ResidualNetwork
from datacleanse.models.run_agreement import check_agreement
from datacleanse.models.tabular import TabularNetwork
from datacleanse.models.text_models import check_text_model
from datacleanse.models.user_network import UserNetwork, build_user_network
from datacleanse.models.vision_extra import ENCODERS, describe_lite0, open_lite0
from datacleanse.storage.damage import say_on_one_line
from datacleanse.storage.typed_json import UnexpectedValueError
from datacleanse.user_code import find_factory, name_factory, report_as_user_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from datacleanse.models.description import Model
    from datacleanse.models.encoding import Encoding
    from datacleanse.models.frozen_network import Backbone, FrozenNetwork
    from datacleanse.models.number_predictor import AnyNumberPredictor
    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.storage.manifest.numbers import NumberManifest
    from datacleanse.storage.manifest.whole import Manifest


@suggest_keywords
def load_predictor(
    directory: str | os.PathLike[str],
    *,
    model: str | ModuleFactory | None = None,
    manifest: Manifest | None = None,
) -> Predictor | ImagePredictor | PretrainedPredictor:
    """Read back what `Predictor.save` or `ImagePredictor.save` wrote; nothing in it is executed.

    Args:
        directory: `model/` of a run, or a folder that was exported as ``hub-folder``.
        model: for a network of your own, its factory or ``package.module:factory``. The run names
            it, too, but no code is imported because a file names it.
        manifest: of the run, which says what files and what model it wrote; None: not checked.

    Raises:
        RunFolderError: a file is missing, damaged, not the one the run wrote or of a later version,
            ``model`` is missing or not wanted, or it no longer makes the network that was saved.
        SettingsError: the text model or the pretrained network that it names, or what holds it, is
            not there.
        UserCodeError: ``model`` cannot be imported or fails.
    """
    directory = Path(directory)
    described = read_description(directory)
    if manifest is not None:
        _check_files(directory, manifest.model_files)
        if not isinstance(described, LooseModel):
            check_agreement(described.schema, manifest, directory / DESCRIPTION)
    return _load_network(described, directory, model)


def load_number_predictor(
    directory: Path, manifest: NumberManifest, *, model: str | ModuleFactory | None
) -> AnyNumberPredictor:
    """Read back the model of an audit of numbers; nothing in it is executed.

    Args:
        directory: `model/` of a run, or a folder that was exported as ``hub-folder``.
        manifest: of the run, which says what files and what model it wrote.
        model: see `load_predictor`.

    Raises:
        DatacleanseError: as `load_predictor`.
    """
    _check_files(directory, manifest.model_files)
    described = read_number_description(directory)
    check_agreement(described.network.schema, manifest, directory / DESCRIPTION)
    found = _load_network(described.network, directory, model)
    if isinstance(found, PretrainedPredictor):
        head = scale_predictor(found.head, described.label)
        assert isinstance(head, NumberPredictor)
        return NumberPretrainedPredictor(found.frozen, head)
    return scale_predictor(found, described.label)


def _load_network(
    described: Model, directory: Path, model: str | ModuleFactory | None
) -> Predictor | ImagePredictor | PretrainedPredictor:
    """The network that a description names, with its parameters; raises as `load_predictor`."""
    _check_trust(directory, described, model)
    if isinstance(described, TableModel | OwnModel) and described.encoding.text_model is not None:
        check_text_model(described.encoding.text_model)
    tensors = _load_finite(directory)
    match described:
        case ImageModel():
            return _make_image_predictor(described, tensors, directory)
        case OwnModel():
            assert model is not None
            return _make_own_predictor(described, tensors, directory, model)
        case _:
            assert isinstance(described, TableModel)
            head = _make_table_predictor(described, tensors, directory)
            if described.backbone is None:
                return head
            return PretrainedPredictor(_open_backbone(described.backbone, directory), head)


def _open_backbone(backbone: Backbone, directory: Path) -> FrozenNetwork:
    """The pretrained network that a description names: only one that an extra of ours holds.

    Raises:
        RunFolderError: it is another one.
        SettingsError: the extra is not installed.
    """
    is_known = backbone.name in ENCODERS
    if not is_known or backbone != describe_lite0(backbone.side, backbone.name):
        raise name_damage(
            directory / DESCRIPTION,
            f"backbone is {backbone.name!r} with sha256 {backbone.sha256[:12]}…, which this "
            "program does not know",
        )
    what = f"The model in {directory}"
    return open_lite0(backbone.side, torch.device("cpu"), what=what, name=backbone.name)


def _make_image_predictor(
    described: ImageModel, tensors: dict[str, Tensor], directory: Path
) -> ImagePredictor:
    shape = described.shape
    sizes = (shape.channels, shape.stride, shape.n_classes, *shape.widths)
    _check_sizes(sizes, shape.count_values(), tensors, directory)
    network = ResidualNetwork(shape)
    _fill(network, tensors, directory)
    return ImagePredictor(network.eval(), described.schema)


def _make_table_predictor(
    described: TableModel, tensors: dict[str, Tensor], directory: Path
) -> Predictor:
    encoding, shape = _take_texts(described.encoding, tensors, directory), described.shape
    # 0 is right where there are no numbers, or no bins of one.
    sizes = (shape.width, shape.n_hidden, shape.n_classes, *shape.n_categories)
    sizes += (shape.n_numeric + 1, *(n + 1 for n in shape.n_bins))
    _check_sizes(sizes, shape.count_values(), tensors, directory)
    network = TabularNetwork(shape)
    _fill(network, tensors, directory)
    return Predictor(network.eval(), encoding, described.schema)


def _take_texts(encoding: Encoding, tensors: dict[str, Tensor], directory: Path) -> Encoding:
    """Return the encoding with what of it stands among the tensors, which are then the network's.

    Raises:
        RunFolderError: it is missing, or of other terms than the description names.
    """
    beside = {
        name: tensors.pop(name).numpy() for name in encoding.list_tensors() if name in tensors
    }
    try:
        return encoding.take_tensors(beside)
    except UnexpectedValueError as error:
        raise name_damage(directory / PARAMETERS, error) from error


def _make_own_predictor(
    described: OwnModel,
    tensors: dict[str, Tensor],
    directory: Path,
    model: str | ModuleFactory,
) -> Predictor:
    """A network of the user's own, made again and compared with the one that was saved."""
    encoding = _take_texts(described.encoding, tensors, directory)
    schema = described.schema
    network = _build_own(model, encoding, len(schema.classes) or 1)
    difference = find_difference(network.state_dict(), tensors)
    if difference is not None:
        raise _name_change(directory, described.factory, difference)
    network.load_state_dict(tensors)
    predictor = Predictor(network.eval(), encoding, schema)
    with report_as_user_code(f"The network of {described.factory.factory} failed"):
        is_same = predictor.check_probe(described.probe)
    if not is_same:
        raise _name_change(directory, described.factory, "other outputs")
    return predictor


def _fill(network: nn.Module, tensors: dict[str, Tensor], directory: Path) -> None:
    """Put parameters into a network of the package's own.

    Raises:
        RunFolderError: they are those of another one.
    """
    file, own = directory / PARAMETERS, network.state_dict()
    difference = find_difference(own, tensors)
    if difference is not None:
        raise name_damage(file, f"{difference}, as {DESCRIPTION} beside it describes the network")
    for name, values in own.items():
        # They choose features and rows of embeddings, and follow from the description.
        if not values.is_floating_point() and not values.equal(tensors[name]):
            raise name_damage(file, f"{name} leads to other columns than {DESCRIPTION} describes")
    network.load_state_dict(tensors)


def _load_finite(directory: Path) -> dict[str, Tensor]:
    """The parameters, none of which is NaN or infinite."""
    tensors = load_parameters(directory)
    for name, values in tensors.items():
        if not values.isfinite().all():
            raise RunFolderError(
                f"{directory / PARAMETERS} holds NaN or infinity in {say_on_one_line(name)}: its "
                "predictions would mean nothing.",
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


def _check_files(directory: Path, sha256: Mapping[str, str]) -> None:
    """Refuse files that are not those that the run wrote."""
    for name, expected in sha256.items():
        file = directory / name
        if not file.is_file():  # a pipe would be waited for
            raise name_damage(file, FileNotFoundError())
        try:
            found = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise name_damage(file, error) from error
        if found != expected:
            raise RunFolderError(
                f"{file} is damaged or was changed: its sha256 is {found[:12]}…, and "
                f"run.json says {expected[:12]}….",
                slug="model-tampered",
                hint="Copy the run folder again from where it was made, or repeat the audit.",
            )


def _build_own(model: str | ModuleFactory, encoding: Encoding, n_classes: int) -> UserNetwork:
    if isinstance(model, str):
        return build_user_network(find_factory(model), encoding, n_classes, seed=0, name=model)
    return build_user_network(model, encoding, n_classes, seed=0)


def _check_trust(directory: Path, described: Model, model: str | ModuleFactory | None) -> None:
    """Refuse to import code that nobody has named, and a name for which there is no code."""
    if isinstance(described, LooseModel):
        raise RunFolderError(
            f"The model in {directory} is a network for a dataset of your own: this program cannot "
            "rebuild it.",
            slug="model-own-dataset",
            hint=f"Load {directory / PARAMETERS} into your network with safetensors.torch.",
        )
    if isinstance(described, OwnModel) and model is None:
        factory = described.factory.factory
        raise RunFolderError(
            f"The model in {directory} is a network of your own, made by {factory}. No code is run "
            "because a file names it.",
            slug="model-needs-trust",
            hint=f"If you trust that code, name it: --model {factory}.",
        )
    if not isinstance(described, OwnModel) and model is not None:
        raise RunFolderError(
            f"The model in {directory} is the package's own network, not one made by "
            f"{model if isinstance(model, str) else name_factory(model)}.",
            slug="model-not-own",
            hint="Leave --model out.",
        )


def _name_change(directory: Path, factory: Factory, difference: str) -> RunFolderError:
    return RunFolderError(
        f"The network made now is not the one saved in {directory}: {difference}.",
        slug="model-changed",
        hint=f"Give the code of {factory.factory} that the run was made with.",
    )
