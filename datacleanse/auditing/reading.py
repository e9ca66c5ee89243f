"""What is asked for, and what was read for it. Nothing here loads a network's libraries."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from datacleanse.auditing.clean_sources import (
    compare_joined,
    drop_repeated,
    is_joined,
    join_pictures_of,
    join_tables,
)
from datacleanse.auditing.joined_clean import Verified
from datacleanse.auditing.shared_numbers import share_numbers
from datacleanse.auditing.without_clean import compare_with_nothing, make_empty_clean
from datacleanse.data import (
    ReadOptions,
    compare,
    fingerprint,
    note_unknown_names,
    read_data,
    read_like,
)
from datacleanse.data.probabilities import read_probabilities
from datacleanse.data.repeats import GivenRows, drop_repeats
from datacleanse.data.sources import check_exists
from datacleanse.errors import InputError
from datacleanse.pictures.find import ask_for_data, find_pictures
from datacleanse.pictures.interface import Asked
from datacleanse.records import Comparison, PictureInputs
from datacleanse.review.earlier_labels import NO_LABELS, EarlierLabels, find_earlier_labels
from datacleanse.review.next_round import Reviewed, add_reviewed, read_reviewed
from datacleanse.settings import Settings
from datacleanse.storage.mapped_tables import park_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from datacleanse.data import Role, Source
    from datacleanse.data.probabilities import Brought
    from datacleanse.models.frozen_network import PictureFeatures
    from datacleanse.pictures.compare import Groups
    from datacleanse.pictures.interface import Listing
    from datacleanse.pictures.read import PictureSet
    from datacleanse.progress import Progress
    from datacleanse.records import Dataset

    ReadPictures: TypeAlias = Callable[[Source], tuple[Dataset, PictureSet]]
    """Reads the pictures of a source and holds them to DATA."""


@dataclass(frozen=True)
class Request:
    """An audit asked for: where to read, and how to learn."""

    data: Source
    """Rows or pictures whose labels are in doubt."""
    clean: tuple[Source, ...]
    """Sources of verified labels, joined: the like, and files of `datacleanse verify`. None at all:
    there are none yet, see `without_clean`."""
    test: Source | None = None
    """The like with true labels, to measure models on."""
    options: ReadOptions = field(default_factory=ReadOptions)
    """How to read them."""
    settings: Settings = field(default_factory=Settings)
    """How to learn, and what to flag."""
    command: tuple[str, ...] = ()
    """How it was called, for the manifest."""
    module: Callable[[int, int], Any] | None = None
    """The factory that ``settings.model`` names, where it need not be imported."""
    decisions: tuple[Path, ...] = ()
    """Files of decisions made in earlier rounds. In the folder of a run, which tells of verified
    rows too, there need be none."""
    is_provisional: bool = False
    """Whether CLEAN is a part of DATA that nobody checked, taken at its word."""
    probabilities: Source | NDArray[Any] | None = None
    """Class probabilities by a model of the user's, made out of sample."""
    second_opinion: Any = None
    """A classifier with scikit-learn's methods, to be cross-fitted."""
    memory: int | None = None
    """Bytes of memory that may be taken; None: those that are free. What is found does not depend
    on it."""


@dataclass(frozen=True)
class Gallery:
    """The pictures of an audit as people are shown them: originals, sizes, duplicates."""

    data: PictureSet
    """DATA's."""
    clean: PictureSet | None
    """CLEAN's own, without reviewed ones; None where it is not given."""
    test: PictureSet | None
    """TEST's, where it is given."""
    duplicates: Groups
    """Pictures that stand in DATA more than once."""


@dataclass
class Inputs:
    """What was read, checked against each other.

    Not frozen, so that `park_table` takes DATA's table out of memory whoever holds the inputs.
    """

    data: Dataset
    """The N rows whose labels are audited."""
    clean: Dataset
    """The rows whose labels are verified; none where CLEAN is not given."""
    test: Dataset | None
    """Rows with true labels, to measure models on."""
    comparison: Comparison
    """Rows that stand in DATA and CLEAN, and in what the two differ."""
    sha256: dict[str, str]
    """Digest (hex) of each file that is given, by role: ``data``, ``clean``, ``test``."""
    seconds: float
    """Time spent on reading."""
    options: ReadOptions = field(default_factory=ReadOptions)
    """How DATA was read."""
    is_provisional: bool = False
    """See `Request.is_provisional`."""
    earlier: EarlierLabels = NO_LABELS
    """Labels that verified rows of DATA had in an earlier round and that are corrected by now."""
    verified: Verified | None = None
    """What files of verdicts say beside ``clean``; None where CLEAN is one table or set."""
    given: GivenRows | None = None
    """Where CLEAN's own rows stood in what was given; None: all of them do, in their order."""
    reviewed: Reviewed | None = None
    """Rows that reviewers decided about; they stand behind CLEAN's own in ``clean``."""
    pictures: PictureInputs | None = None
    """What the network reads where DATA's rows are pictures; None for a table."""
    gallery: Gallery | None = None
    """What people are shown of them; None for a table."""
    brought: Brought | None = None
    """Class probabilities by a model of the user's."""
    features: PictureFeatures | None = None
    """What a pretrained network made of the pictures; None: it did not see them."""

    def park_table(self, path: Path) -> None:
        """Move DATA's table out of memory, into a file at ``path`` that is not seen there.

        It is read again where it is wanted. Nobody else should hold the table or ``data``.
        """
        self.data = replace(self.data, table=park_table(self.data.table, path))


