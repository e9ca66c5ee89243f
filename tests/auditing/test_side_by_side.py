"""Networks trained side by side leave the bytes of those trained one after the other."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import datacleanse as dc
from datacleanse.settings import Settings
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training import side_by_side
from tests.auditing.test_same_bytes import Killed, assert_same, audit, points

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")

REPEATS = 1


@pytest.fixture(scope="module")
def tables():
    return points(240, seed=0), points(80, seed=1)


@pytest.fixture(scope="module")
def alone(tables, tmp_path_factory):
    """The run of a table, one after the other."""
    place = tmp_path_factory.mktemp("alone") / "run"
    audit(tables, place, jobs=1, repeats=REPEATS)
    return place


@pytest.fixture
def forked(monkeypatch):
    """The processes that were forked for trainings."""
    found, fork = [], side_by_side.fork
    monkeypatch.setattr(side_by_side, "fork", lambda *a: found.append(fork(*a)) or found[-1])
    return found


class Listener:
    """Told of trainings side by side; kills the audit when one has done some steps."""

    def __init__(self, kill_at=None):
        self.kill_at, self.lanes = kill_at, []

    def stage(self, name, total):
        del name, total

    def advance(self, steps=1):
        """Nothing to do."""

    def say(self, message):
        """Nothing to do."""

    def beside(self, name, total):
        lane = Lane(self, name, total)
        self.lanes.append(lane)
        return lane


class Lane:
    def __init__(self, listener, name, total):
        self.listener, self.name, self.total, self.done = listener, name, total, 0
        self.is_over = False

    def advance(self, steps=1):
        self.done += steps
        if self.name == self.listener.kill_at:
            raise Killed

    def finish(self):
        self.is_over = True


def test_the_bytes_are_the_same_side_by_side_and_all_are_shown(tables, alone, forked, tmp_path):
    listener = Listener()
    audit(tables, tmp_path / "run", jobs=3, repeats=REPEATS, progress=listener)
    assert_same(alone, tmp_path / "run")
    assert len(forked) == 3 * (1 + REPEATS) + 1  # the final network
    *shown, last = [lane.name for lane in listener.lanes]
    # Those that begin together are shown as they are heard of.
    assert sorted(shown) == [
        *["Repeat 1"] * 3,
        "Training, halves of CLEAN swapped",
        "Training, rule l2rw",
        "Training, rule uniform",
    ]
    assert last == "Training the final model"
    assert all(lane.is_over and lane.done == lane.total for lane in listener.lanes)


@pytest.fixture(scope="module")
def number_tables(tables):
    """The same columns with numbers for labels, a fifth of DATA's ten times too large."""
    found = []
    for whole, n, share in zip(tables, (120, 40), (5, 41), strict=True):
        frame = whole[:n].copy()
        price = (100 + 10 * frame["x0"] + 5 * (frame["colour"] == "red")).round(1)
        price[share - 1 :: share] *= 10
        found.append(frame.assign(label=price))
    return tuple(found)


def test_numbers_leave_the_same_bytes_side_by_side_and_killed(number_tables, forked, tmp_path):
    ways = {"task": "regression", "repeats": REPEATS}
    audit(number_tables, tmp_path / "alone", jobs=1, **ways)
    assert not forked
    beside = tmp_path / "beside"
    with pytest.raises(Killed):
        audit(number_tables, beside, jobs=4, progress=Listener("Training, rule uniform"), **ways)
    assert forked
    audit(number_tables, beside, jobs=4, resume=True, **ways)
    assert_same(tmp_path / "alone", beside, also=())
    audit(number_tables, tmp_path / "dealt", device="cpu,cpu", **ways)
    assert_same(tmp_path / "alone", tmp_path / "dealt", also=())
    stability = RunFolder(beside).read_number_audit(len(number_tables[0]))["flag_stability"]
    assert set(stability.to_pylist()) == {0.0, 1.0}


@pytest.mark.parametrize("stage", ["Training, rule l2rw", "Training, rule uniform", "Repeat 1"])
def test_a_run_killed_while_several_stand_at_different_places_is_resumed(
    stage, tables, alone, forked, tmp_path
):
    place = tmp_path / "run"
    with pytest.raises(Killed):
        audit(tables, place, jobs=3, repeats=REPEATS, progress=Listener(stage))
    for child in forked:
        with pytest.raises((ProcessLookupError, TypeError)):
            os.kill(child._pid, 0)
    audit(tables, place, jobs=2, repeats=REPEATS, resume=True)
    assert_same(alone, place)


