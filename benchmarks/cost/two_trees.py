"""Time and memory of an audit in two checkouts, side by side.

`python -m benchmarks.cost.two_trees OTHER [--rows N] [--pairs K]` audits a made table with this
checkout and with the one in the folder OTHER at the same time, each on a core of its own, and
again with the cores swapped. What else the machine does meanwhile slows both alike.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.cost.made_table import write_made
from benchmarks.cost.processes import Measured, run_measured
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result

RESULT = RESULTS / "two_trees.json"
HERE = Path(__file__).resolve().parents[2]


def audit(tree: Path, core: int, data: Path, clean: Path, run: Path) -> Measured:
    """Audit by one checkout on one core (Linux only)."""
    program = ["taskset", "--cpu-list", str(core), sys.executable, "-m", "datacleanse"]
    packages = os.pathsep.join(str(tree / part) for part in (".", "cli", "reports"))
    return run_measured(
        [*program, "audit", str(data), "--val", str(clean), "--out", str(run), "--quiet"],
        env=os.environ | {"PYTHONPATH": packages},
        # Python looks for modules where it is started, before it looks into PYTHONPATH.
        cwd=run.parent,
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="folder of the other checkout")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=2, help="audits of each")
    options = parser.parse_args()
    trees = {"this": HERE, "other": options.other.resolve()}
    cores = sorted(os.sched_getaffinity(0))[:2]
    trials: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        data, clean = write_made(Path(directory), options.rows, suffix=".parquet", seed=0)
        for pair in range(options.pairs):
            running = {
                name: pool.submit(
                    audit, tree, core, data, clean, Path(directory) / f"{name}-{pair}"
                )
                for (name, tree), core in zip(
                    trees.items(), cores if pair % 2 else cores[::-1], strict=True
                )
            }
            trials += [
                {"tree": name, "pair": pair, **asdict(r.result())} for name, r in running.items()
            ]
            note(f"pair {pair}: {trials[-2:]}")
    head = ["git", "-C", str(options.other), "rev-parse", "HEAD"]
    commit = subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()
    ratios = {key: _compare(trials, key) for key in ("seconds", "cpu_seconds", "peak_bytes")}
    result = {"provenance": provenance(), "rows": options.rows, "other_commit": commit}
    write_result(RESULT, result | {"ratios": ratios, "trials": trials}, tables=())
    print(markdown_table(list(ratios), [[f"{value:.3f}" for value in ratios.values()]]))


def _compare(trials: list[dict[str, Any]], key: str) -> float:
    """What this checkout took, over what the other one took, in all."""
    sums = {
        name: sum(trial[key] for trial in trials if trial["tree"] == name)
        for name in ("this", "other")
    }
    return float(sums["this"] / sums["other"])


if __name__ == "__main__":
    main()
