"""How near `datacleanse audit --plan` comes to what the audit then takes.

`python -m benchmarks.cost.forecast` plans and then runs audits of made tables, whole programs, and
compares time, memory (of all processes together, Linux only) and room on disk. Time should be
within a factor of 1.5 in nine of ten.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from benchmarks.cost.made_table import write_made
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result

RESULT = RESULTS / "forecast.json"

CASES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (300, ()),
    (1_000, ("--fast",)),
    (2_000, ("--repeats", "1")),
    (5_000, ()),
    (5_000, ("--fast",)),
    (5_000, ("--jobs", "1")),
    (10_000, ()),
    (20_000, ()),
    (20_000, ("--epochs", "40")),
    (60_000, ("--batch-size", "128")),
)
"""Rows, and options of the audit."""

WITHIN = 1.5
KIB = 1024


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most-rows", type=int, default=10**9, help="leave larger cases out")
    parser.add_argument("--out", type=Path, default=RESULT, help="the JSON file")
    options = parser.parse_args()
    found = [compare(n, given) for n, given in CASES if n <= options.most_rows]
    n_near = sum(1 / WITHIN <= each["time_ratio"] <= WITHIN for each in found)
    result: dict[str, Any] = {"provenance": provenance(), "within": WITHIN, "near": n_near}
    write_result(options.out, result | {"count": len(found), "cases": found}, tables=())
    header = ["rows", "options", "seconds", "told / taken", "memory", "disk"]
    print(markdown_table(header, [_row(each) for each in found]))
    print(f"{n_near} of {len(found)} within a factor of {WITHIN}")


def compare(n_rows: int, given: tuple[str, ...]) -> dict[str, Any]:
    """Plan an audit, then run it."""
    with tempfile.TemporaryDirectory() as directory:
        data, clean = write_made(Path(directory), n_rows, suffix=".csv", seed=0)
        audit = [sys.executable, "-m", "datacleanse", "audit", str(data), "--val", str(clean)]
        audit += [*given, "--quiet"]
        told = json.loads(subprocess.check_output([*audit, "--plan", "--json"]))
        place = Path(directory) / "run"
        seconds, peak = run_watched([*audit, "--out", str(place)])
        disk = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    note(f"{n_rows} rows {' '.join(given)}: told {told['seconds']:.1f} s, took {seconds:.1f} s")
    return {
        "rows": n_rows,
        "options": " ".join(given),
        "told": told,
        "seconds": seconds,
        "peak_bytes": peak,
        "disk_bytes": disk,
        "time_ratio": told["seconds"] / seconds,
        "memory_ratio": told["memory_bytes"] / peak,
        "disk_ratio": told["disk_bytes"] / disk,
    }


def run_watched(command: list[str]) -> tuple[float, int]:
    """Run a command; its wall time, and the largest memory of its processes, shared pages once.

    Files, mostly libraries, count as often as the process that has mapped most of them maps them:
    other programs that use them, too, change nothing.
    """
    started, peak, is_done = perf_counter(), 0, threading.Event()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:

        def watch() -> None:
            nonlocal peak
            while not is_done.is_set():
                seen = [measure_memory(each) for each in list_tree(process.pid)]
                files = max((mapped for _, mapped in seen), default=0)
                peak = max(peak, sum(own for own, _ in seen) + files)
                sleep(0.05)

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        seconds = perf_counter() - started
        is_done.set()
        watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)} failed")
    return seconds, peak


def list_tree(pid: int) -> list[int]:
    """A process and all under it."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += list_tree(int(child))
    except OSError:  # it has ended just now
        pass
    return found


def measure_memory(pid: int) -> tuple[int, int]:
    """Bytes of a process: its own, each shared page divided among its family, and of files."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0, 0
    fields = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    size = {field[0]: KIB * int(field[1]) for field in fields}
    own = size["Pss_Anon:"] + size["Pss_Shmem:"]
    return own, size["Rss:"] - size["Anonymous:"]


def _row(each: dict[str, Any]) -> list[str]:
    return [
        f"{each['rows']:,}",
        each["options"],
        f"{each['seconds']:.1f}",
        *(f"{each[f'{what}_ratio']:.2f}" for what in ("time", "memory", "disk")),
    ]


if __name__ == "__main__":
    main()
