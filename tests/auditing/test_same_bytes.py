"""An audit leaves the same bytes however many threads its libraries would take, also when resumed.

The number of threads stands in for that of cores, by which libraries choose it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from threadpoolctl import threadpool_limits

import datacleanse as dc
from tests.auditing.made_images import digits

SHORT = {"epochs": 2, "seed": 3, "jobs": 2}
"""So short that the second opinion is formed after the trainings for the most part."""
N_COLUMNS = 12
STAGES = ("Training, halves of CLEAN swapped", "Scoring", "Writing")
"""At which a run is killed: the second opinion is then formed beside little or no training."""


@contextmanager
def computing_with(n_threads):
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        with threadpool_limits(n_threads):
            yield
    finally:
        torch.set_num_threads(before)


def points(n, *, seed):
    """A table whose label follows from its columns, a fifth of the labels wrong in DATA."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, N_COLUMNS))
    label = (x @ np.random.default_rng(9).normal(size=(N_COLUMNS, 3))).argmax(axis=1)
    label = np.where(rng.random(n) < 0.2 * (seed == 0), (label + 1) % 3, label)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(N_COLUMNS)])
    return frame.assign(colour=rng.choice(["red", "green"], n), label=[f"k{k}" for k in label])


@pytest.fixture(scope="module")
def tables():
    return points(240, seed=0), points(80, seed=1)


def audit(sets, place, **other):
    data, clean = sets
    return dc.audit(data, val=clean, out=place, **{**SHORT, **other})


def read_results(folder):
    """The bytes of all tables, weights and parameters in a run folder."""
    names = (
        path
        for pattern in ("*.parquet", "weights/*", "model/model.*")
        for path in folder.glob(pattern)
    )
    return {str(path.relative_to(folder)): path.read_bytes() for path in names}


def assert_same(one, other, *, also=("neighbours.parquet",)):
    """See that two runs hold the same bytes, and the files that runs have, ``also`` among them."""
    first, second = read_results(one), read_results(other)
    assert {"audit.parquet", "model/model.safetensors", *also} <= first.keys()
    assert any(name.startswith("weights/") for name in first)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


@pytest.fixture(scope="module")
def whole(tables, tmp_path_factory):
    """The run of a table with one thread."""
    place = tmp_path_factory.mktemp("whole") / "run"
    with computing_with(1):
        audit(tables, place)
    return place


class Killed(BaseException):
    """Nothing in the program catches it."""


@dataclass(frozen=True)
class KillAt:
    """A listener that ends the audit when a stage begins."""

    name: str

    def stage(self, name, total):
        del total
        if name == self.name:
            raise Killed

    def advance(self, steps=1):
        """Nothing to do."""

    def say(self, message):
        """Nothing to do."""


def kill_and_resume(sets, place, stage):
    """Audit with two threads, killed when a stage begins, and resumed."""
    with computing_with(2):
        with pytest.raises(Killed):
            audit(sets, place, progress=KillAt(stage))
        assert place.is_dir()
        audit(sets, place, resume=True)


def test_a_table_on_other_cores(tables, whole, tmp_path):
    with computing_with(2):
        audit(tables, tmp_path / "run")
    assert_same(whole, tmp_path / "run")


@pytest.mark.parametrize("stage", STAGES)
def test_a_table_killed_and_resumed_on_other_cores(stage, tables, whole, tmp_path):
    kill_and_resume(tables, tmp_path / "run", stage)
    assert_same(whole, tmp_path / "run")


def write_pictures(folder, images, labels):
    """Class folders."""
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / f"digit {label}" / f"{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).resize((16, 16)).save(place)
    return folder


def test_pictures_killed_and_resumed_on_other_cores(tmp_path):
    images, labels = digits()
    labels = labels % 3
    data = write_pictures(tmp_path / "data", images[:48], labels[:48])
    clean = write_pictures(tmp_path / "clean", images[300:324], labels[300:324])
    with computing_with(1):
        audit((data, clean), tmp_path / "whole")
    kill_and_resume((data, clean), tmp_path / "run", "Scoring")
    assert_same(tmp_path / "whole", tmp_path / "run")
