"""What `run.json` says of the trainings and of what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Read from `run.json`, so that the fields' types must be known when the program runs.
from datacleanse.storage.typed_json import Amount, Count, Number, Positive, Sha256, Share

FlagBasis = Literal["controlled", "calibrated", "estimated", "none"]

RateBasis = Literal["pairs", "estimates", "none"]

UsedRule = Literal["l2rw", "lilaw", "uniform", "random", "none steered"]

NONE_STEERED: UsedRule = "none steered"
"""What `TrainingSection.rule` says of a run without verified rows."""


@dataclass(frozen=True, kw_only=True)
class Steering:
    """How the gradient on the steering rows was obtained."""

    batch: Number
    """Steering rows that it is made from, at least 1."""
    every: Number
    """Steps that it serves, at least 1."""
    average: Share
    """Share of the former gradient in the next one, in [0, 1)."""


@dataclass(frozen=True, kw_only=True)
class InfluenceRoute:
    """How influences were computed."""

    name: str
    """E.g. ``closed-form``."""
    reason: str
    """A sentence: what lets the network take this route, or what kept it from the cheaper one."""


@dataclass(frozen=True, kw_only=True)
class LearningCurves:
    """Mean losses of a training, in nats, one an epoch; null: not finite."""

    loss: tuple[float | None, ...]
    """On the training rows, against their given labels."""
    clean_loss: tuple[float | None, ...]
    """On the clean rows that steer, against their true labels."""


@dataclass(frozen=True, kw_only=True)
class CurvesSection:
    """Learning curves by training."""

    reweighted: LearningCurves
    """Of the training with learned weights, in the first fold."""
    control: LearningCurves
    """Of plain training."""
    final: LearningCurves
    """Of the network that was saved."""


@dataclass(frozen=True, kw_only=True)
class BackboneSection:
    """The pretrained network that saw the pictures. It stays as it is: nothing trains it."""

    name: str
    """What opens it, e.g. ``efficientnet-lite0-stages``."""
    title: str
    """Its name for people."""
    licence: str
    """Of its parameters."""
    trained_on: str
    """The data that it was trained on."""
    sha256: Sha256
    """What its parameters are known by (hex)."""
    side: Number
    """Pixels a side of the squares that it read."""
    use: Literal["network", "second opinion"]
    """Who reads its features: the network that is trained, or the second opinion alone."""


@dataclass(frozen=True, kw_only=True)
class TrainingSection:
    """How the networks were trained."""

    rule: UsedRule
    """How the rows of a batch were weighted; ``none steered``: all alike, since no row was verified
    that could steer."""
    epochs: Number
    """Passes over the training rows."""
    batch_size: Number
    """Rows a step, in the final training; less than asked for where memory was short."""
    lr: Positive
    """Peak learning rate, > 0."""
    steering: Steering
    """How the gradient on the steering rows was obtained."""
    parameters: Count
    """Numbers that the network learned."""
    network: str
    """A sentence on the network."""
    training_rows: Count
    """Rows that the reweighted network of the first fold was trained on."""
    skipped_steps: Count
    """Its steps that updated nothing, because every weight was 0."""
    route: InfluenceRoute | None
    """How influences were computed; null: the rule needs none."""
    folds: Number
    """Ways in which CLEAN was divided, each with a reweighted network of its own."""
    curves: CurvesSection
    """Learning curves."""
    backbone: BackboneSection | None = None
    """The pretrained network that saw the pictures; null: none did."""
    temperature: Positive | None = None
    """By which the logits of the final model were divided, so that it is as sure of labels as the
    audit is, 1 or more; null: it is no refit, tells numbers, or is a network of the user's own."""


