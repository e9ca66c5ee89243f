"""What lies in folders and stands in manifests is seen once, left out aloud, or refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from datacleanse.pictures.find import find_pictures
from datacleanse.pictures.interface import Asked
from datacleanse.pictures.signatures import PictureError
from tests.pictures.made import CLASSES, DATA, class_folders, picture, refused


def notices(listing):
    return {notice.slug: notice.message for notice in listing.notices}


def test_hidden_files_and_clutter_are_not_seen(root):
    for name in (".DS_Store", "._001.png", "Thumbs.db", ".thumbs/x.png", "__MACOSX/cat/1.png"):
        path = root / "cat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"clutter")
    (root / ".git").mkdir()
    listing = find_pictures(root, DATA)
    assert len(listing.store) == 6
    assert not listing.notices


def test_what_is_left_out_is_said(root):
    (root / "empty").mkdir()
    (root / "loose.png").write_bytes(picture(1))
    (root / "cat" / "notes.txt").write_text("x")
    said = notices(find_pictures(root, DATA))
    assert "1 folder without pictures" in said["class-folder-empty"]
    assert "'empty'" in said["class-folder-empty"]
    assert "'loose.png'" in said["pictures-without-class"]
    assert ".txt" in said["files-no-pictures"]
    assert "cat/notes.txt" in said["files-no-pictures"]


def test_folders_below_a_class_belong_to_it(root):
    (root / "cat" / "more" / "deep").mkdir(parents=True)
    (root / "cat" / "more" / "deep" / "x.png").write_bytes(picture(70))
    listing = find_pictures(root, DATA)
    rows = dict(zip(*(listing.table.column(n).to_pylist() for n in ("path", "label")), strict=True))
    assert rows["cat/more/deep/x.png"] == "cat"


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
def test_links_are_followed_once(root):
    (root / "cat" / "loop").symlink_to(root)
    (root / "cat" / "self.png").symlink_to("self.png")
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked.png").write_bytes(picture(71))
    (root / "dog" / "more").symlink_to(elsewhere)
    listing = find_pictures(root, DATA)
    paths = listing.table.column("path").to_pylist()
    assert "dog/more/linked.png" in paths
    assert len(paths) == 9
    assert "cat/loop" in notices(listing)["folder-loop"]
    at = paths.index("cat/self.png")
    [(_, blob)] = listing.store.iterate_blobs(np.array([at]))
    with pytest.raises(PictureError, match="loop of links"):
        blob()


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
def test_links_that_lead_out_are_not_followed(root):
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "private.png").write_bytes(picture(71))
    (root / "cat" / "absolute.png").symlink_to(elsewhere / "private.png")
    (root / "cat" / "relative.png").symlink_to("../../elsewhere/private.png")
    (root / "cat" / "by-another.png").symlink_to("absolute.png")
    (root / "dog" / "more").symlink_to(elsewhere)
    (root / "bird").symlink_to(elsewhere)
    (root / "dog" / "inside.png").symlink_to(root / "cat" / "a.png")
    listing = find_pictures(root, DATA)
    paths = listing.table.column("path").to_pylist()
    assert not [path for path in paths if path.startswith(("dog/more", "bird"))]
    assert "bird, dog/more" in notices(listing)["links-outside"]
    refused = {"cat/absolute.png", "cat/relative.png", "cat/by-another.png"}
    assert {
        path
        for path, store in zip(paths, listing.store.paths, strict=True)
        if isinstance(store, PictureError)
    } == refused
    for _, blob in listing.store.iterate_blobs(np.array([paths.index(p) for p in sorted(refused)])):
        with pytest.raises(PictureError, match="leads out of the folder"):
            blob()


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
def test_a_manifest_leads_to_no_picture_outside_its_folder_by_a_link(root):
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "private.png").write_bytes(picture(71))
    (root / "linked.png").symlink_to(elsewhere / "private.png")
    (root / "folder").symlink_to(elsewhere)
    (root / "inside.png").symlink_to("cat/a.png")
    named = ["linked.png", "folder/private.png", "inside.png", str(root / "linked.png")]
    named += [str(elsewhere / "private.png")]
    rows = [f"{name},{'cat' if i % 2 else 'dog'}" for i, name in enumerate(named)]
    (root / "list.csv").write_text("\n".join(["path,label", *rows, ""]), encoding="utf-8")
    listing = find_pictures(root / "list.csv", DATA)
    refused = [isinstance(path, PictureError) for path in listing.store.paths]
    # An absolute path elsewhere was named by whoever wrote the manifest, and no link.
    assert refused == [True, True, False, True, False]


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
@pytest.mark.parametrize(
    "name", ["a b.png", 'it\'s "x".png', "ü漢字.PNG", "new\nline.png", "%s{}.png"]
)
def test_any_name_will_do(root, name):
    (root / "cat" / name).write_bytes(picture(72))
    listing = find_pictures(root, DATA)
    at = listing.table.column("path").to_pylist().index(f"cat/{name}")
    [(_, blob)] = listing.store.iterate_blobs(np.array([at]))
    assert blob() == picture(72)


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
def test_a_name_that_is_no_text_is_spelled_out(root):
    try:
        Path(os.fsdecode(os.fsencode(root / "cat") + b"/\xff.png")).write_bytes(picture(73))
    except OSError:
        pytest.skip("the file system takes only UTF-8")
    listing = find_pictures(root, DATA)
    at = listing.table.column("path").to_pylist().index("cat/\\xff.png")
    [(_, blob)] = listing.store.iterate_blobs(np.array([at]))
    assert blob() == picture(73)


def test_the_wrong_level_is_told_with_the_right_one(root):
    above = refused(root.parent)
    assert (above.slug, f"{root.parent}/pets" in above.hint) == ("pictures-level", True)
    below = refused(root / "cat")
    assert (below.slug, "folder above" in below.hint) == ("pictures-level", True)


@pytest.fixture
def above(tmp_path):
    """A folder with two sets of class folders."""
    class_folders(tmp_path / "all" / "my flowers", CLASSES, 3)
    class_folders(tmp_path / "all" / "checked", CLASSES, 1, first=50)
    return tmp_path / "all"


def test_a_folder_above_several_data_sets_is_warned_of_first(above):
    (above / "empty").mkdir()
    first = find_pictures(above, DATA).notices[0]
    assert first.slug == "pictures-height"
    assert first.is_warning
    assert f"'my flowers' {', '.join(map(repr, sorted(CLASSES)))}." in first.message
    assert first.message.endswith(f"datacleanse audit '{above}/my flowers'")


@pytest.mark.parametrize("beside", ["churn/churn.csv", "runs/x/run.json", "x/deep/a.jsonl.gz"])
def test_runs_and_tables_beside_data_sets_show_the_wrong_level(above, beside):
    (above / beside).parent.mkdir(parents=True)
    (above / beside).write_text("")
    error = refused(above)
    assert error.slug == "pictures-level"
    assert f"datacleanse audit '{above}/my flowers'" in error.hint
    assert f"({beside.removesuffix('/run.json')})" in error.message


@pytest.fixture
def project(tmp_path):
    """A folder of class folders, and beside it the demonstration's pictures, which are more."""
    place = tmp_path / "project"
    class_folders(place / "flowers", CLASSES, 2)
    for name in ("digits", "test"):
        class_folders(place / "runs" / "demo-pictures-data" / name, ("0", "1"), 4, first=50)
    return place


