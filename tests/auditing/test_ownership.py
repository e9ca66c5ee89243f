"""What was read leaves memory when the audit needs it no more, whoever still holds the inputs."""

from __future__ import annotations

import gc
import os
from weakref import ref

import numpy as np
import pandas as pd
import pytest

import datacleanse as dc
from datacleanse.auditing import run
from datacleanse.auditing.conduct import Conduct
from tests.auditing.made_images import digits, image_inputs, request

needs_mapping = pytest.mark.skipif(os.name == "nt", reason="Windows keeps the table in memory")


def frame(n, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 4))
    labels = np.where(values[:, 0] > 0, "yes", "no")
    return pd.DataFrame(values, columns=list("abcd")).assign(label=labels)


class Watch:
    """Looks, when each training begins, at what is still alive."""

    def __init__(self) -> None:
        self.watched: list = []
        self.alive: list[list[bool]] = []

    def stage(self, name, total):
        del total
        if name.startswith("Training"):
            gc.collect()
            self.alive.append([each() is not None for each in self.watched])

    def advance(self, steps=1):
        del steps

    def say(self, message):
        del message


def watch_inputs(monkeypatch, chosen):
    """A progress that watches what ``chosen`` picks of the inputs that `run_audit` reads."""
    watch, read = Watch(), run.read_inputs

    def reading(*arguments, **named):
        inputs = read(*arguments, **named)
        watch.watched += [ref(each) for each in chosen(inputs)]
        return inputs

    monkeypatch.setattr(run, "read_inputs", reading)
    return watch


@needs_mapping
def test_the_table_as_read_is_gone_before_training(monkeypatch):
    watch = watch_inputs(monkeypatch, lambda inputs: [inputs.data, inputs.data.table])
    dc.audit(frame(300, 0), val=frame(40, 1), epochs=2, progress=watch)
    assert watch.alive
    assert not np.any(watch.alive)


def test_pictures_are_gone_where_features_took_their_place(monkeypatch, tmp_path):
    inputs, _ = image_inputs()
    np.save(tmp_path / "f.npy", digits()[0][:620].reshape(620, -1).astype(np.float32))
    held = [inputs]
    monkeypatch.setattr(run, "read_inputs", lambda *_, **__: held.pop())
    watch = Watch()
    watch.watched.append(ref(inputs.pictures))
    del inputs
    asked = request(features=str(tmp_path / "f.npy"), epochs=2, fast=True)
    run.run_audit(asked, Conduct(tmp_path / "run", progress=watch))
    assert watch.alive
    assert not np.any(watch.alive)


@needs_mapping
def test_a_parked_table_is_the_same_table_and_leaves_no_file(tmp_path):
    inputs, _ = image_inputs()
    before = inputs.data.table
    inputs.park_table(tmp_path / "parked")
    assert inputs.data.table is not before
    assert inputs.data.table.equals(before)
    assert list(tmp_path.iterdir()) == []
