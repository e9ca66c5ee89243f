"""What a benchmark leaves: its result, and the record of where the figures come from."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
"""Where results are committed."""

LIBRARIES = ("torch", "numpy", "pandas", "pyarrow", "scikit-learn")


def provenance() -> dict[str, Any]:
    """When, on what, with which versions and from which commit figures were taken."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpu": _cpu_name(), "cores": os.cpu_count(), "system": platform.system()},
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
        "commit": _git("rev-parse", "HEAD"),
        "engine_modified": bool(_git("status", "--porcelain", "--", "datacleanse")),
    }


def note(message: str) -> None:
    """Say how far the benchmark is; results go to stdout."""
    print(message, file=sys.stderr, flush=True)


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, first column left, the others right."""
    rule = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def _git(*arguments: str) -> str | None:
    if shutil.which("git") is None:
        return None
    here = Path(__file__).parent.parent
    done = subprocess.run(
        ["git", *arguments], cwd=here, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