def read_inputs(request: Request, progress: Progress, scratch: Path | None = None) -> Inputs:
    """Read all files and check them against each other.

    Args:
        request: what is asked for. Whether DATA is a table or pictures is told by DATA alone.
        progress: is told of stages.
        scratch: folder, or one to be, on whose disk decoded pictures are kept that do not fit into
            memory; None: the current one.

    Raises:
        InputError: one of them cannot be used.
        OutputError: there is no room for the decoded pictures.
    """
    started = perf_counter()
    progress.stage("Reading", None)
    _check_places(request)
    sources, repeated = drop_repeated(request.clean)
    request = replace(request, clean=sources)
    listing = find_pictures(request.data, ask_for_data(request.options))
    if listing is None:
        inputs = _read_tables(request, progress)
    else:
        inputs = _read_pictures(request, listing, scratch or Path(), progress)
    if request.probabilities is not None or request.second_opinion is not None:
        inputs = _add_brought(inputs, request, progress)
    inputs = _find_corrected(inputs, request.decisions)
    told = (*repeated, *inputs.comparison.notices)
    inputs = replace(inputs, comparison=replace(inputs.comparison, notices=told))
    if request.decisions:
        inputs = _add_decisions(inputs, request.decisions, can_steer=bool(request.clean))
    seconds = round(perf_counter() - started, 3)
    return replace(
        inputs,
        options=request.options,
        seconds=seconds,
        is_provisional=request.is_provisional,
    )


def _check_places(request: Request) -> None:
    """Refuse names of files that are not there, before a large one is read for nothing."""
    beside = (request.test, request.probabilities, request.settings.features)
    for source in (request.data, *request.clean, *beside):
        if isinstance(source, str | PathLike):
            check_exists(source)


@dataclass(frozen=True)
class _Clean:
    """CLEAN as it was read."""

    rows: Dataset
    """Its rows; none where it is not given."""
    comparison: Comparison
    """With DATA."""
    sha256: str | None = None
    """Digest (hex) of its table; None: it is not given, or has pictures with their own."""
    verified: Verified | None = None
    """Where its rows come from, where they come from several sources or a file of verdicts."""
    given: GivenRows | None = None
    """Where its rows stood in what was given; None: there are none."""


def _read_tables(request: Request, progress: Progress) -> Inputs:
    options = request.options
    data = read_data(request.data, options, progress=progress)
    delimiter = options.delimiter
    like = partial(_read_like, data, delimiter=delimiter, progress=progress)
    read: Callable[[Source], Dataset] = partial(like, role="CLEAN")
    if data.numbers is not None:
        data, read = share_numbers(data, request.clean, request.decisions, read)
    clean = _read_clean_table(data, request.clean, read)
    test = request.test
    digests = {"data": fingerprint(request.data)}
    if clean.sha256 is not None:
        digests["clean"] = clean.sha256
    if test is not None:
        digests["test"] = fingerprint(test)
    return Inputs(
        data,
        clean.rows,
        None if test is None else like(test, role="TEST"),
        clean.comparison,
        digests,
        0.0,
        verified=clean.verified,
        given=clean.given,
    )


def _read_clean_table(
    data: Dataset, sources: Sequence[Source], read: Callable[[Source], Dataset]
) -> _Clean:
    if not sources:
        return _Clean(make_empty_clean(data), compare_with_nothing())
    if is_joined(sources):
        joined = join_tables(data, sources, read)
        comparison = compare_joined(data, joined)
        return _Clean(joined.clean, comparison, joined.sha256, joined.verified, joined.given)
    (source,) = sources
    clean, given = drop_repeats(data, read(source))
    return _Clean(clean, compare(data, clean), fingerprint(source), given=given)


def _read_like(
    data: Dataset, source: Source, *, role: Role, delimiter: str | None, progress: Progress
) -> Dataset:
    """Another table held to DATA, with notices of the names in it that DATA lacks."""
    try:
        read = read_like(source, data.schema, role=role, delimiter=delimiter, progress=progress)
    except InputError as error:
        # Pictures are looked for only here: columns of paths are cells of this table.
        if error.slug != "shards-missing" or find_pictures(source, Asked(role)) is None:
            raise
        raise InputError(
            f"{source} ({role}) holds pictures, but DATA's rows are those of a table.",
            slug="pictures-beside-table",
            hint="Give a table with the columns of DATA.",
        ) from error
    return replace(read, notices=(*read.notices, *note_unknown_names(data, read, role=role)))


