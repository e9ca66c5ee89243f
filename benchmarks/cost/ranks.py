"""Two processes of one training against one: pictures a second, weights, and audits killed.

`python -m benchmarks.cost.ranks` trains the package's network of pictures by learned weights, by
turns in one process on one core and in two by torchrun and gloo, each on a core of its own. Then it
compares in float64 what both leave. At last it kills a rank of an audit of a made table with
SIGKILL at a random moment, again and again, has each run gone on with by one, two or three ranks,
and compares the ranking with that of an audit nobody killed. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from threading import Timer
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import torch

from benchmarks.cost.made_table import made_table
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.models.residual import build_residual, choose_residual_shape
from datacleanse.settings import Meta, Schedule
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.examples import Examples
from datacleanse.training.joined_ranks import join_ranks
from datacleanse.training.loop import Hooks, train
from datacleanse.training.ranks import ALONE, is_under_torchrun
from datacleanse.training.rules import make_rule

RESULT = RESULTS / "ranks.json"
SIZE = (3, 32, 32)
N_PICTURES, N_CLEAN, N_CLASSES = 1_536, 100, 10
EPOCHS = 3
"""The first of them is not timed: it tries the network's route."""
BATCH, META = 128, Meta(batch=32, every=4)
N_MEANT = 20_000
"""Batches, steering and network are those of an audit of so many pictures, fewer of which do to
time a step."""
N_EXACT, EXACT_EPOCHS = 200, 2
N_RANKS = 2
N_ROWS, N_VERIFIED = 400, 80
AUDIT = ("data.csv", "--val", "clean.csv", "--epochs", "5", "--batch-size", "32", "-q")
PACE = 0.8
"""Of the time that an audit takes, the share in which kills fall."""


def main() -> None:
    """Measure all, or be one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--note", default="", help="what else the machine did, for the record")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--exact", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker is not None:
        _work(arguments.worker, is_exact=arguments.exact)
        # Nothing waits for the others.
        os._exit(0)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        found: dict[str, Any] = {
            "provenance": provenance(),
            "load": list(os.getloadavg()),
            "note": arguments.note,
            "pictures": N_PICTURES,
            "network_for": N_MEANT,
            "batch": BATCH,
            "size": list(SIZE),
            "speed": _compare_speed(place, arguments.rounds),
            "largest_difference": _compare_weights(place),
            "audits": _kill_often(place, arguments.kills, seed=arguments.seed),
        }
    write_result(RESULT, found, tables=())
    _print_found(found)


def _work(place: Path, *, is_exact: bool) -> None:
    """Train as one of the processes, and leave what it took or what came of it."""
    number = int(os.environ.get("LOCAL_RANK", "0"))
    os.sched_setaffinity(0, {number % (os.cpu_count() or 1)})
    joined = join_ranks("cpu") if is_under_torchrun() else nullcontext(ALONE)
    with use_one_thread(), joined as ranks:
        n, epochs = (N_EXACT, EXACT_EPOCHS) if is_exact else (N_PICTURES, EPOCHS)
        network, examples = _make(n, torch.float64 if is_exact else torch.float32)
        ends, busy, weights = [], [], []

        def keep(epoch: int, record: Any) -> None:  # noqa: ANN401
            del epoch
            ends.append(perf_counter())
            busy.append(process_time())
            weights.append(record.weight.copy())

        train(
            network,
            make_rule("l2rw", seed=0),
            examples,
            Schedule(epochs=epochs, batch_size=BATCH, lr=2e-3, meta=META),
            seed=0,
            hooks=Hooks(on_epoch=keep),
            ranks=ranks,
        )
        busiest = max(map(float, ranks.compare(str(busy[-1] - busy[0]))))
        if ranks.number:
            return
    if is_exact:
        parameters = [p.detach().numpy().ravel() for p in network.parameters()]
        np.savez(place, weights=np.concatenate(weights), parameters=np.concatenate(parameters))
    else:
        n_seen = n * (len(ends) - 1)
        place.write_text(json.dumps([n_seen / (ends[-1] - ends[0]), n_seen / busiest]))


def _make(n: int, kind: torch.dtype) -> tuple[torch.nn.Module, Examples]:
    """Pictures with a bright corner for their class, a tenth under a wrong label."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, N_CLASSES, n + N_CLEAN)
    pictures = rng.integers(0, 160, (len(truth), *SIZE), dtype=np.uint8)
    pictures[np.arange(len(truth)), :, truth * 3, :] += 80
    labels = truth.copy()
    wrong = rng.random(n) < 0.1
    labels[:n][wrong] = rng.integers(0, N_CLASSES, int(wrong.sum()))
    shape = choose_residual_shape(SIZE, N_MEANT, N_CLASSES, is_mirrored=True)
    network = build_residual(shape, np.full(3, 80.0), np.full(3, 50.0), seed=0).to(kind)
    return network, Examples(
        inputs=torch.from_numpy(pictures),
        labels=torch.from_numpy(labels),
        n_data=n,
        training_rows=torch.arange(n),
        steering_rows=torch.arange(n, n + N_CLEAN),
        n_classes=N_CLASSES,
    )


