"""The network that the extra ``vision`` installs, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datacleanse.models.optional_packages import VISION, is_installed
from datacleanse.models.vision_extra import BLOCKS, MIRRORED, NAME, WITH_HEAD, open_lite0

pytestmark = pytest.mark.skipif(
    not all(map(is_installed, VISION)), reason="the extra is not installed"
)


@pytest.mark.parametrize(
    ("name", "width"),
    [(NAME, 2 * 784), (MIRRORED, 2 * 784), (BLOCKS, 320), (WITH_HEAD, 1280)],
)
def test_the_real_network_tells_what_it_should(name, width):
    network = open_lite0(160, torch.device("cpu"), what="this", name=name)
    features = network.compute_features(np.full((1, 3, 160, 160), 127, np.uint8))
    assert features.shape == (1, width)
    assert np.isfinite(features).all()
