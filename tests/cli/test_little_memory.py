"""Too little memory is said in one sentence, and nothing hangs, whatever a library makes of it."""

from __future__ import annotations

import errno
import os
import sys
import time
from functools import partial

import pyarrow as pa
import pytest

from datacleanse.errors import (
    InputError,
    MemoryShortError,
    RunFolderError,
    is_caused_by_shortage,
)
from datacleanse_cli import exits, memory
from datacleanse_cli.app import _choose_exit_code
from tests.cli.conftest import run_program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")

MEBIBYTE = 2**20


def limit_to(mebibytes):
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (mebibytes * MEBIBYTE, mebibytes * MEBIBYTE))


@pytest.mark.parametrize(
    ("mebibytes", "words"),
    [
        (600, ("audit", "t.csv", "--val", "v.csv")),
        (400, ("predict", "run", "new.csv", "-o", "p.csv", "-q")),
        (400, ("report", "run")),
        (400, ("predict", "model.onnx", "new.csv")),
    ],
)
def test_a_limit_that_cannot_suffice_is_refused_at_once(mebibytes, words, tmp_path):
    began = time.monotonic()
    done = run_program(*words, cwd=tmp_path, preexec_fn=partial(limit_to, mebibytes))
    assert done.code == exits.WRONG_INPUT
    assert f"may have {mebibytes} MiB of address space (ulimit -v), and `datacleanse" in done.err
    assert "ulimit -v unlimited" in done.err
    assert "Traceback" not in done.err
    assert time.monotonic() - began < 20
    assert not list(tmp_path.iterdir())


def test_help_needs_next_to_nothing(tmp_path):
    done = run_program("audit", "--help", cwd=tmp_path, preexec_fn=partial(limit_to, 300))
    assert done.code == exits.DONE


def test_a_limit_that_may_suffice_makes_libraries_sparing(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_IO_THREADS"):
        monkeypatch.setenv(name, "7")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(memory, "find_limit", lambda: 2**40)
    memory.heed_limit(["report", "run"])
    assert os.environ["OMP_NUM_THREADS"] == "7"
    monkeypatch.setattr(memory, "find_limit", lambda: (memory.LIBRARIES + 1) * MEBIBYTE)
    memory.heed_limit(["report", "run"])
    assert os.environ["OMP_NUM_THREADS"] == os.environ["ARROW_IO_THREADS"] == "1"
    with pytest.raises(MemoryShortError):
        memory.heed_limit(["audit", "t.csv"])
    memory.heed_limit(["audit", "--help"])


def chained(error, cause):
    try:
        raise error from cause
    except type(error) as raised:
        return raised


SHORT = [
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    RuntimeError("can't start new thread"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("std::bad_alloc"),
    pa.ArrowMemoryError("malloc of size 64 failed"),
    pa.ArrowException(
        "Unknown error: Failed to launch worker thread: Resource temporarily unavailable"
    ),
    chained(ImportError("numpy cannot be imported"), ImportError("x: failed to map segment")),
    chained(RunFolderError("f is damaged.", slug="run-damaged", hint="Repeat."), MemoryError()),
]


@pytest.mark.parametrize("error", SHORT, ids=lambda error: type(error).__name__)
def test_memory_that_ran_out_is_one_sentence_and_no_bug(error, capsys):
    assert _choose_exit_code(error) == exits.WRONG_INPUT
    said = capsys.readouterr().err
    assert said.startswith("error: Memory ran out: ")
    assert "MiB" in said
    assert "fewer rows" in said
    assert "Traceback" not in said
    assert "bug" not in said


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        RuntimeError("anything else"),
        # As a lock says that is held.
        chained(
            InputError("In use.", slug="run-in-use", hint="Wait."),
            BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        ),
    ],
)
def test_other_errors_are_not_taken_for_it(error):
    assert not is_caused_by_shortage(error)


def test_a_training_that_says_itself_what_it_lacks_is_passed_on(capsys):
    own = MemoryShortError("No room.", slug="out-of-memory", hint="Make some.")
    assert _choose_exit_code(chained(own, MemoryError())) == exits.WRONG_INPUT
    assert capsys.readouterr().err == "error: No room.\nMake some.\n"
