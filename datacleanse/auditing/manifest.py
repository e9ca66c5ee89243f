"""`run.json` from a run's first moment to its last."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any

from datacleanse.auditing import manifest_sections as sections
from datacleanse.auditing.picture_files import describe_pictures
from datacleanse.storage.manifest.whole import TOTAL, DeviceSection, Manifest, Opening, Versions
from datacleanse.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs
    from datacleanse.records import Notice
    from datacleanse.settings import Settings
    from datacleanse.storage.manifest.health import HealthSection
    from datacleanse.storage.manifest.numbers import NumberMetricsSection
    from datacleanse.storage.manifest.results import MetricsSection, TrainingSection
    from datacleanse.training.checkpoint import Identity


@dataclass
class Stopwatch:
    """Seconds spent in each part of the run."""

    seconds: dict[str, float]
    """What was measured before."""
    _last: float = field(default_factory=perf_counter)

    def lap(self, name: str) -> None:
        """The time since the last lap was spent on ``name``."""
        now = perf_counter()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now

    def stop(self) -> dict[str, float]:
        """All laps and the total."""
        return {**self.seconds, TOTAL: round(sum(self.seconds.values()), 3)}


def begin_run(
    run_id: str, command: Iterable[str], settings: Settings, identity: Identity
) -> Opening:
    """What is known before the run starts."""
    return Opening(
        run_id=run_id,
        status="running",
        command=tuple(command),
        created_at=read_clock(),
        settings=settings,
        versions=Versions(
            datacleanse=__version__,
            python=platform.python_version(),
            torch=version("torch"),
            numpy=version("numpy"),
            pandas=version("pandas"),
            pyarrow=version("pyarrow"),
            scikit_learn=version("scikit-learn"),
            pillow=version("pillow"),
        ),
        identity=identity,
        resumed_at=(),
        stopped_at=None,
    )


def resume_run(opening: Opening, before: Opening) -> Opening:
    """The opening of a run that is gone on with: what it was before stays its own."""
    return replace(
        opening,
        run_id=before.run_id,
        created_at=before.created_at,
        command=before.command,
        resumed_at=(*before.resumed_at, read_clock()),
    )


def stop_run(opening: Opening) -> Opening:
    """The opening of a run that was stopped on request."""
    return replace(opening, status="stopped", stopped_at=read_clock())


@dataclass(frozen=True)
class Ending:
    """What is known of a run only when its files are written, by the fields of `Manifest`."""

    training: TrainingSection
    """How the networks were trained, the final one too."""
    device: DeviceSection
    """Where."""
    metrics: MetricsSection | NumberMetricsSection
    """How good the final network is."""
    model_files: dict[str, str]
    """sha256 (hex) of the model's files, by name."""
    timings: dict[str, float]
    """Seconds by stage, and the total."""
    health: HealthSection
    """What was seen beside wrong labels."""


def finish_run(
    opening: Opening,
    inputs: Inputs,
    plan: Plan,
    findings: sections.Findings,
    ending: Ending,
    *,
    told: Iterable[Notice],
) -> Manifest:
    """All of `run.json` of an audit of classes; ``told``: notices of the training."""
    return Manifest(
        data=sections.describe_data(inputs),
        clean=sections.describe_clean(inputs, plan),
        flags=findings.flags,
        noise=findings.noise,
        budget=findings.budget,
        methods=findings.methods,
        **tell_ending(opening, inputs, plan, ending, told=told),
    )


def tell_ending(
    opening: Opening, inputs: Inputs, plan: Plan, ending: Ending, *, told: Iterable[Notice]
) -> dict[str, Any]:
    """What is said of a finished run whatever its labels are, by the fields of `Manifest`."""
    begun = {each.name: getattr(opening, each.name) for each in fields(Opening)}
    return {
        **begun,
        "status": "finished",
        "stopped_at": None,
        "test": sections.describe_test(inputs),
        "reviewed": sections.describe_reviewed(inputs.reviewed),
        "schema": sections.describe_schema(inputs.data.schema),
        "overlap": sections.describe_overlap(inputs, plan),
        "pictures": describe_pictures(inputs.gallery),
        "notices": sections.gather_notices(inputs, told),
        **vars(ending),
        "finished_at": read_clock(),
    }


def read_clock() -> str:
    """This moment, ISO 8601, UTC, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
