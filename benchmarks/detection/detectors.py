"""The methods that the detection benchmark compares, each from a cell to a ranking of its rows."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
import torch

import datacleanse as dc
from benchmarks.cost.cross_validation import network_out_of_fold
from benchmarks.detection.cells import ID
from benchmarks.detection.knn_shapley import knn_shapley
from benchmarks.detection.peers import folds, out_of_fold
from benchmarks.tables import LABEL
from datacleanse.models.encoding import encode, fit_encoding
from datacleanse.models.tabular import build_network
from datacleanse.settings import Settings
from datacleanse.training.examples import Examples
from datacleanse.training.loop import train
from datacleanse.training.rules.uniform import Uniform
from datacleanse.training.schedule import choose_schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from benchmarks.detection.cells import Cell
    from datacleanse.auditing.result import AuditResult
    from datacleanse.models.encoding import Encoding
    from datacleanse.training.recorder import Dynamics

OURS = "ours"
UNSTEERED = "ours-unsteered"
"""The product without a clean set."""

MODELS = ("logistic", "boosted", "forest", "network")
"""Whose out-of-fold probabilities cleanlab ranks."""

CLEANLAB = {"margin": "normalized_margin", "confidence": "self_confidence"}
BEST_OF = tuple(f"{model}-{score}" for model in MODELS[:3] for score in CLEANLAB)
"""The six peers whose best, chosen cell by cell with the truth at hand, is the line to pass."""

CURVES = {"aum": "margin", "loss": "loss"}
"""Rankings by plain training, with what of its dynamics they use."""

TRIVIAL = {"jira_defects_dev": "defective", "szz_jit_dev": "buggy"}
"""Tables whose known errors lie mostly in one given class: ranking its rows first is a rule."""

METHODS = (
    OURS,
    UNSTEERED,
    *(f"{model}-{score}" for model in MODELS for score in CLEANLAB),
    *CURVES,
    "knn-shapley",
    "trivial",
    "random",
)


@dataclass(frozen=True)
class Verdict:
    """What a method makes of a cell's N rows."""

    suspicion: NDArray[np.float64]
    """(N,) higher: more likely wrong."""
    flagged: NDArray[np.bool_] | None = None
    """(N,) the list it gives by itself."""
    probability: NDArray[np.float64] | None = None
    """(N,) that the given label is wrong, in [0, 1]."""
    p_value: NDArray[np.float64] | None = None
    """(N,) of "this label is right"."""
    rate: NDArray[np.float64] | None = None
    """(3,) stated share of wrong labels in DATA and the ends of its range."""
    class_rates: NDArray[np.float64] | None = None
    """(C, 3) the same of the rows of each given label; NaN where no row has it."""
    budget: NDArray[np.float64] | None = None
    """(B, 4) the same of the first rows of the ranking, behind the number of these rows."""
    seconds: float = 0.0
    """Processor time, cross-validation or training included, reading left out."""

    def take(self, rows: NDArray[np.bool_]) -> Verdict:
        """The verdict on some of the N rows; what is stated of all of them stays."""
        return replace(
            self,
            suspicion=self.suspicion[rows],
            flagged=None if self.flagged is None else self.flagged[rows],
            probability=None if self.probability is None else self.probability[rows],
            p_value=None if self.p_value is None else self.p_value[rows],
        )


@dataclass(frozen=True)
class OutOfFold:
    """A model's probabilities for the rows it has not seen."""

    u: NDArray[np.float32]
    """(M, C) of the rows of `Cell.labels`."""
    fold: NDArray[np.int64]
    """(M,)."""
    seconds: float
    """Processor time."""


def applies(method: str, cell_table: str, noise: str) -> bool:
    """Whether a method says anything about a cell."""
    return method != "trivial" or (cell_table in TRIVIAL and noise.startswith("native"))


def cross_validated(model: str, cell: Cell) -> OutOfFold:
    """Five-fold cross-validation of one of `MODELS` on noisy and clean rows."""
    started = process_time()
    if model == "network":
        encoding, x, y = tensors(cell)
        u = network_out_of_fold(encoding, x, y, len(cell.drawn.classes), folds(cell))
    else:
        u = out_of_fold(model, cell)
    return OutOfFold(u.astype(np.float32), folds(cell), process_time() - started)


def by_cleanlab(score: str, cell: Cell, found: OutOfFold) -> Verdict:
    """Ranking, default flags and probability of "wrong" (1 - self-confidence) of cleanlab."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    started = process_time()
    n = len(cell.given)
    u, labels = found.u[:n].astype(np.float64), cell.labels[:n]
    quality = get_label_quality_scores(labels, u, method=CLEANLAB[score])
    with warnings.catch_warnings():
        # Of classes with few rows, which it may not flag.
        warnings.simplefilter("ignore", UserWarning)
        flagged = find_label_issues(labels, u, n_jobs=1)
    return Verdict(
        suspicion=1 - quality,
        flagged=np.asarray(flagged, dtype=np.bool_),
        probability=1 - u[np.arange(n), labels],
        seconds=found.seconds + process_time() - started,
    )


def train_plainly(cell: Cell) -> tuple[Dynamics, float]:
    """Plain training of the package's network on noisy and clean rows, and its seconds."""
    started = process_time()
    encoding, x, y = tensors(cell)
    n, n_classes = len(y), len(cell.drawn.classes)
    # The trusted row that the loop asks for is a copy, and unused.
    examples = Examples(
        inputs=torch.cat([x, x[:1]]),
        labels=torch.cat([y, y[:1]]),
        n_data=n,
        training_rows=torch.arange(n),
        steering_rows=torch.tensor([n]),
        n_classes=n_classes,
    )
    network = build_network(encoding, n_classes, seed=cell.name.seed)
    schedule = choose_schedule(Settings(), n)
    outcome = train(network, Uniform(), examples, schedule, seed=cell.name.seed)
    return outcome.dynamics, process_time() - started


