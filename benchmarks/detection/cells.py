"""Rows and label errors for the detection benchmark: a cell is a table, a kind of error, a seed.

Everything follows from the table's file, the cell's name and the limits: the same rows and errors
come out on every machine. All kinds of error of one table and seed are put on the same rows. Both
protocols draw the same rows, too: where the clean rows come from elsewhere, errors are put on the
others; where they were sampled, on all, and the clean rows are known by an id.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression

from benchmarks.detection.features import one_hot_matrix
from benchmarks.tables import LABEL, Rows, flip_uniformly, load_table
from datacleanse.data import ReadOptions, read_data, read_like
from datacleanse.demo import flip_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Errors = dict[str, tuple[Callable[["Drawn", float, int], Codes], float]]
    """By name: what makes them, and their share."""

Protocol = Literal["elsewhere", "sampled"]
"""Whether the clean rows are no rows of DATA, or rows of DATA that somebody verified."""

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

ID = "benchmark_row"
"""Column by which a sampled clean row is found in DATA."""

NOISY_SHARE = 0.75
"""Of the rows of a small table that are not in the clean set: to be audited; the others test."""


@dataclass(frozen=True)
class Limits:
    """How many rows each part of a cell holds at most, and where the clean ones stand."""

    clean: int = 200
    noisy: int = 3000
    """That nobody verified."""
    test: int = 5000
    protocol: Protocol = "elsewhere"


@dataclass(frozen=True, order=True)
class CellName:
    """Names a cell."""

    seed: int
    table: str
    noise: str
    """One of `PLANTED`, or of the table's `NATIVE`."""

    @property
    def kind(self) -> str:
        """Kind of error by which means are taken: all labels that came with a table are one."""
        return self.noise.partition("_")[0]

    def __str__(self) -> str:
        return f"{self.table}/{self.noise}/{self.seed}"


@dataclass(frozen=True, eq=False)
class Drawn:
    """The rows of one table and seed, with true labels. Codes are positions in ``classes``."""

    rows: Rows
    """``train``: the N rows to audit; ``test``: the m clean ones, held to the same schema. Where
    they were sampled they stand in both."""
    held_back: pa.Table
    """Rows in neither part."""
    classes: tuple[str, ...]
    """Sorted names of all classes of the whole table, C in number."""
    truth: Codes
    """(N + m,) of the rows to audit, then of the clean ones."""
    held_back_truth: Codes
    """(T,)."""
    positions: tuple[Codes, Codes, Codes]
    """Where the rows to audit, the clean and the held-back ones stand in the table's file."""
    sampled_at: Codes | None = None
    """(m,) where the clean rows stand among the N; None where they come from elsewhere."""

    @property
    def n_noisy(self) -> int:
        """N."""
        return self.rows.train.n_rows

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """(N + m, F) standardised numbers and one-hot categories of both parts."""
        return one_hot_matrix(self.rows)


@dataclass(frozen=True, eq=False)
class Cell:
    """Rows with label errors, beside clean rows. Codes are positions in ``drawn.classes``."""

    name: CellName
    drawn: Drawn
    given: Codes
    """(N,) labels as an auditor gets them."""
    kept: Codes
    """(m',) the clean rows whose class is among the given labels. An audit refuses the others."""

    @property
    def truth(self) -> Codes:
        """(N,)."""
        return self.drawn.truth[: len(self.given)]

    @property
    def is_wrong(self) -> NDArray[np.bool_]:
        """(N,)."""
        return self.given != self.truth

    @property
    def clean_labels(self) -> Codes:
        """(m',)."""
        return self.drawn.truth[len(self.given) :][self.kept]

    @property
    def clean_at(self) -> Codes:
        """(m',) where the clean rows stand among the M that a method trains on."""
        if self.drawn.sampled_at is None:
            return len(self.given) + np.arange(len(self.kept))
        return self.drawn.sampled_at[self.kept]

    @property
    def is_scored(self) -> NDArray[np.bool_]:
        """(N,) rows that nobody verified: methods are measured on them."""
        is_clean: NDArray[np.bool_] = np.isin(np.arange(len(self.given)), self.clean_at)
        return ~is_clean

    @property
    def labels(self) -> Codes:
        """(M,) what a method trains on: the given labels, but the clean rows' true ones.

        M is N + m' where the clean rows come from elsewhere and stand behind the others, else N.
        """
        labels = np.empty(len(self.used), dtype=np.int64)
        labels[: len(self.given)] = self.given
        labels[self.clean_at] = self.clean_labels
        return labels

    @property
    def used(self) -> Codes:
        """(M,) positions of these rows in ``drawn.matrix``."""
        n = len(self.given)
        further = n + self.kept if self.drawn.sampled_at is None else self.kept[:0]
        return np.concatenate([np.arange(n), further])

    def noisy_table(self) -> pa.Table:
        """The N rows with the given labels, as `datacleanse.audit` takes them."""
        table = self._labelled(self.drawn.rows.train.table, self.given)
        return self._numbered(table, np.arange(len(self.given)))

    def clean_table(self) -> pa.Table:
        """The m' rows with their true labels."""
        table = self.drawn.rows.test.table.take(self.kept)
        return self._numbered(self._labelled(table, self.clean_labels), self.clean_at)

    def _numbered(self, table: pa.Table, numbers: Codes) -> pa.Table:
        """With the column `ID` where the clean rows were sampled."""
        if self.drawn.sampled_at is None:
            return table
        return table.append_column(ID, pa.array(numbers).cast(pa.string()))

    def _labelled(self, table: pa.Table, codes: Codes) -> pa.Table:
        at = table.column_names.index(LABEL)
        names = pa.array(np.array(self.drawn.classes, dtype=object)[codes], pa.string())
        return table.set_column(at, LABEL, names)


