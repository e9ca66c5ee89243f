"""`datacleanse demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.settings import Settings
from datacleanse_cli import options
from datacleanse_cli.printing import quote_word, say

if TYPE_CHECKING:
    from datacleanse.demo import Demo
    from datacleanse.storage.run_folder import RunFolder

PLACE = Path("runs/demo")

COUNTS = (10, 50, 100)
"""Lengths of the list at which hits are counted, besides the number of planted errors."""


def demo(
    out: options.DemoOut = PLACE,
    force: options.Force = False,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Audit a bundled real data set with known planted errors; count how many are found."""
    from datacleanse.auditing.reading import Request
    from datacleanse.data import ReadOptions
    from datacleanse.demo import LABEL, write_demo
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_cli.audit import perform_audit

    settings = Settings(seed=seed)
    files = write_demo(out.with_name(f"{out.name}-data"), seed=seed)
    command: tuple[str, ...] = ("audit", str(files.data), "--val", str(files.clean))
    command += ("--test", str(files.test), "--label", LABEL, "--out", str(out))
    if not as_json:
        say(
            f"{len(files.planted)} handwritten digits; {files.planted.sum()} labels were changed "
            "on purpose.",
            f"This runs: datacleanse {' '.join(map(quote_word, command))}",
            "",
        )
    request = Request(
        data=str(files.data),
        clean=(str(files.clean),),
        test=str(files.test),
        options=ReadOptions(label=LABEL),
        settings=settings,
        command=(*command, "--seed", str(seed)),
    )
    # Only the demo's own folder gives way by itself, so that the demo can be repeated.
    perform_audit(request, out, force=force or out == PLACE, quiet=quiet, as_json=as_json)
    found = count_hits(RunFolder(out), files)
    if as_json:
        return
    say("", "Planted errors among the first rows of the ranking (by chance in brackets):")
    for count, (n_found, by_chance) in found.items():
        say(f"  first {count:4d}: {n_found:4d} found   ({by_chance:.0f})")


def count_hits(folder: RunFolder, files: Demo) -> dict[int, tuple[int, float]]:
    """Count planted errors among the first k rows, and those that chance would put there, by k."""
    rank = folder.read_audit().column("rank").to_numpy()
    n_planted = int(files.planted.sum())
    return {
        count: (int(files.planted[rank <= count].sum()), count * n_planted / len(rank))
        for count in sorted({*COUNTS, n_planted})
    }
