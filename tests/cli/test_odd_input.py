"""Odd but fine: it runs, and what a person should know is said."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as pafeather
import pytest

from tests.cli.conftest import run_here
from tests.cli.forked import forked
from tests.cli.tiny import CLEAN, DATA, contents, write


def audited(folder, *arguments, data="data.csv", val="clean.csv", run="run"):
    """Audit; give the audit table, the manifest and the notices by their slug."""
    command = ("audit", data, "--val", val, "--epochs", "2", "--fast", "--out", run, "--quiet")
    done = run_here(*command, *arguments, cwd=folder)
    assert done.code == 0, done.err
    assert done.err == ""
    manifest = json.loads((folder / run / "run.json").read_text(encoding="utf-8"))
    table = pd.read_parquet(folder / run / "audit.parquet")
    assert sorted(table["rank"]) == list(range(1, len(table) + 1))
    assert np.isfinite(table["suspicion"]).all()
    notices = {notice["slug"]: notice["message"] for notice in manifest["notices"]}
    return table, manifest, notices


def odd_table(n, *, first, seed):
    """Columns that each have something about them; every tenth label is of a third class."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n).round(4)
    numbers = np.resize([1e300, -1e300, np.inf, 5e-324, np.nan, 2.5, -0.0], n)
    return pd.DataFrame(
        {
            "big": 2**53 + 1 + 2 * np.arange(first, first + n),
            "size": size,
            "": rng.integers(0, 4, n) / 2,
            "marks": [("?" if row % 30 == 0 else f"{row % 7}.5") for row in range(n)],
            "wild": numbers,
            "always": "same",
            "never": np.nan,
            "row": rng.integers(0, 9, n),
            "rank": rng.integers(0, 9, n),
            "id": rng.integers(0, 9, n),
            "suspicion": rng.normal(size=n).round(3),
            'say "it", now': np.resize(
                ["a,b", 'c"d', "e\nf", "g\r\nh", "日本語 🎉", "x" * 1000], n
            ),
            "label": np.where(np.arange(n) % 10 == 0, "ÿes,\nno", np.where(size > 0, "007", "7")),
        }
    )


