"""What the terminal says of an audit that is only planned."""

from __future__ import annotations

import os
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

from datacleanse_cli.layout import lay_out_line, print_sections
from datacleanse_reports.forecast_sentences import say_forecast

if TYPE_CHECKING:
    from rich.console import Console

    from datacleanse.auditing.forecast import Forecast

REPORT_SECONDS = 0.3
"""What reports and the summary take at the usual pace, about: decision 68."""


def print_plan(found: Forecast, console: Console) -> None:
    """Print what an audit would take."""
    encoding = console.encoding or "utf-8"
    laid_out = [
        (title, [lay_out_line(line, encoding) for line in lines])
        for title, lines in say_forecast(found).items()
    ]
    print_sections(laid_out, console)


def measure_age() -> float:
    """Seconds since this process was started; where the system does not tell, those computed."""
    try:
        status = Path("/proc/self/stat").read_text(encoding="utf-8")
        started = int(status.rsplit(") ", 1)[-1].split()[19])
        up = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        return up - started / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return process_time()
