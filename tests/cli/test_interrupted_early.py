"""Ctrl-C before a command has anything to save: a sentence and exit code 3, never a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

WHILE_LOADING = """
import datacleanse_cli.entry as entry

def interrupt(name):
    raise KeyboardInterrupt

entry.import_module = interrupt
entry.main()
"""

IN_A_COMMAND = """
import sys
import datacleanse_cli.app as app

say = app.say

def interrupt(*lines, **options):
    app.say = say
    raise KeyboardInterrupt

app.say = interrupt
sys.argv = ["datacleanse", "--version"]
app.main()
"""


@pytest.mark.parametrize("program", [WHILE_LOADING, IN_A_COMMAND])
def test_an_interruption_is_a_sentence_whenever_it_comes(program):
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.strip() == "Stopped on request. Repeat the command."
