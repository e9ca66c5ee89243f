"""`apply` and `audit --decisions` on pictures as a user types them; originals stay as they are."""

from __future__ import annotations

import json
import os
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacleanse.data.rewriting import Edits
from datacleanse.errors import InputError
from datacleanse.pictures.find import find_pictures
from datacleanse.pictures.interface import Asked
from datacleanse.review.decisions import Decision, append_decisions, read_clock
from datacleanse.review.write_pictures import write_tree
from tests.cli.conftest import run_here
from tests.cli.tiny import contents
from tests.pictures.made import class_folders, picture
from tests.tries import tries

CLASSES = ("cat", "dog")
AUDIT = ("audit", "data", "--val", "clean", "--epochs", "2", "--fast", "-q", "-o")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run of class folders, and one of the same pictures as bytes; for copying."""
    folder = tmp_path_factory.mktemp("made")
    data = class_folders(folder / "data", CLASSES, 20, size=(12, 12))
    (data / "cat" / "bad.png").write_bytes(b"bad")
    class_folders(folder / "clean", CLASSES, 12, first=100, size=(12, 12))
    rows = [(p.read_bytes(), p.parent.name) for p in sorted(data.rglob("*.png"))]
    table = pa.table({"image": [blob for blob, _ in rows], "label": [label for _, label in rows]})
    pq.write_table(table, folder / "bytes.parquet", row_group_size=7)
    done = run_here(*AUDIT, "run", cwd=folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A copy, with decisions: two relabelled, one dropped, one kept."""
    place = tmp_path / "work"
    shutil.copytree(made, place)
    monkeypatch.chdir(place)
    decide(place / "run", {"cat/003.png": "dog", "dog/025.png": "cat", "cat/007.png": None})
    return place


def decide(run, new_labels):
    """Save decisions about ids: a new label, or None to drop the row."""
    audit = pq.read_table(run / "audit.parquet").to_pandas().set_index("id")
    run_id = json.loads((run / "run.json").read_text())["run_id"]
    made = []
    for key, label in new_labels.items():
        row = audit.loc[key]
        action = "drop" if label is None else "relabel"
        made.append(
            Decision(
                int(row["row"]),
                key,
                row["row_sha256"],
                row["given_label"],
                action,
                label,
                "me",
                read_clock(),
                run_id,
            )
        )
    append_decisions(run / "decisions.jsonl", made)


def labels_of(folder):
    """(new label, old label, name) of every picture of a relabelled tree, by its bytes."""
    old = {p.read_bytes(): p for p in (folder / "data").rglob("*.png")}
    tree = folder / "cleaned"
    return {
        (p.relative_to(tree).parts[0], old[p.read_bytes()].parent.name, p.name)
        for p in tree.rglob("*.png")
    }


@pytest.mark.parametrize("link", [False, True])
def test_a_tree_of_class_folders_has_the_new_labels(folder, program, link):
    before = contents(folder / "data")
    done = program("apply", "run", "-o", "cleaned", "-q", *(["--link"] if link else []))
    assert (done.code, done.err) == (0, "")
    assert "relabelled 2, dropped 1" in done.out
    assert contents(folder / "data") == before
    found = labels_of(folder)
    assert {each for each in found if each[0] != each[1]} == {
        ("dog", "cat", "003.png"),
        ("cat", "dog", "025.png"),
    }
    assert len(found) == 40  # 41 pictures, the unreadable one with them, less the dropped one
    links = [p.is_symlink() for p in (folder / "cleaned").rglob("*.png")]
    assert all(links) if link else not any(links)
    diff = pd.read_csv(folder / "cleaned.diff.csv")
    assert diff["action"].tolist() == ["relabel", "drop", "relabel"]
    assert diff["id"].tolist() == ["cat/003.png", "cat/007.png", "dog/025.png"]


def test_a_manifest_leads_to_the_originals(folder, program):
    (folder / "out").mkdir()
    for name in ("cleaned.csv", "out/cleaned.jsonl"):
        assert program("apply", "run", "-o", name, "-q").code == 0
    frame = pd.read_csv(folder / "cleaned.csv").set_index("path")["label"]
    assert frame["data/cat/003.png"] == "dog"
    assert frame["data/dog/025.png"] == "cat"
    assert "data/cat/007.png" not in frame.index
    assert len(frame) == 40
    elsewhere = pd.read_json(folder / "out" / "cleaned.jsonl", lines=True)
    assert all(os.path.isabs(path) and os.path.isfile(path) for path in elsewhere["path"])  # noqa: PTH113, PTH117


