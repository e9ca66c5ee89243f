"""Several processes end with the numbers of one; what makes it so, tried without processes."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from datacleanse.errors import SettingsError
from datacleanse.models.residual import Views
from datacleanse.models.row_noise import CutNoise, Part, compute_part
from datacleanse.models.tabular import Dropout
from datacleanse.scheduling.forked import fork
from datacleanse.thread_limit import use_one_thread
from datacleanse.training import joined_ranks
from datacleanse.training.influence import Step
from datacleanse.training.influence.interface import Whole
from datacleanse.training.ranks import ALONE, RanksError
from datacleanse.training.rules import RULES, make_rule
from datacleanse.training.shared_sums import add_up_together, cut_evenly, sum_gradients
from tests.training import ranked

N_RANKS = 3

cuts = st.tuples(st.integers(1, 12), st.integers(0, 11)).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.integers(0, pair[0] - 1), st.integers(1, 12))
)
"""A batch's size, a first row in it, and a number of rows that may reach beyond its end."""


@pytest.fixture(scope="module")
def alone():
    """What one process has of each kind of training."""
    with use_one_thread():
        return {kind: ranked.run(kind, rule) for kind, rule in ranked.KINDS.items()}


@pytest.fixture(scope="module")
def trained(alone, tmp_path_factory):
    """What three ranks left of each kind of training.

    They are forked, which saves loading torch four times; `tests/cli/test_ranks.py` has torchrun
    start them. This process keeps the store, as torchrun does.
    """
    # Made before: what it loaded they share.
    assert alone.keys() == ranked.KINDS.keys()
    place = tmp_path_factory.mktemp("ranks")
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    shared = {
        "WORLD_SIZE": str(N_RANKS),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }

    def train_as(number):
        os.environ.update(shared, RANK=str(number))
        ranked.main(place)

    ranks = [fork(lambda _, number=number: train_as(number)) for number in range(N_RANKS)]
    for rank in ranks:
        rank.take()
    return place


@pytest.mark.parametrize("kind", ranked.KINDS)
def test_ranks_end_with_the_numbers_of_one_process(trained, alone, kind):
    assert np.isfinite(alone[kind]["0 loss"]).all()
    for number in range(N_RANKS):
        with np.load(trained / f"{kind}-{number}.npz") as found:
            assert found.keys() == alone[kind].keys()
            for name, expected in alone[kind].items():
                np.testing.assert_allclose(
                    found[name], expected, rtol=0, atol=1e-6, equal_nan=True, err_msg=name
                )


def test_a_network_that_mixes_examples_is_refused_by_all_ranks(trained):
    for number in range(N_RANKS):
        said = (trained / f"mixing-{number}").read_text(encoding="utf-8")
        assert "BatchNorm" in said


