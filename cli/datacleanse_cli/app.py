"""The program `datacleanse`: commands, and the one place where errors become exit codes.

Nothing heavy is imported before a command needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import click
import typer

import datacleanse
from datacleanse.errors import DatacleanseError
from datacleanse_cli import exits
from datacleanse_cli.audit import audit
from datacleanse_cli.demo import demo
from datacleanse_cli.predict import predict
from datacleanse_cli.report import report
from datacleanse_cli.sample import sample

app = typer.Typer(
    name="datacleanse",
    help="Find the wrong labels in a table by learned example reweighting.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (audit, sample, report, predict, demo):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"datacleanse {datacleanse.__version__}")
        raise typer.Exit


@app.callback()
def _program(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Find the wrong labels in a table by learned example reweighting."""


def main() -> None:
    """Run the program and exit with a code of `exits`."""
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        return exits.STOPPED
    except click.ClickException as error:
        return _complain(error.format_message(), "Try `datacleanse --help`.")
    except DatacleanseError as error:
        return _complain(error.message, error.hint)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. The unfinished run is not kept; repeat the command.\n")
        return exits.STOPPED
    except BrokenPipeError:
        # The reader went away (`| head`); nothing is wrong. Keep Python from flushing into it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.DONE
    except Exception:
        traceback.print_exc()
        sys.stderr.write(
            "\nThis is a bug in datacleanse, not in your data. Please report it with the lines "
            "above, the command and the output of `datacleanse --version`.\n"
        )
        return exits.BUG
    return code if isinstance(code, int) else exits.DONE


def _complain(message: str, hint: str) -> int:
    sys.stderr.write(f"error: {message}\n{hint}\n")
    return exits.WRONG_INPUT