def test_what_was_applied_is_known_again(folder, program):
    assert program("apply", "run", "-o", "cleaned", "-q").code == 0
    done = program("apply", "run", "--data", "cleaned", "-o", "again", "-q", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["done"], told["relabelled"], told["dropped"], told["refused"]) == (3, 0, 0, [])
    assert told["data_changed"]


def test_unchanged_data_is_known_to_be_so(program):
    told = json.loads(program("apply", "run", "-o", "cleaned", "-q", "--json").out)
    assert not told["data_changed"]
    assert (told["rows"], told["rows_after"]) == (41, 40)


def test_a_picture_that_was_exchanged_is_not_touched(folder, program):
    (folder / "data" / "cat" / "003.png").write_bytes(picture(999))
    told = json.loads(program("apply", "run", "-o", "cleaned", "-q", "--json").out)
    assert [(each["id"], each["reason"]) for each in told["refused"]] == [
        ("cat/003.png", "changed")
    ]
    assert told["relabelled"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "data/cleaned"), "among the pictures"),
        (("-o", "clean"), "exists already"),
        (("-o", "clean", "--force"), "no list of changes"),
        (("-o", "cleaned.csv", "--link"), "--link"),
        (("--data", "nowhere"), "nowhere does not exist"),
        (("-o", "nowhere/cleaned"), "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_refused(folder, program, arguments, said):
    before = contents(folder)
    done = program("apply", "run", "-q", *arguments)
    assert (done.code, said in done.err) == (2, True), done.err
    assert contents(folder) == before


@pytest.mark.parametrize("link", [False, True])
def test_a_tree_of_its_own_is_replaced_whole_where_that_is_asked_for(folder, program, link):
    again = ("apply", "run", "-o", "cleaned", "-q", *(["--link"] if link else []))
    assert program(*again).code == 0
    (folder / "cleaned" / "dog" / ".DS_Store").touch()
    # Another decision, by which a picture moves on.
    decide(folder / "run", {"cat/003.png": None})
    before = contents(folder / "cleaned")
    refused = program(*again)
    assert (refused.code, "replace it with --force" in refused.err) == (2, True)
    assert contents(folder / "cleaned") == before
    done = program(*again, "--force")
    assert (done.code, done.err) == (0, "")
    assert not (folder / "cleaned" / "dog" / "003.png").exists()
    assert not (folder / "cleaned" / "dog" / ".DS_Store").exists()
    assert len(labels_of(folder)) == 39
    assert not list(folder.glob(".*part"))
    assert "cat/003.png,drop" in (folder / "cleaned.diff.csv").read_text()


def lose_list(tree):
    tree.with_name("cleaned.diff.csv").unlink()


def write_other_list(tree):
    tree.with_name("cleaned.diff.csv").write_text("a,b\n1,2\n")


def link_elsewhere(tree):
    tree.rename(tree.with_name("moved"))
    tree.symlink_to("moved")


STRANGE = {
    "no list of changes": (lose_list, "no list of changes, cleaned.diff.csv"),
    "another list": (write_other_list, "no list of changes"),
    "a link": (link_elsewhere, "it is a link"),
    "a file at its top": (lambda tree: (tree / "notes.txt").touch(), "'notes.txt' in it"),
    "a picture at its top": (lambda tree: (tree / "a.png").touch(), "'a.png' in it"),
    "no picture": (lambda tree: (tree / "cat" / "a.txt").touch(), "'cat/a.txt' in it"),
    "a repository": (lambda tree: (tree / ".git").mkdir(), "'.git' in it"),
    "a link to a folder": (lambda tree: (tree / "x").symlink_to("/usr"), "'x' in it"),
}


@pytest.mark.parametrize("case", STRANGE.values(), ids=STRANGE)
def test_a_folder_that_is_not_its_own_is_never_replaced(folder, program, case):
    change, said = case
    assert program("apply", "run", "-o", "cleaned", "-q").code == 0
    change(folder / "cleaned")
    before = contents(folder)
    done = program("apply", "run", "-o", "cleaned", "-q", "--force")
    assert (done.code, said in done.err) == (2, True), done.err
    assert "cleaned is not replaced" in done.err
    assert contents(folder) == before


def test_a_folder_that_holds_what_is_read_is_never_replaced(folder, program):
    assert program("apply", "run", "-o", "cleaned", "-q").code == 0
    (folder / "cleaned" / "cat" / "deep").mkdir()
    shutil.copytree(folder / "data", folder / "cleaned" / "cat" / "deep" / "data")
    inner = ("apply", "run", "--data", "cleaned/cat/deep/data", "-q", "--force", "-o")
    done = program(*inner, "cleaned")
    assert (done.code, "which is read" in done.err) == (2, True), done.err
    assert (folder / "cleaned" / "cat" / "deep" / "data" / "cat" / "000.png").exists()
    own = program("apply", "run", "--data", "cleaned", "-q", "--force", "-o", "cleaned")
    assert (own.code, "among the pictures" in own.err) == (2, True), own.err


def test_a_class_that_data_never_has_is_not_given(folder, program):
    decide(folder / "run", {"cat/004.png": "../dog"})
    done = program("apply", "run", "-o", "cleaned", "-q")
    assert done.code == 0, done.err
    assert "cat/004.png" not in pd.read_csv(folder / "cleaned.diff.csv")["id"].tolist()
    assert not (folder / "dog").exists()


@pytest.mark.parametrize("label", ["../x", "a/b", ".", ""])
def test_a_label_that_cannot_name_a_folder_leaves_nothing(folder, label):
    paths = ["data/cat/000.png", "data/dog/020.png"]
    frame = pd.DataFrame({"path": paths, "label": ["cat", label]})
    listing = find_pictures(frame, Asked("DATA", label="label"))
    with pytest.raises(InputError, match="cannot name a folder"):
        write_tree(listing, Edits({}, frozenset()), folder / "tree", link=False)
    assert not list(folder.glob("*tree*"))


def test_pictures_of_one_name_are_kept_apart(folder):
    (folder / "data" / "dog" / "000.png").write_bytes(picture(500))
    frame = pd.DataFrame({"path": ["data/cat/000.png", "data/dog/000.png"], "label": ["a", "a"]})
    listing = find_pictures(frame, Asked("DATA", label="label"))
    write_tree(listing, Edits({}, frozenset()), folder / "tree", link=False)
    assert sorted(path.name for path in (folder / "tree" / "a").iterdir()) == [
        "000-1.png",
        "000.png",
    ]


def test_encoded_pictures_are_cleaned_in_their_own_format(folder, program):
    done = program("audit", "bytes.parquet", *AUDIT[2:], "run2")
    assert done.code == 0, done.err
    decide(folder / "run2", {"3": "dog", "7": None})
    refused = program("apply", "run2", "-o", "c.csv", "-q")
    assert (refused.code, "cannot hold the pictures" in refused.err) == (2, True)
    done = program("apply", "run2", "-o", "c.parquet", "-q")
    assert (done.code, done.err) == (0, "")
    old, new = (pq.read_table(folder / name).to_pylist() for name in ("bytes.parquet", "c.parquet"))
    at = next(n for n, row in enumerate(new) if old_label(old, row) != row["label"])
    assert new[at]["label"] == "dog"
    assert len(new) == len(old) - 1


def old_label(old, row):
    return next(each["label"] for each in old if each["image"] == row["image"])


def test_reviewed_pictures_join_the_clean_set(folder, program):
    done = program(*AUDIT, "second", "--decisions", "run/decisions.jsonl")
    assert done.code == 0, done.err
    told = json.loads((folder / "second" / "run.json").read_text())
    assert told["reviewed"]["rows"] == 2
    neighbours = pq.read_table(folder / "second" / "neighbours.parquet").column("clean_row")
    shown = pq.read_table(folder / "second" / "thumbnails.parquet").to_pandas()
    clean = shown[shown["source"] == "clean"]["row"]
    assert set(clean) == set(neighbours.to_pylist())
    assert max(clean) >= 24  # one of the reviewed rows is among them


@pytest.mark.skipif(os.name == "nt", reason="making links takes a privilege on Windows")
@pytest.mark.parametrize("link", [(), ("--link",)])
def test_no_file_outside_comes_into_the_cleaned_tree_by_a_link(folder, program, link):
    (folder / "secret").write_bytes(b"secret-key")
    for name in ("holiday.png", "003.png"):  # one that is new, one that was audited
        (folder / "data" / "cat" / name).unlink(missing_ok=True)
        (folder / "data" / "cat" / name).symlink_to("../../secret")
    (folder / "run" / "decisions.jsonl").unlink()
    decide(folder / "run", {"dog/025.png": "cat"})
    done = program("apply", "run", "-o", "tree", "-q", *link)
    assert done.code == 0, done.err
    found = [path for path in (folder / "tree").rglob("*") if path.is_file()]
    assert len(found) == 40
    assert not [path for path in found if b"secret" in path.read_bytes()]


def arrange(folder, names, *, labels=None):
    """Pictures of these names below `m/`, and their listing by a manifest in memory."""
    for k, name in enumerate(names):
        path = folder / "m" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(600 + k))
    paths = [str(folder / "m" / name) for name in names]
    frame = pd.DataFrame({"path": paths, "label": labels or ["a"] * len(names)})
    return find_pictures(frame, Asked("DATA", label="label"))


