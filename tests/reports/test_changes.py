"""What changed between two runs: the same rows found, and every number that of the tables."""

from __future__ import annotations

import io
import json
from collections import Counter
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from datacleanse.errors import SettingsError
from datacleanse.review.decisions import Decision, append_decisions
from datacleanse_cli.changes_summary import print_changes
from datacleanse_reports.changes import markdown
from datacleanse_reports.changes.rows import pair_rows
from datacleanse_reports.changes.view import read_changes
from datacleanse_reports.changes.write import describe_changes, write_changes
from tests.reports.conftest import Fabricated, write_json


def rewrite(folder, change):
    """Change the audit table's records, and with them what `run.json` says of their labels."""
    table = pq.read_table(folder.audit_file)
    records = table.to_pylist()
    change({record["row"]: record for record in records}, records)
    pq.write_table(pa.Table.from_pylist(records, schema=table.schema), folder.audit_file)
    given = Counter(record["given_label"] for record in records)

    def count(manifest):
        known = dict.fromkeys(manifest["data"]["classes"], 0)
        manifest["data"]["classes"] = {**known, **given}

    edit_manifest(folder, count)


def edit_manifest(folder, change):
    manifest = json.loads(folder.manifest_file.read_text(encoding="utf-8"))
    change(manifest)
    write_json(folder.manifest_file, manifest)


@pytest.fixture
def pair(tmp_path):
    """Two runs of one table; flagged are rows 0 to 3 before and rows 2 to 5 now."""
    folders = []
    for name, flagged in (("before", range(4)), ("now", range(2, 6))):
        run = Fabricated()
        run.manifest["run_id"] = name
        folder = run.write(tmp_path / name)

        def change(by_row, records, flagged=flagged):
            for record in records:
                record["flagged"] = record["row"] in flagged
                record["verified_label"] = None
                record["rank"] = record["row"] + 1

        rewrite(folder, change)
        folders.append(folder)
    return folders


def rows(changes):
    return [change.shown.row for change in changes]


def test_flags_that_came_went_and_stayed(pair):
    before, now = pair

    def change(by_row, records):
        by_row[0]["given_label"] = "another"
        by_row[1]["verified_label"] = "yes"
        by_row[7]["rank"], by_row[50]["rank"] = 51, 8

    rewrite(now, change)
    changes = read_changes(now, before)
    assert changes.matched_by == "row"
    assert rows(changes.newly_flagged) == [4, 5]
    assert rows(changes.resolved) == [0, 1]
    assert [change.outcome for change in changes.resolved] == ["relabelled", "verified"]
    assert changes.still_flagged == 2
    assert [(c.before.rank, c.now.rank) for c in changes.moves] == [(8, 51), (51, 8)]
    assert {name for name, count in changes.outcomes.items() if count} == {"relabelled", "verified"}


def decide(folder, *made):
    """Decisions about the run as the review page would have written them."""
    run_id = folder.manifest().run_id
    given = folder.read_audit_columns(("given_label",))["given_label"].to_pylist()
    append_decisions(
        folder.decisions_file,
        [
            Decision(row, str(row), None, given[row], act, new, "", "", run_id)
            for row, act, new in made
        ],
    )


def keep_stored(folder, n_rows):
    """The stored suspects of a run that are rows of a shorter table."""
    with pq.ParquetFile(folder.suspects_file) as file:
        table = file.read()
    pq.write_table(table.filter(pc.less(table["row"], n_rows)), folder.suspects_file)


def test_what_was_decided_is_no_row_that_is_gone(pair):
    before, now = pair
    decide(before, (0, "drop", None), (1, "relabel", "yes"), (2, "keep", None), (3, "keep", None))

    def change(by_row, records):
        for row in range(6):
            by_row[row]["flagged"] = row > 3
        by_row[1]["given_label"] = "yes"
        by_row[2]["verified_label"] = by_row[2]["given_label"]

    rewrite(now, change)
    shortened_by(now, [0])
    keep_stored(now, 59)
    changes = read_changes(now, before)

    assert changes.matched_by == "id"
    assert {c.before.row: c.outcome for c in changes.resolved} == {
        0: "dropped",
        1: "corrected",
        2: "kept",
        3: "cleared",  # the audit finds so without the decision, which was not handed over
    }
    text = markdown.render(changes)
    assert "1 corrected as decided, 1 kept as decided, 1 dropped as decided" in text
    assert "gone" not in text


def test_decisions_about_another_run_explain_nothing(pair):
    before, now = pair
    decide(now, (0, "drop", None))
    before.decisions_file.write_bytes(now.decisions_file.read_bytes())
    shortened_by(now, [0])
    keep_stored(now, 59)
    assert read_changes(now, before).outcomes["gone"] == 1


