"""What a run of pictures keeps beside its tables: thumbnails, duplicates, unreadable ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from datacleanse.detection.conflicts import find_conflicts
from datacleanse.storage.atomic_files import write_parquet
from datacleanse.storage.manifest.inputs import DuplicatesSection, PicturesSection
from datacleanse.storage.schemas import UNREADABLE_SCHEMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.reading import Gallery, Inputs
    from datacleanse.pictures.compare import Groups
    from datacleanse.pictures.quality import Usual
    from datacleanse.pictures.read import PictureSet
    from datacleanse.storage.run_folder import RunFolder


def write_picture_files(folder: RunFolder, inputs: Inputs) -> None:
    """Write them where the rows are pictures; stored suspects, and neighbours if any, come first.

    Raises:
        OutputError: the system does not let them be written.
    """
    gallery = inputs.gallery
    if gallery is None:
        return
    # Loads Pillow, which tables have no use for.
    from datacleanse.pictures.compare import tabulate_duplicates
    from datacleanse.pictures.thumbnails import make_thumbnails, measure_usual

    suspects = np.sort(folder.read_suspects().column(0).to_numpy().astype(np.int64))
    neighbours = folder.read_neighbours()
    clean = np.empty(0, np.int64)
    if neighbours is not None:
        clean = np.unique(neighbours.column("clean_row").to_numpy().astype(np.int64))
    common = measure_usual(gallery.data)
    parts = [
        make_thumbnails(gallery.data, "data", suspects, common),
        *_picture_clean(inputs, gallery, clean, common),
    ]
    write_parquet(folder.thumbnails_file, pa.concat_tables(parts))
    write_parquet(folder.duplicates_file, tabulate_duplicates(gallery.duplicates, inputs.data))
    rank = folder.read_ranks()
    write_parquet(
        folder.conflicts_file,
        find_conflicts(inputs.data, rank, _number_by_group(gallery.duplicates, len(rank))),
    )
    write_parquet(folder.unreadable_file, _tabulate_unreadable(gallery))


def _picture_clean(
    inputs: Inputs, gallery: Gallery, rows: NDArray[np.int64], common: Usual
) -> list[pa.Table]:
    """Thumbnails of CLEAN's rows; reviewed rows of DATA stand behind its own."""
    from datacleanse.pictures.thumbnails import make_thumbnails

    n_own = 0 if gallery.clean is None else len(gallery.clean.places)
    own = (
        []
        if gallery.clean is None
        else [make_thumbnails(gallery.clean, "clean", rows[rows < n_own], common)]
    )
    if inputs.reviewed is None:
        return own
    joined = rows[rows >= n_own]
    of_data = inputs.reviewed.rows[joined - n_own]
    table = make_thumbnails(gallery.data, "clean", of_data, common)
    row_of = dict(zip(of_data.tolist(), joined.tolist(), strict=True))
    renumbered = [row_of[row] for row in table.column("row").to_pylist()]
    place = table.schema.get_field_index("row")
    field = table.schema.field(place)
    return [*own, table.set_column(place, field, pa.array(renumbered, field.type))]


def _number_by_group(duplicates: Groups, n: int) -> NDArray[np.uint64]:
    """(N,) the number of its group of copies, or one of its own."""
    keys = np.arange(n, dtype=np.uint64) + np.uint64(n)
    keys[duplicates.rows] = duplicates.group.astype(np.uint64)
    return keys


def describe_pictures(gallery: Gallery | None) -> PicturesSection | None:
    """What `run.json` says of pictures; None where the rows are those of a table."""
    if gallery is None:
        return None
    channels, height, width = gallery.data.shape
    groups = gallery.duplicates
    return PicturesSection(
        channels=channels,
        height=height,
        width=width,
        forms={role: each.form for role, each in _list_sets(gallery).items()},
        unreadable={role: len(each.unreadable) for role, each in _list_sets(gallery).items()},
        duplicates=DuplicatesSection(
            rows=len(groups.rows),
            groups=groups.n_groups,
            conflicting_groups=groups.n_conflicting,
        ),
    )


def _list_sets(gallery: Gallery) -> dict[str, PictureSet]:
    """The sets by role."""
    sets = {"data": gallery.data, "clean": gallery.clean, "test": gallery.test}
    return {role: each for role, each in sets.items() if each is not None}


def _tabulate_unreadable(gallery: Gallery) -> pa.Table:
    """The pictures that were left out, with the columns of `UNREADABLE_COLUMNS`."""
    rows = [
        {"source": role, "place": each.place, "id": each.id, "reason": each.reason}
        for role, pictures in _list_sets(gallery).items()
        for each in pictures.unreadable
    ]
    return pa.Table.from_pylist(rows, schema=UNREADABLE_SCHEMA)
