"""Pictures that cannot be read: named, counted, and an error where they are too many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.data.messages import format_count, quote_value
from datacleanse.errors import InputError
from datacleanse.pictures.signatures import LEADS_OUT
from datacleanse.records import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from datacleanse.pictures.decode_all import Pixels
    from datacleanse.pictures.interface import Listing, Role

_NAMED = 3


@dataclass(frozen=True)
class Unreadable:
    """A picture that was left out."""

    place: int
    """Its position among the source's rows, from 0."""
    id: str
    """What names it; the number of its row where nothing does."""
    reason: str
    """Why, as the end of a sentence about it."""


def list_unreadable(listing: Listing, pixels: Pixels) -> tuple[Unreadable, ...]:
    """The pictures that could not be read, in order."""
    if not pixels.failures:
        return ()
    ids = listing.read_ids()
    return tuple(
        Unreadable(place, ids[place].as_py() or str(place), why)
        for place, why in pixels.failures.items()
    )


def check_share(
    listing: Listing, unreadable: Sequence[Unreadable], role: Role, *, most: float
) -> None:
    """Refuse a source of which more than a share, rounded up to whole pictures, was left out.

    Raises:
        InputError: it was, or nothing is left.
    """
    n, failed = len(listing.store), len(unreadable)
    if failed <= math.ceil(most * n) and failed < n:
        return
    is_lost = sum("does not exist" in each.reason for each in unreadable) > failed / 2
    is_led_out = sum(each.reason == LEADS_OUT for each in unreadable) > failed / 2
    cure = "Mind that paths start from the manifest's folder" if is_lost else "Mend or remove them"
    if is_led_out:
        cure = "Give the folder that the links lead to, or put copies in their place"
    more = ", or allow a larger share with --max-unreadable" if failed < n else ""
    raise InputError(
        f"{listing.source} ({role}): {failed:,} of {format_count(n, 'picture')} cannot be read, "
        f"while a share of {most:g} may be left out: {_format_first(listing, unreadable)}.",
        slug="pictures-unreadable",
        hint=f"{cure}{more}.",
    )


def note_unreadable_pictures(listing: Listing, unreadable: Sequence[Unreadable]) -> Notice:
    """The warning that some pictures were left out since they cannot be read."""
    message = (
        f"{listing.source}: left out {len(unreadable):,} of "
        f"{format_count(len(listing.store), 'picture')} that cannot be read: "
        f"{_format_first(listing, unreadable)}."
    )
    return Notice("pictures-unreadable", message, is_warning=True)


def _format_first(listing: Listing, unreadable: Sequence[Unreadable]) -> str:
    """The first unreadable pictures with their reasons, as text."""
    named = [
        f"{f'row {each.id}' if listing.id is None else quote_value(each.id)} {each.reason}"
        for each in unreadable[:_NAMED]
    ]
    if len(unreadable) > _NAMED:
        named.append(f"and {len(unreadable) - _NAMED:,} more")
    return "; ".join(named)
