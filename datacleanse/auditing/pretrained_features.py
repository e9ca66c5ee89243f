"""What a frozen pretrained network makes of an audit's pictures, and where that serves.

Natural pictures are told better by what such a network learned elsewhere, digits and drawings often
by a network from scratch. Which of the two DATA's are is asked of its own labels: see
`choose_reading`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from datacleanse.auditing.image_features import add_features
from datacleanse.auditing.prepared import plan_rows
from datacleanse.data.number_labels import measure_scale
from datacleanse.detection.regression.opinions import compare_with_pixels
from datacleanse.detection.second_opinion.features import compare_with_patches
from datacleanse.errors import InputError, SettingsError
from datacleanse.models import vision_extra
from datacleanse.models.frozen_network import PictureFeatures
from datacleanse.models.image_statistics import keeps_label_mirrored
from datacleanse.pictures.decode_all import decode_and_work
from datacleanse.pictures.joined import Joined
from datacleanse.records import Comparison, Notice
from datacleanse.settings import is_timm
from datacleanse.storage.atomic_files import make_own_folder, write_aside
from datacleanse.training.device import choose_device

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.reading import Inputs
    from datacleanse.models.frozen_network import Backbone, FrozenNetwork
    from datacleanse.pictures.chunks import Chunk
    from datacleanse.pictures.read import PictureSet
    from datacleanse.progress import Progress
    from datacleanse.settings import Settings
    from datacleanse.storage.run_folder import RunFolder

    Floats = NDArray[np.float32]

LEAST_LEAD = 1.1
"""Times what patches tell of a label that features must tell of it: a network that is trained from
scratch tells more than patches, too. Decision 94."""

MOST_MIRRORED = 5_000
"""Pictures, of DATA, CLEAN and TEST together, whose mirror images are seen, too: of more it takes
minutes, and each tells less. Decision 120."""

_KEY = "made of"
"""What features were made of, in the metadata of their file."""


def show_to_pretrained(
    inputs: Inputs, settings: Settings, *, kept: RunFolder | None, progress: Progress
) -> Inputs:
    """Let a pretrained network see the pictures, and choose what reads its features.

    Args:
        inputs: what was read.
        settings: as `image_features.wants_pretrained` was asked with.
        kept: the run that is gone on with: features that it keeps are not computed again.
        progress: is told of each picture.

    Returns:
        The inputs with features in the place of pictures where a network is to read them, else
        beside them, for the second opinion.

    Raises:
        SettingsError: the network is not installed or cannot be had, or DATA is a table.
        InputError: a picture changed while the audit ran.
    """
    progress.stage("Loading the pretrained network", None)
    network = open_network(inputs, settings)
    is_finished = kept is not None and kept.is_finished()
    if is_finished:
        features = _stand_in(inputs, network.backbone)
    else:
        features = _find_kept(kept, inputs, network) or _compute(inputs, network, progress)
    inputs = replace(inputs, features=features)
    if settings.model == "auto" and not is_finished:
        return choose_reading(inputs, settings, progress)
    return add_features(inputs, [features.data, features.clean, features.test])


def choose_reading(
    inputs: Inputs,
    settings: Settings,
    progress: Progress,
    *,
    seen: NDArray[np.int64] | None = None,
) -> Inputs:
    """Let a network read the features where they tell the labels better than the pictures do.

    Both are asked by regressions that judge each row without its own label: given labels, and of
    verified rows the true ones.

    Args:
        inputs: with features of all pictures.
        settings: of the audit.
        progress: is told what is chosen.
        seen: rows of DATA, the only ones that are asked; None: all rows are.
    """
    features = inputs.features
    assert features is not None
    progress.stage("Comparing features with pixels", None)
    is_better, how_far = _compare_with_pixels(inputs, features, settings, seen)
    chosen = (
        "a network reads the features"
        if is_better
        else "a network is trained from scratch, and the features are heard beside it"
    )
    shown = "the pictures" if seen is None else f"{len(seen):,} of the pictures"
    if features.backbone.name == vision_extra.MIRRORED:
        shown += " and their mirror images"
    message = (
        f"{features.backbone.title} (licence {features.backbone.licence}, trained on "
        f"{features.backbone.trained_on}) saw {shown}. {how_far}: {chosen}."
    )
    progress.say(message)
    notice = Notice("pretrained-chosen", message, option="--model residual")
    before = inputs.comparison
    told = Comparison(before.overlap, (*before.notices, notice))
    inputs = replace(inputs, comparison=told)
    if not is_better:
        return inputs
    return add_features(inputs, [features.data, features.clean, features.test])


def _compare_with_pixels(
    inputs: Inputs,
    features: PictureFeatures,
    settings: Settings,
    seen_rows: NDArray[np.int64] | None,
) -> tuple[bool, str]:
    """Whether features tell labels better than the pixels do, and how well each does.

    Arguments as for `choose_reading`.
    """
    pictures, numbers = inputs.pictures, inputs.data.numbers
    assert pictures is not None
    plan = plan_rows(inputs, settings)
    labels = np.where(plan.truth >= 0, plan.truth, plan.labels)
    asked = np.concatenate([features.data, features.clean]), Joined(pictures.data, pictures.clean)
    rows, seed = np.flatnonzero(plan.is_learned), settings.seed
    rows = rows if seen_rows is None else np.intersect1d(rows, seen_rows)
    if numbers is None:
        n_classes = len(inputs.data.schema.classes)
        seen, plain = compare_with_patches(*asked, labels, rows, n_classes=n_classes, seed=seed)
        return seen > plain * LEAST_LEAD, (
            f"Its features tell {seen:.2f} nats of a label, patches of the pixels {plain:.2f}, and "
            "a tenth more than those is asked for"
        )
    centre, scale = measure_scale(inputs.data.targets)
    standardised = (numbers[labels] - centre) / scale
    seen, plain = compare_with_pixels(*asked, standardised, rows, seed=seed)
    return seen < plain, (
        f"Half of the labels lie within {seen * scale:.3g} of what its features tell, and within "
        f"{plain * scale:.3g} of what the pixels tell"
    )


def keep_features(folder: RunFolder, inputs: Inputs) -> None:
    """Keep the inputs' features in the run folder: ``--resume`` need not compute them again."""
    features = inputs.features
    assert features is not None
    parts = {"data": features.data, "clean": features.clean, "test": features.test}
    held = {name: np.ascontiguousarray(part) for name, part in parts.items() if part is not None}
    make_own_folder(folder.checkpoint_dir)
    key = _describe_origin(inputs, features.backbone)
    with write_aside(folder.features_file) as aside:
        save_file(held, aside, metadata={_KEY: key})


