"""Hashes of all that audits leave, to show that a change of the code changed no byte of it.

First ``python -m benchmarks.fingerprints --data DIR -o before.json``. After the change, the same
with ``--against before.json``: every file that differs is named, and the exit code is 1.

Dates and seconds are taken out of JSON and HTML before they are hashed. Tables, ledgers and
parameters are hashed as they are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

N_ROWS, N_CLEAN, N_PICTURES, N_CLEAN_PICTURES = 2000, 200, 300, 60
SPENT = re.compile(r'"(created_at|finished_at|at|date|run_id|run)": "[^"]*",?')
DATED = re.compile(r"\d{4}-\d\d-\d\d(T[\d:]+(\+00:00|Z)?| \d\d:\d\d( UTC)?)?")
RUN_ID = re.compile(r"\b[0-9a-f]{12,32}\b")
SECONDS = re.compile(r'"(seconds|timings)": \{[^}]*\}|"[a-z_]*seconds[a-z_]*": [\d.]+|[\d.]+ s\b')
DATASET = """
import numpy as np, torch, datacleanse as dc
from torch import nn
from torch.utils.data import TensorDataset
from sklearn.datasets import load_digits
digits = load_digits()
x = torch.tensor(digits.data / 16, dtype=torch.float32)
y = digits.target.copy()
rng = np.random.default_rng(0)
y[rng.choice(1500, 150, replace=False)] = 0
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
dc.audit_dataset(net, TensorDataset(x[:1500], torch.tensor(y[:1500])),
                 TensorDataset(x[1500:], torch.tensor(digits.target[1500:])),
                 epochs=5, out="dataset")
"""


def main() -> int:
    """Make the runs, hash them, write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="Folder of the benchmark's sets.")
    parser.add_argument("-o", "--out", type=Path, help="Write the hashes here.")
    parser.add_argument("--against", type=Path, help="Compare with the hashes there.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = fingerprints(chosen.data.resolve(), Path(place))
    if chosen.out:
        chosen.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not chosen.against:
        return 0
    before = json.loads(chosen.against.read_text(encoding="utf-8"))
    differing = sorted(k for k in before.keys() | found.keys() if before.get(k) != found.get(k))
    print(f"{len(before)} files before, {len(found)} now, {len(differing)} differ")
    print("\n".join(differing))
    return 1 if differing else 0


def fingerprints(data: Path, place: Path) -> dict[str, str]:
    """By file: sha256, of every run of the list."""
    _write_table(data / "telco_churn", place / "telco", drop=("customerID",))
    labels = ("noisy_label_random1", "noisy_label_worse", "is_label_error", "orig_index")
    _write_table(data / "cifar10n_feats_a", place / "cifar", drop=labels, given="noisy_label")
    _write_pictures(data / "mnist", place / "mnist")
    _run(place, "demo")
    for name, *more in (("telco",), ("cifar",), ("mnist", "--epochs", "4")):
        source = (f"{name}/data.parquet", "--val", f"{name}/clean.parquet", "--label", "label")
        _run(place, "audit", *source, *more, "--out", f"runs/{name}")
    telco = ("audit", "telco/data.parquet", "--val", "telco/clean.parquet", "--label", "label")
    _run(place, *telco, "--fast", "--out", "runs/fast")
    _stop_and_resume(place, *telco, "--epochs", "30", "--out", "runs/resumed")
    subprocess.run([sys.executable, "-c", DATASET], cwd=place, check=True)
    runs = [*sorted((place / "runs").iterdir()), place / "dataset"]
    found = {}
    for run in runs:
        for file in sorted(run.rglob("*")):
            if file.is_file() and run.name != "demo-data":
                found[f"{run.name}/{file.relative_to(run)}"] = _hashed(file)
    return found


def _write_table(
    source: Path, place: Path, *, drop: tuple[str, ...], given: str | None = None
) -> None:
    """A table of `N_ROWS` rows with errors and one of `N_CLEAN` without."""
    table = pq.read_table(source / "data.parquet").drop_columns(list(drop))
    rng = np.random.default_rng(0)
    order = rng.permutation(table.num_rows)
    dirty, clean = table.take(order[:N_ROWS]), table.take(order[N_ROWS : N_ROWS + N_CLEAN])
    at = table.column_names.index("label")
    if given:
        labels = dirty[given]
        dirty, clean = dirty.drop_columns([given]), clean.drop_columns([given])
        at = dirty.column_names.index("label")
    else:
        codes = dirty["label"].to_pylist()
        names = sorted(set(codes))
        for row in rng.choice(N_ROWS, N_ROWS // 6, replace=False):
            codes[row] = names[(names.index(codes[row]) + 1) % len(names)]
        labels = pa.array(codes, dirty["label"].type)
    place.mkdir()
    pq.write_table(dirty.set_column(at, "label", labels), place / "data.parquet")
    pq.write_table(clean, place / "clean.parquet")


def _write_pictures(source: Path, place: Path) -> None:
    table = pq.read_table(source / "data.parquet", columns=["image", "label"])
    rows = table.take(np.random.default_rng(0).permutation(table.num_rows)[:360])
    labels = [str(each) for each in rows["label"].to_pylist()]
    wrong = [str((int(each) + 1) % 10) if k % 8 == 0 else each for k, each in enumerate(labels)]
    place.mkdir()
    for name, part, given in (
        ("data", slice(0, N_PICTURES), wrong),
        ("clean", slice(N_PICTURES, N_PICTURES + N_CLEAN_PICTURES), labels),
    ):
        images = pa.array(rows["image"].to_pylist()[part], pa.binary())
        made = pa.table({"image": images, "label": pa.array(given[part])})
        pq.write_table(made, place / f"{name}.parquet")


def _run(place: Path, *words: str) -> None:
    print(" ".join(words), file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "datacleanse", *words, "-q"]
    subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL)


def _stop_and_resume(place: Path, *words: str) -> None:
    """Ctrl-C after three epochs of the ledger, then ``--resume``."""
    print("stopped:", " ".join(words), file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "datacleanse", *words, "-q"]
    silent = subprocess.DEVNULL
    running = subprocess.Popen(command, cwd=place, stdout=silent, stderr=silent)
    weights = place / words[-1] / "checkpoint"
    while running.poll() is None and not (weights.is_dir() and any(weights.iterdir())):
        time.sleep(0.02)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    print("exit", running.wait(), file=sys.stderr)
    _run(place, *words, "--resume")


def _hashed(file: Path) -> str:
    content = file.read_bytes()
    if file.suffix in {".json", ".html", ".md"}:
        text = content.decode("utf-8")
        for pattern in (SECONDS, SPENT, DATED, RUN_ID):
            text = pattern.sub("", text)
        content = text.encode("utf-8")
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
