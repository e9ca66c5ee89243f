"""What a report says, as frozen values. Every format reads these and computes nothing itself.

None always means "not known" and is shown as such; no float here is NaN or infinite.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from datacleanse.records import UNCHECKED
from datacleanse_reports.health import RETOLD

if TYPE_CHECKING:
    from datacleanse.detection.reliability import ReliabilityBin
    from datacleanse_reports.health import HealthView
    from datacleanse_reports.review_progress import ReviewProgress
    from datacleanse_reports.suspect import Conflicts, Suspect

Basis = Literal["flagged", "top"]
"""Which rows a summary is about: all flagged ones or, where there are none, the listed ones."""

Promise = Literal["controlled", "calibrated", "estimated", "none"]
RateBasis = Literal["pairs", "estimates", "none"]
"""What a list of flags rests on: p-values that control its false alarms, estimated probabilities
that do not, or there is no list."""


@dataclass(frozen=True)
class Headline:
    """The answer in a few numbers."""

    rows: int
    """Rows of DATA."""
    classes: int
    estimated_wrong: float | None
    """Expected number of wrong labels in DATA, in rows; None: no row is verified."""
    estimated_share: float | None
    """The same as a share of the rows, in [0, 1]."""
    low_share: float | None
    """Lower end of its range, in [0, ``estimated_share``]."""
    high_share: float | None
    """Upper end, in [``estimated_share``, 1]."""
    rate_basis: RateBasis
    """What shares rest on; their ranges are confidence intervals where it is ``pairs``."""
    flagged: int
    """Rows in the list whose expected share of false alarms is at most ``fdr``; `Flagging.basis`
    says whether that is a promise or an estimate."""
    fdr: float
    """In (0, 1)."""


@dataclass(frozen=True)
class Flagging:
    """What the flags rest on."""

    basis: Promise
    false_at_most: int | None
    """Of the flagged rows so many are false, at most, with 90 % confidence; None: unknown."""
    calibration_rows: int
    """Verified rows that the scores were compared with."""
    smallest_p_value: float | None
    null_share: float | None
    """Estimated share of right labels (Storey's pi0), in [0, 1]."""
    rows_needed: int | None
    """Verified rows that a controlled list would take at least, where none could be made and they
    can be told."""
    listed_at_double: int | None
    """Rows that would be flagged at twice the share of false alarms; None: some are, or it is not
    known."""


@dataclass(frozen=True)
class Budget:
    """What reading the first rows of the ranking is expected to find."""

    rows: int
    """Rows read, from rank 1 on."""
    expected_wrong: float
    """Sum of their mislabel probabilities, in rows."""
    expected_share: float
    """The same as a share of the rows read, in [0, 1]."""
    low_share: float
    """Lower end of its range; `Headline.rate_basis` says what ranges are."""
    high_share: float
    """Upper end."""


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
class Confusion:
    """Rows of one class that bear the label of another."""

    given: str
    true: str
    rows: float
    """Expected number."""
    share: float
    """Of the rows with the given label, in [0, 1]."""


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
class Curves:
    """Learning curves of one network; losses in nats, one per epoch."""

    loss: tuple[float | None, ...]
    """On the training rows, against the labels as given."""
    clean_loss: tuple[float | None, ...]
    """On the clean rows that steer the weights, so not a fair test of the reweighted network."""


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
    reweighted: Curves
    """Of the first fold."""
    control: Curves
    final: Curves | None
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


@dataclass(frozen=True)
class TableSource:
    """A file that was read."""

    source: str
    sha256: str
    rows: int


@dataclass(frozen=True)
class DataSource:
    """DATA."""

    source: str
    sha256: str
    rows: int
    columns: int
    label: str
    id: str | None


@dataclass(frozen=True)
class CleanSource:
    """CLEAN and how its rows were used."""

    source: str
    sha256: str
    rows: int
    steering_rows: int
    """Rows whose gradient steered the weights, in the first fold."""
    calibration_rows: int
    """Rows held out of steering there, whose scores show what "right" looks like."""
    classes: dict[str, int]
    """Rows by label."""
    reviewed_rows: int = 0
    """Of ``rows``, those that reviewers verified in an earlier round: they steer, too, but do not
    calibrate."""


@dataclass(frozen=True)
class OverlapSummary:
    """Rows of DATA that stand in CLEAN too."""

    rows: int
    verified: int
    """Of ``rows``, those with a verified label."""
    wrong: int
    """Of ``verified``, those whose given label is another one."""
    matched_by: str


@dataclass(frozen=True)
class ColumnUse:
    """A column that the network read."""

    name: str
    kind: str
    width: int


@dataclass(frozen=True)
class ColumnAside:
    """A column that the network did not read, and why."""

    name: str
    kind: str
    reason: str


@dataclass(frozen=True)
class NoticeView:
    """Something that a reader should know."""

    slug: str
    message: str
    is_warning: bool
    column: str | None = None
    cells: int | None = None
    option: str | None = None
    """What overrules the choice that it tells of."""


@dataclass(frozen=True)
class ReportView:
    """Everything that any report shows."""

    run_id: str
    created_at: str
    """ISO 8601."""
    finished_at: str
    command: tuple[str, ...]
    """Arguments after the program's name."""
    headline: Headline
    flagging: Flagging
    budgets: tuple[Budget, ...]
    """Shortest first; empty where DATA has fewer rows than the shortest."""
    classes: tuple[ClassSummary, ...]
    """Of the labels that DATA has, most suspected first."""
    confusions: tuple[Confusion, ...]
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
    labels: tuple[str, ...]
    """What a row may be relabelled to: the classes, as DATA spells them."""
    data: DataSource
    clean: CleanSource | None
    """None: no row is verified."""
    test_set: TableSource | None
    overlap: OverlapSummary
    columns_read: tuple[ColumnUse, ...]
    columns_aside: tuple[ColumnAside, ...]
    methods: dict[str, str]
    """A sentence for each audit column that rests on a choice of method."""
    notices: tuple[NoticeView, ...]
    settings: dict[str, str | int | float | None]
    versions: dict[str, str]
    device: dict[str, str | int]
    timings: dict[str, float]
    """Seconds by stage."""
    top: int
    """Suspects asked for; fewer are listed where the run stored fewer."""
    columns: tuple[str, ...]
    """Names of the original columns, label left out; they may repeat."""
    own_columns: tuple[int, ...]
    """Which of ``columns`` the program added: hashes of pictures, of no use to people."""
    suspects: tuple[Suspect, ...]
    """By rank."""
    rows_lacking: int
    """Rows to be verified before something may be flagged; 0: something is, or nobody knows."""
    next_words: tuple[str, ...]
    """Of the command, after the program's name, that gets rows verified; empty where enough are, or
    where DATA is no file."""
    review_words: tuple[str, ...]
    """Of the command that opens the review, after the program's name."""
    apply_words: tuple[str, ...]
    """Of the command that writes cleaned data."""
    compare_words: tuple[str, ...]
    """Of the command that says what changed since the earlier run whose decisions were taken over;
    empty without one."""
    progress: ReviewProgress
    health: HealthView | None = None
    """What was seen beside wrong labels; None: nobody looked."""
    verdicts: dict[str, int] = field(default_factory=dict)
    """Rows of DATA by verdict; empty of runs that have none."""

    @property
    def is_checked(self) -> bool:
        """Whether verified rows check what was found, so that it has a rate and flags."""
        return self.headline.estimated_share is not None

    @property
    def is_doubted(self) -> bool:
        """Whether nobody seems to have checked the clean set, or a part of it."""
        return any(notice.slug == UNCHECKED for notice in self.notices)

    @property
    def agrees_wholly(self) -> bool:
        """Whether no verified label differs from the data's, verdicts of the page aside."""
        found, rests_on_them = self.overlap, self.headline.rate_basis == "pairs"
        return rests_on_them and not found.wrong and found.matched_by != "verdicts"

    @property
    def warnings(self) -> tuple[NoticeView, ...]:
        """Notices where the result may suffer, but those that findings tell again."""
        retold = () if self.health is None else RETOLD
        return tuple(
            notice
            for notice in self.notices
            if notice.is_warning and not notice.slug.endswith(retold)
        )
