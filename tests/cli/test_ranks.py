"""`torchrun -m datacleanse audit`: one ranking, one voice, and runs that outlive their ranks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.ranks import RanksError
from datacleanse_cli.ranks import join
from tests.cli.conftest import Done, people, run_here, run_program
from tests.cli.forked import be_rank, forked
from tests.cli.houses import REGRESSION, write_houses
from tests.light_judge import judge_wholly
from tests.tries import BY_CI

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

AUDIT = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "3", "--batch-size", "16")
STAGE = "Training, rule uniform"
"""When it begins, the first training is saved whole, and nothing of the second."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables, and the run of one process in ``alone``."""
    place = tmp_path_factory.mktemp("ranks")
    people(200, seed=0, wrong=0.1).to_csv(place / "data.csv", index=False)
    people(80, seed=1).to_csv(place / "clean.csv", index=False)
    with judge_wholly():  # as the programs do that torchrun starts
        done = run_here(*AUDIT, "--out", "alone", "-q", cwd=place)
    assert done.code == 0, done.err
    return place


def start(n_ranks, *words, cwd):
    """Start ranks; torchrun speaks on stderr, too."""
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", str(n_ranks))
    return subprocess.Popen(
        [sys.executable, *launcher, *words],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def run_ranks(n_ranks, *words, cwd):
    with start(n_ranks, *words, cwd=cwd) as launcher:
        out, err = launcher.communicate(timeout=300)
    return Done(launcher.returncode, out, err)


ROUNDING = 1e-4
"""Of a suspicion, where ranks add up numbers of 32 bits in another order than one process."""


def assert_same_ranking(folder, run):
    """All rows have the same rank, but for those whose suspicions lie within `ROUNDING`."""
    found, expected = (
        pq.read_table(folder / name / "audit.parquet", columns=["rank", "suspicion"]).to_pandas()
        for name in (run, "alone")
    )
    np.testing.assert_allclose(found["suspicion"], expected["suspicion"], atol=ROUNDING)
    # By this ranking no suspicion of the other run stands far above the one before it.
    ranked = expected["suspicion"].to_numpy()[np.argsort(found["rank"])]
    assert (np.diff(ranked) < ROUNDING).all()
    assert (found["rank"] == expected["rank"]).mean() > 0.95


def list_ranks(launcher):
    listed = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text("ascii")
    return sorted(map(int, listed.split()))


@pytest.fixture(scope="module")
def killed(folder):
    """A run of two ranks, the second of which was killed; and what was said."""
    with start(2, "-m", "datacleanse", *AUDIT, "--out", "killed", cwd=folder) as launcher:
        said = []
        for line in launcher.stderr:
            said.append(line)
            if line.startswith(STAGE):
                os.kill(list_ranks(launcher)[1], signal.SIGKILL)
        assert launcher.wait() == 1
    return said


def test_two_ranks_rank_as_one_process_and_speak_once(folder):
    done = run_ranks(2, "-m", "datacleanse", *AUDIT, "--out", "two", cwd=folder)
    assert done.code == 0, done.err
    assert done.out.count("Top 10 suspects") == 1
    assert done.err.count("Training the final model") == 1
    assert_same_ranking(folder, "two")
    run = RunFolder(folder / "two")
    assert [path.name for path in run.epoch_files()] == [f"epoch-000{epoch}" for epoch in range(3)]
    alone = RunFolder(folder / "alone").read_ledger(200).to_pandas()
    ledger = run.read_ledger(200).to_pandas()
    np.testing.assert_array_equal(ledger[["row", "epoch"]], alone[["row", "epoch"]])
    np.testing.assert_allclose(ledger["weight"], alone["weight"], atol=2e-3, equal_nan=True)
    files = {file.name for path in run.epoch_files() for file in path.iterdir()}
    assert files == {"part-00.parquet", "part-01.parquet"}
    assert run_here("report", "two", cwd=folder).code == 0


def test_a_rank_that_is_killed_ends_all_with_one_sentence(folder, killed):
    errors = [line for line in killed if line.startswith("error:")]
    assert len(errors) == 1, "".join(killed)
    assert errors[0].startswith("error: Rank 1 (")
    assert "was lost" in errors[0]
    hint = killed[killed.index(errors[0]) + 1]
    assert hint == "Go on with --resume, by any number of ranks.\n"
    # What follows is torchrun's own; nothing of the program's is in it.
    assert "datacleanse/" not in "".join(killed)
    assert RunFolder(folder / "killed").has_checkpoint()


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("n_ranks", [1, *(pytest.param(n, marks=BY_CI) for n in (2, 3))])
def test_any_number_of_ranks_goes_on(folder, n_ranks):
    run = f"resumed-{n_ranks}"
    shutil.copytree(folder / "killed", folder / run)
    words = (*AUDIT, "--out", run, "--resume", "-q")
    if n_ranks == 1:
        with judge_wholly():
            done = run_here(*words, cwd=folder)
    else:
        done = run_ranks(n_ranks, "-m", "datacleanse", *words, cwd=folder)
    assert done.code == 0, done.err
    assert_same_ranking(folder, run)
    assert not (folder / run / "checkpoint").exists()


@BY_CI
def test_ranks_that_see_other_files_are_told_so_and_write_nothing(folder):
    other = folder / "other"
    other.mkdir()
    shutil.copy(folder / "clean.csv", other)
    text = (folder / "data.csv").read_text(encoding="utf-8")
    (other / "data.csv").write_text(text.replace("yes", "no", 1), encoding="utf-8")
    program = f'[ "$LOCAL_RANK" = 1 ] && cd other; exec {sys.executable} -m datacleanse "$@"'
    words = (*AUDIT, "--out", str(folder / "differing"))
    done = run_ranks(2, "--no-python", "sh", "-c", program, "audit", *words, cwd=folder)
    assert done.code == 1
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, done.err
    assert "reads another DATA than rank 0: its sha256 is" in errors[0]
    assert not (folder / "differing").exists()


@BY_CI
@pytest.mark.parametrize("victim", [0, 1])
def test_a_disk_that_is_full_on_one_rank_is_told_by_rank_0(folder, victim):
    program = (
        f'[ "$LOCAL_RANK" = {victim} ] && ulimit -f 1; exec {sys.executable} -m datacleanse "$@"'
    )
    words = (*AUDIT, "--out", f"full-{victim}")
    done = run_ranks(2, "--no-python", "bash", "-c", program, "audit", *words, cwd=folder)
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, done.err
    assert "File too large" in errors[0]
    assert ("Rank 1 (" in errors[0]) == (victim == 1)


def test_other_commands_are_refused(folder, monkeypatch):
    for name, value in (("TORCHELASTIC_RUN_ID", "1"), ("WORLD_SIZE", "2"), ("RANK", "0")):
        monkeypatch.setenv(name, value)
    done = run_program("report", "alone", cwd=folder)
    assert done.code == 2
    assert done.err.startswith("error: torchrun started 2 processes of `datacleanse report`")
    monkeypatch.setenv("RANK", "1")
    done = run_program("report", "alone", cwd=folder)
    assert (done.code, done.out, done.err) == (2, "", "")


def test_a_rank_that_is_stopped_before_all_have_met_says_so(monkeypatch):
    @contextmanager
    def wait_for_others(device):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("datacleanse.training.joined_ranks.join_ranks", wait_for_others)
    monkeypatch.setattr("datacleanse_cli.ranks.ignore_signals", lambda: None)
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RanksError, match="stopped before all had met"), join("cpu"):
        pass
    with pytest.raises(KeyboardInterrupt), join_those_who_met(monkeypatch):
        raise KeyboardInterrupt


