"""How much memory may be taken: what a person allows, what is free, what a container is given."""

from __future__ import annotations

import os
import re
from pathlib import Path

from datacleanse.errors import SettingsError

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgt]?)(i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}

_UNKNOWN = 4 << 30
"""Bytes taken to be free where the system does not tell."""

_PROCESS, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def parse_size(text: str) -> int:
    """Bytes of a size as people write it: ``2GB`` is 2 * 10^9, ``2GiB`` 2 * 2^30 of them.

    Raises:
        SettingsError: it is none, or none above 0.
    """
    found = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    size = 0
    if found is not None:
        base = 1024 if (found[3] or "").lower() == "ib" else 1000
        size = int(float(found[1]) * base ** _POWERS[found[2].lower()])
    if size < 1:
        raise SettingsError(
            f"--memory is {text!r}.",
            slug="setting-out-of-range",
            hint="Give a size such as 2GB or 800MB.",
        )
    return size


def format_size(size: float) -> str:
    """A size for people, in decimal units."""
    if size < 1e6:
        return f"{size:,.0f} B"
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


def measure_free_memory() -> int:
    """Bytes of main memory that can be taken without pushing anything out.

    Where a control group, as containers have, is given less than that, it counts.
    """
    return min([_measure_machine(), *_measure_groups(_PROCESS, _GROUPS)])


def _measure_machine() -> int:
    about = Path("/proc/meminfo")
    if about.is_file():
        for line in about.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _UNKNOWN


def _measure_groups(process: Path, groups: Path) -> list[int]:
    """Bytes that are left to each control group of this process that has a limit.

    Args:
        process: file that names them, a line for each hierarchy.
        groups: folder of their own files.
    """
    try:
        lines = process.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    left = []
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, most, used, cached = (
            (groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
            if controllers
            else (groups, "memory.max", "memory.current", "")
        )
        place = root / name.lstrip("/")
        # A container may see its own group as the root of all.
        for folder in {place, *place.parents, root}:
            if root == folder or root in folder.parents:
                limit, now = _read_number(folder / most), _read_number(folder / used)
                if limit is not None and now is not None:
                    left.append(max(0, limit - now + _read_cached(folder, cached)))
    return left


def _read_number(file: Path) -> int | None:
    """The number that a file holds; None where there is none, as where nothing is limited."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _read_cached(folder: Path, prefix: str) -> int:
    """Bytes of files among what a group uses, that go when memory is wanted."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return 0
    pairs = (line.split() for line in lines)
    return sum(int(pair[1]) for pair in pairs if pair[:1] == [f"{prefix}inactive_file"])