def open_network(inputs: Inputs, settings: Settings) -> FrozenNetwork:
    """The pretrained network that the settings name, or that of the extra `vision`.

    Raises:
        SettingsError: it is not installed or cannot be had, or DATA is a table.
    """
    if inputs.pictures is None:
        raise SettingsError(
            f"--model {settings.model} is for images, and DATA is a table.",
            slug="settings-contradict",
            hint="A column of lists in a table counts as features by itself.",
        )
    device = choose_device(settings.device)
    if is_timm(settings.model):
        from datacleanse.models.timm_networks import open_timm

        return open_timm(settings.model, settings.weights, device)
    side = vision_extra.choose_side(_list_sizes(inputs))
    name = vision_extra.MIRRORED if _are_mirrored(inputs, settings) else vision_extra.NAME
    return vision_extra.open_lite0(side, device, what=f"--model {settings.model}", name=name)


def _are_mirrored(inputs: Inputs, settings: Settings) -> bool:
    """Whether the network sees mirror images, too: of few pictures whose classes stay the same."""
    pictures = inputs.pictures
    assert pictures is not None
    sets = (inputs.data, inputs.clean, inputs.test)
    n = sum(each.n_rows for each in sets if each is not None)
    if n > MOST_MIRRORED or inputs.data.numbers is not None:
        return False
    plan = plan_rows(inputs, settings)
    rows, images = np.flatnonzero(plan.is_learned), Joined(pictures.data, pictures.clean)
    return keeps_label_mirrored(images, plan.labels, rows, seed=settings.seed)


