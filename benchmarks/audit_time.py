"""Whole-process time of an audit over that of five-fold cross-validation plus a final fit.

`python -m benchmarks.audit_time` runs both on the same made table of 5,000 rows and 20 mixed
columns, in turn, and writes the median of the ratios.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.common import note, provenance, write_json
from benchmarks.made_table import write_made
from benchmarks.processes import Measured, run_measured

RESULT = Path(__file__).parent / "results" / "audit_time.json"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=5, help="runs of each, in turn")
    arguments = parser.parse_args()
    pairs = measure(arguments.rows, arguments.pairs)
    ratios = [audit.seconds / peer.seconds for audit, peer in pairs]
    cpu_ratios = [audit.cpu_seconds / peer.cpu_seconds for audit, peer in pairs]
    result = {
        "provenance": provenance(),
        "rows": arguments.rows,
        "ratio": median(ratios),
        "ratio_cpu": median(cpu_ratios),
        "ratios": ratios,
        "audit": [asdict(audit) for audit, _ in pairs],
        "cross_validation": [asdict(peer) for _, peer in pairs],
    }
    write_json(RESULT, result)
    print(
        f"audit / (5-fold cross-validation + fit): median {median(ratios):.2f} of wall time, "
        f"{median(cpu_ratios):.2f} of processor time"
    )


def measure(n_rows: int, n_pairs: int) -> list[tuple[Measured, Measured]]:
    """Run both programs in turn, once unmeasured to warm the file cache."""
    pairs = []
    with tempfile.TemporaryDirectory() as directory:
        data, clean = write_made(Path(directory), n_rows, suffix=".csv", seed=0)
        files = [str(data), "--val", str(clean), "--out", f"{directory}/run", "--force", "--quiet"]
        audit = [sys.executable, "-m", "datacleanse", "audit", *files]
        peer = [sys.executable, "-m", "benchmarks.cross_validation", str(data), str(clean)]
        for number in range(n_pairs + 1):
            pair = run_measured(audit), run_measured(peer)
            note(f"{number}: audit {pair[0].seconds:.1f} s, peer {pair[1].seconds:.1f} s")
            pairs.append(pair)
    return pairs[1:]


if __name__ == "__main__":
    main()