def _run_worker(place: Path, n_ranks: int, *more: str) -> None:
    """Run the training in so many processes."""
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(n_ranks)]
    subprocess.run(
        [
            *(sys.executable, *(launcher if n_ranks > 1 else ()), "-m", "benchmarks.cost.ranks"),
            *("--worker", str(place), *more),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _compare_speed(place: Path, rounds: int) -> dict[str, Any]:
    """Pictures a second by number of processes, by turns.

    Beside them pictures a second of processor time of the busiest process, whose ratio tells what
    an idle machine would give where this one is not, but for waiting on messages.
    """
    speeds: dict[int, list[float]] = {1: [], N_RANKS: []}
    by_cpu: dict[int, list[float]] = {1: [], N_RANKS: []}
    for number in range(rounds):
        for n_ranks in (1, N_RANKS):
            file = place / "speed.json"
            _run_worker(file, n_ranks)
            wall, cpu = json.loads(file.read_text())
            speeds[n_ranks].append(wall)
            by_cpu[n_ranks].append(cpu)
        ratio, bound = (each[N_RANKS][-1] / each[1][-1] for each in (speeds, by_cpu))
        note(f"round {number + 1}: {ratio:.2f}, by processor time {bound:.2f}")
    ratios = [two / one for one, two in zip(speeds[1], speeds[N_RANKS], strict=True)]
    return {
        "one": speeds[1],
        "two": speeds[N_RANKS],
        "fastest_ratio": max(speeds[N_RANKS]) / max(speeds[1]),
        "median_ratio": median(ratios),
        "by_processor_time": max(by_cpu[N_RANKS]) / max(by_cpu[1]),
    }


def _compare_weights(place: Path) -> dict[str, float]:
    """The largest differences in float64 between one process and two."""
    files = {n_ranks: place / f"exact-{n_ranks}.npz" for n_ranks in (1, N_RANKS)}
    for n_ranks, file in files.items():
        _run_worker(file, n_ranks, "--exact")
    with np.load(files[1]) as one, np.load(files[N_RANKS]) as two:
        return {name: float(np.abs(one[name] - two[name]).max()) for name in one}


def _kill_often(place: Path, n_kills: int, *, seed: int) -> dict[str, Any]:
    """Kill a rank of audits at random moments, go on with each; whether the rankings agree."""
    table = made_table(N_ROWS + N_VERIFIED, seed=1)
    pyarrow.csv.write_csv(table.slice(0, N_ROWS), place / "data.csv")
    pyarrow.csv.write_csv(table.slice(N_ROWS), place / "clean.csv")
    started = perf_counter()
    _audit(place, "alone", 1)
    _audit(place, "whole", N_RANKS)
    seconds = (perf_counter() - started) / 2
    expected, rng = _read_ranks(place / "whole"), random.Random(seed)
    told, n_early = [], 0
    while len(told) < n_kills:
        run, delay, victim = f"killed-{len(told)}", rng.random() * seconds * PACE, rng.randrange(2)
        code, sentences = _kill_one(place, run, delay, victim)
        if code == 0:  # it was through before
            shutil.rmtree(place / run)
            n_early += 1
            continue
        n_ranks = rng.choice((1, 2, 3))
        _audit(place, run, n_ranks, "--resume")
        n_same = int((_read_ranks(place / run) == expected).sum())
        told.append(
            {
                "after_seconds": delay,
                "victim": victim,
                "said": sentences,
                "resumed_by": n_ranks,
                "rows_of_the_same_rank": n_same,
            }
        )
        note(f"kill {len(told)}: {told[-1]}")
    return {
        "rows": N_ROWS,
        "alone_and_two_rows_of_the_same_rank": int(
            (_read_ranks(place / "alone") == expected).sum()
        ),
        "kills": told,
        "same_ranking": sum(each["rows_of_the_same_rank"] == N_ROWS for each in told),
        "audits_through_before": n_early,
    }


def _spell_audit(run: str, n_ranks: int, *more: str) -> list[str]:
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", str(n_ranks))
    ranks = launcher if n_ranks > 1 else ()
    return [sys.executable, *ranks, "-m", "datacleanse", "audit", *AUDIT, "--out", run, *more]


def _audit(place: Path, run: str, n_ranks: int, *more: str) -> None:
    command = _spell_audit(run, n_ranks, *more)
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")


def _kill_one(place: Path, run: str, delay: float, victim: int) -> tuple[int, int]:
    """Kill one rank some time after both have started; torchrun's exit code, and what was said.

    The second number is that of sentences which name the rank that was lost.
    """
    with subprocess.Popen(
        _spell_audit(run, N_RANKS),
        cwd=place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as launcher:
        ranks: list[int] = []
        while len(ranks) < N_RANKS and launcher.poll() is None:
            sleep(0.05)
            ranks = _list_children(launcher.pid)
        timer = Timer(delay, _kill, [ranks[victim]])
        timer.start()
        assert launcher.stderr is not None
        said = launcher.stderr.read()
        timer.cancel()
    return launcher.returncode, said.count(f"error: Rank {victim}")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _list_children(pid: int) -> list[int]:
    """The processes that one has started, in order."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return sorted(map(int, listed.split()))


def _read_ranks(run: Path) -> Any:  # noqa: ANN401
    return pq.read_table(run / "audit.parquet", columns=["rank"])["rank"].to_numpy()


def _print_found(found: dict[str, Any]) -> None:
    speed, audits = found["speed"], found["audits"]
    rows = [
        ["pictures a second, one process", f"{max(speed['one']):.0f}"],
        ["pictures a second, two", f"{max(speed['two']):.0f}"],
        ["ratio of the fastest", f"{speed['fastest_ratio']:.2f}"],
        ["median ratio of a round", f"{speed['median_ratio']:.2f}"],
        ["ratio by processor time", f"{speed['by_processor_time']:.2f}"],
        *([f"largest difference, {k}", f"{v:.1e}"] for k, v in found["largest_difference"].items()),
        ["kills with the same ranking", f"{audits['same_ranking']} of {len(audits['kills'])}"],
    ]
    print(markdown_table(["two ranks", "measured"], rows))


if __name__ == "__main__":
    main()