def uniform(drawn: Drawn, share: float, rng_seed: int) -> Codes:
    """A share of all rows, each into one of the other classes with equal chance."""
    truth = drawn.truth[: drawn.n_noisy]
    return flip_uniformly(truth, len(drawn.classes), share, seed=rng_seed)


def pair(drawn: Drawn, share: float, rng_seed: int) -> Codes:
    """A share of all rows, each into the class after its own, the last one into the first."""
    n = len(drawn.classes)
    following = (np.arange(n) + 1) % n
    return flip_labels(drawn.truth[: drawn.n_noisy], following, share, seed=rng_seed)


def background(drawn: Drawn, share: float, rng_seed: int) -> Codes:
    """A share of all rows, drawn from all other classes, into the most frequent one.

    At most half of the other classes' rows: where these are few, more would leave nothing of them.
    """
    target, n_others = _background_of(drawn)
    share = min(share * drawn.n_noisy / n_others, 0.5)
    return flip_labels(drawn.truth[: drawn.n_noisy], target, share, seed=rng_seed)


def of_others(drawn: Drawn, share: float, rng_seed: int) -> Codes:
    """A share of the rows of all other classes into the most frequent one.

    Ren et al. 2018, arXiv 1803.09050, section 4.3, with the commonest class as the background.
    """
    target, _ = _background_of(drawn)
    return flip_labels(drawn.truth[: drawn.n_noisy], target, share, seed=rng_seed)


def _background_of(drawn: Drawn) -> tuple[Codes, int]:
    """(C,) all pointing to the most frequent class, and the number of rows that are not in it."""
    counts = np.bincount(drawn.truth[: drawn.n_noisy], minlength=len(drawn.classes))
    return np.full(len(counts), counts.argmax()), int(counts.sum() - counts.max())


def feature_dependent(drawn: Drawn, share: float, rng_seed: int) -> Codes:
    """A share of all rows, those near the boundary of a logistic regression on true labels."""
    model = LogisticRegression(max_iter=1000).fit(drawn.matrix, drawn.truth)
    n = drawn.n_noisy
    probability = np.zeros((n, len(drawn.classes)))
    probability[:, model.classes_] = model.predict_proba(drawn.matrix[:n])
    return flip_near_boundary(drawn.truth[:n], probability, share, seed=rng_seed)


def flip_near_boundary(
    labels: Codes, probability: NDArray[np.float64], share: float, *, seed: int
) -> Codes:
    """Give rows near the decision boundary the label of the likeliest other class.

    Rows are drawn without replacement, with weights 1/2 - (p_y - p_s)^2 / 2, y being the label and
    s the likeliest other class: the first polynomial margin diminishing noise of Zhang, Zheng, Wu,
    Goswami, Chen 2021, arXiv 2103.07756, section 4, at a fixed number of errors.

    Args:
        labels: (n,) true classes.
        probability: (n, C) of a model fitted on true labels.
        share: of the rows, in [0, 1]; the count is rounded.
        seed: of the draw.

    Returns:
        (n,) labels with errors.
    """
    rows = np.arange(len(labels))
    others = probability.copy()
    others[rows, labels] = -np.inf
    runner_up = others.argmax(axis=1)
    gap = probability[rows, labels] - probability[rows, runner_up]
    # Weighted draws without replacement are the largest log weights with Gumbel noise.
    weight = np.maximum(0.5 - 0.5 * gap**2, 1e-12)
    keys = np.log(weight) + np.random.default_rng(seed).gumbel(size=len(labels))
    chosen = np.argsort(-keys)[: round(share * len(labels))]
    noisy = labels.copy()
    noisy[chosen] = runner_up[chosen]
    return noisy