def join_those_who_met(monkeypatch):
    monkeypatch.setattr("datacleanse.training.joined_ranks.join_ranks", nullcontext)
    return join("cpu")


def test_two_ranks_rank_numbers_as_one_process(tmp_path):
    """They are forked, and share what is loaded. This process keeps the store, as torchrun does."""
    write_houses(tmp_path)
    with judge_wholly():  # of few trees, more suspicions than these lie within `ROUNDING`
        alone = run_here(*REGRESSION, "-o", "alone", "-q", cwd=tmp_path)
    assert alone.code == 0, alone.err
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    out = tmp_path / "out"
    out.touch()
    start_rank = partial(forked, *REGRESSION, "-o", "two", cwd=tmp_path, judging=judge_wholly)
    with (
        start_rank(before=partial(be_rank, 1, store.port)) as (second, silence),
        start_rank(before=partial(be_rank, 0, store.port), out=str(out)) as (first, lines),
    ):
        err = lines.read()
        assert silence.read() == ""
    assert (first.exitcode, second.exitcode) == (0, 0), err
    assert out.read_text(encoding="utf-8").count("Top 10 suspects") == 1
    assert err.count("Training the final model") == 1
    assert_same_ranking(tmp_path, "two")
    assert RunFolder(tmp_path / "two").number_manifest().device.processes == 2