def _list_sizes(inputs: Inputs) -> NDArray[np.int32]:
    """Width and height of DATA's pictures as they were given, (N, 2) in pixels."""
    pictures, gallery = inputs.pictures, inputs.gallery
    if gallery is not None:
        return gallery.data.sizes
    assert pictures is not None
    return np.array([pictures.data.shape[:1:-1]], dtype=np.int32)


def _describe_origin(inputs: Inputs, backbone: Backbone) -> str:
    """All that the features depend on, as a digest."""
    reviewed = None if inputs.reviewed is None else inputs.reviewed.sha256
    verified = None if inputs.verified is None else inputs.verified.sources
    about = [backbone.to_json(), inputs.sha256, reviewed, repr(verified), inputs.clean.n_rows]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _stand_in(inputs: Inputs, backbone: Backbone) -> PictureFeatures:
    """No features: a finished run is only asked whether it is the one that is meant."""
    data, clean, test = (
        None if each is None else np.zeros((each.n_rows, 1), np.float32)
        for each in (inputs.data, inputs.clean, inputs.test)
    )
    assert data is not None
    assert clean is not None
    return PictureFeatures(backbone, data, clean, test)


def _find_kept(
    folder: RunFolder | None, inputs: Inputs, network: FrozenNetwork
) -> PictureFeatures | None:
    """Features that an unfinished run keeps; None where there are none of these pictures."""
    if folder is None or not folder.features_file.is_file():
        return None
    key = _describe_origin(inputs, network.backbone)
    try:
        with safe_open(folder.features_file, framework="numpy") as file:
            if (file.metadata() or {}).get(_KEY) != key:
                return None
            parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return PictureFeatures(network.backbone, parts["data"], parts["clean"], parts.get("test"))
    except (OSError, SafetensorError, KeyError):
        return None


def _compute(inputs: Inputs, network: FrozenNetwork, progress: Progress) -> PictureFeatures:
    pictures, gallery = inputs.pictures, inputs.gallery
    assert pictures is not None
    arrays = (pictures.data, pictures.clean, pictures.test)
    progress.stage("Features", sum(len(each) for each in arrays if each is not None))
    if gallery is None:
        data, clean, test = (
            None if each is None or not len(each) else see_pixels(each, network) for each in arrays
        )
    else:
        data, clean, test = (
            None if each is None else see_originals(each, network, role, progress)
            for each, role in zip(
                (gallery.data, gallery.clean, gallery.test), ("DATA", "CLEAN", "TEST"), strict=True
            )
        )
    assert data is not None
    clean = data[:0] if clean is None else clean
    if gallery is not None and inputs.reviewed is not None:
        clean = np.concatenate([clean, data[inputs.reviewed.rows]])
    return PictureFeatures(network.backbone, data, clean, test)


def see_pixels(images: NDArray[np.uint8], network: FrozenNetwork) -> Floats:
    """The features (N, F) of pictures (N, C, H, W) that are decoded already, N > 0."""
    return network.compute_features(images)


def see_originals(
    pictures: PictureSet, network: FrozenNetwork, role: str, progress: Progress
) -> Floats:
    """The features (N, F) of pictures, decoded anew at the size that the network wants.

    Raises:
        InputError: a picture was changed meanwhile.
    """
    order = np.argsort(pictures.places, kind="stable")
    side = network.backbone.side

    def work(chunk: Chunk) -> tuple[Floats, NDArray[np.uint8]]:
        return network.encode(chunk.values), chunk.sha256

    found, done = [], 0
    for features, sha256 in decode_and_work(
        pictures.store,
        pictures.places[order],
        (3, side, side),
        work,
        portion=network.portion,
        in_threads=network.is_on_cpu,
    ):
        rows = order[done : done + len(features)]
        if not np.array_equal(sha256, pictures.sha256[rows]):
            raise InputError(
                f"A picture of {role} was changed while the audit read it.",
                slug="pictures-changed",
                hint="Repeat the audit when nothing writes there.",
            )
        found.append(features)
        done += len(rows)
        progress.advance(len(rows))
    joined = np.concatenate(found)
    result = np.empty_like(joined)
    result[order] = joined
    return result