@dataclass(frozen=True, kw_only=True)
class FlagsSection:
    """What the flags of `audit.parquet` promise."""

    fdr: Share
    """Largest expected share of false alarms among them that was asked for, in (0, 1)."""
    flagged: Count
    """Rows flagged."""
    false_at_most: Count | None = None
    """With 90 % confidence at most so many of the flagged rows have a right label; null: nothing is
    flagged, more than 20,000 rows are, or no verified rows of DATA calibrate."""
    basis: FlagBasis
    """``controlled``: p-values keep the share of false alarms; ``calibrated``: probabilities that
    were calibrated on verified rows of DATA; ``estimated``: probabilities estimate it and promise
    nothing; ``none``: there are no flags, as always where no row is verified."""
    calibration_rows: Count
    """Rows of CLEAN that calibrate, in any fold: verified rows of DATA where ``noise.basis`` is
    ``pairs``, rows from elsewhere otherwise."""
    smallest_p_value: Share | None
    """The smallest p-value that a row can get, in (0, 1]; null: there are no p-values."""
    null_share: Share | None
    """Storey's estimate of the share of right labels, in [0, 1]; null: there are no p-values."""
    estimated_wrong: Amount | None
    """Expected number of wrong labels in DATA, in rows: the sum of the mislabel probabilities;
    null: no row is verified, so that nothing checks these."""
    rows_needed: Count | None
    """Calibration rows that a controlled list would take at least; null: there is one, or the
    number cannot be told."""
    listed_at_double: Count | None = None
    """Rows that would be flagged at twice ``fdr``; null: some are at ``fdr``, or no verified rows
    of DATA calibrate."""


@dataclass(frozen=True, kw_only=True)
class NoiseShare:
    """The estimated share of wrong labels among some rows of DATA."""

    rows: Count
    """The rows."""
    share: Share
    """Estimated share of wrong labels among them, in [0, 1]."""
    low: Share
    """Lower end of its range, in [0, 1]; `NoiseSection.basis` says what the range is."""
    high: Share
    """Upper end, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class ClassConfusion:
    """Rows of DATA expected to be of one class and labelled another."""

    given: str
    """Given label."""
    true: str
    """True class."""
    rows: Amount
    """Expected number."""
    share: Share
    """The same as a share of the rows with that given label, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class NoiseSection:
    """How many labels of DATA are wrong, as estimated."""

    basis: RateBasis
    """What shares and their ranges rest on, those of ``budget`` too. ``pairs``: verified rows of
    DATA; ranges are 95 % confidence intervals. ``estimates``: the posterior and the local
    false-discovery rate; ranges reach from one to the other, widened by their sampling error, and
    are no confidence intervals. ``none``: no row is verified, so that no share is told."""
    rate: NoiseShare | None
    """Of all rows; null: no row is verified."""
    by_given_label: dict[str, NoiseShare]
    """Of the rows with each given label; empty as above."""
    confusions: tuple[ClassConfusion, ...]
    """The most frequent pairs of given label and true class, most rows first; empty as above."""
    matrix_trust: tuple[Share, ...]
    """By fold, how far the noise matrix learned from CLEAN counts against one rate of errors for
    all classes, in [0, 1]; empty as above."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """How good a network's probabilities are."""

    accuracy: Share
    """In [0, 1]."""
    balanced_accuracy: Share
    """Mean recall of the classes that occur, in [0, 1]."""
    log_loss: Amount
    """In nats."""
    calibration_error: Share
    """Expected calibration error of the likeliest class, in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class ClassMeasures:
    """How well a network finds one class; 0 where there is nothing to divide by."""

    precision: Share
    """In [0, 1]."""
    recall: Share
    """In [0, 1]."""
    f1: Share
    """In [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class ClassComparison:
    """Both networks on one class."""

    rows: Count
    """Rows that are truly of the class."""
    reweighted: ClassMeasures
    """Of the network that was saved."""
    control: ClassMeasures
    """Of plain training."""


@dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """Both networks on rows with true labels that neither has seen."""

    rows: Number
    """The rows, at least 1."""
    reweighted: Measures
    """Of the network that was saved."""
    control: Measures
    """Of plain training."""
    by_class: dict[str, ClassComparison]
    """Class by class."""


@dataclass(frozen=True, kw_only=True)
class MetricsSection:
    """What the networks were compared on."""

    test: ModelComparison | None
    """The rows of ``--test``; null: none were given."""
    held_back: ModelComparison | None
    """The held-back rows of CLEAN; null: there are none."""
