"""What a review is worth to the next round: audit, 200 rows reviewed, apply, audit again.

    python -m benchmarks.review.rounds [--seeds N] [--reviewed N]

scikit-learn's handwritten digits with 30% of the labels changed uniformly, 200 clean rows, 300 test
rows. The first rows of the ranking are reviewed by one who knows the truth; `apply` writes the
cleaned table, which is audited again in three ways. Judged on the rows that nobody has reviewed.

- cleaned: without a word about the review
- decisions: `--decisions`, as the program does it: reviewed rows steer and are learned from
- as sampled: the reviewed rows put into the file of `--val`, so that they calibrate, too
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split

import datacleanse as dc
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.tables import flip_uniformly
from datacleanse.review.decisions import Decision, append_decisions, read_clock

if TYPE_CHECKING:
    from datacleanse.auditing.result import AuditResult

RESULT = RESULTS / "rounds.json"
SHARE, N_CLEAN, N_TEST = 0.3, 200, 300
WAYS = ("first round", "cleaned", "decisions", "as sampled")
MEASURES = ("average_precision", "flagged", "false_share", "recall", "test_accuracy")


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--reviewed", type=int, default=200)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    rounds = []
    for seed in range(options.seeds):
        note(f"seed {seed}")
        with tempfile.TemporaryDirectory() as folder:
            rounds += one(Path(folder), seed, options.reviewed)
    write_result(
        options.out,
        {**provenance(), "reviewed": options.reviewed, "rounds": rounds},
        tables=("rounds",),
    )
    rows = []
    for way in WAYS:
        mine = pd.DataFrame([each for each in rounds if each["way"] == way])
        rows.append([way, *(f"{mine[name].mean():.3f}" for name in MEASURES)])
    print(markdown_table(["way", *MEASURES], rows))


def one(folder: Path, seed: int, n_reviewed: int) -> list[dict[str, Any]]:
    """All ways on one draw."""
    data, clean, test, truth = drawn(folder, seed)
    settings: dict[str, Any] = {"label": "digit", "id": "key", "test": test, "seed": seed}
    first = dc.audit(data, val=clean, out=folder / "first", **settings)
    top = first.table.sort_values("rank").head(n_reviewed)
    review(first, top, truth)
    cleaned = dc.apply(folder / "first", out=folder / "cleaned.csv").cleaned
    everything = pd.read_csv(clean, dtype={"key": str})
    reviewed = pd.read_csv(cleaned, dtype={"key": str})
    reviewed = reviewed[reviewed["key"].isin(top["id"])]
    both = folder / "both.csv"
    pd.concat([everything, reviewed]).to_csv(both, index=False)
    results = {
        "first round": first,
        "cleaned": dc.audit(cleaned, val=clean, out=folder / "cleaned", **settings),
        "decisions": dc.audit(
            cleaned, val=clean, decisions=folder / "first", out=folder / "second", **settings
        ),
        "as sampled": dc.audit(cleaned, val=both, out=folder / "sampled", **settings),
    }
    return [
        {"seed": seed, "way": way, **judged(result, set(top["id"]), truth)}
        for way, result in results.items()
    ]


def drawn(folder: Path, seed: int) -> tuple[Path, Path, Path, dict[str, int]]:
    """Files of DATA, CLEAN and TEST, and the true label by id."""
    digits = load_digits()
    frame = pd.DataFrame(digits.data.astype(np.int64)).add_prefix("pixel_")
    frame["key"] = [f"d{row}" for row in range(len(frame))]
    target = digits.target.astype(np.int64)
    rest, clean = train_test_split(
        np.arange(len(target)), test_size=N_CLEAN, stratify=target, random_state=seed
    )
    dirty, test = train_test_split(rest, test_size=N_TEST, stratify=target[rest], random_state=seed)
    labels = target.copy()
    labels[dirty] = flip_uniformly(target[dirty], 10, SHARE, seed=seed)
    files = []
    for name, rows in (("data", dirty), ("clean", clean), ("test", test)):
        files.append(folder / f"{name}.csv")
        frame.iloc[rows].assign(digit=labels[rows]).to_csv(files[-1], index=False)
    return *files, {f"d{row}": label for row, label in enumerate(target.tolist())}  # type: ignore[return-value]


def review(result: AuditResult, rows: pd.DataFrame, truth: dict[str, int]) -> None:
    """Decide about rows as one who knows the truth."""
    run_id = result.manifest["run_id"]
    decisions = []
    for row in rows.to_dict("records"):
        is_right = row["given_label"] == truth[row["id"]]
        decisions.append(
            Decision(
                row=row["row"],
                id=row["id"],
                row_sha256=row["row_sha256"],
                given_label=str(row["given_label"]),
                action="keep" if is_right else "relabel",
                new_label=None if is_right else str(truth[row["id"]]),
                reviewer="benchmark",
                at=read_clock(),
                run_id=run_id,
            )
        )
    append_decisions(result.folder.decisions_file, decisions)


def judged(result: AuditResult, reviewed: set[str], truth: dict[str, int]) -> dict[str, float]:
    """How well errors are found among the rows that nobody has reviewed, and the model."""
    table = result.table[~result.table["id"].isin(reviewed)]
    is_wrong = (table["given_label"] != table["id"].map(truth)).to_numpy()
    flagged = table["flagged"].to_numpy()
    n_flagged = int(flagged.sum())
    metrics = result.manifest["metrics"]["test"]["reweighted"]
    return {
        "average_precision": float(average_precision_score(is_wrong, table["suspicion"])),
        "flagged": n_flagged,
        "false_share": float((flagged & ~is_wrong).sum() / max(n_flagged, 1)),
        "recall": float((flagged & is_wrong).sum() / max(int(is_wrong.sum()), 1)),
        "test_accuracy": float(metrics["accuracy"]),
    }


if __name__ == "__main__":
    main()
