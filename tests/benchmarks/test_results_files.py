"""Result files: short JSON with tables beside it, read back as they were written."""

from __future__ import annotations

import json

from benchmarks.results_files import TABLE, read_cells, read_result, with_earlier, write_result

RESULT = {
    "provenance": {"commit": "abc", "date": "2026-01-01"},
    "mean": 0.123456789123,
    "cells": [
        {
            "table": "wine, red",
            "seed": seed,
            "is_full": True,
            "best": {"method": "forest", "score": 0.5},
            "size": [3, 32, 32],
            "nothing": None,
            "methods": {"ours": {"score": 1.0, "flagged": 3}, "loss": {"score": 0.25}},
            "budget": [{"rows": 10, "found": 0.5}, {"rows": 20, "found": 0.25}],
        }
        for seed in range(3)
    ],
}


def test_a_result_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "made.json"
    write_result(path, RESULT, tables=["cells"])

    assert read_result(path) == RESULT


def test_the_tables_stand_beside_the_json_file(tmp_path):
    path = tmp_path / "made.json"
    write_result(path, RESULT, tables=["cells"])

    names = {"made.json", "made.cells.csv", "made.cells.methods.csv", "made.cells.budget.csv"}
    assert {each.name for each in tmp_path.iterdir()} == names
    assert json.loads(path.read_text())["cells"][TABLE] == "made.cells.csv"
    first = read_cells(tmp_path / "made.cells.methods.csv")[0]
    assert first == {
        "table": "wine, red",
        "seed": 0,
        "methods": "ours",
        "score": 1.0,
        "flagged": 3,
    }


def test_floats_in_a_table_keep_six_digits_and_stay_floats(tmp_path):
    path = tmp_path / "made.json"
    write_result(path, {"cells": [{"a": 1.23456789, "b": 2.0, "c": 2}]}, tables=["cells"])

    (row,) = read_result(path)["cells"]
    assert row == {"a": 1.23457, "b": 2.0, "c": 2}
    assert isinstance(row["b"], float)
    assert isinstance(row["c"], int)


def test_a_table_without_a_record_is_read_back_empty(tmp_path):
    write_result(tmp_path / "made.json", {"cells": []}, tables=["cells"])

    assert read_result(tmp_path / "made.json") == {"cells": []}


def test_earlier_provenances_become_one_list_of_distinct_commits():
    earlier = {
        "commit": "b",
        "date": "2",
        "others": {"commit": "a", "date": "1", "others": {"commit": "a", "date": "0"}},
    }

    found = with_earlier({"commit": "c", "date": "3"}, earlier)

    assert found == {
        "commit": "c",
        "date": "3",
        "others": [{"commit": "b", "date": "2"}, {"commit": "a", "date": "1"}],
    }
    assert with_earlier({"commit": "c", "date": "3"}, found) == found
