"""How many cores an audit keeps busy while it trains.

`python -m benchmarks.cost.busy_cores` audits made tables and watches the processor time of the
program and of all processes under it, from the line that says that the first training begins to the
one that says that scores are made (Linux only). What else the machine does lowers the number.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.cost.made_table import write_made
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.scheduling.cores import count_cores

RESULT = RESULTS / "busy_cores.json"
FROM, TO = "Training", "Scoring"
"""Beginnings of the lines between which the program trains."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000, 20_000, 60_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sizes = []
    for n_rows in options.rows:
        busy = [measure(n_rows) for _ in range(options.rounds)]
        sizes.append({"rows": n_rows, "busy": median(busy), "rounds": busy})
        note(f"{n_rows} rows: {sizes[-1]['busy']:.2f} cores")
    result: dict[str, Any] = {"provenance": provenance(), "cores": count_cores(), "sizes": sizes}
    write_result(RESULT, result, tables=())
    rows = [[f"{each['rows']:,}", f"{each['busy']:.2f}"] for each in sizes]
    print(markdown_table(["rows", "cores busy while training"], rows))


def measure(n_rows: int) -> float:
    """Cores busy on the mean while one audit trains."""
    with tempfile.TemporaryDirectory() as directory:
        data, clean = write_made(Path(directory), n_rows, suffix=".parquet", seed=0)
        audit = [sys.executable, "-m", "datacleanse", "audit", str(data), "--val", str(clean)]
        with subprocess.Popen(
            [*audit, "--out", f"{directory}/run"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            stamps = {}
            for line in process.stderr:
                word = line.split(",")[0].split(" ")[0]
                if word in (FROM, TO) and word not in stamps:
                    stamps[word] = perf_counter(), measure_tree(process.pid)
        if process.returncode != 0:
            raise SystemExit(f"the audit of {n_rows} rows failed")
    (began, before), (ended, after) = stamps[FROM], stamps[TO]
    return (after - before) / (ended - began)


def measure_tree(pid: int) -> float:
    """Seconds of processor time of a process and of all under it, ended ones too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].split()
        tasks = Path(f"/proc/{pid}/task").iterdir()
        under = [(task / "children").read_text(encoding="ascii").split() for task in tasks]
    except OSError:  # it has ended just now: its parent has its time
        return 0.0
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return own + sum(measure_tree(int(child)) for children in under for child in children)


if __name__ == "__main__":
    main()
