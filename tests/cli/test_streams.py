"""Closed streams, readers that leave, full disks: the exit code says how the command went."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from datacleanse_cli.streams import LastingFile, VisibleText

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors are closed by a shell")

PROGRAM = f"{sys.executable} -m datacleanse"


def run_shell(line, cwd):
    """Exit code, stdout and stderr of the program as a shell runs it, with ``{}`` for it."""
    done = subprocess.run(
        ["bash", "-c", line.replace("{}", PROGRAM)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{} --version >&-", 0),
        ("{} --version <&- >&- 2>&-", 0),
        ("{} --version 1</dev/null", 0),
        ("{} nonsense 2>&-", 2),
        ("{} nonsense 2>/dev/full", 2),
        ("{} report none >&- 2>&-", 2),
        ("set -o pipefail; {} audit --help | true", 0),
        ("set -o pipefail; {} nonsense 2>&1 | true", 2),
        ("{} --version >/dev/full", 2),
    ],
)
def test_streams_that_nobody_reads_leave_the_exit_code_as_it_is(line, code, tmp_path):
    found, _, err = run_shell(line, tmp_path)

    assert found == code
    assert "Traceback" not in err


def test_results_that_find_no_room_are_told(tmp_path):
    _, _, err = run_shell("{} --version >/dev/full", tmp_path)

    assert err.startswith("error: The output cannot be written: No space left on device.")


def test_a_report_without_a_reader_is_written_whole(audited_copy):
    run = audited_copy / "runs" / "data"
    for line in ("set -o pipefail; {} report runs/data | true", "{} report runs/data >&- 2>&-"):
        (run / "reports" / "report.html").unlink()
        assert run_shell(line, audited_copy)[0] == 0
        assert (run / "reports" / "report.html").is_file()


def test_no_file_of_the_program_takes_the_place_of_a_closed_stream(audited_copy):
    """Else what is printed would land in it."""
    before = (audited_copy / "data.csv").read_bytes()
    code, _, _ = run_shell("{} predict runs/data data.csv -o p.csv >&- 2>&-", audited_copy)

    assert code == 0
    assert (audited_copy / "p.csv").read_text(encoding="utf-8").startswith('"row",')
    assert (audited_copy / "data.csv").read_bytes() == before


class _Raw(io.RawIOBase):
    """A file that fails with an error from some time on."""

    def __init__(self):
        self.error, self.content = None, b""

    def writable(self):
        return True

    def write(self, data):
        if self.error is not None:
            raise self.error
        self.content += bytes(data)
        return len(bytes(data))


def open_streams(*, holds_results=True):
    raw = _Raw()
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")
    file = LastingFile(stream, holds_results=holds_results)
    return raw, VisibleText(file, encoding="utf-8", by_line=True)


def test_what_libraries_print_is_made_visible_and_rich_goes_by():
    raw, text = open_streams()
    text.write("a\x1b[31m\u202e\udce9\x9b\tü\n")
    text.rich_proxied_file.write("\x1b[1m")
    text.write("b\n")

    assert raw.content.decode() == "a\\x1b[31m\\u202e\\udce9\\x9b\tü\n\x1b[1mb\n"


@pytest.mark.parametrize("error", [BrokenPipeError(32, "gone"), OSError(9, "bad"), OSError(5, "")])
def test_a_stream_outlives_its_reader(error):
    raw, text = open_streams()
    raw.error = error
    text.write("lost\n")
    raw.error = None
    text.write("lost too\n")

    assert raw.content == b""


def test_only_messages_may_find_no_room():
    raw, text = open_streams(holds_results=False)
    raw.error = OSError(28, "full")
    text.write("lost\n")
    raw, text = open_streams()
    raw.error = OSError(28, "full")
    with pytest.raises(OSError, match="full"):
        text.write("told\n")
    raw.error = None


def test_every_module_prints_by_the_door():
    """By `printing` or Rich, never by another way to a stream."""
    folder = Path(__file__).parents[2] / "cli" / "datacleanse_cli"
    other_ways = re.compile(r"typer\.(echo|secho)|sys\.std(out|err)\.write|(?<![.\w])print\(")
    texts = {path.name: path.read_text("utf-8") for path in folder.glob("*.py")}

    assert "printing.py" in texts
    assert [name for name, text in texts.items() if other_ways.search(text)] == []
