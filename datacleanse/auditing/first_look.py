"""What names and headers show of an audit that cannot be, where a run is in its way.

That a place is taken hides what is wrong with the call itself, and is then told only after it. No
rows are read for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from datacleanse.data.label_column import choose_label
from datacleanse.data.raw_table import peek
from datacleanse.data.read import ask_for_data, make_label_error
from datacleanse.data.run_as_source import refuse_run
from datacleanse.data.sources import check_exists, split_suffix
from datacleanse.pictures.forms.folders import find_folder
from datacleanse.pictures.forms.manifest import PATH_COLUMNS
from datacleanse.review.verified_file import is_verified_file

if TYPE_CHECKING:
    from datacleanse.auditing.reading import Request
    from datacleanse.data import Role, Source


def refuse_at_first_look(request: Request) -> None:
    """Refuse sources that are not there or are runs, and tables without the label column.

    Raises:
        InputError: one of them cannot be used.
    """
    others = (*request.clean, *(() if request.test is None else (request.test,)))
    for source in (request.data, *others):
        if _is_place(source):
            refuse_run(source)
            check_exists(source)
    names = _read_names(request.data, request)
    # Of pictures the label may be called otherwise elsewhere; of one column something else is odd.
    if len(names) < 2 or not set(PATH_COLUMNS).isdisjoint(names):
        return
    options = request.options
    label = choose_label(names, options.label, source=_name(request.data), dropped=options.drop)
    for source in others:
        found = [] if is_verified_file(source) else _read_names(source, request)
        if len(found) > 1 and label not in found:
            role: Role = "TEST" if source is request.test else "CLEAN"
            raise make_label_error(_name(source), found, label, role)


def _is_place(source: Source) -> bool:
    return isinstance(source, str | os.PathLike) and "://" not in os.fspath(source)


def _name(source: Source) -> str:
    return os.fspath(source)  # type: ignore[arg-type]  # a place, or there were no names


def _read_names(source: Source, request: Request) -> list[str]:
    """The columns of a table in a file of this machine; none of anything else."""
    if not _is_place(source) or find_folder(source) is not None:
        return []
    if not split_suffix(_name(source))[0]:
        return []
    names: list[str] = peek(source, ask_for_data(request.options)).names
    return names
