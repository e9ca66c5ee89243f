"""How images are varied: what their own labels say, and what training draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datacleanse.models import image_statistics
from datacleanse.models.image_statistics import keeps_label_mirrored, measure_channels
from datacleanse.models.residual import (
    ResidualNetwork,
    Views,
    build_residual,
    choose_residual_shape,
)
from datacleanse.pictures.joined import Joined
from datacleanse.storage.typed_json import from_json, to_json
from datacleanse.training.placement import Gathered
from tests.auditing.made_images import digits


def joined(images):
    return Joined(images[:10], images[10:])


def test_digits_are_not_mirrored_and_their_symmetric_halves_are():
    images, labels = digits()
    images, labels = images[:600], labels[:600]
    used = np.arange(600)
    assert not keeps_label_mirrored(joined(images), labels, used, seed=0)
    both = np.maximum(images, images[..., ::-1])
    assert keeps_label_mirrored(joined(both), labels, used, seed=0)


def test_where_neighbours_tell_nothing_nothing_is_mirrored():
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(200, 1, 8, 8), dtype=np.uint8)
    labels = np.arange(200) % 50
    labels[::2] = labels[1::2]
    assert not keeps_label_mirrored(joined(images), labels, np.arange(200)[::2], seed=0)


def test_scale_is_that_of_all_where_bright_and_dark_take_turns(monkeypatch):
    monkeypatch.setattr(image_statistics, "SCALED_BY", 100)
    images = np.zeros((200, 1, 2, 2), dtype=np.uint8)
    images[::2] = 200
    mean, deviation = measure_channels(joined(images), np.arange(200))
    assert mean == pytest.approx([100], abs=30)
    assert deviation == pytest.approx([100], abs=10)


def test_scale_is_that_of_the_rows_used():
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(2_500, 3, 4, 4), dtype=np.uint8)
    images[:, 2] = 9
    used = np.arange(0, 2_500, 2)
    mean, deviation = measure_channels(joined(images), used)
    np.testing.assert_allclose(mean, images[used].mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(deviation[:2], images[used][:, :2].std(axis=(0, 2, 3)))
    assert deviation[2] == 1


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_views_are_moves_and_mirror_images(is_mirrored):
    views = Views(1, is_mirrored=is_mirrored)
    image = torch.arange(12, dtype=torch.uint8).view(1, 1, 3, 4)
    padded = torch.nn.functional.pad(image.float(), (1,) * 4, mode="replicate").byte()
    moved = [padded[..., r : r + 3, c : c + 4] for r in range(3) for c in range(3)]
    allowed = [each for m in moved for each in ((m, m.flip(3)) if is_mirrored else (m,))]
    torch.manual_seed(0)
    drawn = views(image.expand(400, -1, -1, -1))
    seen = {int(next(i for i, a in enumerate(allowed) if torch.equal(a[0], d))) for d in drawn}
    # A view that its mirror image equals is found under the first name only.
    assert len(seen) == len({a.numpy().tobytes() for a in allowed})
    assert torch.equal(views.eval()(image), image)


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 9, 30), (1, 28, 28), (3, 64, 48), (3, 150, 150)])
def test_the_network_fits_every_size(size):
    shape = choose_residual_shape(size, 100, 3, is_mirrored=True)
    channels = size[0]
    network = build_residual(shape, np.full(channels, 9.0), np.full(channels, 2.0), seed=0)
    images = torch.randint(256, (2, *size), dtype=torch.uint8)
    logits = network(images)
    assert logits.shape == (2, 3)
    torch.testing.assert_close(network.eval().head(network.penultimate(images)), network(images))
    again = ResidualNetwork(from_json(type(shape), to_json(shape)))
    again.load_state_dict(network.state_dict())
    torch.testing.assert_close(again.eval()(images), network(images))


def test_more_images_get_a_wider_network():
    widths = [
        choose_residual_shape((3, 32, 32), n, 2, is_mirrored=False).widths
        for n in (1_000, 50_000, 500_000)
    ]
    assert widths == [(16, 32, 64), (32, 64, 128), (64, 128, 256)]


def test_batches_are_gathered_from_both_arrays():
    images, _ = digits()
    rows = Gathered(Joined(images[:5], images[5:9]), torch.device("cpu"))
    index = torch.tensor([8, 0, 4, 5])
    assert len(rows) == 9
    assert torch.equal(rows[index], torch.from_numpy(images)[index])