def _read_pictures(request: Request, listing: Listing, scratch: Path, progress: Progress) -> Inputs:
    # Loads Pillow, which tables have no use for.
    from datacleanse.pictures.read import read_picture_data, read_pictures_like

    data, pictures = read_picture_data(listing, request.options, scratch=scratch, progress=progress)
    like = partial(
        read_pictures_like,
        schema=data.schema,
        shape=pictures.shape,
        options=request.options,
        scratch=scratch,
        progress=progress,
    )
    read: ReadPictures = partial(like, role="CLEAN")
    if data.numbers is not None:
        data, read = _share_numbers_of_pictures(data, request, read)
    clean, clean_pictures, duplicates = _read_clean_pictures(
        data, pictures, request.clean, read, progress
    )
    test, test_pictures = (None, None) if request.test is None else like(request.test, role="TEST")
    sets = {"data": pictures, "clean": clean_pictures, "test": test_pictures}
    return Inputs(
        data,
        clean.rows,
        test,
        clean.comparison,
        {role: each.fingerprint for role, each in sets.items() if each is not None},
        0.0,
        pictures=PictureInputs(
            pictures.values,
            pictures.values[:0] if clean_pictures is None else clean_pictures.values,
            None if test_pictures is None else test_pictures.values,
        ),
        gallery=Gallery(pictures, clean_pictures, test_pictures, duplicates),
        verified=clean.verified,
        given=clean.given,
    )


def _share_numbers_of_pictures(
    data: Dataset, request: Request, read: ReadPictures
) -> tuple[Dataset, ReadPictures]:
    """As `share_numbers`, of pictures beside their labels."""
    seen: dict[int, PictureSet] = {}

    def read_labels(source: Source) -> Dataset:
        rows, seen[id(source)] = read(source)
        return rows

    data, find = share_numbers(data, request.clean, request.decisions, read_labels)
    return data, lambda source: (find(source), seen[id(source)])


def _read_clean_pictures(
    data: Dataset,
    pictures: PictureSet,
    sources: Sequence[Source],
    read: ReadPictures,
    progress: Progress,
) -> tuple[_Clean, PictureSet | None, Groups]:
    """CLEAN, its pictures, and the pictures of DATA that show the same."""
    from datacleanse.pictures.compare import compare_pictures, drop_repeated_pictures, find_copies

    if len(sources) == 1 and not is_joined(sources):
        clean, own, given = drop_repeated_pictures(pictures, *read(sources[0]))
        progress.stage("Looking for duplicates", None)
        comparison, duplicates = compare_pictures(data, clean, pictures, own)
        return _Clean(clean, comparison, given=given), own, duplicates
    joined = join_pictures_of(data, pictures, sources, read) if sources else None
    progress.stage("Looking for duplicates", None)
    duplicates, told = find_copies(data, pictures)
    if joined is None:
        comparison = compare_with_nothing(by_pictures=True, notices=told)
        return _Clean(make_empty_clean(data), comparison), None, duplicates
    comparison = compare_joined(data, joined, told)
    found = _Clean(joined.clean, comparison, verified=joined.verified, given=joined.given)
    return found, joined.pictures, duplicates


def _add_brought(inputs: Inputs, request: Request, progress: Progress) -> Inputs:
    """Return the inputs with the probabilities that a model of the user's tells."""
    if request.probabilities is None:
        from datacleanse.auditing.own_opinion import cross_fit

        progress.stage("Cross-fitting your classifier", None)
        seed = request.settings.seed
        brought = cross_fit(request.second_opinion, inputs.data, inputs.clean, seed=seed)
    else:
        source, given = request.probabilities, inputs.given
        brought = read_probabilities(source, inputs.data, inputs.clean, given)
    notices = (*inputs.comparison.notices, *brought.notices)
    comparison = Comparison(inputs.comparison.overlap, notices)
    return replace(inputs, brought=brought, comparison=comparison)


def _find_corrected(inputs: Inputs, decisions: tuple[Path, ...]) -> Inputs:
    """Return the inputs with the labels that corrected rows had when they were judged."""
    given = None if inputs.verified is None else inputs.verified.given
    overlap = inputs.comparison.overlap
    earlier = find_earlier_labels(inputs.data, inputs.clean, overlap, decisions, given=given)
    notices = (*inputs.comparison.notices, *earlier.notices)
    return replace(inputs, comparison=Comparison(overlap, notices), earlier=earlier)


def _add_decisions(inputs: Inputs, files: tuple[Path, ...], *, can_steer: bool) -> Inputs:
    """Return the inputs with the rows that reviewers decided about behind CLEAN's own."""
    data, before = inputs.data, inputs.comparison
    reviewed = read_reviewed(data, before.overlap, files, clean=inputs.clean, can_steer=can_steer)
    clean, overlap = add_reviewed(data, inputs.clean, before.overlap, reviewed)
    pictures = inputs.pictures
    if pictures is not None:
        joined = np.concatenate([pictures.clean, pictures.data[reviewed.rows]])
        pictures = replace(pictures, clean=joined)
    return replace(
        inputs,
        clean=clean,
        comparison=Comparison(overlap, (*before.notices, *reviewed.notices)),
        reviewed=reviewed,
        pictures=pictures,
    )
