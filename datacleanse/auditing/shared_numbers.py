"""One code for each number that DATA, CLEAN, verdicts and decisions name.

Classes are known from DATA alone; a right number may be one that no row of DATA has. So all that is
named is gathered first. Then labels are codes in one list, and what compares codes of classes
compares numbers, too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.data.any_number import read_number
from datacleanse.data.number_labels import count_decimals, spell_fully
from datacleanse.review.decisions import read_decisions
from datacleanse.review.earlier_labels import read_mislabelled_pairs
from datacleanse.review.verified_file import is_verified_file, read_verified_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from datacleanse.data import Source
    from datacleanse.records import Dataset


def share_numbers(
    data: Dataset,
    sources: Sequence[Source],
    decisions: Sequence[Path],
    read: Callable[[Source], Dataset],
) -> tuple[Dataset, Callable[[Source], Dataset]]:
    """Give DATA and CLEAN's tables labels that are codes in one list of numbers.

    Args:
        data: DATA, whose labels are numbers.
        sources: of CLEAN: tables, and files of verdicts.
        decisions: files of decisions of earlier rounds.
        read: reads a table and holds it to DATA.

    Returns:
        DATA, and what gives the tables of ``sources``.

    Raises:
        InputError: a source or a file cannot be read.
    """
    tables = [(source, read(source)) for source in sources if not is_verified_file(source)]
    told = {*_list_verdicts(sources), *_list_decided(decisions)}
    for _, table in tables:
        assert table.numbers is not None
        told.update(table.numbers.tolist())
    shared = _extend(data, told)
    coded = [(source, _recode(table, shared)) for source, table in tables]

    def find(source: Source) -> Dataset:
        return next(table for place, table in coded if place is source)

    return shared, find


def _extend(data: Dataset, told: set[float]) -> Dataset:
    """DATA whose list of numbers has further ones."""
    assert data.numbers is not None
    spelled = dict(zip(data.numbers.tolist(), data.given_labels, strict=True))
    decimals = count_decimals(data.targets)
    numbers = np.array(sorted({*spelled, *told}), dtype=np.float64)
    given = (spelled.get(each) or spell_fully(each, decimals) for each in numbers.tolist())
    codes = np.searchsorted(numbers, data.numbers)
    return replace(data, labels=codes[data.labels], given_labels=tuple(given), numbers=numbers)


def _recode(table: Dataset, shared: Dataset) -> Dataset:
    assert shared.numbers is not None
    return replace(
        table,
        labels=np.searchsorted(shared.numbers, table.targets),
        given_labels=shared.given_labels,
        numbers=shared.numbers,
    )


def _list_verdicts(sources: Sequence[Source]) -> Iterator[float]:
    """The numbers that files of verdicts name."""
    for source in sources:
        if is_verified_file(source):
            file = read_verified_file(Path(source))  # type: ignore[arg-type]  # a place
            for verdict in file.last.values():
                yield from _read([verdict.label, verdict.given_label])


def _list_decided(decisions: Sequence[Path]) -> Iterator[float]:
    """The numbers that decisions of earlier rounds name, and what their runs met."""
    for path in decisions:
        pairs = read_mislabelled_pairs(path)
        for pair in pairs.values():
            yield from _read([pair.judged_by, pair.corrected.new_label])
        if path.exists() or not pairs:
            for decision in read_decisions(path).last.values():
                yield from _read([decision.label, decision.given_label])


def _read(texts: Sequence[str | None]) -> Iterator[float]:
    numbers = (None if text is None else read_number(text) for text in texts)
    yield from (number for number in numbers if number is not None)
