"""Memory that runs out: smaller batches, nothing lost; data that stays where it fits."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import datacleanse as dc
from datacleanse.errors import MemoryShortError, Stopped, is_shortage
from datacleanse.models.inference import compute_logits
from datacleanse.progress import SILENT
from datacleanse.settings import Schedule
from datacleanse.training import placement, sparing
from datacleanse.training.checkpoint import Checkpoints
from datacleanse.training.examples import Examples
from datacleanse.training.placement import Moved, Part, place
from datacleanse.training.trainer import Lesson, Trainer
from tests.training.test_loop import blobs, keeping

SHORTAGES = {
    "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    "cpu": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 400000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
    "windows": RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 B"),
    "python": MemoryError(),
}


@pytest.fixture(autouse=True)
def checkpoint_at_each_epoch(monkeypatch):
    """However short it took."""
    monkeypatch.setattr(sparing, "SECONDS_APART", 0.0)


class Bounded(nn.Module):
    """Too large a batch ends the memory, from some call on."""

    calls = 0

    def __init__(self, largest, error, *, free=0):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
        self.largest, self.error, self.free = largest, error, free

    def forward(self, x):
        if self.training:
            Bounded.calls += 1
            if len(x) > self.largest and Bounded.calls > self.free:
                raise self.error
        return self.layers(x)


def lesson(largest, error, *, free=0, batch_size=32, epochs=4):
    def build():
        torch.manual_seed(0)
        return Bounded(largest, error, free=free)

    return Lesson(build, True, "l2rw", Schedule(epochs=epochs, batch_size=batch_size, lr=1e-2), 0)


def learned(lesson, checkpoints=None, *, stop=None, records=None):
    """Both trainings, and the ledger of the reweighted one."""
    Bounded.calls = 0
    examples, _ = blobs(flipped=10)
    records = {} if records is None else records

    class Stop:
        def __call__(self):
            return stop is not None and stop()

        awaited = staticmethod(nullcontext)

    return train_both(lesson, examples, keeping(records), checkpoints, Stop()), records


def train_both(lesson, examples, keep, *others):
    """The reweighted training and its control, on the same rows."""
    trainer = Trainer(lesson, torch.device("cpu"), lambda name: None, SILENT, *others)
    networks = trainer.learn([lambda: examples], examples, keep=keep)
    reweighted, control = networks.reweighted, networks.control
    notices = trainer.tell_halved(control.batch_size)
    return SimpleNamespace(reweighted=reweighted, control=control, notices=notices)


def assert_same(one, other):
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.fixture(scope="module")
def small():
    """Two epochs with batches of 8 rows from the start."""
    return learned(lesson(8, SHORTAGES["gpu"], batch_size=8, epochs=2))


@pytest.mark.parametrize("error", SHORTAGES.values(), ids=SHORTAGES)
def test_a_batch_that_does_not_fit_is_halved_until_it_does_and_all_is_as_with_that_size(
    error, small, tmp_path
):
    pair, records = learned(lesson(8, error, epochs=2), Checkpoints(tmp_path / "c", {}))
    small, expected = small
    assert (pair.reweighted.batch_size, pair.control.batch_size) == (8, 8)
    assert sorted(records) == [0, 1]
    for epoch, record in records.items():
        assert_same(record, expected[epoch])
    assert_same(pair.control.outcome.dynamics, small.control.outcome.dynamics)
    (notice,) = pair.notices
    assert "Batches of 32 rows" in notice.message
    assert "8 rows a step" in notice.message
    assert small.notices == ()


def test_epochs_before_the_shortage_stay_and_the_broken_one_is_done_again(tmp_path):
    n_batches = 3
    error = SHORTAGES["gpu"]
    # The first call tries the routes; the shortage comes in the third epoch.
    pair, records = learned(lesson(16, error, free=2 * n_batches + 2), Checkpoints(tmp_path, {}))
    free, undisturbed = learned(lesson(99, error))
    assert pair.reweighted.batch_size == 16
    for epoch in (0, 1):
        assert_same(records[epoch], undisturbed[epoch])
    assert sorted(records) == [0, 1, 2, 3]
    assert all(np.isfinite(record.loss).all() for record in records.values())
    assert all(np.isfinite(record.weight).all() for record in records.values())
    assert len(pair.reweighted.outcome.loss) == 4
    assert pair.reweighted.outcome.loss[:2] == free.reweighted.outcome.loss[:2]


def test_resuming_keeps_the_halved_batch(tmp_path):
    error, checkpoints = SHORTAGES["gpu"], Checkpoints(tmp_path, {})
    whole, expected = learned(lesson(8, error, epochs=2))
    n_stops, records, pair = 0, {}, None
    while pair is None:
        steps = iter(range(7))
        try:
            # After the first stop memory would suffice; the size stays.
            bound = lesson(8 if n_stops == 0 else 99, error, epochs=2)
            pair, _ = learned(
                bound, checkpoints, stop=lambda steps=steps: next(steps) == 6, records=records
            )
        except Stopped:
            n_stops += 1
    assert n_stops > 2
    for epoch, record in expected.items():
        assert_same(records[epoch], record)
    assert (pair.reweighted.batch_size, pair.control.batch_size) == (8, 8)
    assert pair.notices == whole.notices
    assert_same(pair.reweighted.outcome.dynamics, whole.reweighted.outcome.dynamics)
    assert_same(pair.control.outcome.dynamics, whole.control.outcome.dynamics)


def test_a_training_stopped_within_an_epoch_goes_on_there_with_smaller_batches(tmp_path):
    error, checkpoints = SHORTAGES["gpu"], Checkpoints(tmp_path, {})
    steps = iter(range(99))
    with pytest.raises(Stopped, match="after 1 of 4 epochs and 2 of 3 batches"):
        learned(lesson(99, error), checkpoints, stop=lambda: next(steps) == 4)
    pair, records = learned(lesson(12, error), checkpoints)
    assert pair.reweighted.batch_size == 8
    assert sorted(records) == [1, 2, 3]
    for record in records.values():
        assert np.isfinite(record.weight).all()
    # Each example was seen once an epoch: the probabilities' mean still sums to 1.
    np.testing.assert_allclose(
        pair.reweighted.outcome.dynamics.probability.sum(axis=1), 1.0, rtol=1e-5
    )


def test_the_smallest_batch_that_does_not_fit_is_one_clear_error():
    with pytest.raises(MemoryShortError, match="batches of 2 rows") as error:
        learned(lesson(1, SHORTAGES["cpu"]))
    assert error.value.slug == "out-of-memory"
    assert "smaller network" in error.value.hint


def test_other_failures_of_the_network_are_told_and_not_tried_with_smaller_batches():
    with pytest.raises(dc.DatacleanseError, match="RuntimeError: shapes differ"):
        learned(lesson(4, RuntimeError("shapes differ")))
    # By the two routes that may serve a network with batch statistics.
    assert Bounded.calls == 2


def test_a_run_says_in_its_manifest_that_batches_were_halved(tmp_path):
    from tests.auditing.test_user_network import CLEAN, FRAME

    class Table(nn.Module):
        def __init__(self, n_features, n_classes):
            super().__init__()
            self.linear = nn.Linear(n_features, n_classes)

        def forward(self, x):
            if self.training and len(x) > 20:
                raise SHORTAGES["gpu"]
            return self.linear(x)

    result = dc.audit(
        FRAME, val=CLEAN, label="label", model=Table, epochs=3, batch_size=64, out=tmp_path / "run"
    )
    manifest = result.manifest
    assert (manifest["training"]["batch_size"], manifest["settings"]["batch_size"]) == (16, 64)
    (notice,) = [n for n in manifest["notices"] if n["slug"] == "batch-halved"]
    assert notice["is_warning"]
    assert sorted(result.ledger["epoch"].unique()) == [0, 1, 2]
    assert len(result.ledger) == 900
    assert result.ledger["loss"].notna().all()


def test_predictions_that_do_not_fit_are_made_in_smaller_parts():
    class Small(nn.Linear):
        def forward(self, x):
            if len(x) > 3:
                raise SHORTAGES["gpu"]
            return super().forward(x)

    model, x = Small(4, 2), torch.randn(50, 4)
    torch.testing.assert_close(
        compute_logits(model, x), nn.functional.linear(x, *model.parameters())
    )


def test_examples_stay_in_main_memory_where_the_device_has_no_room(monkeypatch):
    values, device = torch.randn(10, 4), torch.device("meta")
    for free, kind in ((values.nbytes * 2, torch.Tensor), (values.nbytes * 2 - 1, Moved)):
        monkeypatch.setattr(placement, "measure_free_memory", lambda device, free=free: free)
        assert isinstance(place(values, device), kind)
    assert place(values, torch.device("cpu")) is values


def test_a_device_that_is_full_after_all_leaves_the_examples_in_main_memory(monkeypatch):
    monkeypatch.setattr(placement, "measure_free_memory", lambda device: 1 << 40)

    class Full(torch.Tensor):
        def to(self, device):
            raise SHORTAGES["gpu"]

    assert isinstance(place(torch.randn(3, 2).as_subclass(Full), torch.device("meta")), Moved)


def test_moved_examples_give_the_training_of_resident_ones():
    examples, _ = blobs(flipped=10)
    moved = Examples(
        Moved(examples.inputs, torch.device("cpu")),
        *(getattr(examples, f.name) for f in fields(Examples)[1:]),
    )
    outcomes = []
    for each in (examples, moved):
        task = lesson(99, SHORTAGES["gpu"])
        outcomes.append(train_both(task, each, lambda *_: None))
    for name in ("reweighted", "control"):
        first, second = (getattr(pair, name).outcome for pair in outcomes)
        assert_same(first.dynamics, second.dynamics)


def test_a_part_of_the_examples_is_indexed_by_its_own_positions():
    part = Part(torch.arange(10) * 10, torch.tensor([3, 5, 9]))
    assert len(part) == 3
    assert part[torch.tensor([2, 0])].tolist() == [90, 30]


@pytest.mark.parametrize("error", [ValueError("not enough memory"), RuntimeError("shapes")])
def test_other_errors_are_no_shortage(error):
    assert not is_shortage(error)
