"""A run on numbers and dates as people write them, from the audit to predictions and exports."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import datacleanse as dc
from datacleanse.serving.export import export_run
from tests.cli.conftest import run_here


def written(n: int, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows as people write them, and the same rows as programs do."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    price = np.round(np.exp(rng.normal(6 + 2 * truth, 1)), 2)
    share = np.round(rng.normal(0.3 + 0.2 * truth, 0.1), 3)
    day = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 800, n), "D")
    label = np.where(truth == 1, "yes", "no")
    city = rng.choice(["Ulm", "Wien"], n)
    plain = pd.DataFrame({"price": price, "share": share, "day": day, "city": city})
    plain["label"] = label
    people = plain.assign(
        price=[f"${value:,.2f}" for value in price],
        share=[f"{value * 100:.1f} %" for value in share],
        day=day.strftime("%d/%m/%Y"),
    )
    return people, plain


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conventional")
    for name, rows, seed in (("data", 200, 0), ("clean", 80, 1), ("new", 60, 2)):
        written(rows, seed=seed)[0].to_csv(folder / f"{name}.csv", index=False)
    command = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2", "--fast", "-o", "run")
    done = run_here(*command, cwd=folder)
    assert done.code == 0, done.err
    assert "200 cells read as numbers written like '$" in done.err
    assert "12 % is 0.12" in done.err
    assert "day first" in done.err
    return folder


def test_the_run_knows_the_spellings(folder):
    for name in ("run.json", "model/model.json"):
        saved = json.loads((folder / "run" / name).read_text(encoding="utf-8"))
        price, share, day, city = saved["schema"]["columns"]
        assert city["convention"] is None
        assert (price["kind"], price["convention"]["unit"]) == ("numeric", "$")
        assert (share["kind"], share["convention"]["unit"]) == ("numeric", "%")
        assert (day["kind"], day["convention"]["order"]) == ("datetime", "day first")
    notices = json.loads((folder / "run" / "run.json").read_text(encoding="utf-8"))["notices"]
    told = [each for each in notices if each["slug"] == "convention-read"]
    assert [each["column"] for each in told] == ["price", "share", "day"]


def test_text_and_values_are_classified_alike_everywhere(folder):
    people, plain = written(60, seed=2)
    loaded = dc.load(folder / "run")
    expected = loaded.predict_proba(people.drop(columns="label"))
    mixed = people.assign(price=plain["price"], day=plain["day"])
    np.testing.assert_allclose(loaded.predict_proba(mixed), expected, atol=1e-12)
    iso = people.assign(day=plain["day"].dt.strftime("%Y-%m-%d"))
    np.testing.assert_allclose(loaded.predict_proba(iso), expected, atol=1e-12)
    assert run_here("predict", "run", "new.csv", "-o", "p.csv", "-q", cwd=folder).err == ""
    found = pd.read_csv(folder / "p.csv")[["probability_no", "probability_yes"]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_shares_without_their_sign_are_refused(folder):
    people, plain = written(60, seed=2)
    with pytest.raises(ValueError, match=r"'share' is numeric in DATA.*Write it as in DATA, '"):
        dc.load(folder / "run").predict(people.assign(share=plain["share"]))


@pytest.mark.parametrize("name", ["onnx", "pt2", "safetensors"])
def test_exports_say_that_text_is_to_be_converted(folder, name):
    target, messages = export_run(folder / "run", name, folder / f"model.{name}")
    assert "'price', 'share', 'day'" in messages[-1]
    if name == "onnx":
        people, _ = written(60, seed=2)
        by_onnx, by_run = (dc.load(each).predict_proba(people) for each in (target, folder / "run"))
        np.testing.assert_allclose(by_onnx, by_run, atol=1e-5)


def test_the_audit_in_python_warns_of_what_it_does_not_read():
    people, _ = written(200, seed=0)
    odd = people.assign(price=["n/a.", *people["price"][1:]], open=["1,234", "5,678"] * 100)
    clean = written(80, seed=1)[0].assign(open="1,234")
    with pytest.warns(dc.DataWarning) as caught:
        result = dc.audit(odd, val=clean, label="label", epochs=2, fast=True)
    said = " ".join(str(each.message) for each in caught)
    assert "'n/a.' in row 0" in said
    assert "decimal='.' or decimal=','" in said
    assert {each.filename for each in caught} == {__file__}
    notices = {each["slug"]: each for each in result.manifest["notices"]}
    unclear = notices["convention-unclear"]
    assert (unclear["column"], unclear["cells"]) == ("open", 200)
    assert unclear["option"] == "--decimal '.' or --decimal ','"


def test_a_sample_tells_what_is_unclear_even_when_quiet(folder):
    people, _ = written(200, seed=0)
    people.assign(open=["1,234", "5,678"] * 100).to_csv(folder / "open.csv", index=False)
    done = run_here("sample", "open.csv", "-n", "20", "-o", "s.csv", "-q", cwd=folder)
    assert done.code == 0
    assert done.err.startswith("warning: Column 'open' of open.csv seems to hold numbers")
    assert len(done.err.splitlines()) == 1
