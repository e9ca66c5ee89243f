"""`run.json` as a whole: all that is needed to repeat the run, and what came of it.

The order of fields is the order of keys. The page on file formats is made from these classes and
from the text below each field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

# Read from `run.json`, so that the fields' types must be known when the program runs.
from datacleanse.records import Notice
from datacleanse.settings import Settings
from datacleanse.storage.manifest.health import HealthSection
from datacleanse.storage.manifest.inputs import (
    CleanSection,
    DataSection,
    InputFile,
    OverlapSection,
    PicturesSection,
    ReviewedSection,
    SchemaSection,
)
from datacleanse.storage.manifest.results import (
    FlagsSection,
    MetricsSection,
    ModelComparison,
    NoiseSection,
    NoiseShare,
    TrainingSection,
)
from datacleanse.storage.manifest.versions import SCHEMA_VERSION
from datacleanse.storage.typed_json import KEY, Amount, Number, Sha256

Status = Literal["running", "stopped", "finished"]

TOTAL = "total"
"""Key of the sum in `Manifest.timings`."""


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What computed the results."""

    datacleanse: str
    """Of this program."""
    python: str
    """Of Python; those of its libraries follow."""
    torch: str
    """With the build, e.g. ``2.9.0+cpu``."""
    numpy: str
    """As installed."""
    pandas: str
    """As installed."""
    pyarrow: str
    """As installed."""
    scikit_learn: str = field(metadata={KEY: "scikit-learn"})
    """As installed."""
    pillow: str
    """As installed."""


@dataclass(frozen=True, kw_only=True)
class DeviceSection:
    """Where the networks were trained."""

    name: str
    """``cpu``, or the GPU's name."""
    threads: Number
    """CPU threads."""
    rows: str
    """Where the network's inputs lay, in words."""
    processes: Number = 1
    """Ranks that trained together."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What is known of a run from its beginning on. It is written then, and where a run stops."""

    schema_version: Number = SCHEMA_VERSION
    """Of `run.json`."""
    run_id: str
    """32 hexadecimal digits drawn at random; a resumed run keeps them."""
    status: Status
    """``running`` also where the run was killed."""
    command: tuple[str, ...]
    """Arguments after the program's name, or the Python function's name."""
    created_at: str
    """When the run began first (ISO 8601, UTC)."""
    settings: Settings
    """The user's choices, by the options' names."""
    versions: Versions
    """Of the program and its libraries."""
    identity: dict[str, object]
    """All that the trainings depend on, by the names that users know; a run is resumed only where
    all of it is the same."""
    resumed_at: tuple[str, ...]
    """When it was gone on with (ISO 8601, UTC)."""
    stopped_at: str | None
    """When it was stopped last (ISO 8601, UTC); null: it was not, or it went on."""


@dataclass(frozen=True, kw_only=True)
class Manifest(Opening):
    """`run.json` of a finished run."""

    data: DataSection
    """DATA."""
    clean: CleanSection | None
    """CLEAN; null: no row is verified."""
    test: InputFile | None
    """TEST, rows with true labels to measure on; null: none were given."""
    reviewed: ReviewedSection | None
    """Decisions of earlier rounds; null: none were given."""
    schema: SchemaSection
    """What DATA's columns were taken for."""
    overlap: OverlapSection
    """Rows of DATA that stand in CLEAN too."""
    pictures: PicturesSection | None
    """How pictures were read; null: the rows are those of a table."""
    notices: tuple[Notice, ...]
    """What a person should know although the work went on."""
    training: TrainingSection
    """How the networks were trained."""
    flags: FlagsSection
    """What the flags promise."""
    noise: NoiseSection
    """How many labels are wrong, as estimated."""
    budget: tuple[NoiseShare, ...]
    """What reading the first 10, 20, 50, ... rows of the ranking is expected to find; empty where
    no row is verified."""
    methods: dict[str, str]
    """What each column of `audit.parquet` rests on that rests on a choice of method."""
    device: DeviceSection
    """Where the networks were trained."""
    metrics: MetricsSection
    """How good the saved network is, beside plain training."""
    model_files: dict[str, Sha256]
    """sha256 (hex) of the files in `model/` that make the model, by name; empty in runs of before
    it was kept."""
    timings: dict[str, Amount]
    """Seconds by stage of the run; ``total`` is their sum. Of trainings side by side: until it was
    done, counted from the end of the one before."""
    finished_at: str
    """When the run was finished (ISO 8601, UTC)."""
    health: HealthSection | None = None
    """What was seen beside wrong labels; null: nobody looked, in runs of before it was kept."""

    @property
    def classes(self) -> dict[str, int]:
        """Rows by given label, to which the audit table is held."""
        return self.data.classes

    @property
    def n_clean(self) -> int:
        """Rows of CLEAN, reviewed ones among them."""
        return 0 if self.clean is None else self.clean.rows

    @property
    def seconds(self) -> float:
        """Seconds that all stages took together."""
        return round(sum(spent for stage, spent in self.timings.items() if stage != TOTAL), 3)

    @property
    def measured(self) -> ModelComparison | None:
        """The comparison on TEST, else the one on held-back rows; None where there is neither."""
        return self.metrics.test or self.metrics.held_back
