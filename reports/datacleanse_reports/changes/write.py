"""Writes a comparison beside the later run's reports."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from datacleanse.storage.atomic_files import make_own_folder, write_aside
from datacleanse.storage.run_claims import keep_folder
from datacleanse_reports.changes import markdown

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.changes.records import Changes

SCHEMA_VERSION = 1
"""Of `comparison.json`. Keys may be added within a version, never renamed or removed.

1: first version.
"""


def describe_changes(changes: Changes) -> dict[str, Any]:
    """``schema_version``, the fields of `Changes`, and ``outcomes``: rows resolved, by why."""
    return {
        "schema_version": SCHEMA_VERSION,
        **asdict(changes),
        "outcomes": dict(changes.outcomes),
    }


def write_changes(changes: Changes, folder: RunFolder) -> dict[str, Path]:
    """Write `comparison.json` and `comparison.md`; each appears whole or not at all.

    Returns:
        The files by format.
    """
    text = json.dumps(describe_changes(changes), indent=2, ensure_ascii=False, allow_nan=False)
    written = {}
    with keep_folder(folder):
        make_own_folder(folder.reports_dir)
        for name, content in (("json", text + "\n"), ("md", markdown.render(changes))):
            path = folder.reports_dir / f"comparison.{name}"
            with write_aside(path) as aside:
                aside.write_text(content, encoding="utf-8", newline="")
            written[name] = path
    return written
