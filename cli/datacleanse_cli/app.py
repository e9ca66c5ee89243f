"""The program `datacleanse`: commands, and the one place where errors become exit codes.

Nothing heavy is imported before a command needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import traceback
import warnings
from contextlib import suppress
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, cast

import typer

from datacleanse.errors import (
    DatacleanseError,
    MemoryShortError,
    OutputError,
    Stopped,
    is_caused_by_shortage,
)
from datacleanse.version import __version__
from datacleanse_cli import exits
from datacleanse_cli.apply import apply
from datacleanse_cli.audit import audit
from datacleanse_cli.demo import demo
from datacleanse_cli.explain import explain
from datacleanse_cli.export import export
from datacleanse_cli.gate import gate
from datacleanse_cli.memory import (
    collect_rarely,
    heed_limit,
    make_shortage_error,
    return_freed_memory,
)
from datacleanse_cli.predict import predict
from datacleanse_cli.printing import say
from datacleanse_cli.ranks import fall_silent, refuse_ranks, speak_again
from datacleanse_cli.report import report
from datacleanse_cli.review import review
from datacleanse_cli.sample import sample
from datacleanse_cli.stopping import ignore_signals, interrupt
from datacleanse_cli.streams import guard_streams
from datacleanse_cli.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

CommandLineError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[2])
"""click's base of all complaints about a command line. Taken from Typer, because newer versions of
it carry a click of their own."""

_SURROGATES = frozenset(map(chr, range(0xD800, 0xE000)))
"""How Python spells bytes of a name that are no UTF-8."""

_INTERRUPTED = 128 + signal.SIGINT
"""What some versions of Typer return where a command was interrupted; others raise."""

app = typer.Typer(
    name="datacleanse",
    help="Find the wrong labels in a table by learned example reweighting.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


for command in (
    *(audit, sample, verify, report, review, apply),
    *(gate, predict, explain, export, demo),
):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"datacleanse {__version__}")
        raise typer.Exit


@app.callback()
def _take_program_options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Find the wrong labels in a table by learned example reweighting."""


def main() -> None:
    """Run the program and exit with a code of `exits`.

    Exits at once, without Python's teardown: Arrow's threads may still read ahead in a file that
    was given up, and would then turn the exit code into that of a crash.
    """
    fall_silent()
    guard_streams()
    try:
        code = _run()
    except KeyboardInterrupt:  # a second one, while the first was dealt with
        code = exits.STOPPED
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _run() -> int:
    return_freed_memory()
    collect_rarely()
    _silence_warnings()
    signal.signal(signal.SIGTERM, interrupt)
    try:
        sys.argv[1:] = map(_expand_home, sys.argv[1:])
        _check_names(sys.argv[1:])
        refuse_ranks(sys.argv[1:])
        heed_limit(sys.argv[1:])
        code = app(standalone_mode=False)
        sys.stdout.flush()
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
    except BaseException as error:
        return _choose_exit_code(error)
    return code if isinstance(code, int) else exits.DONE


def _silence_warnings() -> None:
    """Show no warnings, unless the user asked Python for some (``-W``, ``PYTHONWARNINGS``).

    They are written for programmers: about arguments that the user did not give and calls that they
    cannot change. What a user should know is said in the program's own words, as a notice. Causes
    are mended where they arise, since from Python the same warnings would reach a caller; this is
    for the rest, such as what a new version of a library begins to announce.
    """
    if not sys.warnoptions:
        # Not by a filter: libraries put their own in front of it when they are loaded.
        warnings.showwarning = _show_nothing


def _show_nothing(*_: object, **__: object) -> None:
    pass


def _expand_home(word: str) -> str:
    """The word with the user's folder for ``~/``, which shells leave in ``--out=~/runs``."""
    start, sign, end = word.partition("=") if word.startswith("-") else ("", "", word)
    # Alone it may be a text that counts as missing.
    return f"{start}{sign}{os.path.expanduser(end)}" if end.startswith("~/") else word  # noqa: PTH111


