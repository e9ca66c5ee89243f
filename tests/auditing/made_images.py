"""Scikit-learn's digits as 8x8 images, handed to the engine as reading would hand them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
from sklearn.datasets import load_digits

from datacleanse.auditing.conduct import Conduct
from datacleanse.auditing.reading import Inputs, Request
from datacleanse.auditing.recipe import carry_out
from datacleanse.auditing.tasks.planning import plan_task
from datacleanse.data import compare_labels
from datacleanse.detection.second_opinion.background import Adviser
from datacleanse.records import Dataset, PictureInputs, Schema
from datacleanse.settings import Settings
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.stopping import NEVER

N_DATA, N_CLEAN, N_TEST = 360, 60, 200


@lru_cache
def digits():
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    images = np.round(bunch.images[order] * (255 / 16)).astype(np.uint8)[:, None]
    return images, bunch.target[order].astype(np.int64)


def dataset(name, labels, classes) -> Dataset:
    schema = Schema("label", "path", classes, (), ())
    table = pa.table(
        {
            "path": [f"{name}/{i}.png" for i in range(len(labels))],
            "label": [classes[label] for label in labels],
            "sha256": [f"{i:064x}" for i in range(len(labels))],
        }
    )
    return Dataset(f"<{name}>", table, schema, labels, classes, ())


def image_inputs(*, share=0.2, seed=1):
    """The inputs, and which of DATA's labels are wrong."""
    images, true = digits()
    ends = np.cumsum([N_DATA, N_CLEAN, N_TEST])
    parts = np.split(np.arange(ends[-1]), ends[:-1])
    given = true[parts[0]].copy()
    rng = np.random.default_rng(seed)
    wrong = rng.permutation(N_DATA)[: int(share * N_DATA)]
    given[wrong] = (given[wrong] + rng.integers(1, 10, len(wrong))) % 10
    classes = tuple(map(str, range(10)))
    labels = [given, true[parts[1]], true[parts[2]]]
    names = ("data", "clean", "test")
    data, clean, test = (
        dataset(name, its, classes) for name, its in zip(names, labels, strict=True)
    )
    inputs = Inputs(
        data,
        clean,
        test,
        compare_labels(data, clean),
        dict.fromkeys(names, "0" * 64),
        0.0,
        pictures=PictureInputs(*(images[part] for part in parts)),
    )
    return inputs, given != true[parts[0]]


def request(**settings) -> Request:
    return Request("<data>", ("<clean>",), "<test>", settings=Settings(**settings))


def audit_images(place, *, resume=False, stop=NEVER, **settings):
    """The run folder of an audit of `image_inputs`, and which of DATA's labels are wrong."""
    inputs, is_wrong = image_inputs()
    return audit_inputs(inputs, place, resume=resume, stop=stop, **settings), is_wrong


def audit_inputs(inputs, place, *, resume=False, stop=NEVER, **settings):
    """The run folder of an audit of what was read."""
    with use_one_thread():
        return carry_out(
            plan_task(request(**settings), inputs),
            inputs,
            Conduct(place, resume=resume, stop=stop),
            adviser=Adviser(),
        )
