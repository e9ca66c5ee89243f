"""The limit on threads: whole while any block holds it, and gone without a trace after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from datacleanse.models.predictor import ImagePredictor
from datacleanse.records import Schema
from datacleanse.thread_limit import use_one_thread

MANY = 3


@pytest.fixture(autouse=True)
def many_threads():
    """More threads than one, on any machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(MANY)
    with threadpool_limits(MANY):
        yield
    torch.set_num_threads(before)


def count_threads() -> set[int]:
    """Numbers of threads that libraries would compute with."""
    return {torch.get_num_threads(), *(each["num_threads"] for each in threadpool_info())}


def test_a_block_has_one_thread_and_leaves_no_trace():
    with use_one_thread():
        assert count_threads() == {1}
        with use_one_thread():
            assert count_threads() == {1}
        assert count_threads() == {1}
    assert count_threads() == {MANY}


def test_a_failure_lifts_the_limit():
    with pytest.raises(ZeroDivisionError), use_one_thread():
        _ = 1 / 0
    assert count_threads() == {MANY}


@pytest.mark.parametrize("first", [0, 1], ids=["in turn", "the other way round"])
def test_who_leaves_first_leaves_the_limit_to_others(first):
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        pools, blocks = (one, two), (use_one_thread(), use_one_thread())
        for pool, block in zip(pools, blocks, strict=True):
            pool.submit(torch.set_num_threads, MANY).result()
            pool.submit(block.__enter__).result()
        last = 1 - first
        pools[first].submit(blocks[first].__exit__, None, None, None).result()
        assert pools[last].submit(count_threads).result() == {1}
        pools[last].submit(blocks[last].__exit__, None, None, None).result()
        assert pools[last].submit(torch.get_num_threads).result() == MANY
        assert pools[first].submit(torch.get_num_threads).result() == MANY
    assert count_threads() == {MANY}


class Counting(torch.nn.Module):
    """A network of two classes that notes on how many threads it computes."""

    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(2))
        self.size = (1, 8, 8)
        self.met = set()

    def forward(self, images):
        self.met |= {torch.get_num_threads()}
        return self.bias.expand(len(images), 2)


def test_a_saved_model_predicts_as_the_audit_computed():
    network = Counting()
    model = ImagePredictor(network, Schema("label", None, ("a", "b"), (), ()))
    assert model.predict_proba(np.zeros((3, 1, 8, 8), np.uint8)).shape == (3, 2)
    assert network.met == {1}
    assert count_threads() == {MANY}


def test_threads_begun_within_a_block_have_one_too():
    with use_one_thread(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 1
