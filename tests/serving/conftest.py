"""Finished runs to export, made once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import datacleanse as dc
from tests.cli.conftest import people


def mixed(n: int, *, seed: int, wrong: float = 0.0) -> pd.DataFrame:
    """Every kind of column, with missing cells in each."""
    rng = np.random.default_rng(seed)
    frame = people(n, seed=seed, wrong=wrong)
    frame["vec"] = list(rng.normal(size=(n, 3)))
    frame["grade"] = rng.integers(1, 4, n).astype(str)
    frame["income"] *= 1e6
    for start, column in enumerate(("age", "city", "since", "vec", "grade")):
        frame.loc[start::11, column] = None
    frame["member"] = frame["member"].astype("boolean")
    frame.loc[5::11, "member"] = pd.NA
    return frame


@pytest.fixture(scope="session")
def frames():
    return {
        "data": mixed(200, seed=0, wrong=0.1),
        "clean": mixed(60, seed=1),
        "test": mixed(80, seed=2),
    }


@pytest.fixture(scope="session")
def result(frames, tmp_path_factory):
    """A small run on the mixed table."""
    out = tmp_path_factory.mktemp("run") / "run"
    return dc.audit(
        frames["data"],
        val=frames["clean"],
        test=frames["test"],
        id="key",
        categorical=["grade"],
        epochs=2,
        fast=True,
        out=out,
    )


@pytest.fixture(scope="session")
def number_frames(frames):
    """The same rows with a number for a label, a tenth of DATA's ten times too large."""
    found = {}
    for name, frame in frames.items():
        noise = np.random.default_rng(len(frame)).normal(size=len(frame))
        price = 40 * (frame["label"] == "yes") + frame["income"].fillna(0) / 1e6 + noise
        found[name] = frame.assign(label=price.round(1))
    found["data"].loc[::10, "label"] *= 10
    return found


@pytest.fixture(scope="session")
def number_result(number_frames, tmp_path_factory):
    """A small run whose labels are numbers."""
    return dc.audit(
        number_frames["data"],
        val=number_frames["clean"],
        test=number_frames["test"],
        id="key",
        categorical=["grade"],
        task="regression",
        epochs=2,
        out=tmp_path_factory.mktemp("numbers") / "run",
    )


@pytest.fixture(scope="session", params=["classes", "numbers"])
def audited(request):
    """A small run of either kind of labels."""
    name = "result" if request.param == "classes" else "number_result"
    return request.getfixturevalue(name)


@pytest.fixture(scope="session")
def run(result):
    """Its folder; only to be read."""
    return result.folder.path
