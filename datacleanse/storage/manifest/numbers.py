"""`run.json` of an audit of numbers: what differs from an audit of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

# Read from `run.json`, so that the fields' types must be known when the program runs.
from datacleanse.records import Notice
from datacleanse.storage.manifest.health import HealthSection
from datacleanse.storage.manifest.inputs import (
    InputFile,
    OverlapSection,
    PicturesSection,
    Reading,
    ReviewedSection,
    SchemaSection,
)
from datacleanse.storage.manifest.results import (
    FlagsSection,
    NoiseShare,
    RateBasis,
    TrainingSection,
)
from datacleanse.storage.manifest.whole import DeviceSection, Manifest, Opening, add_up
from datacleanse.storage.typed_json import Amount, Count, Number, Sha256


@dataclass(frozen=True, kw_only=True)
class NumberDataSection(InputFile):
    """DATA: the rows whose numbers were audited."""

    columns: Count
    """Columns of the table, label and id among them."""
    label: str
    """Name of the label column."""
    id: str | None
    """Name of the id column; null: rows are known by their number."""
    label_type: str | None
    """Arrow's name of the labels' type; null: text without a type, as in a CSV."""
    least: float
    """The smallest label."""
    median: float
    """The median label."""
    most: float
    """The largest label."""
    deviation: Amount
    """Robust standard deviation of the labels, > 0."""
    decimals: Count | None
    """Decimals that the labels keep to; null: they keep to none."""
    reading: Reading
    """What the user said about the columns."""


@dataclass(frozen=True, kw_only=True)
class NumberCleanSection(InputFile):
    """CLEAN: rows whose labels a person has verified, and the parts that they played."""

    sources: tuple[str, ...] = ()
    """What was joined, as named; empty where CLEAN is one table."""
    steering_rows: Count
    """Rows whose gradient steered the weights in the first fold."""
    reviewed_rows: Count = 0
    """Of ``rows``, those that reviewers verified in an earlier round: they steer in every fold."""
    calibration_rows: Count
    """Rows that did not steer in the first fold and calibrate there."""
    held_back_rows: Count
    """Rows that nothing learned from, to compare the models on."""


@dataclass(frozen=True, kw_only=True)
class SlipSection:
    """A way in which numbers went wrong alike, as verified rows show it."""

    name: str
    """E.g. ``× 10``."""
    verified: Count
    """Verified rows of one half of CLEAN that show it."""
    rows: Count
    """Rows of DATA that it made, likelier than not, the verified ones left out."""


@dataclass(frozen=True, kw_only=True)
class NumberNoiseSection:
    """How many labels of DATA are wrong, as estimated."""

    basis: RateBasis
    """See `NoiseSection.basis`."""
    rate: NoiseShare | None
    """Of all rows; null: no row is verified."""
    slips: tuple[SlipSection, ...]
    """What made them wrong, where verified rows show it."""


@dataclass(frozen=True, kw_only=True)
class NumberMeasures:
    """How good a network's predictions are."""

    rmse: Amount
    """Root of the mean squared error, in the label's unit."""
    mae: Amount
    """Mean absolute error, in the label's unit."""
    r2: float | None
    """Share of the variance that is predicted, at most 1; null: all rows have one label."""


@dataclass(frozen=True, kw_only=True)
class NumberComparison:
    """Both networks on rows with true labels that neither has seen."""

    rows: Number
    """The rows, at least 1."""
    reweighted: NumberMeasures
    """Of the network that was saved."""
    control: NumberMeasures
    """Of plain training."""
    rmse_difference_error: Amount
    """Standard error of the difference of both RMSEs, whose rows are the same."""


@dataclass(frozen=True, kw_only=True)
class NumberMetricsSection:
    """What the networks were compared on."""

    test: NumberComparison | None
    """The rows of ``--test``; null: none were given."""
    held_back: NumberComparison | None
    """The held-back rows of CLEAN; null: there are none."""


@dataclass(frozen=True, kw_only=True)
class NumberManifest(Opening):
    """`run.json` of a finished audit of numbers."""

    task: Literal["regression"] = "regression"
    """Absent where labels are classes."""
    data: NumberDataSection
    """DATA."""
    clean: NumberCleanSection | None
    """CLEAN; null: no row is verified."""
    test: InputFile | None
    """TEST, rows with true labels to measure on; null: none were given."""
    reviewed: ReviewedSection | None = None
    """Decisions of earlier rounds; null: none were given."""
    schema: SchemaSection
    """What DATA's columns were taken for."""
    overlap: OverlapSection
    """Rows of DATA that stand in CLEAN too."""
    pictures: PicturesSection | None = None
    """How pictures were read; null: the rows are those of a table."""
    notices: tuple[Notice, ...]
    """What a person should know although the work went on."""
    training: TrainingSection
    """How the networks were trained. Losses are half squared residuals, in robust deviations."""
    flags: FlagsSection
    """What the flags promise."""
    noise: NumberNoiseSection
    """How many labels are wrong, as estimated."""
    budget: tuple[NoiseShare, ...]
    """What reading the first 10, 20, 50, ... rows of the ranking is expected to find."""
    device: DeviceSection
    """Where the networks were trained."""
    metrics: NumberMetricsSection
    """How good the saved network is, beside plain training."""
    model_files: dict[str, Sha256]
    """sha256 (hex) of the files in `model/` that make the model, by name."""
    timings: dict[str, Amount]
    """Seconds by stage of the run; ``total`` is their sum."""
    finished_at: str
    """When the run was finished (ISO 8601, UTC)."""
    health: HealthSection | None = None
    """What was seen beside wrong labels; null: nobody looked, in runs of before it was kept."""

    @property
    def classes(self) -> None:
        """Labels are no classes; see `Manifest.classes`."""

    @property
    def seconds(self) -> float:
        """Seconds that all stages took together."""
        return add_up(self.timings)

    @property
    def n_clean(self) -> int:
        """Rows of CLEAN, reviewed ones among them."""
        return 0 if self.clean is None else self.clean.rows

    @property
    def measured(self) -> NumberComparison | None:
        """The comparison on TEST, else the one on held-back rows; None where there is neither."""
        return self.metrics.test or self.metrics.held_back


AnyManifest: TypeAlias = Manifest | NumberManifest
"""`run.json` of a finished run, be its labels classes or numbers."""