@pytest.mark.parametrize("beside", ["churn.csv", "runs/demo-pictures/run.json", "tables/a.csv"])
def test_the_demonstrations_pictures_beside_a_data_set_hide_no_wrong_level(project, beside):
    (project / beside).parent.mkdir(parents=True, exist_ok=True)
    (project / beside).write_text("tenure,churn\n1,no\n")
    error = refused(project)
    assert error.slug == "pictures-level"
    assert "looks one level too high: 'flowers'" in error.message
    assert "runs (runs/demo-pictures" in error.message
    assert error.hint.startswith(
        f"If those are the classes: datacleanse audit {project}/flowers. If flowers is one, move"
    )


def test_a_table_beside_data_sets_shows_the_wrong_level_unless_it_lists_pictures(above):
    (above / "list.csv").write_text("path,label\nchecked/cat/050.png,cat\n")
    assert "pictures-height" in notices(find_pictures(above, DATA))
    (above / "churn.csv").write_text("tenure,churn\n1,no\n")
    assert "beside it lies a table (churn.csv)." in refused(above).message


def test_a_cleaned_copy_beside_a_data_set_shows_the_wrong_level(tmp_path):
    for name in ("flowers", "flowers_cleaned"):
        class_folders(tmp_path / name, CLASSES, 2)
    (tmp_path / "flowers_cleaned.diff.csv").write_text("row,id\n3,cat/000.png\n")
    error = refused(tmp_path)
    assert "beside it lies a cleaned copy (flowers_cleaned)." in error.message
    assert f"datacleanse audit {tmp_path}/flowers." in error.hint
    assert len(find_pictures(tmp_path / "flowers_cleaned", DATA).store) == 4


def test_a_folder_of_runs_is_no_class(root):
    class_folders(root / "runs" / "demo-pictures-data" / "digits", CLASSES, 1, first=60)
    class_folders(root / "runs" / "demo-pictures-data" / "test", CLASSES, 1, first=60)
    listing = find_pictures(root, DATA)
    assert set(listing.table.column("label").to_pylist()) == set(CLASSES)
    assert "4 pictures in folders that are no class: runs (runs/demo-pictures-data)." in notices(
        listing
    ).get("pictures-apart", "")


