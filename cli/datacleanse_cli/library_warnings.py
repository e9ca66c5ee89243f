"""The one place that keeps warnings of libraries from the user of a command.

They are written for programmers: about arguments that the user did not give and calls that they
cannot change. What a user should know is said in the program's own words, as a notice. Causes are
mended where they arise, since from Python the same warnings would reach a caller; this is for the
rest, such as what a new version of a library begins to announce.
"""

from __future__ import annotations

import sys
import warnings


def silence_warnings() -> None:
    """Show no warnings, unless the user asked Python for some (``-W``, ``PYTHONWARNINGS``)."""
    if not sys.warnoptions:
        # Not by a filter: libraries put their own in front of it when they are loaded.
        warnings.showwarning = _show_nothing


def _show_nothing(*_: object, **__: object) -> None:
    pass