def bytes_below(place):
    return sorted(path.read_bytes() for path in place.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("0/q.png", "1/q-2.png", "2/q.png"), {"q.png", "q-2.png", "q-2-2.png"}),
        (("0/q.png", "1/q.png", "2/q-1.png"), {"q.png", "q-1.png", "q-1-2.png"}),
        (("0/q.png", "1/q.png", "2/q-1.png", "3/q-1-2.png"), None),
        (("0/q.png", "1/q.png", "2/q-1.png", "3/q-1-2.png", "4/q-1.png"), None),
        (("0/.q.png", "1/_.q.png"), {"_.q.png", "_.q-1.png"}),
        (('0/a b\'s "x"\n.png', "1/-rf.png", "2/NA.png", "3/-rf.png"), None),
        ((*(f"{k}/x.png" for k in range(20)), "20/plain", "21/plain"), None),
        (("0/" + "x" * 251 + ".png", "1/" + "x" * 251 + ".png"), None),
    ],
)
def test_every_picture_arrives_whatever_the_names_are(folder, names, expected):
    """A substitute for a name that is taken is never one that another picture has or gets."""
    listing = arrange(folder, names)
    write_tree(listing, Edits({}, frozenset()), folder / "tree", link=False)
    assert bytes_below(folder / "tree") == bytes_below(folder / "m")
    assert len(find_pictures(str(folder / "tree"), Asked("NEW")).store) == len(names)
    if expected is not None:
        assert {path.name for path in (folder / "tree" / "a").iterdir()} == expected


