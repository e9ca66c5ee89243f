"""Work in threads keeps its order and takes little ahead."""

from __future__ import annotations

import threading

import pytest

from datacleanse.pictures import threads
from datacleanse.pictures.threads import map_in_threads


@pytest.fixture(autouse=True)
def two(monkeypatch):
    monkeypatch.setattr(threads, "count_cores", lambda: 2)


def test_results_come_in_order_whatever_takes_longer():
    first_may_end = threading.Event()

    def function(item):
        if item == 0:
            assert first_may_end.wait(10)
        elif item == 1:
            first_may_end.set()
        return -item

    assert list(map_in_threads(function, range(50))) == [-item for item in range(50)]


def test_few_items_are_taken_before_results_are():
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    results = map_in_threads(lambda item: item, items())
    assert not taken
    assert next(results) == 0
    assert len(taken) <= 10
    assert list(results) == list(range(1, 100))


def test_an_error_reaches_who_asked_and_ends_the_work():
    def function(item):
        if item == 3:
            raise ValueError(item)
        return item

    results = map_in_threads(function, range(1000))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)
    assert not [each for each in threading.enumerate() if each.name.startswith("pictures")]