def test_a_run_begun_side_by_side_ends_in_one_process(tables, alone, tmp_path):
    with pytest.raises(Killed):
        audit(tables, tmp_path / "run", jobs=3, repeats=REPEATS, progress=Listener("Repeat 1"))
    audit(tables, tmp_path / "run", jobs=1, repeats=REPEATS, resume=True)
    assert_same(alone, tmp_path / "run")


@pytest.mark.parametrize("jobs", [None, 1])
def test_trainings_are_dealt_over_several_devices(jobs, tables, alone, forked, tmp_path):
    """Of which the CPU may be each: what is dealt is the same."""
    audit(tables, tmp_path / "run", device="cpu,cpu", jobs=jobs, repeats=REPEATS)
    assert_same(alone, tmp_path / "run")
    # The final network has a process, too: this one must not speak to a device that others use.
    assert len(forked) == 3 * (1 + REPEATS) + 1


@pytest.mark.parametrize("name", ["cuda:7", "cuda:0,cuda:1", "cpu,cuda"])
def test_a_device_that_is_not_there_is_named(name, tables, tmp_path):
    if torch.cuda.device_count() > 1:
        pytest.skip("they are there")
    with pytest.raises(dc.DatacleanseError, match=f"device='{name}'"):
        audit(tables, tmp_path / "run", device=name)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:0,", "auto,cpu", "cuda:-1", 3])
def test_names_of_devices_are_checked(name):
    with pytest.raises(dc.DatacleanseError, match=r"cuda:0,cuda:1"):
        Settings(device=name)


@pytest.mark.parametrize("n_lost", [1, 3])
def test_processes_that_are_lost_cost_time_alone(n_lost, tables, alone, monkeypatch, tmp_path):
    """As where the system kills the largest for want of memory."""
    train = side_by_side._train_there

    def die(training, *others, **options):
        if training.name in ("control", "swapped", "reweighted")[:n_lost]:
            # In the middle of the training, something being saved.
            told = training.trainer.checkpoints
            save = type(told).save

            def save_and_die(own, name, checkpoint):
                save(own, name, checkpoint)
                os._exit(9)

            monkeypatch.setattr(type(told), "save", save_and_die)
        return train(training, *others, **options)

    monkeypatch.setattr(side_by_side, "_train_there", die)
    audit(tables, tmp_path / "run", jobs=3, repeats=REPEATS)
    assert_same(alone, tmp_path / "run")


class Network(nn.Module):
    """A buffer that is not saved with it, and statistics that are."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def forward(self, x):
        if self.training:
            self.seen += len(x)
        return self.layers(x)


def made(n, seed):
    x = torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))
    return x, (x[:, 0] > 0).long()


class Items(Dataset):
    """Examples made one by one, and where."""

    def __init__(self, *tensors):
        self.tensors, self.asked_in = tensors, set()

    def __len__(self):
        return len(self.tensors[0])

    def __getitem__(self, position):
        self.asked_in.add(os.getpid())
        return tuple(tensor[position] for tensor in self.tensors)


def audit_network(kind, jobs):
    data, clean = kind(*made(120, 0)), kind(*made(40, 1))
    model = Network()
    result = dc.audit_dataset(model, data, clean, epochs=2, batch_size=16, jobs=jobs)
    return result.table, model, data


def test_a_live_network_is_trained_side_by_side_on_tensors(forked):
    tables, models = [], []
    for jobs in (1, 3):
        table, model, _ = audit_network(TensorDataset, jobs)
        tables.append(table.drop(columns=["id"]))
        models.append(model.state_dict())
    assert len(forked) == 4
    assert tables[0].equals(tables[1])
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])


def test_examples_that_a_dataset_makes_are_asked_for_in_this_process_alone(forked):
    table, _, data = audit_network(Items, 3)
    assert forked == []
    # An entry made in another process would not be seen here; nor would the table be whole.
    assert data.asked_in == {os.getpid()}
    assert np.isfinite(table["mean_loss"]).all()


def test_a_networks_failure_is_told_as_in_one_process():
    class Failing(Network):
        def forward(self, x):
            if self.training and self.layers[1].num_batches_tracked > 3:
                raise RuntimeError("no such layer")
            return super().forward(x)

    told = []
    for jobs in (1, 3):
        with pytest.raises(dc.DatacleanseError) as error:
            dc.audit_dataset(
                Failing(), *(TensorDataset(*made(120, seed)) for seed in (0, 1)), jobs=jobs
            )
        told.append((error.value.slug, error.value.message))
    assert told[0] == told[1]
    assert "rule l2rw failed in the network: RuntimeError: no such layer" in told[0][1]
