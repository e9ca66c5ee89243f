"""What a gate compares, which rows it names, and how each format tells it."""

from __future__ import annotations

import json
import re

import pytest

from datacleanse.errors import DatacleanseError, SettingsError
from datacleanse.storage.manifest.health import HEALTH_KINDS
from datacleanse_reports.gate.check import check_gate
from datacleanse_reports.gate.formats.registry import GATE_FORMATS
from datacleanse_reports.gate.thresholds import KEYS, Thresholds, override, read_gate_file
from tests.reports.conftest import Fabricated
from tests.reports.test_changes import edit_manifest, rewrite

FINDING = {
    "kind": "leaking-columns",
    "message": "Column 'age' alone tells the label.",
    "advice": "Leave it out.",
    "method": "A tree.",
    "certainty": "judged",
    "is_warning": True,
    "columns": ["age"],
    "n_rows": 3,
    "first_rows": [1, 2],
}


@pytest.fixture
def run(tmp_path):
    """Eight flagged rows of sixty, a rate with a range, and a finding."""
    fabricated = Fabricated()
    fabricated.manifest["health"] = {
        "findings": [FINDING],
        "skipped": {"drift": "there is no TEST."},
    }
    return fabricated.write(tmp_path / "run")


def check(run, baseline=None, **thresholds):
    return check_gate(run, Thresholds(**thresholds), baseline=baseline)


@pytest.mark.parametrize("bound", ["low", "estimate", "high"])
def test_the_bound_that_is_asked_for_is_compared(run, bound):
    rate = run.manifest().noise.rate
    met = {"low": rate.low, "estimate": rate.share, "high": rate.high}[bound]
    assert rate.low < rate.share < rate.high

    at = check(run, max_noise_rate=met, noise_bound=bound)
    below = check(run, max_noise_rate=met - 1e-9, noise_bound=bound)

    assert at.is_open
    assert not below.is_open
    assert below.checked[0].met == met


def test_flags_are_counted_and_their_rows_named_by_rank(run):
    assert check(run, max_flags=8).is_open
    shut = check(run, max_flags=7)
    (checked,) = shut.exceeded
    ranks = run.read_audit_columns(("row", "rank")).sort_by("rank")["row"].to_pylist()

    assert (checked.met, checked.n_rows) == (8, 8)
    assert [row.row for row in checked.rows] == ranks[:8]


def test_new_flags_are_those_that_the_baseline_had_not(tmp_path, run):
    earlier = Fabricated()
    earlier.manifest["run_id"] = "earlier"
    before = earlier.write(tmp_path / "before")
    now = {r for r in run.read_audit_columns(("rank",))["rank"].to_pylist() if r <= 8}
    assert len(now) == 8

    def unflag(by_row, records):
        for record in records:
            record["flagged"] = record["rank"] <= 5

    rewrite(before, unflag)

    assert check(run, before, max_new_flags=3).is_open
    shut = check(run, before, max_new_flags=2)
    assert [row.row for row in shut.exceeded[0].rows] == [
        row["row"]
        for row in run.read_audit_columns(("row", "rank")).sort_by("rank").to_pylist()
        if 5 < row["rank"] <= 8
    ]


def test_findings_of_the_kinds_named_shut_the_gate(run):
    shut = check(run, fail_on=("leaking-columns",))
    assert [each.columns for each in shut.exceeded] == [("age",)]
    assert [row.row for row in shut.exceeded[0].rows] == [1, 2]
    assert check(run, fail_on=("copies",)).is_open
    every = check(run, fail_on=("any",))
    assert [each.threshold for each in every.checked] == [f"fail-on {k}" for k in HEALTH_KINDS]
    assert [each.threshold for each in every.exceeded] == ["fail-on leaking-columns"]
    (drift,) = [each for each in every.checked if each.threshold == "fail-on drift"]
    assert "there is no TEST" in drift.sentence


def test_what_cannot_be_compared_is_refused(tmp_path, run):
    for thresholds in ({}, {"noise_bound": "high"}):
        with pytest.raises(SettingsError, match="No threshold"):
            check(run, **thresholds)
    with pytest.raises(SettingsError, match="no baseline"):
        check(run, max_new_flags=0)
    alone = Fabricated(has_clean=False, flagged=0).write(tmp_path / "alone")
    for thresholds in ({"max_noise_rate": 0.1}, {"max_flags": 1}):
        with pytest.raises(SettingsError, match="no row of"):
            check(alone, **thresholds)
    edit_manifest(alone, lambda manifest: manifest.pop("health"))
    with pytest.raises(DatacleanseError, match="labels alone"):
        check(alone, fail_on=("drift",))


