"""What the ranks of an audit tell each other, without processes."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

from datacleanse.auditing.ledger_parts import keep_epochs
from datacleanse.auditing.ranked import compare_identities
from datacleanse.errors import RunFolderError
from datacleanse.storage.ledger import EpochRecord, gather_weights, write_epoch
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.ranks import ALONE, RanksError

IDENTITY = {"DATA": "a" * 64, "CLEAN": None, "torch": "2.9", "--seed": 0, "encoded rows": "e" * 64}


class Told:
    """Rank 0 of two, the other of which tells another identity."""

    number, count = 0, 2

    def __init__(self, **other):
        self._other = IDENTITY | other

    def compare(self, text):
        return [text, json.dumps(self._other)]

    def name(self, number):
        return f"Rank {number} (elsewhere)"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"DATA": "b" * 64, "--seed": 1}, "Rank 1 (elsewhere) reads another DATA than rank 0: its"),
        ({"CLEAN": "c" * 64}, "sha256 is cccccccccccc…, not that of no file."),
        ({"torch": "2.8"}, "On rank 1 (elsewhere) torch is 2.8, and on rank 0 2.9."),
        ({"encoded rows": "f" * 64}, "encodes the same files in another way"),
        ({"--epochs": 3}, "--epochs is 3, and on rank 0 None."),
    ],
)
def test_ranks_that_differ_are_named_with_what_differs_first(other, said):
    with pytest.raises(RanksError) as caught:
        compare_identities(Told(**other), IDENTITY)
    assert said in caught.value.message


def test_ranks_that_agree_go_on():
    asked = []

    class Agreeing(Told):
        def compare(self, text):
            asked.append(json.loads(text))
            return super().compare(text)

    assert compare_identities(Agreeing(), IDENTITY) is None
    assert asked == [IDENTITY]
    assert compare_identities(ALONE, IDENTITY) is None


class Threaded:
    """Ranks that are threads; they only meet."""

    def __init__(self, number, barrier):
        self.number, self.count, self._barrier = number, barrier.parties, barrier

    def meet(self):
        self._barrier.wait(timeout=60)


def make_record(n):
    rng = np.random.default_rng(0)
    return EpochRecord(*(rng.random((4, n), dtype=np.float32)))


def keep_by(folder, n_ranks, record):
    """Let so many ranks keep epoch 0."""
    barrier = threading.Barrier(n_ranks)
    threads = [
        threading.Thread(target=keep_epochs(folder, Threaded(number, barrier)), args=(0, record))
        for number in range(n_ranks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "weights").mkdir()
    return RunFolder(tmp_path)


def test_an_epoch_is_what_was_written_last_by_however_many(folder):
    record = make_record(10)
    for n_ranks in (3, 2, 1, 12):
        if n_ranks == 1:
            keep_epochs(folder, ALONE)(0, record)
        else:
            keep_by(folder, n_ranks, record)
        folder.check_ledger(1)
        (path,) = folder.epoch_files()
        assert path.is_dir() == (n_ranks > 1)
        table = folder.read_ledger(10)
        assert table["row"].to_pylist() == list(range(10))
        np.testing.assert_array_equal(table["weight"].to_numpy(), record.weight)
        (weights,) = gather_weights([path], 10)
        np.testing.assert_array_equal(weights[0], record.weight)


def test_groups_of_parts_are_those_of_one_file(folder, monkeypatch):
    # The groups of all files, which are made for many rows, at a size that tests can bear.
    monkeypatch.setattr("datacleanse.storage.ledger.ROW_GROUP", 4)
    record, whole = make_record(21), folder.path / "whole.parquet"
    write_epoch(whole, 0, record)
    for n_ranks in (2, 5):
        keep_by(folder, n_ranks, record)
        parts = folder.epoch_files()
        for found, expected in zip(
            gather_weights(parts, 21), gather_weights([whole], 21), strict=True
        ):
            np.testing.assert_array_equal(found, expected)


def test_parts_that_leave_rows_out_are_refused(folder):
    record = make_record(9)
    keep_by(folder, 3, record)
    (path,) = folder.epoch_files()
    (path / "part-01.parquet").unlink()
    with pytest.raises(RunFolderError, match="'row' does not hold each number from 3 to 5"):
        list(gather_weights([path], 9))
    keep_by(folder, 3, record)
    (path / "part-02.parquet").unlink()
    for read in (lambda: list(gather_weights([path], 9)), lambda: folder.read_ledger(9)):
        with pytest.raises(RunFolderError, match="its files have 6 rows, where 9 are DATA's"):
            read()
