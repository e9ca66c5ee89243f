"""What an audit of numbers does not do so far, said before anything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.auditing.reading import Request


def refuse_unserved(request: Request) -> None:
    """See that nothing is asked for that is not there for numbers.

    Raises:
        SettingsError: something is.
    """
    for what, hint in _list_unserved(request):
        raise _make_error(what, hint)


def _make_error(what: str, hint: str) -> SettingsError:
    return SettingsError(
        f"--task regression does not go with {what} so far.",
        slug="regression-not-served",
        hint=hint,
    )


def _list_unserved(request: Request) -> Iterator[tuple[str, str]]:
    settings = request.settings
    if request.probabilities is not None or request.second_opinion is not None:
        yield "--probabilities", "Leave it out: they are of classes."
    if settings.rule == "lilaw":
        yield "--rule lilaw", "Leave --rule out: LiLAW's weights are of class probabilities."