@settings(max_examples=tries(40), deadline=None)
@given(
    names=st.lists(
        st.tuples(
            st.sampled_from(["x", "y"]),
            st.sampled_from(["", "d/", "x.png/"]),
            st.sampled_from(["x.png", "x-0.png", "x-1.png", "x-2.png", "x-1-2.png", "X.png"]),
        ),
        min_size=1,
        max_size=8,
        unique=True,
    ),
    moved=st.sets(st.integers(0, 7)),
)
def test_a_tree_holds_every_picture_after_any_relabelling(tmp_path_factory, names, moved):
    """Of class folders, whose pictures may lie deeper, where a file may want a folder's name."""
    folder = tmp_path_factory.mktemp("any")
    names = [each for each in names if each[1] != "x.png/" or (each[0], "", "x.png") not in names]
    for k, (label, below, name) in enumerate([*names, ("z", "", "z.png"), ("w", "", "w.png")]):
        path = folder / "m" / label / f"{below}{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(k))
    listing = find_pictures(str(folder / "m"), Asked("DATA"))
    swap = {"x": "y", "y": "x", "z": "x", "w": "y"}
    labels = listing.table.column("label").to_pylist()
    edits = Edits({row: swap[labels[row]] for row in moved if row < len(labels)}, frozenset())
    write_tree(listing, edits, folder / "tree", link=False)
    assert bytes_below(folder / "tree") == bytes_below(folder / "m")


def test_a_picture_that_would_not_be_found_again_leaves_nothing(folder, monkeypatch):
    """As on a system to which two names are one: the folder is read back before it appears."""
    listing = arrange(folder, ["0/q.png", "1/r.png"])
    monkeypatch.setattr(
        "datacleanse.review.write_pictures.choose_places",
        lambda entries, root: [(entry, root / "a" / "q.png") for entry in entries],
    )
    with pytest.raises(InputError, match="Of 2 pictures only 1 would be found"):
        write_tree(listing, Edits({}, frozenset()), folder / "tree", link=False)
    assert not list(folder.glob("*tree*"))


def test_a_label_that_would_hide_its_folder_is_refused(folder):
    listing = arrange(folder, ["0/q.png", "1/r.png"], labels=[".a", "b"])
    with pytest.raises(InputError, match="it would be passed over"):
        write_tree(listing, Edits({}, frozenset()), folder / "tree", link=False)
    assert not list(folder.glob("*tree*"))


def test_pictures_without_a_file_are_told(folder, program):
    (folder / "data" / "cat" / "004.png").unlink()
    found = sorted((folder / "data").rglob("*.png"))
    paths = [path.relative_to(folder).as_posix() for path in found]
    labels = [path.parent.name for path in found]
    gone = "data/cat/gone.png"
    manifest = pd.DataFrame({"path": [*paths, gone], "label": [*labels, "cat"]})
    manifest.to_csv(folder / "m.csv", index=False)
    told = json.loads(program("apply", "run", "--data", "m.csv", "-o", "tree", "-q", "--json").out)
    (said,) = [each for each in told["notices"] if each["slug"] == "pictures-absent"]
    assert said["message"].startswith("1 picture of m.csv cannot be put into a folder")
    assert "gone.png" in said["message"]
