"""A run folder begun, or an unfinished one continued."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from datacleanse.auditing.manifest import resume_run, stop_run
from datacleanse.errors import (
    DatacleanseError,
    MemoryShortError,
    OutputError,
    RunFolderError,
    Stopped,
)
from datacleanse.storage.run_claims import (
    begin_folder,
    discard_folder,
    reopen_folder,
    say_kept,
)
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.checkpoint import ROWS, Checkpoints, Identity, check_identity, digest
from datacleanse.training.loop import TrainingError
from datacleanse.training.placement import find_tensor
from datacleanse.training.ranks import RanksError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datacleanse.progress import Progress
    from datacleanse.storage.manifest.whole import Opening
    from datacleanse.training.examples import Examples


def find_begun(place: Path, identity: Identity, progress: Progress) -> Opening | None:
    """Find what is known of the run that is to be resumed; None where there is none."""
    before = RunFolder(place).begun()
    if before is None:
        progress.say(f"There is no run in {place} to go on with; the audit starts.")
        return None
    check_identity(before.identity, identity, place)
    if before.status == "finished":
        # A run killed in its last moment may have left it.
        RunFolder(place).forget_checkpoint()
        progress.say(f"The run in {place} is finished already.")
    return before


def open_checkpoints(folder: RunFolder, identity: Identity, examples: Examples) -> Checkpoints:
    """Return the run's checkpoint files, which belong to these examples alone."""
    # Inputs that a dataset makes whenever they are asked for are its own affair.
    inputs = find_tensor(examples.inputs)
    held = () if inputs is None else (inputs,)
    rows = digest(*held, examples.labels, examples.training_rows, examples.steering_rows)
    return Checkpoints(folder.checkpoint_dir, identity | {ROWS: rows})


@contextmanager
def hold_run(
    place: Path, opening: Opening, before: Opening | None, *, force: bool, progress: Progress
) -> Iterator[tuple[RunFolder, Opening]]:
    """Begin the run's folder, or go on with the unfinished one, with nobody else at work there.

    Args:
        place: the run folder.
        opening: what is known of the run now.
        before: what the folder said of the run that is gone on with; None: it begins.
        force: whether a run that begins may replace the one there.
        progress: told where the decisions on a run that is replaced are kept.

    Yields:
        The folder, and what its `run.json` says now.

    Raises:
        RunFolderError: it is in use, in the way, or cannot be written.
    """

    def tell_kept(file: Path) -> None:
        progress.say(say_kept(file))

    with (
        begin_folder(place, force=force, tell_kept=tell_kept)
        if before is None
        else reopen_folder(place)
    ) as folder:
        if before is not None:
            if folder.begun() != before:
                raise RunFolderError(
                    f"The run in {place} was changed by another datacleanse just now.",
                    slug="run-in-use",
                    hint="Repeat the command.",
                )
            opening = resume_run(opening, before)
        with _keep_if_resumable(folder, opening):
            folder.write_opening(opening)
            yield folder, opening


@contextmanager
def _keep_if_resumable(folder: RunFolder, opening: Opening) -> Iterator[None]:
    """Leave either something to go on with or nothing."""
    try:
        yield
    except BaseException as error:
        is_kept = folder.has_checkpoint()
        if not is_kept:
            discard_folder(folder)
        elif isinstance(error, Stopped | KeyboardInterrupt):
            folder.write_opening(stop_run(opening))
        told = _make_unwritable_error(folder, error) if isinstance(error, OSError) else error
        if is_kept and isinstance(
            told, OutputError | TrainingError | MemoryShortError | RanksError
        ):
            told = _add_cure(told, folder)
        if told is error:
            raise
        raise told from error


def _make_unwritable_error(folder: RunFolder, error: OSError) -> OutputError:
    return OutputError(
        f"The run folder {folder.path} cannot be written: {error.strerror or error}.",
        slug="run-not-writable",
        hint="Free some space or choose another place with --out, then repeat the audit.",
    )


def _add_cure(
    error: OutputError | TrainingError | MemoryShortError | RanksError, folder: RunFolder
) -> DatacleanseError:
    """The error, with what is left of the run and what to do about it."""
    if isinstance(error, RanksError):
        hint = error.hint
        if "--resume" not in hint:
            hint = f"{hint} What is trained so far is kept in {folder.path}: go on with --resume."
    elif isinstance(error, TrainingError):
        kept = f"The last good checkpoint is kept in {folder.path} until then."
        hint = f"{error.hint[:-1]} and start anew with --force. {kept}"
    elif isinstance(error, MemoryShortError):
        hint = f"{error.hint} With more memory, --resume goes on with {folder.path}."
    else:
        hint = f"Free some space, then go on with --resume: {folder.path} keeps what is trained."
    return type(error)(error.message, slug=error.slug, hint=hint)
