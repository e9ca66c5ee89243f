"""The tables that benchmarks run on: their names, their rows, planted errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from datacleanse.data import ReadOptions, read_data, read_like

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from datacleanse.records import Dataset

LABEL = "label"
"""Column with the best known truth in every set."""


TABLES: dict[str, tuple[str, ...]] = {
    "bank_marketing": ("duration",),
    "cifar10n_feats_a": (
        "noisy_label",
        "noisy_label_random1",
        "noisy_label_worse",
        "is_label_error",
        "orig_index",
    ),
    "diabetes130": ("patient_nbr",),
    "dry_bean": (),
    "electricity": (),
    "german_credit": (),
    "hypothyroid": (),
    "jira_defects_dev": ("project", "release", "File", "noisy_label", "is_label_error"),
    "kr_vs_kp": (),
    "leaf_flavia": (),
    "mushroom": (),
    "pendigits": (),
    "segment": (),
    "skin_segmentation": (),
    "spambase": (),
    "student_dropout": (),
    "szz_jit_dev": ("project", "noisy_label", "ag_szz_label", "ma_szz_label", "is_label_error"),
    "telco_churn": ("customerID",),
    "wine_quality": (),
}
"""The tables, each with the columns that are no features: ids, leaks, other labels."""

TEXTS: dict[str, tuple[str, ...]] = {"banking77": (), "sms_spam": ()}
"""Sets whose only feature is a column of text: `benchmarks.detection.text` alone runs on them."""


TRAIN_SHARE = 0.6
"""Rows of a small table that are trained on; the others test."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to train on and rows to test on, both with true labels, none in common."""

    train: Dataset
    test: Dataset
    """Held to ``train``'s schema; label -1 where ``train`` lacks the class."""


def load_table(folder: Path, name: str) -> pa.Table:
    """The features and `LABEL` of the labelled rows, from ``folder/name/data.parquet``."""
    table = pq.read_table(folder / name / "data.parquet")
    table = table.filter(table[LABEL].is_valid())
    return table.drop_columns(list((TABLES | TEXTS)[name]))


def available_tables(folder: Path, wanted: str | None) -> list[str]:
    """The names asked for (comma-separated), or all that the folder holds.

    Raises:
        SystemExit: a name is unknown, or its file is not there.
    """
    names = wanted.split(",") if wanted else list(TABLES)
    there = [n for n in names if n in TABLES and (folder / n / "data.parquet").is_file()]
    if wanted and len(there) < len(names):
        missing = ", ".join(sorted(set(names) - set(there)))
        raise SystemExit(f"Not among the tables in {folder}: {missing}")
    if not there:
        raise SystemExit(f"{folder} holds none of the tables, e.g. {names[0]}/data.parquet")
    return there


def draw_rows(table: pa.Table, *, max_train: int, max_test: int, seed: int) -> Rows:
    """Draw rows at random, without stratification.

    Args:
        table: with `LABEL` and feature columns only.
        max_train: at most so many rows to train on, and at most `TRAIN_SHARE` of a table too small
            to leave ``max_test`` rows beside them.
        max_test: at most so many rows to test on.
        seed: of the draw.
    """
    n = table.num_rows
    n_train = min(max_train, max(int(TRAIN_SHARE * n), n - max_test))
    order = np.random.default_rng(seed).permutation(n)
    train = read_data(table.take(order[:n_train]), ReadOptions(label=LABEL))
    test = read_like(table.take(order[n_train : n_train + max_test]), train.schema, role="NEW")
    return Rows(train, test)


def flip_uniformly(
    labels: NDArray[np.int64], n_classes: int, share: float, *, seed: int
) -> NDArray[np.int64]:
    """Change a share of the labels, each into one of the other classes with equal chance.

    Args:
        labels: (n,) true classes.
        n_classes: at least 2.
        share: of the rows, in [0, 1]; the count is rounded.
        seed: of the draw.

    Returns:
        (n,) labels with errors.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(labels), size=round(share * len(labels)), replace=False)
    noisy = labels.copy()
    noisy[chosen] = (labels[chosen] + rng.integers(1, n_classes, len(chosen))) % n_classes
    return noisy