def test_a_folder_of_runs_is_told_as_such(project):
    runs = project / "runs"
    alone = refused(runs)
    assert "holds only what the demonstration made: 'demo-pictures-data'." in alone.message
    assert f"{runs}/demo-pictures-data/digits" in alone.hint
    (runs / "demo-pictures").mkdir()
    (runs / "demo-pictures" / "run.json").write_text("{}")
    error = refused(runs)
    assert error.slug == "data-is-run"
    assert "holds runs and no data: 'demo-pictures', 'demo-pictures-data'." in error.message
    assert f"datacleanse report {runs}/demo-pictures`" in error.hint


@pytest.mark.parametrize("names", [("batch1", "batch2"), ("2020-01", "2020-02")])
def test_numbered_folders_in_classes_are_no_classes(tmp_path, names):
    for name in CLASSES:
        class_folders(tmp_path / name, names, 2)
    (tmp_path / "list.csv").write_text("")
    (tmp_path / CLASSES[0] / "notes.csv").write_text("")
    assert "pictures-height" not in notices(find_pictures(tmp_path, DATA))


def test_a_few_folders_in_a_class_are_no_data_set(root):
    class_folders(root / "cat" / "old", ("indoors", "outdoors"), 1)
    class_folders(root / "cat" / "new", ("indoors", "outdoors"), 1)
    assert "pictures-height" not in notices(find_pictures(root, DATA))


def test_a_single_class_folder_is_no_audit(root):
    for path in (root / "dog").iterdir():
        path.unlink()
    assert refused(root).slug == "label-one-class"


def test_parts_of_a_set_go_by_their_role(root):
    split = root.parent / "split"
    split.mkdir()
    root.rename(split / "train")
    class_folders(split / "test", CLASSES, 1, first=50)
    class_folders(split / "val", CLASSES, 2, first=60)
    counts = {
        role: len(find_pictures(split, Asked(role)).store) for role in ("DATA", "CLEAN", "TEST")
    }
    assert counts == {"DATA": 6, "CLEAN": 4, "TEST": 2}
    assert "test, val" in notices(find_pictures(split, DATA))["pictures-part"]
    assert refused(split, Asked("NEW")).slug == "pictures-split"


def test_classes_may_be_named_like_parts_if_no_class_folders_lie_in_them(root):
    (root / "cat").rename(root / "train")
    (root / "dog").rename(root / "test")
    listing = find_pictures(root, DATA)
    assert set(listing.table.column("label").to_pylist()) == {"train", "test"}


def lines(*paths):
    return "path,label\n" + "".join(f"{path},{'ab'[at % 2]}\n" for at, path in enumerate(paths))


def test_a_manifest_that_climbs_out_is_refused(root):
    (root / "m.csv").write_text(lines("cat/000.png", "../secret.png", "cat/../../x.png"))
    error = refused(root / "m.csv")
    assert error.slug == "path-outside"
    assert "rows 1, 2" in error.message
    assert "../secret.png" in error.message
    (root / "m.csv").write_text(lines("cat/000.png", "cat/001.png", "..\\secret.png"))
    assert refused(root / "m.csv").slug == "path-outside"
    (root / "m.csv").write_text(lines("cat/../dog/003.png", "cat/000.png", "..hidden/a.png"))
    assert len(find_pictures(root / "m.csv", DATA).store) == 3


def test_what_a_manifest_points_to_in_vain_is_told_picture_by_picture(root):
    (root / "cat" / "folder.png").mkdir()
    paths = [
        "gone.png",
        "cat/folder.png",
        "https://x.org/1.png",
        "cat\\000.png",
        "cat/000.png/x.png",
    ]
    (root / "m.csv").write_text(lines(*paths))
    found = []
    for _, blob in find_pictures(root / "m.csv", DATA).store.iterate_blobs(np.arange(5)):
        try:
            found.append(blob())
        except PictureError as error:
            found.append(str(error))
    assert found[:3] == [
        "does not exist",
        "is a folder",
        "is an address; download it and give its path",
    ]
    assert found[3] == (root / "cat/000.png").read_bytes()
    assert found[4] == "does not exist"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes as files on Windows")
def test_a_pipe_named_like_a_picture_is_not_waited_for(root):
    os.mkfifo(root / "cat" / "pipe.png")
    listing = find_pictures(root, DATA)
    at = listing.table.column("path").to_pylist().index("cat/pipe.png")
    [(_, blob)] = listing.store.iterate_blobs(np.array([at]))
    with pytest.raises(PictureError, match="pipe"):
        blob()


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
def test_a_link_that_may_not_be_followed_leads_out(root, monkeypatch):
    (root / "cat" / "locked.png").symlink_to(root / "cat" / "a.png")
    real = os.path.realpath

    def follow(path, **named):
        if str(path).endswith("locked.png"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, **named)

    monkeypatch.setattr(os.path, "realpath", follow)
    listing = find_pictures(root, DATA)
    at = listing.table.column("path").to_pylist().index("cat/locked.png")
    assert isinstance(listing.store.paths[at], PictureError)