def shortened_by(folder, dropped, *, sha256="other"):
    """The run as of a table in which some rows were dropped."""
    table = pq.read_table(folder.audit_file)
    keep = pc.invert(pc.is_in(table["row"], pa.array(dropped)))
    kept = table.filter(keep)
    kept = kept.set_column(0, kept.schema.field(0), pa.array(range(len(kept))))
    at = kept.schema.get_field_index("rank")
    order = pc.rank(kept["rank"]).cast(pa.int64())
    kept = kept.set_column(at, kept.schema.field(at), order)
    pq.write_table(kept.cast(table.schema), folder.audit_file)

    def change(manifest):
        manifest["data"]["sha256"] = sha256
        manifest["data"]["rows"] = len(kept)
        manifest["data"]["classes"] = dict(Counter(kept["given_label"].to_pylist()))
        manifest["noise"]["rate"]["rows"] = len(kept)

    edit_manifest(folder, change)
    for file in (
        folder.likelihoods_file,
        folder.neighbours_file,
        folder.conflicts_file,
        folder.telling_file,
    ):
        file.unlink()


@pytest.mark.parametrize("id_", ["person", None])
def test_rows_are_the_same_by_id_or_content_when_others_were_dropped(tmp_path, pair, id_):
    before, now = pair
    for folder in pair:
        edit_manifest(folder, lambda manifest: manifest["data"].update(id=id_))
    shortened_by(now, [0, 3, 30])
    places = {row: place for place, row in enumerate(r for r in range(60) if r not in (0, 3, 30))}
    files = []
    for folder in pair:  # the same own columns, by rows of each run
        with pq.ParquetFile(folder.suspects_file) as file:
            table = file.read()
        unique = pa.array([f"cell {row}" for row in table.column(0).to_pylist()])
        # Names may repeat; a column that is called like the first one is the data's own.
        parts = [table.column(0), unique, unique, unique, table["label"]]
        table = pa.table(parts, names=["row", "x", "x", "row", "label"])
        files.append((folder, table))
    folder, table = files[1]
    table = table.filter(pc.invert(pc.is_in(table.column(0), pa.array([0, 3, 30]))))
    moved = pa.array([places[row] for row in table.column(0).to_pylist()])
    files[1] = folder, table.set_column(0, "row", moved)
    for folder, table in files:
        pq.write_table(table, folder.suspects_file)

    changes = read_changes(now, before)

    assert changes.matched_by == ("id" if id_ else "content")
    found = [(change.before.row, change.outcome) for change in changes.resolved]
    assert found == [(0, "gone"), (1, "cleared"), (3, "gone")]
    assert {c.before.row: c.now.row for c in changes.newly_flagged} == {4: 2, 5: 3}
    assert changes.still_flagged == 1


def write_pictures(folder, names):
    """The run as of pictures: of some rows, by rank, what they show is stored."""
    table = pq.read_table(folder.audit_file)
    ids = pa.array([names.get(row, f"a/{row}.png") for row in range(table.num_rows)])
    pq.write_table(table.set_column(1, table.schema.field(1), ids), folder.audit_file)
    edit_manifest(folder, lambda manifest: manifest["data"].update(id="path"))


def store_contents(folder, contents):
    schema = pa.schema(
        [
            pa.field("row", pa.int64()),
            pa.field("label", pa.string()),
            pa.field("content", pa.string(), metadata={b"datacleanse": b"content"}),
        ]
    )
    columns = [list(contents), ["?"] * len(contents), list(contents.values())]
    pq.write_table(pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema),
                   folder.suspects_file)  # fmt: skip


def test_pictures_are_the_same_by_what_they_show_wherever_they_lie(pair):
    before, now = pair
    edit_manifest(now, lambda manifest: manifest["data"].update(sha256="other"))
    write_pictures(before, {})
    # Row 0 was relabelled and lies elsewhere; another picture has the path that row 1 had; of
    # row 3 nothing is stored now.
    write_pictures(now, {7: "b/0.png", 0: "new/0.png", 1: "a/1.png"})
    store_contents(before, {0: "zero", 1: "one", 2: "two", 3: "three", 7: "seven"})
    store_contents(now, {7: "zero", 1: "another", 2: "two", 4: "four"})

    def change(by_row, records):
        by_row[7]["given_label"] = "another"

    rewrite(now, change)
    changes = read_changes(now, before)
    assert changes.matched_by == "picture"
    found = [(change.before.row, change.outcome) for change in changes.resolved]
    assert found == [(0, "relabelled"), (1, "gone")]
    assert changes.resolved[0].now.row == 7
    # Rows 2 and 3 stay flagged, by content and by path.
    assert changes.still_flagged == 2
    assert "what they show" in markdown.render(changes)


