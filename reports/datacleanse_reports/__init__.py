"""Reports of a run: one view, many formats.

``read_view`` works out every number once; each format in ``formats/`` only lays it out;
``write_reports`` writes them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.view import read_view
    from datacleanse_reports.write import write_reports

__all__ = ["ReportView", "read_view", "write_reports"]

_HOMES = {"ReportView": "records", "read_view": "view", "write_reports": "write"}


def __getattr__(name: str) -> object:
    # Loaded when first used, so that the command line can import this package and stay quick.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
