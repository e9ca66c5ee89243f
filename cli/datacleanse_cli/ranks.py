"""Several processes of one audit, which torchrun started: the first of them speaks for all."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse.training.ranks import ALONE, Ranks, RanksError, is_under_torchrun
from datacleanse_cli.stopping import ignore_signals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STDERR = 2
_kept: list[int] = []
"""Where stderr led before this rank fell silent."""


def fall_silent() -> None:
    """Let what all ranks but the first say go nowhere, what their libraries say too.

    To be called before anything is printed, and before torch is loaded.
    """
    if not is_under_torchrun():
        return
    # What its sockets have to say comes as an error that is told in one sentence.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    if os.environ.get("RANK") == "0":
        return
    with suppress(OSError):  # streams that are closed say nothing anyway
        _kept.append(os.dup(_STDERR))
        void = os.open(os.devnull, os.O_WRONLY)
        for number in (1, _STDERR):
            os.dup2(void, number)
        os.close(void)


def speak_again() -> None:
    """Lead stderr to where it led before, for what no other rank can say."""
    while _kept:
        os.dup2(_kept[-1], _STDERR)
        os.close(_kept.pop())


def refuse_ranks(words: Sequence[str]) -> None:
    """Refuse commands that several processes would do several times.

    Args:
        words: of the command line.

    Raises:
        SettingsError: torchrun started something else than an audit.
    """
    command = next((word for word in words if not word.startswith("-")), "audit")
    if command != "audit" and is_under_torchrun():
        raise SettingsError(
            f"torchrun started {os.environ['WORLD_SIZE']} processes of `datacleanse {command}`, "
            "and only `datacleanse audit` shares its work.",
            slug="ranks-for-audit-alone",
            hint="Call it without torchrun.",
        )


@contextmanager
def join(device: str) -> Iterator[Ranks]:
    """Join the other processes of this torchrun until the block is left; without one, be alone.

    Args:
        device: as ``--device`` names it.

    Raises:
        RanksError: another rank does not come, fails or is lost.
        SettingsError: there are fewer GPUs than ranks.
    """
    if not is_under_torchrun():
        yield ALONE
        return
    have_met = False
    try:
        from datacleanse.training.joined_ranks import join_ranks

        with join_ranks(device) as ranks:
            have_met = True
            yield ranks
    except KeyboardInterrupt as error:
        if have_met:
            raise
        ignore_signals()
        raise RanksError(
            "This rank was stopped before all had met: another one was lost, or torchrun stopped.",
            slug="ranks-not-joined",
            hint="Start again: nothing was lost.",
        ) from error
    except RanksError as error:
        # torchrun ends all others of its own once it notices.
        ignore_signals()
        if os.environ["RANK"] == str(error.speaker):
            speak_again()
        raise
