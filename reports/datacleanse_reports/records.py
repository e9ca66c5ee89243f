"""What a report says, as frozen values. Every format reads these and computes nothing itself.

None always means "not known" and is shown as such; no float here is NaN or infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from datacleanse_reports.run_view import RunView

if TYPE_CHECKING:
    from datacleanse.detection.reliability import ReliabilityBin
    from datacleanse.records import Column
    from datacleanse.storage.manifest.inputs import InputFile
    from datacleanse.storage.manifest.results import ClassConfusion, LearningCurves
    from datacleanse_reports.suspect import Conflicts, Suspect

Basis = Literal["flagged", "top"]
"""Which rows a summary is about: all flagged ones or, where there are none, the listed ones."""


@dataclass(frozen=True)
class ClassSummary:
    """One label of DATA."""

    name: str
    rows: int
    suspected: float
    """Sum of the rows' mislabel probabilities, in rows."""
    suspected_share: float
    """The same as a share of the class's rows, in [0, 1]."""
    low_share: float
    """Lower end of its range; `Headline.rate_basis` says what ranges are."""
    high_share: float
    """Upper end."""
    flagged: int


@dataclass(frozen=True)
class MatrixCell:
    """Rows with one label that are truly of one class."""

    rows: float | None
    """Expected number; None where it is too small to be told."""
    share: float
    """Of the rows with the given label, in [0, 1]."""


@dataclass(frozen=True)
class NoiseMatrix:
    """Given labels against true classes, of the classes that errors touch most."""

    labels: tuple[str, ...]
    cells: tuple[tuple[MatrixCell, ...], ...]
    """By given label, then by true class, both in the order of ``labels``."""
    others: tuple[float, ...]
    """By given label, the wrong rows of other classes than those shown, and of pairs that are too
    rare to be told. A line's wrong rows sum to `ClassSummary.suspected`."""
    n_left_out: int
    """Classes of DATA that are not shown."""


@dataclass(frozen=True)
class Metric:
    """One measure of both networks on the same rows."""

    name: str
    """Key, e.g. ``balanced_accuracy``."""
    title: str
    """For people, e.g. ``Balanced accuracy``."""
    higher_is_better: bool
    reweighted: float
    control: float
    difference: float
    """Reweighted minus control."""
    better: Literal["reweighted", "control", "equal"]
    """``equal`` where the difference is within what so few rows can tell."""


@dataclass(frozen=True)
class Comparison:
    """The reweighted network beside plain training, on rows that neither has seen."""

    rows: int
    kind: Literal["test row", "held-back clean row"]
    metrics: tuple[Metric, ...]
    accuracy_error: float
    """Half the width of the reweighted accuracy's 95 % interval (normal approximation)."""


@dataclass(frozen=True)
class Training:
    """How the networks were trained."""

    rule: str
    epochs: int
    batch_size: int
    lr: float
    rows: int
    """Training rows."""
    folds: int
    """Ways in which the clean set was divided, each with a reweighted network of its own."""
    parameters: int
    network: str
    """One sentence."""
    skipped_steps: int
    """Steps without an update because every weight was 0."""
    reweighted: LearningCurves
    """Of the first fold."""
    control: LearningCurves
    final: LearningCurves | None
    """Of the network that was saved and tested; None where that is the reweighted one itself."""


@dataclass(frozen=True)
class WeightDistribution:
    """Histogram of the mean learned weight, of the rows of the basis and of all others."""

    basis: Basis
    edges: tuple[float, ...]
    """(B + 1,) rising; the last bin also holds everything beyond its right edge."""
    basis_rows: int
    other_rows: int
    basis_shares: tuple[float, ...]
    """(B,) share of the rows of the basis in each bin, in [0, 1]."""
    other_shares: tuple[float, ...]
    """(B,) the same of the other rows."""
    basis_median: float
    other_median: float


@dataclass(frozen=True)
class ReadingPoint:
    """Wrong labels expected among the first rows of the ranking."""

    rows: int
    expected_wrong: float


@dataclass(frozen=True, kw_only=True)
class ReportView(RunView):
    """Everything that any report of a run of classes shows."""

    suspects: tuple[Suspect, ...]
    classes: tuple[ClassSummary, ...]
    """Of the labels that DATA has, most suspected first."""
    confusions: tuple[ClassConfusion, ...]
    """Most expected rows first; the rarest are left out."""
    matrix: NoiseMatrix | None
    """None where no errors are expected between two classes."""
    training: Training
    test: Comparison | None
    """On the rows of ``--test``."""
    weights: WeightDistribution | None
    """None where all weights are alike."""
    reliability: tuple[ReliabilityBin, ...]
    """By rising suspicion; empty where too few rows are verified."""
    reading: tuple[ReadingPoint, ...]
    """Rising, as far as reading is likely to be worth it."""
    conflicts: Conflicts | None
    """None where equal rows were not looked for."""
    test_set: InputFile | None
    columns_read: tuple[Column, ...]
    methods: dict[str, str]
    """A sentence for each audit column that rests on a choice of method."""
    settings: dict[str, str | int | float | None]
    versions: dict[str, str]
    device: dict[str, str | int]
    timings: dict[str, float]
    """Seconds by stage."""
    compare_words: tuple[str, ...]
    """Of the command that says what changed since the earlier run whose decisions were taken over;
    empty without one."""
