"""Warnings of libraries do not reach the user of a command."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WARNING = """
import sys, warnings
from datacleanse_cli import app

def warn(**_):
    # As scikit-learn does when it is loaded.
    warnings.filterwarnings("always", category=DeprecationWarning)
    warnings.warn("old", DeprecationWarning)
    warnings.warn("many classes", UserWarning)
    print("done", file=sys.stderr)

sys.argv, app.app = ["datacleanse"], warn
app.main()
"""


@pytest.mark.parametrize(
    ("options", "lines"), [((), ["done"]), (("-W", "default"), ["old", "many classes", "done"])]
)
def test_a_command_shows_warnings_only_where_python_is_asked_for_them(options, lines):
    done = subprocess.run(
        [sys.executable, *options, "-c", WARNING],
        env={key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    shown = [line for line in done.stderr.splitlines() if not line.startswith(" ")]
    assert len(shown) == len(lines)
    assert all(wanted in line for wanted, line in zip(lines, shown, strict=True))