def test_one_table_with_everything_odd_about_it(tmp_path):
    """BOM, CRLF, quoted delimiters, line breaks, hostile names, ids beyond 2^53, wild numbers."""
    data = odd_table(90, first=0, seed=0)
    data.loc[0, "label"] = "only once"
    name = "my 'odd' data ü.csv"
    data.to_csv(tmp_path / name, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    clean = odd_table(40, first=1000, seed=1).assign(reviewer="me")
    clean[clean.columns[::-1]].to_json(tmp_path / "clean.jsonl", orient="records", lines=True)

    table, manifest, notices = audited(
        tmp_path, "--id", "big", data=name, val="clean.jsonl", run="out of it"
    )

    assert list(table["id"]) == [str(2**53 + 1 + 2 * row) for row in range(90)]
    assert list(table["given_label"]) == list(data["label"])
    assert manifest["data"]["source"] == name
    aside = notices["columns-set-aside"]
    assert "'always' (every value is 'same')" in aside
    assert "'never' (every value is missing)" in aside
    assert "'marks'" in notices["values-unreadable"]
    assert "'?' in row 0" in notices["values-unreadable"]
    assert "'wild'" in notices["values-infinite"]
    assert "reviewer" in notices["columns-extra"]
    assert "'only once'" in notices["class-single-row"]
    assert "no row of 1 class of DATA: 'only once'" in notices["clean-lacks-class"]
    suspects = pd.read_csv(tmp_path / "out of it" / "reports" / "suspects.csv")
    assert len(suspects) == 90


def test_classes_agree_however_a_format_writes_them(tmp_path):
    """1.0 is 1 is "1"; True is true; 007 is not 7."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(60, 2)), np.resize([1.0, 0.0], 60)
    data = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "label": labels})
    data.to_parquet(tmp_path / "floats.parquet")
    write(tmp_path, {"text.csv": 'a,b,label\n0.25,1,"1"\n0.5,2,0\n'})
    table, manifest, notices = audited(tmp_path, data="floats.parquet", val="text.csv")
    assert set(table["given_label"]) == {"1.0", "0.0"}
    assert manifest["data"]["rows"] == 60
    assert "2 rows" in notices["clean-small"]

    data.assign(label=labels == 1).to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    lines = b'{"a": 1.5, "b": 0.5, "label": true}\n'
    write(tmp_path, {"one.jsonl.gz": gzip.compress(lines)})
    table, _, notices = audited(tmp_path, data="t.tsv", val="one.jsonl.gz", run="flags")
    assert set(table["given_label"].str.casefold()) == {"true", "false"}
    assert "1 row" in notices["clean-small"]
    assert "no row of 1 class of DATA" in notices["clean-lacks-class"]


def test_one_feature_whose_values_repeat(tmp_path):
    """Equal values do not make two rows the same where all values repeat."""
    rows = "".join(f"{i % 5},{'yes' if i % 5 > 2 else 'no'}\n" for i in range(50))
    clean = "x,label\n0,no\n1,no\n2,no\n3,yes\n4,yes\n"
    write(tmp_path, {"data.csv": "x,label\n" + rows, "clean.csv": clean})
    table, manifest, notices = audited(tmp_path)
    assert table["in_training"].all()
    assert manifest["overlap"]["rows"] == 0
    assert "5 different sets of values in 50 rows" in notices["overlap-unknown"]
    assert "--id" in notices["overlap-unknown"]


def test_a_very_wide_table(tmp_path):
    rng = np.random.default_rng(0)
    table = pa.table({f"c{i}": rng.normal(size=200) for i in range(240)})
    labels = pa.array(np.where(np.asarray(table["c0"]) > 0, "up", "down"))
    table = table.append_column("label", labels)
    pafeather.write_feather(table, str(tmp_path / "wide.feather"))
    pafeather.write_feather(table.slice(0, 40), str(tmp_path / "clean.arrow"))
    found, manifest, notices = audited(tmp_path, data="wide.feather", val="clean.arrow")
    assert manifest["overlap"]["rows"] == 40
    assert "40 rows of CLEAN are rows of DATA" in notices["verified"]
    assert found["verified_label"].notna().sum() == manifest["overlap"]["verified"] == 40
    assert (~found["in_training"]).sum() == manifest["clean"]["steering_rows"]


def test_a_folder_of_parquet_with_thousands_of_categories(tmp_path):
    """And new rows with categories never seen, and gaps where DATA had none."""
    rng = np.random.default_rng(0)
    n = 2_900
    data = pd.DataFrame(
        {
            "word": [f"w{code}" for code in rng.permutation(n) % 2_000],
            "x": rng.normal(size=n),
            "label": np.resize(["a", "b", "c"], n),
        }
    )
    (tmp_path / "shards" / "year=2020").mkdir(parents=True)
    (tmp_path / "shards" / "year=2021").mkdir(parents=True)
    data[: n // 2].to_parquet(tmp_path / "shards" / "year=2020" / "0.parquet")
    data[n // 2 :].to_parquet(tmp_path / "shards" / "year=2021" / "0.parquet")
    clean = data[:60].assign(year=2020, x=rng.normal(size=60))
    clean.to_csv(tmp_path / "clean.csv", index=False)

    _, manifest, notices = audited(tmp_path, data="shards")

    assert manifest["data"]["rows"] == n
    assert "2,000 categories" in notices["categories-many"]
    write(tmp_path, {"new.csv": "year,x,word\n2020,,w1\n1999,1,never seen\n,,\n2021,inf,w2\n"})
    done = run_here("predict", "run", "new.csv", "-o", "p.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    predicted = pd.read_csv(tmp_path / "p.csv")
    chances = predicted[["probability_a", "probability_b", "probability_c"]]
    assert len(predicted) == 4
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)


def test_odd_types_of_arrow_come_through(tmp_path):
    """Extreme dates, zones, times of day, durations, decimals, nested cells, bytes."""
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal

    n = 40
    table = pa.table(
        {
            "extreme": pa.array([date(1, 1, 1), date(9999, 12, 31)] * 20),
            "zoned": pa.array(
                [datetime(2020, 1, 1 + i % 9) for i in range(n)], pa.timestamp("ns", "Asia/Tokyo")
            ),
            "clock": pa.array([time(i % 24, i) for i in range(n)], pa.time64("ns")),
            "lasts": pa.array([timedelta(minutes=i) for i in range(n)]),
            "price": pa.array([Decimal(i).scaleb(-2) for i in range(n)]),
            "flag": pa.array([i % 3 == 0 for i in range(n)]),
            "half": pa.array(np.arange(n, dtype=np.float16)),
            "struct": pa.array([{"x": i} for i in range(n)]),
            "bytes": pa.array([b"\xff\0" for _ in range(n)]),
            "vector": pa.array([[float(i), None, float("inf")] for i in range(n)]),
            "dictionary": pa.DictionaryArray.from_arrays(
                pa.array([0, 1, None, 2] * 10, pa.int8()), pa.array(["u", None, "u"])
            ),
            "label": pa.array(np.resize(["a", "b", "b"], n)).dictionary_encode(),
        }
    )
    pafeather.write_feather(table, str(tmp_path / "data.feather"))
    for name in ("verify.csv", "verify.jsonl"):
        done = run_here("sample", "data.feather", "-n", "9", "-o", name, "-q", cwd=tmp_path)
        assert done.code == 0, done.err
        found, _, notices = audited(tmp_path, data="data.feather", val=name, run=name + "-run")
        assert found["in_training"].sum() == n - 9
        assert "'struct'" in notices["columns-set-aside"]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close otherwise on Windows")
def test_a_reader_that_goes_away_is_no_error(tmp_path):
    """As under `| head -1`, for results and for progress."""
    write(tmp_path, {"data.csv": DATA, "clean.csv": CLEAN})
    results = tmp_path / "results"
    os.mkfifo(results)
    reader = os.open(results, os.O_RDONLY | os.O_NONBLOCK)
    audit = ("audit", "data.csv", "--val", "clean.csv", "--epochs", "2")
    with forked(*audit, cwd=tmp_path, out=str(results)) as (process, progress):
        assert progress.readline().startswith("Reading")
        os.close(reader)
    assert process.exitcode == 0
    assert "runs/data/reports/report.html" in contents(tmp_path)


def test_errors_of_input_are_found_before_anything_heavy_is_loaded():
    """So that a typing error is answered at once."""
    program = (
        "import sys, datacleanse.data\n"
        "try: datacleanse.data.read_data('missing.csv', datacleanse.data.ReadOptions())\n"
        "except datacleanse.data.read.InputError: pass\n"
        "print([name for name in ('torch', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
