"""Messages between processes: small ones through the pipe, large arrays as files."""

from __future__ import annotations

import errno
import os
import sys
from multiprocessing.connection import Pipe
from threading import Thread

import numpy as np
import pytest

from datacleanse.errors import OutputError
from datacleanse.scheduling.forked import fork
from datacleanse.scheduling.interface import CannotBeDoneThereError
from datacleanse.scheduling.messages import receive, send
from datacleanse.storage.mapped_files import is_mapped, keep_on_disk, make_rows

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="only Unix hands handles over")

SMALL, LARGE = np.arange(5, dtype=np.int64), np.arange(3000, dtype=np.float32).reshape(-1, 3)


def exchange(what):
    """Send it through a pipe, as one process does to another."""
    theirs, ours = Pipe()
    with theirs, ours:
        received = []
        listener = Thread(target=lambda: received.append(receive(ours)))
        listener.start()
        send(theirs, what)
        listener.join()
    return received[0]


@pytest.mark.parametrize("is_kept", [False, True])
def test_what_is_sent_arrives_whole(is_kept, tmp_path):
    what = {"small": SMALL, "large": [LARGE, LARGE[::2]], "flags": LARGE > 7, "said": "all of it"}
    with keep_on_disk(tmp_path, least=1000 if is_kept else 10**6):
        found = exchange(what)
        assert is_mapped(found["large"][0]) == is_kept
        assert not is_mapped(found["small"])
    assert found["said"] == "all of it"
    np.testing.assert_array_equal(found["small"], SMALL)
    np.testing.assert_array_equal(found["large"][0], LARGE)
    np.testing.assert_array_equal(found["large"][1], LARGE[::2])
    np.testing.assert_array_equal(found["flags"], LARGE > 7)
    assert list(tmp_path.iterdir()) == []


def test_what_arrives_may_be_written_to_and_is_nobody_else_s(tmp_path):
    with keep_on_disk(tmp_path, least=1000):
        sent = make_rows(LARGE.shape, np.float32)
        sent[...] = LARGE
        found = exchange(sent)
        found += 1
    np.testing.assert_array_equal(sent, LARGE)
    np.testing.assert_array_equal(found, LARGE + 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_a_forked_process_s_arrays_outlive_it(tmp_path):
    with keep_on_disk(tmp_path, least=1000):
        told = []

        def work(parent):
            parent.tell("epoch", LARGE * 2)
            return LARGE * 3

        child = fork(work, lambda name, what: told.append((name, *what)))
        assert child is not None
        found = child.take()
    assert is_mapped(found)
    np.testing.assert_array_equal(found, LARGE * 3)
    assert told[0][0] == "epoch"
    np.testing.assert_array_equal(told[0][1], LARGE * 2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_what_finds_no_room_there_is_to_be_done_here(tmp_path, monkeypatch):
    def refuse(handle, start, size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with keep_on_disk(tmp_path, least=1000):
        child = fork(lambda parent: LARGE)
        assert child is not None
        with pytest.raises(CannotBeDoneThereError):
            child.take()
        told = fork(lambda parent: parent.tell("epoch", LARGE), lambda name, what: None)
        assert told is not None
        with pytest.raises(OutputError, match="No space left on device"):
            told.take()