def test_metrics_are_compared_where_both_runs_were_tested(pair):
    before, now = pair
    edit_manifest(
        now, lambda manifest: manifest["metrics"]["test"]["reweighted"].update(accuracy=0.95)
    )
    changes = read_changes(now, before)
    accuracy = next(metric for metric in changes.metrics if metric.name == "accuracy")
    assert (accuracy.before, accuracy.now) == (0.91, 0.95)
    assert accuracy.difference == pytest.approx(0.04)
    assert changes.same_test
    edit_manifest(now, lambda manifest: manifest["test"].update(sha256="another"))
    assert not read_changes(now, before).same_test
    edit_manifest(now, lambda manifest: manifest["metrics"].update(test=None))
    assert read_changes(now, before).metrics == ()


def test_a_run_is_not_compared_with_itself(pair):
    with pytest.raises(SettingsError, match="same run"):
        read_changes(pair[0], pair[0])


def test_runs_of_other_data_are_refused(tmp_path, pair):
    other = Fabricated()
    other.classes, other.manifest["run_id"] = ("ham", "spam"), "other"
    folder = other.write(tmp_path / "other")
    edit_manifest(folder, lambda manifest: manifest["data"].update(sha256="other"))
    for each, cell in ((folder, "text"), (pair[0], "number")):
        edit_manifest(each, lambda manifest: manifest["data"].update(id=None))
        table = pq.read_table(each.suspects_file, columns=["row", "label"])
        cells = pa.array([f"{cell} {row}" for row in table["row"].to_pylist()])
        pq.write_table(table.append_column("x", cells), each.suspects_file)

    with pytest.raises(SettingsError, match="no row and no class in common"):
        read_changes(folder, pair[0])


def test_a_run_of_numbers_and_one_of_classes_have_nothing_in_common(pair):
    before, now = pair
    first, second = before.manifest(), now.manifest()
    numbers = SimpleNamespace(classes=None, data=second.data)
    with pytest.raises(SettingsError, match="now audited numbers"):
        pair_rows(before, now, (first, numbers))
    with pytest.raises(SettingsError, match="before audited numbers"):
        pair_rows(before, now, (numbers, second))


def test_files_hold_the_view_and_hostile_text_stays_text(pair):
    before, now = pair
    changes = read_changes(now, before)
    written = write_changes(changes, now)
    found = json.loads(written["json"].read_text(encoding="utf-8"))
    assert found == json.loads(json.dumps(describe_changes(changes)))
    assert found["schema_version"] == 1
    text = written["md"].read_text(encoding="utf-8")
    assert text == markdown.render(changes)
    assert "<script" not in text.replace("\\<script", "")
    assert "Newly flagged (2 of 2)" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_keeps_to_its_width(pair, width):
    changes = read_changes(pair[1], pair[0])
    out = io.StringIO()
    print_changes(changes, Console(file=out, width=width), written=[])
    assert max(map(len, out.getvalue().splitlines())) <= width
    text = " ".join(out.getvalue().split())
    assert "Flagged: 8 before, 8 now: 2 resolved, 2 new, 2 still flagged." in text


def test_compare_on_the_command_line(pair, tmp_path):
    from tests.cli.conftest import run_here

    done = run_here("report", "now", "--compare", "before", "--json", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["still_flagged"] == 2
    done = run_here("report", "now", "--compare", "before", cwd=tmp_path)
    assert "What changed" in done.out
    for arguments, said in (
        (("--compare", "gone"), "gone holds no run"),
        (("--compare", "now"), "same run"),
        (("--compare", "before", "--format", "md"), "--compare is given together with --format"),
        (("--compare", "before", "--top", "3"), "--compare is given together with --top"),
    ):
        done = run_here("report", "now", *arguments, cwd=tmp_path)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


def test_report_says_where_its_files_are_and_writes_cells_raw_if_asked(pair, tmp_path):
    from tests.cli.conftest import run_here

    done = run_here("report", "now", "-f", "csv", "--raw", "--json", cwd=tmp_path)
    assert json.loads(done.out) == {"run": "now", "written": {"csv": "now/reports/suspects.csv"}}
    raw = (tmp_path / "now/reports/suspects.csv").read_text(encoding="utf-8")
    run_here("report", "now", "-f", "csv", cwd=tmp_path)
    safe = (tmp_path / "now/reports/suspects.csv").read_text(encoding="utf-8")
    assert "'=cmd()<b>" in safe
    assert "'=cmd()<b>" not in raw
    assert ("'@SUM" in safe, "'@SUM" in raw) == (True, False)
