"""Compares a finished run with thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.errors import InputError, RunFolderError, SettingsError
from datacleanse_reports.gate.records import Checked, Gate, GateRow
from datacleanse_reports.sentences import RANGE_NAMES
from datacleanse_reports.wording import (
    format_count,
    format_percent,
    format_percent_range,
    format_rate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from datacleanse.storage.manifest.health import HealthFinding
    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.gate.thresholds import Thresholds

ROWS_TOLD = 50
"""Rows of a threshold that are told; GitHub shows no more annotations of a job, either."""

_COLUMNS = (
    "row",
    "id",
    "rank",
    "given_label",
    "suggested_label",
    "mislabel_probability",
    "flagged",
)


@dataclass(frozen=True)
class _Run:
    """A finished run, read for a gate."""

    folder: RunFolder
    manifest: AnyManifest
    audit: pa.Table
    """The `_COLUMNS` of every row."""

    def take(self, rows: Sequence[int]) -> tuple[GateRow, ...]:
        """Make the first of some rows."""
        import pyarrow as pa

        told = rows[:ROWS_TOLD]
        lines = _find_lines(self.manifest, told)
        return tuple(
            GateRow(
                row=record["row"],
                id=record["id"] if record["id"] is not None else str(record["row"]),
                line=lines.get(record["row"]),
                given_label=record["given_label"],
                suggested_label=record["suggested_label"],
                mislabel_probability=record["mislabel_probability"],
            )
            for record in self.audit.take(pa.array(told, pa.int64())).to_pylist()
        )

    def list_flagged(self) -> list[int]:
        """Flagged rows, by rank."""
        import pyarrow.compute as pc

        flagged = self.audit.filter(pc.field("flagged")).sort_by("rank")
        rows: list[int] = flagged["row"].to_pylist()
        return rows


def check_gate(
    folder: RunFolder,
    thresholds: Thresholds,
    *,
    baseline: RunFolder | None,
    config: Path | None = None,
) -> Gate:
    """Compare a finished run with thresholds.

    Args:
        folder: the run.
        thresholds: what is still good.
        baseline: an earlier run of the same data, for ``max_new_flags``. It has to be a finished
            run even where nothing is compared with it.
        config: where the thresholds come from.

    Raises:
        RunFolderError: a run is missing, unfinished, of a later version or damaged.
        SettingsError: there is no threshold, or nothing to compare one with.
    """
    if thresholds.is_empty:
        raise SettingsError(
            f"No threshold is given{'' if config is None else f' in {config}'}, so nothing could "
            "ever fail.",
            slug="gate-without-thresholds",
            hint="Set one in [tool.datacleanse.gate] of pyproject.toml, e.g. max-noise-rate = "
            "0.05, or give one as an option, e.g. --max-flags 100.",
        )
    manifest = folder.any_manifest()
    audit = folder.read_audit_columns(_COLUMNS, manifest.classes)
    run = _Run(folder, manifest, audit)
    if baseline is not None:
        baseline.any_manifest()  # a slip in its name is told, whether or not it is needed
    checked = [
        *_check_rate(run, thresholds),
        *_check_flags(run, thresholds),
        *_check_new_flags(run, thresholds, baseline),
        *_check_findings(run, thresholds),
    ]
    return Gate(
        run=str(folder.path),
        run_id=manifest.run_id,
        source=manifest.data.source,
        baseline=None if baseline is None else str(baseline.path),
        config=None if config is None else str(config),
        checked=tuple(checked),
    )


def _check_rate(run: _Run, thresholds: Thresholds) -> Iterator[Checked]:
    allowed = thresholds.max_noise_rate
    if allowed is None:
        return
    rate = run.manifest.noise.rate
    if rate is None:
        raise _make_unverified_error(run, "max-noise-rate")
    name = thresholds.noise_bound
    met = {"low": rate.low, "estimate": rate.share, "high": rate.high}[name]
    said = {"low": "lower end of its range", "estimate": "estimate", "high": "upper end"}[name]
    basis = RANGE_NAMES[run.manifest.noise.basis]
    is_exceeded = met > allowed
    rows = run.list_flagged() if is_exceeded else []
    yield Checked(
        threshold="max-noise-rate",
        allowed=allowed,
        met=met,
        is_exceeded=is_exceeded,
        sentence=(
            f"{format_percent(rate.share)} of the labels are expected to be wrong ({basis} "
            f"{format_percent_range(rate.low, rate.high)}). Compared is the {said}: "
            f"{format_percent(met)}, where {format_rate(allowed)} is allowed."
        ),
        n_rows=len(rows),
        rows=run.take(rows),
    )


def _check_flags(run: _Run, thresholds: Thresholds) -> Iterator[Checked]:
    allowed = thresholds.max_flags
    if allowed is None:
        return
    if run.manifest.noise.rate is None:
        raise _make_unverified_error(run, "max-flags")
    rows = run.list_flagged()
    yield _compare_rows(run, "max-flags", allowed, rows, "flagged")


def _check_new_flags(
    run: _Run, thresholds: Thresholds, baseline: RunFolder | None
) -> Iterator[Checked]:
    allowed = thresholds.max_new_flags
    if allowed is None:
        return
    if baseline is None:
        raise SettingsError(
            f"max-new-flags is {allowed}, and there is no baseline to be new against.",
            slug="gate-without-baseline",
            hint="Give an earlier run of the same data with --baseline, or set `baseline` in the "
            "gate's file.",
        )
    if run.manifest.noise.rate is None:
        raise _make_unverified_error(run, "max-new-flags")
    rows = _find_new_flags(run, baseline)
    yield _compare_rows(run, "max-new-flags", allowed, rows, f"flagged and not in {baseline.path}")


def _find_new_flags(run: _Run, baseline: RunFolder) -> list[int]:
    """Rows that are flagged in the run and not in the baseline, by rank."""
    from datacleanse_reports.changes.rows import pair_rows

    before, now = baseline.any_manifest(), run.manifest
    pairs = pair_rows(baseline, run.folder, (before, now))
    if not (pairs.to_now >= 0).any():
        raise SettingsError(
            f"The baseline {baseline.path} is about other data: {before.data.source} and "
            f"{now.data.source} have no row in common.",
            slug="runs-unrelated",
            hint="Give an earlier run of the same data as the baseline.",
        )
    return [change.shown.row for change in pairs.newly_flagged()]


def _compare_rows(run: _Run, name: str, allowed: int, rows: list[int], what: str) -> Checked:
    is_exceeded = len(rows) > allowed
    verb = "row is" if len(rows) == 1 else "rows are"
    return Checked(
        threshold=name,
        allowed=allowed,
        met=len(rows),
        is_exceeded=is_exceeded,
        sentence=f"{format_count(len(rows))} {verb} {what}, where {format_count(allowed)} "
        f"{'is' if allowed == 1 else 'are'} allowed.",
        n_rows=len(rows) if is_exceeded else 0,
        rows=run.take(rows) if is_exceeded else (),
    )


def _check_findings(run: _Run, thresholds: Thresholds) -> Iterator[Checked]:
    health = run.manifest.health
    if not thresholds.fail_on:
        return
    if health is None:
        raise RunFolderError(
            f"{run.folder.path} was audited by a version that looked at labels alone, so that "
            "fail-on has nothing to compare.",
            slug="run-without-health",
            hint="Audit the data again, or leave fail-on out.",
        )
    for kind in thresholds.kinds:
        found = [each for each in health.findings if each.kind == kind]
        yield _check_kind(run, kind, found, health.skipped.get(kind))


def _check_kind(
    run: _Run, kind: str, found: list[HealthFinding], why_skipped: str | None
) -> Checked:
    rows = list(dict.fromkeys(row for each in found for row in each.first_rows))
    said = " ".join(f"{each.message} {each.advice}".strip() for each in found)
    if not found:
        said = "Nothing of the kind was found."
    if why_skipped is not None:
        said = f"It was not looked for: {why_skipped}"
    return Checked(
        threshold=f"fail-on {kind}",
        allowed=0,
        met=len(found),
        is_exceeded=bool(found),
        sentence=said,
        n_rows=sum(each.n_rows for each in found),
        rows=run.take(rows),
        columns=tuple(dict.fromkeys(name for each in found for name in each.columns)),
    )


def _find_lines(manifest: AnyManifest, rows: Sequence[int]) -> dict[int, int]:
    """Lines of DATA's file by row, where it is still the one that was audited."""
    from datacleanse.data import fingerprint
    from datacleanse.data.row_lines import find_lines

    data = manifest.data
    if not rows or manifest.pictures is not None or data.source.startswith("<"):
        return {}
    try:
        if fingerprint(data.source) != data.sha256:
            return {}
        return find_lines(data.source, rows, delimiter=data.reading.delimiter)
    except InputError:
        return {}


def _make_unverified_error(run: _Run, name: str) -> SettingsError:
    return SettingsError(
        f"{name} has nothing to compare: no row of {run.folder.path} is verified, so that there "
        "are neither a rate nor flags.",
        slug="setting-needs-clean",
        hint="Audit with verified rows (--val), or leave the threshold out.",
    )