def test_a_rendezvous_that_fails_is_one_sentence(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for name, value in (
        ("RANK", "1"),
        ("WORLD_SIZE", "2"),
        ("MASTER_ADDR", "127.0.0.1"),
        ("MASTER_PORT", str(port)),
        ("TORCHELASTIC_USE_AGENT_STORE", "True"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(joined_ranks, "JOINING", timedelta(seconds=1))
    said = f"^Rank 1 of 2 could not join the others at 127.0.0.1:{port}: "
    with pytest.raises(RanksError, match=said), joined_ranks.join_ranks("cpu"):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_rank_killed_before_it_says_a_word_is_missed_though_no_signal_tells(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    address = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    for name, value in {**address, "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(joined_ranks, "NOTICING", 0.1)
    pid = os.fork()
    if not pid:
        os.environ["RANK"] = "1"
        with joined_ranks.join_ranks("cpu"):
            os.kill(os.getpid(), signal.SIGKILL)
    signal.alarm(60)  # what ends a wait for ever, and the test run with it
    try:
        said = r"^Rank 1 \(.*\), of 2, was lost"
        with pytest.raises(RanksError, match=said), joined_ranks.join_ranks("cpu") as ranks:
            ranks.compare("a word")
    finally:
        signal.alarm(0)
        os.waitpid(pid, 0)
        dist.destroy_process_group()


def test_ranks_take_the_gpu_of_their_own_number_or_say_that_there_is_none(monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_RANK", "1")
    for device in ("auto", "cuda", "cpu"):
        joined_ranks._take_device(device)
    assert taken == [1, 1]
    with pytest.raises(SettingsError, match="the GPU of its own number"):
        joined_ranks._take_device("cuda:7")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(SettingsError, match=r"3 ranks on .*, which has 2 GPUs"):
        joined_ranks._take_device("auto")


@given(st.integers(0, 40), st.integers(1, 9))
def test_a_cut_gives_every_row_to_one_rank_and_no_rank_two_more_than_another(n, count):
    parts = [cut_evenly(n, _Silent(number, count)) for number in range(count)]
    assert [row for part in parts for row in range(n)[part]] == list(range(n))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1


class _Silent:
    """A rank whose others have nothing to add."""

    def __init__(self, number, count):
        self.number, self.count = number, count

    def add_up(self, values):
        return values


class OwnNoise(nn.Module):
    """Noise that a user's network may draw."""

    def forward(self, x):
        kept = x.new_empty((len(x), 1)).bernoulli_(0.5)
        return x * kept + torch.rand_like(x) + torch.randn(len(x), 1, dtype=x.dtype)


def rows_of(module, inputs, part=None, cut=False):
    torch.manual_seed(5)
    module.train()
    if part is None:
        return module(inputs)
    own = inputs[part.first : part.first + part.size]
    if not cut:
        with compute_part(part):
            return module(own)
    with compute_part(part), CutNoise():
        return module(own)


@pytest.mark.parametrize(
    ("module", "shape", "cut"),
    [
        (Dropout(0.3), (13,), False),
        (Views(2, is_mirrored=True), (3, 6, 7), False),
        # The first dimension of its moves is 2, as a part may be.
        (Views(2, is_mirrored=True), (3, 6, 7), True),
        (nn.Dropout(0.4), (5, 2), True),
        (nn.Dropout1d(0.4), (5, 2), True),
        (OwnNoise(), (5,), True),
    ],
)
@given(cuts)
def test_a_part_meets_the_noise_of_the_whole_batch(module, shape, cut, drawn):
    whole, first, size = drawn
    part = Part(first, min(size, whole - first), whole)
    inputs = torch.rand(whole, *shape, generator=torch.Generator().manual_seed(1)) + 1
    expected = rows_of(module, inputs)
    state = torch.get_rng_state()
    found = rows_of(module, inputs, part, cut)
    assert torch.equal(found, expected[first : first + part.size])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", sorted(RULES))
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 99))
def test_a_rule_weighs_parts_as_it_weighs_the_whole(name, n_first, n_second, seed):
    rng = torch.Generator().manual_seed(seed)
    n = n_first + n_second
    logits = torch.randn(n, 3, generator=rng, dtype=torch.float64)
    labels = torch.randint(3, (n,), generator=rng)
    influence = torch.randn(n, generator=rng, dtype=torch.float64)
    losses = nn.functional.cross_entropy(logits, labels, reduction="none")
    whole = Step(logits, losses, labels, influence, lambda _: None)
    expected = make_rule(name, seed=seed).weigh(whole)

    def open_part(part, other):
        # The other rank's share of the sum is what is clipped there, as far as the rule has one.
        batch = Whole(part.start, n, lambda total: total + influence[other].clamp(min=0).sum())
        return replace(
            whole,
            logits=logits[part],
            losses=losses[part],
            labels=labels[part],
            influence=influence[part],
            whole=batch,
        )

    first, second = slice(0, n_first), slice(n_first, n)
    found = [
        make_rule(name, seed=seed).weigh(open_part(*pair))
        for pair in ((first, second), (second, first))
    ]
    torch.testing.assert_close(torch.cat(found), expected)


def test_sums_keep_shapes_and_types_and_a_gradient_that_nobody_has_stays_none():
    mixed = [torch.ones(2, 3), torch.ones(4, dtype=torch.float64), torch.zeros(())]
    for before, after in zip(mixed, add_up_together(mixed, ALONE), strict=True):
        assert torch.equal(before, after)
        assert before.dtype == after.dtype
    held, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    held.grad = torch.full((2,), 3.0)
    assert sum_gradients([held, unused], _Doubling(), has_any=True)
    assert torch.equal(held.grad, torch.full((2,), 6.0))
    assert unused.grad is None
    held.grad = None
    assert not sum_gradients([held, unused], _Doubling(), has_any=False)


class _Doubling:
    """A rank whose other one has the same numbers."""

    number, count = 0, 2

    def add_up(self, values):
        return values * 2