def test_a_baseline_of_other_data_is_refused_though_classes_are_the_same(tmp_path, run):
    other = Fabricated()
    other.manifest["run_id"] = "other"
    other.manifest["data"]["sha256"] = "a" * 64
    other.cells = ("another",)
    before = other.write(tmp_path / "other")

    with pytest.raises(SettingsError, match="other data"):
        check(run, before, max_new_flags=0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_noise_rate": 1.5}, "max-noise-rate is 1.5"),
        ({"max_noise_rate": -0.1}, "max-noise-rate is -0.1"),
        ({"max_noise_rate": True}, "max-noise-rate is True"),
        ({"max_noise_rate": "5%"}, "max-noise-rate is '5%'"),
        ({"max_noise_rate": float("nan")}, "max-noise-rate is nan"),
        ({"noise_bound": "middle"}, "noise-bound is 'middle'"),
        ({"max_flags": -1}, "max-flags is -1"),
        ({"max_flags": 1.0}, "max-flags is 1.0"),
        ({"max_new_flags": "all"}, "max-new-flags is 'all'"),
        ({"fail_on": ("leaking-colums",)}, "Did you mean 'leaking-columns'"),
    ],
)
def test_values_out_of_range_are_refused_by_name(given, said):
    with pytest.raises(SettingsError) as caught:
        Thresholds(**given)
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_project_file_and_any_other_say_the_same(tmp_path):
    keys = 'run = "runs/x"\nbaseline = "runs/old"\nmax-noise-rate = 0.05\nnoise-bound = "high"\n'
    keys += 'max-flags = 3\nmax-new-flags = 0\nfail-on = ["copies", "any"]\n'
    project, other = tmp_path / "pyproject.toml", tmp_path / "gate.toml"
    project.write_text(f"[project]\nname = 'x'\n[tool.datacleanse.gate]\n{keys}", encoding="utf-8")
    other.write_text(keys, encoding="utf-8")
    expected = Thresholds(0.05, "high", 3, 0, ("copies", "any"))

    for path in (project, other):
        file = read_gate_file(path)
        assert file.thresholds == expected
        assert (file.run, file.baseline) == (tmp_path / "runs/x", tmp_path / "runs/old")
    assert set(re.findall(r"^([\w-]+) =", keys, re.MULTILINE)) == set(KEYS)
    assert expected.kinds == HEALTH_KINDS


def test_the_nearest_project_file_with_thresholds_counts(tmp_path, monkeypatch):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.datacleanse.gate]\nmax-flags = 1\n")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    monkeypatch.chdir(inner)

    assert read_gate_file(None).thresholds == Thresholds(max_flags=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.datacleanse.gate]\nmax-noise = 1\n", "Did you mean 'max-noise-rate'"),
        ("[tool.datacleanse.gate]\nmax_flags = 1\n", "Did you mean 'max-flags'"),
        ("[tool.datacleanse]\nmax-flags = 1\n", "[tool.datacleanse.gate]"),
        ("[tool.datacleanse]\ngates = 1\n", "Did you mean 'gate'"),
        ("[tool.datacleanse]\ngate = 1\n", "has no table"),
        ("[tool.black]\n", "has no table"),
        ("[tool.datacleanse.gate\n", "is no TOML"),
        ("[tool.datacleanse.gate]\nrun = 1\n", "run in"),
        ('[tool.datacleanse.gate]\nfail-on = "copies"\n', "a list"),
        ("[tool.datacleanse.gate]\nfail-on = [1]\n", "a list"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_what_it_may_hold(tmp_path, text, said):
    path = tmp_path / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatacleanseError) as caught:
        read_gate_file(path)
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert str(path) in caught.value.message


def test_options_overrule_the_file():
    file = Thresholds(max_noise_rate=0.1, max_flags=5)
    found = override(file, {"max_flags": 2, "max_noise_rate": None, "fail_on": ("drift",)})
    assert found == Thresholds(max_noise_rate=0.1, max_flags=2, fail_on=("drift",))


@pytest.mark.parametrize("name", GATE_FORMATS)
def test_every_format_says_which_threshold_what_was_met_and_no_hidden_sign(run, name):
    shut = check(run, max_flags=7, max_noise_rate=0.9, fail_on=("leaking-columns",))
    text = GATE_FORMATS[name](shut)

    assert text.endswith("\n")
    assert "max-flags" in text
    assert "leaking-columns" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    if name == "json":
        plain = json.loads(text)
        assert plain["is_open"] is False
        assert [each["is_exceeded"] for each in plain["checked"]] == [False, True, True]
        assert plain["checked"][1]["met"] == 8
        assert len(plain["checked"][1]["rows"]) == 8
    opened = GATE_FORMATS[name](check(run, max_flags=8))
    assert "exceeded" not in opened.replace("is_exceeded", "")


def test_annotations_are_commands_that_no_cell_can_end(run):
    """Ids and labels of the run are hostile: line ends, colons, commas, per cent signs."""
    text = GATE_FORMATS["github"](check(run, max_flags=7, max_noise_rate=0.0))
    lines = text.splitlines()

    assert 2 < len(lines) <= 10
    for line in lines:
        found = re.fullmatch(r"::error ([^:]*)::(.*)", line)
        assert found, line
        for pair in found[1].split(","):
            assert re.fullmatch(r"(title|file|line)=[^,:]*", pair), pair


def test_rows_of_a_csv_have_their_line(tmp_path, run, monkeypatch):
    from datacleanse.data import fingerprint

    data = tmp_path / "rows.csv"
    data.write_text("x,label\n" + "\n".join(f"{i},a" for i in range(60)) + "\n", encoding="utf-8")
    edit_manifest(run, lambda m: m["data"].update(source=str(data), sha256=fingerprint(data)))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))

    shut = check(run, max_flags=7)
    assert all(row.line == row.row + 2 for row in shut.exceeded[0].rows)
    first = shut.exceeded[0].rows[0]
    text = GATE_FORMATS["github"](shut)
    assert f"::error file=rows.csv,line={first.line},title=max-flags::" in text

    data.write_text("x,label\n\n", encoding="utf-8")
    assert all(row.line is None for row in check(run, max_flags=7).exceeded[0].rows)
