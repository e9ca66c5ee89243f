"""Numbers reviewed, cleaned, audited again: what `apply` writes, what a second round knows."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import datacleanse as dc
from datacleanse.data import ReadOptions, read_data
from datacleanse.errors import InputError
from datacleanse.review.decisions import Decision, read_decisions
from datacleanse.review.judged_suspects import read_judged_suspects
from datacleanse.storage.run_folder import RunFolder
from datacleanse_reports.any_page import read_any_view
from datacleanse_reports.served import ServedReview
from tests.cli.conftest import run_here
from tests.cli.houses import audited, write_houses
from tests.review.verifying import draw, verify

__all__ = ["audited"]  # a fixture

READ = ("--label", "price", "--id", "key", "--task", "regression", "--epochs", "2")


@pytest.fixture
def run(audited, tmp_path):
    """A copy of the audited folder, in which decisions can be made."""
    folder, _, _ = audited
    shutil.copytree(folder, tmp_path / "here")
    return tmp_path / "here"


def decide(folder, *decisions):
    """Write decisions by hand: row, given label, action, new label."""
    keys = ("row", "given_label", "action", "new_label")
    lines = [json.dumps(dict(zip(keys, each, strict=True))) for each in decisions]
    (folder / "run/decisions.jsonl").write_text("\n".join(lines) + "\n")


def read_prices(file):
    return dict(line.split(",")[::3] for line in file.read_text().splitlines()[1:])


def test_only_decided_and_verified_numbers_change_and_all_other_bytes_stay(run):
    given, true = (read_prices(run / f"{name}.csv") for name in ("data", "truth"))
    table = pd.read_parquet(run / "run/audit.parquet").set_index("id")
    open_rows = table[table.verified_label.isna()].sort_values("rank")
    first, second, third = open_rows.index[:3]
    decide(
        run,
        (int(open_rows.row.iloc[0]), given[first], "relabel", "1234.25"),
        (int(open_rows.row.iloc[1]), str(float(given[second])) + "0", "relabel", "77"),
        (int(open_rows.row.iloc[2]), given[third], "drop", None),
    )
    done = run_here("apply", "run", "-o", "cleaned.csv", cwd=run)
    assert done.code == 0, done.err
    verified = table.index[table.verified_label.notna()]
    expected = given | {key: true[key] for key in verified} | {first: "1234.25", second: "77.0"}
    lines = []
    for line in (run / "data.csv").read_text().splitlines():
        key, *rest, _ = line.split(",")
        if key == "key":
            lines.append(line)
        elif key != third:
            lines.append(",".join([key, *rest, expected[key]]))

    assert (run / "cleaned.csv").read_text() == "\n".join(lines) + "\n"
    changes = pd.read_csv(run / "cleaned.diff.csv", dtype=str).set_index("id")
    assert changes.new_label[first] == "1234.25"
    assert changes.action[third] == "drop"
    wrong = [key for key in verified if given[key] != true[key]]
    assert set(changes.index) == {first, second, third, *wrong}
    assert "--task regression" in done.out


@pytest.mark.parametrize(
    ("action", "new", "said"),
    [("relabel", "abc", "'abc' is no number"), ("relabel", "inf", "'inf' is no number")],
)
def test_a_decision_that_names_no_number_is_left_out_and_told(run, action, new, said):
    given = pd.read_csv(run / "data.csv", dtype=str)
    decide(run, (1, given.price[1], "keep", None), (3, given.price[3], action, new))
    done = run_here("apply", "run", "-o", "cleaned.csv", cwd=run)

    assert done.code == 0, done.err
    assert said in done.out
    assert pd.read_csv(run / "cleaned.csv", dtype=str).price[3] == given.price[3]


@pytest.mark.parametrize("ending", [".jsonl", ".parquet", ".feather"])
def test_numbers_are_written_in_the_tables_own_type(run, ending):
    frame = pd.read_csv(run / "data.csv")
    data = run / f"moved{ending}"
    if ending == ".jsonl":
        frame.to_json(data, orient="records", lines=True)
    elif ending == ".parquet":
        frame.to_parquet(data)
    else:
        frame.to_feather(data)
    done = run_here("apply", "run", "--data", data, "-o", f"cleaned{ending}", cwd=run)
    assert done.code == 0, done.err
    read = {".jsonl": lambda path: pd.read_json(path, lines=True), ".parquet": pd.read_parquet}
    cleaned = read.get(ending, pd.read_feather)(run / f"cleaned{ending}")
    true = pd.read_csv(run / "truth.csv")
    verified = frame.key.isin(pd.read_csv(run / "clean.csv").key)

    assert cleaned.price.dtype == np.float64
    assert (cleaned.price == frame.price.mask(verified, true.price)).all()
    assert (cleaned.drop(columns="price") == frame.drop(columns="price")).all(axis=None)


def test_by_flags_alone_only_slips_are_undone(run):
    done = run_here(
        "apply", "run", "--auto", "--relabel-above", "0", "--yes", "-o", "cleaned.csv", cwd=run
    )
    assert done.code == 0, done.err
    table = pd.read_parquet(run / "run/audit.parquet")
    cleaned = pd.read_csv(run / "cleaned.csv")
    given = pd.read_csv(run / "data.csv")
    changed = (cleaned.price != given.price) & table.verified_label.isna()

    assert changed.any()
    assert (changed == (table.flagged & table.slip.notna())).all()
    suggested = table.suggested_label[changed].astype(float)
    assert (cleaned.price[changed] == suggested).all()


def test_a_second_round_knows_decisions_and_corrected_pairs(run):
    table = pd.read_parquet(run / "run/audit.parquet")
    top = table[table.verified_label.isna()].sort_values("rank").iloc[:4]
    decide(
        run,
        *((int(each.row), each.given_label, "relabel", each.suggested_label)
          for each in top.iloc[:2].itertuples()),
        (int(top.row.iloc[2]), top.given_label.iloc[2], "keep", None),
        (int(top.row.iloc[3]), top.given_label.iloc[3], "drop", None),
    )  # fmt: skip
    assert run_here("apply", "run", "-o", "cleaned.csv", cwd=run).code == 0
    done = run_here(
        "audit", "cleaned.csv", "--val", "clean.csv", "--decisions", "run", *READ, "-o", "second",
        cwd=run,
    )  # fmt: skip
    assert done.code == 0, done.err
    manifest = json.loads((run / "second/run.json").read_text())
    wrong = table.verified_label.notna() & (table.mislabel_probability == 1)

    assert manifest["reviewed"]["rows"] == 3
    assert manifest["reviewed"]["relabelled"] == 2
    assert manifest["clean"]["reviewed_rows"] == 3
    assert manifest["overlap"]["wrong"] == 0
    told = {each["slug"]: each["message"] for each in manifest["notices"]}
    assert told["verified-before"].startswith(f"{wrong.sum()} verified rows were mislabelled")
    assert manifest["noise"]["slips"][0]["name"] == "× 10"
    again = pd.read_parquet(run / "second/audit.parquet").set_index("id")
    assert again.verified_label[top.id.iloc[0]] == top.suggested_label.iloc[0]


@pytest.fixture(scope="module")
def verified(audited):
    """Verdicts of two people on the houses, beside the table of verified ones."""
    folder, _, _ = audited
    truth = pd.read_csv(folder / "truth.csv", dtype=str).price.tolist()
    for seed, name in enumerate(("ada.jsonl", "bob.jsonl")):
        drawing = draw(
            folder / "data.csv", 40, seed=seed, label="price", id="key", task="regression"
        )
        verify(folder / name, drawing, truth, reviewer=name[:3])
    return folder


def test_verdicts_and_tables_are_joined(verified, tmp_path):
    sources = [word for name in ("ada.jsonl", "bob.jsonl", "clean.csv") for word in ("--val", name)]
    done = run_here("audit", "data.csv", *sources, *READ, "-o", tmp_path / "run", cwd=verified)
    assert done.code == 0, done.err
    manifest = json.loads((tmp_path / "run/run.json").read_text())
    table = pd.read_parquet(tmp_path / "run/audit.parquet")
    true = pd.read_csv(verified / "truth.csv", dtype=str).price
    known = table.verified_label.notna()

    assert manifest["clean"]["sources"] == ["ada.jsonl", "bob.jsonl", "clean.csv"]
    assert manifest["overlap"]["verified"] == known.sum() > 120
    assert (table.verified_label[known] == true[known]).all()
    assert manifest["noise"]["rate"]["low"] <= 0.1 <= manifest["noise"]["rate"]["high"]


def test_a_verdict_that_is_no_number_is_refused(verified, tmp_path):
    lines = (verified / "ada.jsonl").read_text().splitlines()
    first = json.loads(lines[0]) | {"action": "relabel", "label": "dear"}
    (tmp_path / "odd.jsonl").write_text(json.dumps(first) + "\n")
    data = verified / "data.csv"
    done = run_here("audit", data, "--val", "odd.jsonl", *READ, "-o", "run", cwd=tmp_path)

    assert done.code == 2
    assert "'dear' of row" in done.err
    assert "is no number" in done.err
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("whole_judge")
def test_without_verified_rows_there_is_a_ranking_and_no_promise(audited, tmp_path):
    folder, wrong, _ = audited
    done = run_here("audit", folder / "data.csv", *READ, "-o", "run", cwd=tmp_path)
    assert done.code == 0, done.err
    manifest = json.loads((tmp_path / "run/run.json").read_text())
    table = pd.read_parquet(tmp_path / "run/audit.parquet")

    assert wrong[table["rank"].to_numpy() <= 20].mean() > 0.8
    assert (manifest["clean"], manifest["noise"]["rate"], manifest["budget"]) == (None, None, [])
    assert not table.flagged.any()
    assert "no label was verified" in done.out
    assert "--task regression" in done.out[done.out.index("verify") :]
    view = read_any_view(RunFolder(tmp_path / "run"), top=5)
    assert not view.is_checked
    refused = run_here("apply", "run", "--auto", "--drop-above", "0.9", cwd=tmp_path)
    assert refused.code == 2
    assert "has none, since no row was verified" in refused.err.replace("\n", " ")


def test_from_python_a_frame_is_cleaned_in_its_own_type(audited):
    folder, _, _ = audited
    frame = pd.read_csv(folder / "data.csv")
    whole = frame.assign(price=frame.price.round().astype("int32"))
    clean = pd.read_csv(folder / "clean.csv")
    clean["price"] = clean.price.round().astype("int32")
    result = dc.audit(
        whole, val=clean, label="price", id="key", task="regression", epochs=2, progress=False
    )
    first = result.suspects(1)
    cleaned = result.cleaned(first.assign(action="relabel", new_label=123))

    assert cleaned.price.dtype == np.int32
    assert cleaned.price[first.index[0]] == 123
    known = whole.key.isin(clean.key)
    assert (cleaned.price[known].to_numpy() == clean.price.to_numpy()).all()
    with result.review() as review:
        assert review.n_suspects == 225
    with pytest.warns(dc.DataWarning, match="no whole number"):
        same = result.cleaned(first.assign(action="relabel", new_label=99.5))
    assert same.price[first.index[0]] == whole.price[first.index[0]]


def test_the_served_page_spells_numbers_and_refuses_text(run):
    folder = RunFolder(run / "run")
    served = ServedReview(folder, first=1, reviewer="Ada")
    row = next(iter(read_any_view(folder, top=1).suspects)).row
    served.take_in("/decisions", {"row": row, "action": "relabel", "new_label": " 5e1 "})
    with pytest.raises(InputError, match="'abc' is no number"):
        served.take_in("/decisions", {"row": row, "action": "relabel", "new_label": "abc"})
    made = read_decisions(folder.decisions_file).standing

    assert [each.new_label for each in made] == ["50.0"]


def test_what_was_thought_of_numbers_is_kept_for_the_next_round(run):
    folder = RunFolder(run / "run")
    data = read_data(run / "data.csv", ReadOptions(label="price", id="key", task="regression"))
    table = pd.read_parquet(run / "run/audit.parquet")
    first = table[table.verified_label.isna()].sort_values("rank").iloc[0]
    run_id = folder.number_manifest().run_id
    seen = Decision(
        *(int(first.row), first.id, first.row_sha256, first.given_label, "relabel"),
        *(first.suggested_label, "", "", run_id),
    )
    found = read_judged_suspects(data, [seen], [run / "run/decisions.jsonl"])
    assert found.views.shape == (1, 0)
    assert found.is_wrong.all()
    assert found.log_odds[0] == folder.read_clues().to_pandas().log_odds.max()


def test_decimal_commas_are_read_and_written_back(tmp_path):
    write_houses(tmp_path)
    for name in ("data", "clean"):
        table = pd.read_csv(tmp_path / f"{name}.csv")
        table.to_csv(tmp_path / f"{name}.csv", sep=";", decimal=",", index=False)
    words = ("data.csv", "--val", "clean.csv", "--delimiter", ";", *READ)
    done = run_here("audit", *words, "-o", "run", cwd=tmp_path)
    assert done.code == 0, done.err
    table = pd.read_parquet(tmp_path / "run/audit.parquet").set_index("id")
    first = table[table.verified_label.isna()].sort_values("rank").iloc[0]
    decide(tmp_path, (int(first.row), first.given_label, "relabel", "1234.25"))
    done = run_here("apply", "run", "-o", "cleaned.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    before, after = (
        [line.split(";") for line in (tmp_path / name).read_text().splitlines()]
        for name in ("data.csv", "cleaned.csv")
    )
    changed = {one[0]: one[3] for one, other in zip(after, before, strict=True) if one != other}
    key = before[int(first.row) + 1][0]
    assert changed.pop(key) == "1234,25"
    wrong = table[(table.verified_label != table.given_label) & table.verified_label.notna()]
    assert changed == {
        each: label.replace(".", ",") for each, label in wrong.verified_label.items()
    }
    assert [one[:3] for one in after] == [one[:3] for one in before]
