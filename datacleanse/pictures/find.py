"""Whether a source holds pictures, and which; none of them is decoded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datacleanse.data.missing_cells import note_missing_unused
from datacleanse.data.raw_table import UNTYPED
from datacleanse.data.run_as_source import refuse_run
from datacleanse.pictures.forms import FORMS
from datacleanse.pictures.interface import Asked

if TYPE_CHECKING:
    from datacleanse.data import ReadOptions, Source
    from datacleanse.pictures.interface import Listing


def find_pictures(source: Source, asked: Asked) -> Listing | None:
    """List the pictures of a source; None where its rows are those of a table.

    Raises:
        InputError: nothing is there, or it holds pictures in no usable way.
    """
    refuse_run(source)
    for form in FORMS:
        found = form.find(source, asked)
        if found is not None:
            return _tell_unused_option(replace(found, of_labels=asked.of_labels), asked)
    return None


def _tell_unused_option(listing: Listing, asked: Asked) -> Listing:
    """The listing with a word on ``missing`` where that was said of DATA that no CSV names."""
    place = None if listing.origin is None else listing.origin.location
    if asked.role != "DATA" or asked.missing is None or (place and place.suffix in UNTYPED):
        return listing
    return replace(listing, notices=(*listing.notices, note_missing_unused(listing.source)))


def ask_for_data(options: ReadOptions) -> Asked:
    """What a form must know to list DATA's pictures."""
    return Asked(
        "DATA",
        options.label,
        options.id,
        options.drop,
        options.delimiter,
        missing=options.missing,
        of_labels=options.of_labels,
    )
