"""`datacleanse gate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.errors import OutputError, SettingsError
from datacleanse_cli import exits, options
from datacleanse_cli.printing import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datacleanse_reports.gate.records import Gate


def gate(
    run: options.GatedRun = None,
    config: options.GateConfig = None,
    baseline: options.Baseline = None,
    max_noise_rate: options.MaxNoiseRate = None,
    noise_bound: options.NoiseBound = None,
    max_flags: options.MaxFlags = None,
    max_new_flags: options.MaxNewFlags = None,
    fail_on: options.FailOn = None,
    format_: options.GateFormat = "text",
    summary: options.GateSummary = None,
) -> int:
    """Fail a build where a run exceeds thresholds: exit code 1, and which, by which rows."""
    render = _find_format(format_)
    from datacleanse_reports.gate.thresholds import override, read_gate_file

    file = read_gate_file(config)
    given = {
        "max_noise_rate": max_noise_rate,
        "noise_bound": noise_bound,
        "max_flags": max_flags,
        "max_new_flags": max_new_flags,
        "fail_on": tuple(fail_on) if fail_on else None,
    }
    thresholds = override(file.thresholds, given)
    place, earlier = run or file.run, baseline or file.baseline
    if place is None:
        raise SettingsError(
            "No run is named.",
            slug="gate-without-run",
            hint="Give the folder of a run, or set `run` in the file of thresholds.",
        )
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.gate.check import check_gate

    found = check_gate(
        RunFolder(place),
        thresholds,
        baseline=None if earlier is None else RunFolder(earlier),
        config=file.path,
    )
    if summary is not None:
        _append(summary, _find_format("markdown")(found))
    say(*render(found).splitlines())
    return exits.DONE if found.is_open else exits.OVER_LIMIT


def _find_format(name: str) -> Callable[[Gate], str]:
    from datacleanse_reports.gate.formats.registry import GATE_FORMATS

    if name not in GATE_FORMATS:
        raise SettingsError(
            f"--format is {name!r}.",
            slug="format-unknown",
            hint=f"Give one of {', '.join(GATE_FORMATS)}.",
        )
    return GATE_FORMATS[name]


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(
            f"The summary cannot be written to {path}: {error.strerror}.",
            slug="file-unwritable",
            hint="Give another file with --summary.",
        ) from error
