"""A pretrained network tried on some pictures, for a forecast of what it takes on all of them."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.auditing.image_features import add_features
from datacleanse.auditing.pretrained_features import (
    choose_reading,
    open_network,
    see_originals,
    see_pixels,
)
from datacleanse.models.frozen_network import PictureFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.reading import Inputs
    from datacleanse.models.frozen_network import FrozenNetwork
    from datacleanse.progress import Progress
    from datacleanse.settings import Settings

    Floats = NDArray[np.float32]

TRIED = 30
"""Pictures of DATA that the network sees, evenly spaced."""

COMPARED = 300
"""The same where it depends on them what reads the features."""


def try_pretrained(inputs: Inputs, settings: Settings, progress: Progress) -> tuple[Inputs, float]:
    """Let a pretrained network see some of DATA's pictures.

    Args:
        inputs: what was read, of pictures.
        settings: as `image_features.wants_pretrained` was asked with.
        progress: is told of each picture.

    Returns:
        What `show_to_pretrained` returns, with features of a picture that was seen for each one
        that was not; and the seconds that the network would take for those.

    Raises:
        SettingsError: the network is not installed or cannot be had.
        InputError: a picture changed meanwhile.
    """
    progress.stage("Loading the pretrained network", None)
    network = open_network(inputs, settings)
    n, is_open = inputs.data.n_rows, settings.model == "auto"
    rows = np.unique(np.linspace(0, n - 1, COMPARED if is_open else TRIED).astype(np.int64))
    progress.stage("Trying", len(rows))
    started = perf_counter()
    seen = _see(inputs, rows, network, progress)
    a_picture = (perf_counter() - started) / len(rows)
    n_test = None if inputs.test is None else inputs.test.n_rows
    features = PictureFeatures(
        network.backbone,
        seen[np.searchsorted(rows, np.arange(n), side="right") - 1],
        np.resize(seen, (inputs.clean.n_rows, seen.shape[1])),
        None if n_test is None else np.resize(seen, (n_test, seen.shape[1])),
    )
    inputs = replace(inputs, features=features)
    if is_open:
        inputs = choose_reading(inputs, settings, progress, seen=rows)
    else:
        inputs = add_features(inputs, [features.data, features.clean, features.test])
    return inputs, a_picture * (n + inputs.clean.n_rows + (n_test or 0) - len(rows))


def _see(
    inputs: Inputs, rows: NDArray[np.int64], network: FrozenNetwork, progress: Progress
) -> Floats:
    """The features of some of DATA's pictures, (K, F)."""
    pictures, gallery = inputs.pictures, inputs.gallery
    assert pictures is not None
    if gallery is None:
        return see_pixels(pictures.data[rows], network)
    some = replace(gallery.data, places=gallery.data.places[rows], sha256=gallery.data.sha256[rows])
    return see_originals(some, network, "DATA", progress)