def _check_names(words: Sequence[str]) -> None:
    """Refuse bytes that are no UTF-8: no manifest, no table and no report could hold the name.

    Raises:
        InputError: a word of the command line holds some.
    """
    for word in words:
        if any(sign in _SURROGATES for sign in word):
            from datacleanse.data.sources import make_spelling_error

            raise make_spelling_error(word)


def _choose_exit_code(error: BaseException) -> int:
    """Say what happened on stderr; which exit code it is."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        error = OutputError(
            f"The output cannot be written: {os.strerror(error.errno)}.",
            slug="file-unwritable",
            hint="Free some space, then repeat the command.",
        )
    if is_caused_by_shortage(error) and not isinstance(error, MemoryShortError | Stopped):
        # Also where a file seems damaged because it could not be read into memory.
        error = make_shortage_error()
    if isinstance(error, UnicodeEncodeError) and error.object[error.start] in _SURROGATES:
        error = _name_misspelt(error)
    if isinstance(error, CommandLineError):
        return _complain(_describe_misuse(error) + _find_value_met(error), _name_help(error))
    if isinstance(error, SystemExit) and isinstance(error.__context__, OSError):
        # Typer takes any broken pipe for a reader of stdout that has left.
        error = error.__context__
    match error:
        case SystemExit(code=int(code)) | typer.Exit(exit_code=code):
            return code
        case Stopped() | typer.Abort() | KeyboardInterrupt():
            return _take_leave(error)
        case DatacleanseError():
            return _complain(error.message, error.hint)
    speak_again()
    traceback.print_exception(error)
    say(
        "",
        "This is a bug in datacleanse, not in your data. Please report it with the lines "
        "above, the command and the output of `datacleanse --version`.",
        err=True,
    )
    return exits.BUG


def _describe_misuse(error: typer.BadParameter) -> str:
    """What is wrong with the command line; of options that were meant the closest alone."""
    name, among = getattr(error, "option_name", None), getattr(error, "possibilities", None)
    close = get_close_matches(name, among, n=1, cutoff=0.0) if name and among else []
    return f"No such option: {name}. Did you mean {close[0]}?" if close else error.format_message()


def _name_help(error: typer.BadParameter) -> str:
    """The command that tells what the command in question takes."""
    # Not every complaint knows where in the command line it arose.
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is None or context.parent is None:
        return "Try `datacleanse --help`."
    return f"Try `datacleanse {context.info_name} --help`."


def _name_misspelt(error: UnicodeEncodeError) -> DatacleanseError:
    """The error for a name that came by another way: a folder above, a link, a home."""
    from datacleanse.data.sources import make_spelling_error

    # Out of the text in which it was to be written, which may be long.
    before = re.split(r"[\s\"]", error.object[: error.start])[-1]
    after = re.split(r"[\s\"]", error.object[error.start :])[0]
    return make_spelling_error(before + after)


def _take_leave(error: BaseException) -> int:
    """Say how to go on after a request to stop."""
    ignore_signals()
    if isinstance(error, Stopped):
        say(error.message, error.hint, err=True)
    else:
        say("Stopped on request. Repeat the command.", err=True)
    return exits.STOPPED


def _find_value_met(error: Exception) -> str:
    """What was given for the option that the error is about; Typer's messages leave it out."""
    names = getattr(getattr(error, "param", None), "opts", ())
    pairs = [*pairwise(sys.argv), *(tuple(part.split("=", 1)) for part in sys.argv if "=" in part)]
    values = [value for name, value in pairs if name in names]
    # The last one counts where an option is given twice.
    return f" (Given: {values[-1]!r}.)" if values and values[-1] not in str(error) else ""


def _complain(message: str, hint: str) -> int:
    if message:  # empty where a bare `datacleanse` has shown its help
        say(f"error: {message}", hint, err=True)
    return exits.WRONG_INPUT
