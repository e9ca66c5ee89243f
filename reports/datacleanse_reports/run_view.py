"""What every report of a run says, be its labels classes or numbers, as frozen values.

What `run.json` says in a report's words stands here as it is read. None always means "not known"
and is shown as such; no float here is NaN or infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from datacleanse.records import UNCHECKED
from datacleanse_reports.health import RETOLD

if TYPE_CHECKING:
    from datacleanse.data.any_number import AnyNumber
    from datacleanse.records import Notice, SetAside
    from datacleanse.storage.manifest.inputs import CleanSection, DataSection, OverlapSection
    from datacleanse.storage.manifest.numbers import NumberCleanSection, NumberDataSection
    from datacleanse.storage.manifest.results import FlagsSection, RateBasis
    from datacleanse_reports.health import HealthView
    from datacleanse_reports.review_progress import ReviewProgress
    from datacleanse_reports.suspect import Suspect

CORRECTED = "verified-before"
"""The notice of verified labels that were wrong in the data until they were corrected."""

View = TypeVar("View", bound="RunView")
Row = TypeVar("Row", bound="Suspect")


@dataclass(frozen=True)
class Headline:
    """The answer in a few numbers."""

    rows: int
    """Rows of DATA."""
    classes: int
    """0 where labels are numbers."""
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
    """Rows in the list whose expected share of false alarms is at most ``fdr``;
    `FlagsSection.basis` says whether that is a promise or an estimate."""
    fdr: float
    """In (0, 1)."""


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


@dataclass(frozen=True, kw_only=True)
class RunView:
    """What the overview, the list of suspects and the review need of a run."""

    run_id: str
    created_at: str
    """ISO 8601."""
    finished_at: str
    command: tuple[str, ...]
    """Arguments after the program's name."""
    headline: Headline
    flagging: FlagsSection
    """What the flags rest on."""
    budgets: tuple[Budget, ...]
    """Shortest first; empty where DATA has fewer rows than the shortest."""
    data: DataSection | NumberDataSection
    clean: CleanSection | NumberCleanSection | None
    """None: no row is verified."""
    overlap: OverlapSection
    columns_aside: tuple[SetAside, ...]
    notices: tuple[Notice, ...]
    top: int
    """Suspects asked for; fewer are listed where the run stored fewer."""
    columns: tuple[str, ...]
    """Names of the original columns, label left out; they may repeat."""
    own_columns: tuple[int, ...]
    """Which of ``columns`` the program added: hashes of pictures, of no use to people."""
    labels: tuple[str, ...]
    """What a row may be relabelled to: the classes, as DATA spells them; none where labels are
    numbers."""
    numbers: AnyNumber | None = None
    """Which numbers a row may get; None: labels are classes."""
    suspects: Sequence[Suspect]
    """By rank."""
    last_flagged: int = 0
    """Largest rank of a flagged row, 0 where none is: rows that p-values flag may stand behind
    others."""
    rows_lacking: int
    """Rows to be verified before something may be flagged; 0: something is, or nobody knows."""
    next_words: tuple[str, ...]
    """Of the command, after the program's name, that gets rows verified; empty where enough are, or
    where DATA is no file."""
    review_words: tuple[str, ...]
    """Of the command that opens the review, after the program's name."""
    apply_words: tuple[str, ...]
    """Of the command that writes cleaned data."""
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
        """Whether no verified label differs from the data's, verdicts of the page aside.

        One that differed before the data were corrected shows that somebody checked.
        """
        found, rests_on_them = self.overlap, self.headline.rate_basis == "pairs"
        has_differed = found.wrong or any(each.slug == CORRECTED for each in self.notices)
        return rests_on_them and not has_differed and found.matched_by != "verdicts"

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """Notices where the result may suffer, but those that findings tell again."""
        retold = () if self.health is None else RETOLD
        return tuple(
            notice
            for notice in self.notices
            if notice.is_warning and not notice.slug.endswith(retold)
        )


def keep_users_columns(view: View) -> View:
    """The view without its ``own_columns``, which files keep and pages do not show."""
    if not view.own_columns:
        return view
    kept = [i for i in range(len(view.columns)) if i not in view.own_columns]
    return replace(
        view,
        own_columns=(),
        columns=tuple(view.columns[i] for i in kept),
        suspects=tuple(_keep_cells(each, kept) for each in view.suspects),
    )


def _keep_cells(suspect: Row, kept: list[int]) -> Row:
    place = {column: i for i, column in enumerate(kept)}
    near = [
        replace(each, cells=tuple(each.cells[i] for i in kept) if each.cells else ())
        for each in suspect.neighbours
    ]
    return replace(
        suspect,
        cells=tuple(suspect.cells[i] for i in kept),
        telling=tuple(place[i] for i in suspect.telling if i in place),
        texts=tuple(place[i] for i in suspect.texts if i in place),
        neighbours=tuple(near),
    )