def by_curve(method: str, cell: Cell, dynamics: Dynamics, seconds: float) -> Verdict:
    """Mean over the epochs of plain training of margin (Pleiss et al. 2020) or loss."""
    n = len(cell.given)
    if method == "aum":
        return Verdict(-dynamics.margin[:n].astype(np.float64), seconds=seconds)
    doubt = 1 - dynamics.probability[np.arange(n), cell.labels[:n]].astype(np.float64)
    return Verdict(dynamics.loss[:n].astype(np.float64), probability=doubt, seconds=seconds)


def by_neighbours(cell: Cell) -> Verdict:
    """KNN-Shapley with the clean rows as validation rows; their own suspicion is 0."""
    started = process_time()
    rows, matrix = np.flatnonzero(cell.is_scored), cell.drawn.matrix[cell.used]
    suspicion = np.zeros(len(cell.given))
    suspicion[rows] = -knn_shapley(
        matrix[rows], cell.given[rows], matrix[cell.clean_at], cell.clean_labels
    )
    return Verdict(suspicion, seconds=process_time() - started)


def by_rule(cell: Cell) -> Verdict:
    """Rows of the class that is known to be wrong most often first, the others after them."""
    doubted = cell.drawn.classes.index(TRIVIAL[cell.name.table])
    return Verdict((cell.given == doubted).astype(np.float64))


def by_chance(cell: Cell) -> Verdict:
    """A random order."""
    return Verdict(np.random.default_rng(cell.name.seed).random(len(cell.given)))


def by_audit(cell: Cell, fdr: float, *, has_clean: bool = True) -> Verdict:
    """The product's verdict; see `run_audit`."""
    started = process_time()
    result = run_audit(cell, fdr, has_clean=has_clean)
    return read_verdict(result, cell.drawn.classes, process_time() - started)


def run_audit(
    cell: Cell,
    fdr: float,
    *,
    has_clean: bool = True,
    probabilities: pd.DataFrame | None = None,
) -> AuditResult:
    """The product, called as its users call it, with the clean rows or without.

    Args:
        cell: what is audited.
        fdr: asked for.
        has_clean: whether the clean rows are given.
        probabilities: of the noisy rows, a column a class, by a model of the user's.
    """
    return dc.audit(
        cell.noisy_table(),
        val=cell.clean_table() if has_clean else None,
        label=LABEL,
        id=None if cell.drawn.sampled_at is None else ID,
        fdr=fdr,
        seed=cell.name.seed,
        device="cpu",
        probabilities=probabilities,
    )


def read_verdict(result: AuditResult, classes: Sequence[str], seconds: float) -> Verdict:
    """What an audit says of DATA's rows.

    Args:
        result: of the audit.
        classes: names of the C classes that `Verdict.class_rates` goes by.
        seconds: that it took.
    """
    table, manifest = result.table, result.manifest
    columns = ("suspicion", "mislabel_probability", "p_value")
    suspicion, probability, p_value = (table[c].to_numpy(np.float64) for c in columns)
    if manifest["clean"] is None:
        return Verdict(suspicion, probability=probability, seconds=seconds)
    by_label = manifest["noise"]["by_given_label"]
    return Verdict(
        suspicion,
        table["flagged"].to_numpy(np.bool_),
        probability,
        p_value,
        rate=_read_share(manifest["noise"]["rate"]),
        class_rates=np.array([_read_share(by_label.get(name)) for name in classes]),
        budget=np.array([[each["rows"], *_read_share(each)] for each in manifest["budget"]]),
        seconds=seconds,
    )


def _read_share(share: dict[str, float] | None) -> NDArray[np.float64]:
    """(3,) share and range as `run.json` states them; NaN where it states none."""
    names = ("share", "low", "high")
    return np.array([np.nan if share is None else share[name] for name in names])


ALONE: dict[str, Callable[[Cell], Verdict]] = {
    "knn-shapley": by_neighbours,
    "trivial": by_rule,
    "random": by_chance,
}
"""Methods that need nothing but the cell."""


def engine_digest() -> str:
    """Short hash of the package's source: results of `OURS` are only good for one."""
    package = Path(dc.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def tensors(cell: Cell) -> tuple[Encoding, torch.Tensor, torch.Tensor]:
    """The encoding, learned from the noisy rows, all rows encoded (M, F), their labels."""
    rows = cell.drawn.rows
    encoding = fit_encoding(rows.train, np.arange(rows.train.n_rows))
    matrix = np.concatenate([encode(rows.train, encoding), encode(rows.test, encoding)])
    return encoding, torch.from_numpy(matrix[cell.used]), torch.from_numpy(cell.labels)
