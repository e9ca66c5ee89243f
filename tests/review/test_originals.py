"""Pictures under review: given away only if they are what was audited."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacleanse.data import seal_rows
from datacleanse.pictures.content_hashes import hash_dataset
from datacleanse.pictures.find import find_pictures
from datacleanse.progress import SILENT
from datacleanse.review.originals import Originals
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.schemas import UNREADABLE_SCHEMA
from tests.pictures.made import CLASSES, DATA, class_folders, picture


@dataclass(frozen=True)
class Audited:
    id: str
    row_sha256: str
    given_label: str


@dataclass(frozen=True)
class Run:
    source: str
    folder: RunFolder


def audit(source):
    """What an audit would have kept of each row."""
    listing = find_pictures(str(source), DATA)
    dataset, _ = hash_dataset(listing, progress=SILENT)
    seals = seal_rows(dataset, np.arange(dataset.n_rows))
    labels = [dataset.given_labels[code] for code in dataset.labels]
    ids = listing.read_ids().to_pylist()
    return {row: Audited(*each) for row, each in enumerate(zip(ids, seals, labels, strict=True))}


def look(source, rows):
    run = Run(str(source), RunFolder(source.parent))
    unreadable = pa.table([[]] * len(UNREADABLE_SCHEMA), schema=UNREADABLE_SCHEMA)
    pq.write_table(unreadable, run.folder.unreadable_file)
    return Originals(run, find_pictures(str(source), DATA), rows)


@pytest.fixture
def root(tmp_path):
    return class_folders(tmp_path / "pets", CLASSES, 3)


@pytest.fixture
def rows(root):
    return audit(root)


def test_what_was_audited_is_given_away(root, rows):
    originals = look(root, rows)
    read = [originals.read(row) for row in rows]

    assert {each.state for each in read} == {"same"}
    assert [each.content for each in read] == [(root / r.id).read_bytes() for r in rows.values()]


def test_what_changed_or_vanished_is_not(root, rows):
    (root / rows[1].id).write_bytes(picture(99))
    (root / rows[2].id).unlink()
    originals = look(root, rows)

    assert [originals.read(row).state for row in range(4)] == ["same", "changed", "missing", "same"]
    assert originals.read(1).content is None
    assert originals.read(999).state == "missing"


def test_a_change_while_it_is_served_is_seen(root, rows):
    originals = look(root, rows)
    path = root / rows[1].id
    assert originals.find_state(1) == "same"
    path.write_bytes(picture(99))
    assert originals.find_state(1) == "changed"
    path.unlink()
    assert originals.find_state(1) == "missing"
    path.write_bytes(picture(1))
    assert originals.find_state(1) == "same"


def test_a_file_that_rests_is_read_once(root, rows, monkeypatch):
    originals = look(root, rows)
    assert originals.find_state(1) == "same"
    monkeypatch.setattr(originals, "read", None)
    assert originals.find_state(1) == "same"


def test_pictures_that_came_or_went_beside_it_move_nothing(root, rows):
    (root / "cat" / "!first.png").write_bytes(picture(98))
    (root / rows[0].id).unlink()
    originals = look(root, rows)

    assert [originals.read(row).state for row in rows] == ["missing", *["same"] * 5]


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
@pytest.mark.parametrize("is_before", [True, False])
def test_no_link_leads_out_of_the_folder(is_before, root, rows, tmp_path):
    """Not even to the same bytes: what is elsewhere is nobody's business here."""
    path = root / rows[1].id
    other = tmp_path / "elsewhere.png"
    shutil.move(path, other)
    if is_before:
        path.symlink_to(other)
        originals = look(root, rows)
    else:
        path.write_bytes(other.read_bytes())
        originals = look(root, rows)
        path.unlink()
        path.symlink_to(other)

    assert originals.read(1) == originals.read(999)


def test_pictures_within_a_table_are_found_by_number(root, tmp_path):
    file = tmp_path / "bytes.parquet"
    paths = sorted(root.rglob("*.png"))
    images = [path.read_bytes() for path in paths]

    def write(images):
        labels = [path.parent.name for path in paths]
        pq.write_table(pa.table({"image": images, "label": labels}), file, row_group_size=2)

    write(images)
    rows = audit(file)
    originals = look(file, rows)
    assert [originals.read(row).content for row in rows] == images
    write([*images[:3], picture(99), *images[4:]])
    assert [originals.find_state(row) for row in rows] == [*["same"] * 3, "changed", "same", "same"]
