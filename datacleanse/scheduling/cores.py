"""How many cores this process may use."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux tells what a container may take."""


def count_cores() -> int:
    """Count the cores that this process may use: those it may run on, and its container's share.

    Returns:
        At least 1; a share of a core counts as a whole one.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _read_quota(CGROUPS)
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _read_quota(groups: Path) -> float | None:
    """Cores that the container may keep busy on average; None: there is no such limit.

    Of version 2 ``cpu.max`` holds both numbers, of version 1 two files one each.
    """
    with suppress(OSError, ValueError):
        quota, period = (groups / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota, period = (
            (groups / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii")
            for name in ("quota", "period")
        )
        return int(quota) / int(period) if int(quota) > 0 else None
    return None
