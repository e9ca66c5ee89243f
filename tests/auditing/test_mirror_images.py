"""Mirror images that a pretrained network sees, too: of few pictures, where classes allow it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from datacleanse.auditing import pretrained_features
from datacleanse.auditing.conduct import Conduct
from datacleanse.auditing.pretrained_features import (
    choose_reading,
    open_network,
    show_to_pretrained,
)
from datacleanse.auditing.reading import Request, read_inputs
from datacleanse.auditing.run import run_audit
from datacleanse.models.vision_extra import MIRRORED, NAME, describe_lite0, open_lite0
from datacleanse.progress import SILENT
from datacleanse.serving.export import export_run
from datacleanse.settings import Settings
from tests.auditing.made_backbone import vision

__all__ = ["vision"]


@pytest.fixture(scope="module")
def lit(tmp_path_factory):
    """Requests for pictures with a bright half: of classes that a mirror keeps, or swaps."""
    root = tmp_path_factory.mktemp("lit")
    rng = np.random.default_rng(0)
    for number in range(60):
        half = slice(0, 8) if number % 2 else slice(8, 16)
        pixels = rng.integers(100, size=(16, 16), dtype=np.uint8)
        upright = pixels.copy()
        pixels[:, half] += 150
        upright[half] += 150
        for name, shown in (("sides", pixels), ("heights", upright)):
            place = root / name / "ab"[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(shown).save(place / f"{number}.png")
    return {
        name: Request(
            str(root / name), (), settings=Settings(model="pretrained", epochs=2, device="cpu")
        )
        for name in ("sides", "heights")
    }


def choose(request):
    return open_network(read_inputs(request, SILENT), request.settings).backbone.name


def test_features_are_the_mean_with_those_of_the_mirror_image(vision):
    images = np.random.default_rng(0).integers(256, size=(5, 3, 160, 160), dtype=np.uint8)
    cpu = torch.device("cpu")
    plain, both = (open_lite0(160, cpu, what="this", name=name) for name in (NAME, MIRRORED))
    expected = (
        plain.compute_features(images)
        + plain.compute_features(np.ascontiguousarray(images[..., ::-1]))
    ) / 2
    np.testing.assert_allclose(both.compute_features(images), expected, rtol=1e-4, atol=1e-5)


def test_classes_say_whether_mirror_images_are_seen(vision, lit):
    assert choose(lit["heights"]) == MIRRORED
    assert choose(lit["sides"]) == NAME


def test_of_many_pictures_no_mirror_images_are_seen(vision, lit, monkeypatch):
    monkeypatch.setattr(pretrained_features, "MOST_MIRRORED", 59)
    assert choose(lit["heights"]) == NAME


def test_it_is_said_that_mirror_images_were_seen(vision, lit):
    inputs, settings = read_inputs(lit["heights"], SILENT), Settings(device="cpu")
    found = show_to_pretrained(inputs, settings, kept=None, progress=SILENT)
    assert "saw the pictures and their mirror images. " in found.comparison.notices[-1].message
    alone = replace(found.features, backbone=describe_lite0(160))
    found = choose_reading(replace(inputs, features=alone), settings, SILENT)
    assert "saw the pictures. " in found.comparison.notices[-1].message


def test_an_export_says_how_features_are_read(vision, lit, tmp_path):
    run = run_audit(lit["heights"], Conduct(tmp_path / "run"))
    assert run.manifest().identity["pretrained network"]["name"] == MIRRORED
    export_run(run.path, "safetensors", tmp_path / "m.safetensors")
    said = json.loads((tmp_path / "m.json").read_text())["computation"][0]
    assert "mean over positions of what each stage gives" in said
    assert "of the picture and of its mirror image" in said
    assert describe_lite0(160, MIRRORED).sha256 == describe_lite0(160).sha256