PLANTED: Errors = {
    "uniform05": (uniform, 0.05),
    "uniform30": (uniform, 0.30),
    "pair20": (pair, 0.20),
    "background20": (background, 0.20),
    "feature15": (feature_dependent, 0.15),
}
"""Planted errors, each with its share of all rows."""

ON_REQUEST: Errors = {"others20": (of_others, 0.20)}
"""Planted where `--cells` asks for them."""

NATIVE: dict[str, dict[str, str]] = {
    "jira_defects_dev": {"native": "noisy_label"},
    "szz_jit_dev": {"native": "noisy_label"},
    "cifar10n_feats_a": {
        "native": "noisy_label",
        "native_random1": "noisy_label_random1",
        "native_worse": "noisy_label_worse",
    },
}
"""Tables whose real errors are known, with the columns that hold the labels as found."""

USUAL = frozenset({*PLANTED, *(noise for found in NATIVE.values() for noise in found)})
"""Kinds of errors that are run unless others are asked for."""
NOISES = USUAL | ON_REQUEST.keys()
"""All kinds of errors."""


def cell_names(folder: Path, tables: list[str], n_seeds: int) -> list[CellName]:
    """All cells: seed by seed, small tables first."""
    rows = {t: pq.read_metadata(folder / t / "data.parquet").num_rows for t in tables}
    return [
        CellName(seed, table, noise)
        for seed in range(n_seeds)
        for table in sorted(tables, key=lambda t: (rows[t], t))
        for noise in (*NATIVE.get(table, {}), *PLANTED, *ON_REQUEST)
    ]


def make_cell(folder: Path, name: CellName, limits: Limits) -> Cell:
    """Draw the rows and make, or look up, the labels with errors."""
    drawn = draw(folder, name.table, name.seed, limits)
    native = NATIVE.get(name.table, {}).get(name.noise)
    if native is None:
        flip, share = (PLANTED | ON_REQUEST)[name.noise]
        given = flip(drawn, share, seed_of(name.noise, name.seed))
    else:
        found = pq.read_table(folder / name.table / "data.parquet", columns=[native])
        code_of = {name: code for code, name in enumerate(drawn.classes)}
        names = found.column(0).take(drawn.positions[0]).to_pylist()
        given = np.array([code_of[str(name)] for name in names])
    clean = drawn.truth[drawn.n_noisy :]
    return Cell(name, drawn, given, np.flatnonzero(np.isin(clean, given)))


@lru_cache(maxsize=1)
def draw(folder: Path, table: str, seed: int, limits: Limits) -> Drawn:
    """Draw clean rows, rows to audit and held-back rows at random, without stratification."""
    whole = load_table(folder, table)
    n_noisy = min(limits.noisy, int(NOISY_SHARE * (whole.num_rows - limits.clean)))
    order = np.random.default_rng(seed_of(table, seed)).permutation(whole.num_rows)
    cuts = np.cumsum([limits.clean, n_noisy, limits.test])
    clean, noisy, held_back = np.split(order[: cuts[-1]], cuts[:-1])
    sampled_at = None
    if limits.protocol == "sampled":
        both = np.concatenate([clean, noisy])
        mixed = np.random.default_rng(seed_of("sampled", seed)).permutation(len(both))
        noisy, sampled_at = both[mixed], np.flatnonzero(mixed < len(clean))
        clean = noisy[sampled_at]
    names, codes = np.unique(
        np.array(whole.column(LABEL).to_pylist(), dtype=str), return_inverse=True
    )
    train = read_data(whole.take(noisy), ReadOptions(label=LABEL))
    return Drawn(
        rows=Rows(train, read_like(whole.take(clean), train.schema, role="NEW")),
        held_back=whole.take(held_back),
        classes=tuple(names.tolist()),
        truth=codes[np.concatenate([noisy, clean])],
        held_back_truth=codes[held_back],
        positions=(noisy, clean, held_back),
        sampled_at=sampled_at,
    )


def seed_of(name: str, seed: int) -> int:
    """A seed of its own for each name, the same on every machine."""
    return zlib.crc32(f"{name} {seed}".encode())
