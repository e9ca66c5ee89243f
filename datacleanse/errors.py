"""The errors that a person can cause and mend.

Every message says what was wrong, the value met and where it stands (file, row, column); the hint
says what to do next. The command line catches `DatacleanseError` in one place and turns it into an
exit code. Anything else that escapes is a bug of ours.
"""

from __future__ import annotations

import errno
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from datacleanse.option_names import speak_python

if TYPE_CHECKING:
    from collections.abc import Iterator


class DatacleanseError(Exception):
    """Base of all errors that the person who gave the input can mend.

    As text it says both message and hint, and names options as Python does: ``fdr=``.

    Attributes:
        slug: short stable name, e.g. ``label-missing``; the key of the error index in the docs.
        message: what was wrong, with the value and the place; options as the command line has them.
        hint: what to do next, as an imperative sentence; options likewise.
    """

    def __init__(self, message: str, *, slug: str, hint: str) -> None:
        super().__init__(speak_python(f"{message} {hint}"))
        self.message = message
        self.slug = slug
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Errors come from other processes, too."""
        return _make_again, (type(self), self.message, self.slug, self.hint)


def _make_again(
    kind: type[DatacleanseError], message: str, slug: str, hint: str
) -> DatacleanseError:
    return kind(message, slug=slug, hint=hint)


class InputError(DatacleanseError):
    """A file or frame that was handed in cannot be used as it is."""


class SettingsError(DatacleanseError):
    """A setting is out of range, unknown or contradicts another."""


class OutputError(DatacleanseError):
    """A file cannot be written."""


class RunFolderError(DatacleanseError):
    """A run folder is missing, unfinished, damaged or in the way."""


class Stopped(DatacleanseError):  # noqa: N818  # it was asked for
    """A run was stopped on request; what it has done so far is saved."""


class DataWarning(UserWarning):
    """Values of a table count for something else than they are: as missing, or as unknown.

    All warnings of this package about what it was given are of this class, so that
    ``warnings.filterwarnings("ignore", category=dc.DataWarning)`` silences them, and ``"error"``
    turns them into exceptions.
    """


@contextmanager
def raise_as_value_errors() -> Iterator[None]:
    """Raise a ValueError of the same words, as scikit-learn's users expect."""
    try:
        yield
    except DatacleanseError as error:
        raise ValueError(str(error)) from error


_CPU_SAYS = ("can't allocate memory", "not enough memory", "bad_alloc", "bad allocation")
"""Words of torch's allocator for the CPU, and of C++, which come as a plain RuntimeError."""

_SYSTEM_SAYS = (
    "failed to map segment",
    "cannot allocate memory",
    "can't start new thread",
    "resource temporarily unavailable",
)
"""Words of the loader of libraries and of the threads' library where memory is short."""


class MemoryShortError(DatacleanseError):
    """A training does not fit into memory, however small its batches."""


def is_shortage(error: BaseException) -> bool:
    """Whether the error says that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    # Not imported here, where every command begins: what is not loaded has raised nothing.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _CPU_SAYS)


def is_caused_by_shortage(error: BaseException) -> bool:
    """Whether memory ran out somewhere behind the error, while libraries were loaded, too."""
    met: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in met:
        met.append(link)
        link = link.__cause__ if link.__suppress_context__ else link.__context__
    return any(is_shortage(each) or _is_system_short(each) for each in met)


def _is_system_short(error: BaseException) -> bool:
    """Whether a library says in words that the system denied it memory or a thread."""
    # What the system itself says has a number; a lock that is held sounds as a thread denied does.
    if isinstance(error, DatacleanseError) or getattr(error, "errno", None) is not None:
        return False
    return any(words in str(error).lower() for words in _SYSTEM_SAYS)


class ModelError(DatacleanseError):
    """A network, loss or batch that cannot be reweighted as it was handed in."""
