"""`datacleanse demo`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from datacleanse.settings import Settings
from datacleanse_cli import options
from datacleanse_cli.audit import audit_and_report
from datacleanse_cli.next_commands import spell_command
from datacleanse_cli.printing import say
from datacleanse_cli.progress import show_progress
from datacleanse_reports import sentences

if TYPE_CHECKING:
    from datacleanse.demo import Demo
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.run_view import RunView

PLACE = Path("runs/demo")
PICTURE_PLACE = Path("runs/demo-pictures")

WIDTH = 80
"""Columns of the terminal."""

COUNTS = (10, 50, 100)
"""Lengths of the list at which hits are counted, besides the number of planted errors."""


def demo(
    out: options.DemoOut = None,
    pictures: options.DemoPictures = False,
    force: options.Force = False,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Verify and audit a bundled real data set with known planted errors; count those found."""
    from datacleanse.auditing.reading import Request
    from datacleanse.data import ReadOptions
    from datacleanse.demo import LABEL, N_VERIFIED, verify_by_truth, write_demo, write_picture_demo
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse.storage.run_places import DEMO_DATA

    own = PICTURE_PLACE if pictures else PLACE
    place = own if out is None else out
    settings = Settings(seed=seed)
    write = write_picture_demo if pictures else write_demo
    files = write(place.with_name(f"{place.name}{DEMO_DATA}"), seed=seed)
    verified = files.test.with_name("verified.jsonl")
    reading = ReadOptions() if pictures else ReadOptions(label=LABEL)
    label = [] if pictures else ["--label", LABEL]
    command = ["audit", str(files.data), "--val", str(verified), "--test", str(files.test)]
    command += [*label, "--out", str(place)]
    if not as_json:
        draw = ["verify", str(files.data), "-n", str(N_VERIFIED), "-o", str(verified), *label]
        say(
            f"{len(files.planted):,} handwritten digits; {files.planted.sum()} labels were changed "
            "on purpose.",
            "The known truth answers what you would be asked by:",
            f"  {spell_command(*draw)}",
            "Then this runs:",
            f"  {spell_command(*command)}",
            f"It takes about {'one to two minutes' if pictures else 'half a minute'}.",
            "",
        )
    with show_progress(quiet=quiet) as progress:
        verify_by_truth(files, verified, seed=seed, progress=progress)
    request = Request(
        data=str(files.data),
        clean=(str(verified),),
        test=str(files.test),
        options=reading,
        settings=settings,
        command=(*command, "--seed", str(seed)),
    )
    # Only the demo's own folder gives way by itself, so that the demo can be repeated.
    view = audit_and_report(
        request, place, force=force or place == own, quiet=quiet, as_json=as_json
    )
    if not as_json:
        _tell_hits(view, count_hits(RunFolder(place), files), files)


def _tell_hits(view: RunView, hits: list[Hits], files: Demo) -> None:
    """Three things that matter, beside the truth: the verified rows, the rate and the ranking."""
    found = (
        f"{sentences.say_overlap(view)}.",
        f"{sentences.say_noise(view)} In truth {files.planted.sum()} are.",
        "Of the rows that nobody verified, planted errors among the first (by chance in brackets):",
    )
    say("", "Beside the truth")
    for text in found:
        say(*wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  "))
    for each in hits:
        say(f"    first {each.n_rows:4d}: {each.n_found:4d} found   ({each.by_chance:.0f})")


@dataclass(frozen=True)
class Hits:
    """Planted errors among the first rows of the ranking."""

    n_rows: int
    n_found: int
    by_chance: float
    """How many chance would put there."""


def count_hits(folder: RunFolder, files: Demo) -> list[Hits]:
    """Count planted errors among the first unverified rows, which lead the ranking."""
    table = folder.read_audit_columns(["rank", "verified_label"])
    rank, is_open = table.column("rank").to_numpy(), table.column("verified_label").is_null()
    n_open = sum(is_open.to_pylist())
    n_planted = int(files.planted[rank <= n_open].sum())
    return [
        Hits(n, int(files.planted[rank <= n].sum()), n * n_planted / n_open)
        for n in sorted({*COUNTS, n_planted})
    ]
