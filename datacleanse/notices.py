"""What the engine has to say: collected while it works, told to callers in Python as warnings."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.errors import DataWarning
from datacleanse.option_names import speak_python

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacleanse.records import Notice


class NoticeLog:
    """Collects notices, each once, in the order in which they were made."""

    def __init__(self) -> None:
        self._notices: dict[Notice, None] = {}

    def add(self, notices: Iterable[Notice]) -> None:
        """Keep those that are not known yet."""
        self._notices.update(dict.fromkeys(notices))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """All so far."""
        return tuple(self._notices)

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """Those by which the result may suffer."""
        return tuple(notice for notice in self._notices if notice.is_warning)


_OWN_CODE = str(Path(__file__).parent)


def warn(notices: Iterable[Notice]) -> None:
    """Issue a `DataWarning` for each notice that is a warning, at the line of the caller's code."""
    level = _count_own_frames() + 1
    for notice in notices:
        if notice.is_warning:
            said = speak_python(notice.message, option=notice.option)
            warnings.warn(said, DataWarning, stacklevel=level)


def _count_own_frames() -> int:
    """How many frames of this package lie between `warn`, included, and the caller's code."""
    frame, count = sys._getframe(1), 0
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN_CODE):
        frame, count = frame.f_back, count + 1
    return count
