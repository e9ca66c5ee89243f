"""CLEAN against DATA: rows in both, and warnings with numbers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from datacleanse.data import ReadOptions, compare, drift, hash_rows, read_data, read_like
from datacleanse.errors import InputError


def table(rows=400, seed=0, labels=("a", "b")):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "key": [f"k{seed}-{row}" for row in range(rows)],
            "x": draw.normal(size=rows),
            "v": draw.choice(["u", "v", "w"], size=rows),
            "label": [labels[row % len(labels)] for row in range(rows)],
        }
    )


def compare_frames(data, clean, **options):
    ours = read_data(data, ReadOptions(**options))
    return compare(ours, read_like(clean, ours.schema, role="CLEAN"))


def list_warnings(comparison):
    return {notice.slug: notice.message for notice in comparison.notices if notice.is_warning}


def test_a_clean_set_drawn_alike_is_no_reason_to_warn():
    comparison = compare_frames(table(), table(100, seed=1), drop=("key",))
    assert not comparison.notices
    assert not len(comparison.overlap.data_rows)


def test_rows_of_the_same_id_are_found():
    clean = table().iloc[[30, 20, 399, *range(100, 180)]]
    overlap = compare_frames(table(), clean, id="key").overlap
    assert overlap.matched_by == "id"
    assert overlap.data_rows.tolist() == [20, 30, *range(100, 180), 399]
    assert overlap.clean_rows.tolist() == [1, 0, *range(3, 83), 2]


def test_an_id_that_comes_twice_in_clean_matches_no_single_row():
    overlap = compare_frames(table(), table().iloc[[30, 30, 20]], id="key").overlap
    assert overlap.data_rows.tolist() == [20, 30]
    assert overlap.clean_rows.tolist() == [2, -1]


def test_rows_of_the_same_values_are_found_without_ids():
    data = table()
    data.loc[51, ["x", "v"]] = data.loc[50, ["x", "v"]]
    comparison = compare_frames(data, data.iloc[[50, 7]].assign(key="z"), drop=("key",))
    assert comparison.overlap.matched_by == "values"
    assert comparison.overlap.data_rows.tolist() == [7, 50, 51]
    assert comparison.overlap.clean_rows.tolist() == [1, -1, -1]


@pytest.mark.parametrize("options", [{"id": "key"}, {}], ids=["id", "a column that names rows"])
def test_equal_cells_under_another_id_are_another_row(options):
    clean = table().iloc[[5, 6]].assign(key=["p", "q"])
    assert not len(compare_frames(table(), clean, **options).overlap.data_rows)
    same = compare_frames(table(), table().iloc[[5, 6]], **options).overlap
    assert same.data_rows.tolist() == [5, 6]


def test_a_row_whose_name_one_format_takes_for_missing_is_found(tmp_path):
    names = ["NA", "None", "null", *(f"k {row}" for row in range(3, 20))]
    rows = [{"who": name, "x": row * 1.5, "label": "ab"[row % 2]} for row, name in enumerate(names)]
    pd.DataFrame(rows).to_csv(tmp_path / "data.csv", index=False)
    text = "".join(json.dumps(row) + "\n" for row in [*rows[:6], {**rows[7], "who": "other"}])
    (tmp_path / "clean.jsonl").write_text(text, encoding="utf-8")
    data = read_data(tmp_path / "data.csv", ReadOptions(label="label"))
    clean = read_like(tmp_path / "clean.jsonl", data.schema, role="CLEAN")
    overlap = compare(data, clean).overlap
    assert overlap.data_rows.tolist() == overlap.clean_rows.tolist() == [0, 1, 2, 3, 4, 5]


def test_ids_that_both_files_count_anew_name_other_rows():
    data, clean = (
        table(n, seed=seed).assign(key=[f"{row:05d}x" for row in range(n)])
        for n, seed in ((400, 0), (100, 1))
    )
    comparison = compare_frames(data, clean, id="key")
    assert not len(comparison.overlap.data_rows)
    assert "other feature values in 100 of them" in list_warnings(comparison)["ids-of-other-rows"]


def test_a_row_of_the_same_id_whose_cells_changed_is_told():
    clean = table().iloc[:60].copy()
    clean.loc[4, "x"] = 17.0
    comparison = compare_frames(table(), clean, id="key")
    assert comparison.overlap.data_rows.tolist() == list(range(60))
    message = list_warnings(comparison)["overlap-changed"]
    assert "in 1 of them the feature values differ (the first: row 4 of DATA)" in message


def test_what_is_verified_is_said_with_the_share_of_wrong_labels():
    clean = table().iloc[:60].copy()
    clean.loc[:5, "label"] = ["b", "a"] * 3
    comparison = compare_frames(table(), clean, id="key")
    (notice,) = [n for n in comparison.notices if n.slug == "verified"]
    assert not notice.is_warning
    assert "60 rows of CLEAN are rows of DATA (the same id): 6 are mislabelled" in notice.message
    assert "(10%); `apply` corrects them" in notice.message


def test_the_same_file_is_refused(csv):
    path = csv(table().to_csv(index=False))
    with pytest.raises(InputError, match="same file") as caught:
        compare_frames(path, path)
    assert caught.value.slug == "clean-is-data"


@pytest.mark.parametrize("options", [{"id": "key"}, {"drop": ("key",)}])
def test_clean_that_holds_all_of_data_is_refused(options):
    with pytest.raises(InputError, match="all 400 rows") as caught:
        compare_frames(table(), pd.concat([table(seed=1), table()]), **options)
    assert caught.value.slug == "clean-is-data"


def test_a_class_that_clean_lacks_is_a_warning():
    clean = table(100, seed=1)[lambda frame: frame["label"] == "a"]
    message = list_warnings(compare_frames(table(), clean, drop=("key",)))["clean-lacks-class"]
    assert "1 class of DATA: 'b'" in message


def test_a_small_clean_set_is_a_warning():
    message = list_warnings(compare_frames(table(), table(9, seed=1), drop=("key",)))["clean-small"]
    assert "9 rows, fewer than 5 of 'b' (4)" in message


def test_other_class_shares_are_a_warning():
    clean = table(200, seed=1, labels=("a", "a", "a", "b"))
    message = list_warnings(compare_frames(table(), clean, drop=("key",)))["clean-shares-unlike"]
    assert "'a' 75.0% in CLEAN, 50.0% in DATA" in message


def test_a_rare_class_drawn_twice_is_no_other_share():
    data = table(2000)
    data.loc[:3, "label"] = "rare"
    clean = table(100, seed=1)
    clean.loc[:1, "label"] = "rare"
    assert "clean-shares-unlike" not in list_warnings(compare_frames(data, clean, drop=("key",)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x": lambda frame: frame["x"] + 1}, "'x' (Kolmogorov-Smirnov distance 0."),
        ({"x": lambda frame: frame["x"].where(frame["x"] > 0)}, "'x' (missing in "),
        ({"v": lambda frame: frame["v"].where(frame["v"] != "u")}, "'v' (missing in "),
        ({"v": "new"}, "'v' (100% of CLEAN has values that DATA lacks, for example 'new')"),
    ],
)
def test_features_unlike_those_of_data_are_a_warning(change, said):
    clean = table(200, seed=1).assign(**change)
    message = list_warnings(compare_frames(table(2000), clean, drop=("key",)))[
        "clean-features-unlike"
    ]
    assert "1 column" in message
    assert said in message


def test_only_the_worst_columns_are_named():
    data = table().assign(**{f"n{at}": table(seed=at)["x"] for at in range(9)})
    clean = table(seed=99).assign(**{f"n{at}": table(seed=50 + at)["x"] + at for at in range(9)})
    message = list_warnings(compare_frames(data, clean, drop=("key",)))["clean-features-unlike"]
    assert "8 columns" in message
    assert message.count("Kolmogorov") == 3
    assert "'n8'" in message


def hash_frame(frame, like=None):
    data = read_data(table(), ReadOptions(drop=("key",)))
    return hash_rows(read_like(frame, data.schema, role="NEW")) if like is None else like


def test_hashes_agree_between_spellings_and_orders():
    plain = pd.DataFrame({"x": [1.0, -0.0, None], "v": ["7", "u", None]})
    others = [
        plain[["v", "x"]],
        pd.DataFrame({"x": ["1", "0", "NA"], "v": ["7.0", "u", ""]}),
        pd.DataFrame({"x": [1, 0, pd.NA], "v": ["7", "u", None]}).convert_dtypes(),
        plain.astype({"x": "float32", "v": "category"}),
    ]
    for other in others:
        np.testing.assert_array_equal(hash_frame(other), hash_frame(plain))


def test_hashes_agree_between_float32_and_its_text():
    narrow = np.float32([0.1, 1e-7, 3.3333])
    texts = [str(value) for value in narrow]
    frame = pd.DataFrame({"x": narrow, "v": "u"})
    np.testing.assert_array_equal(hash_frame(frame), hash_frame(frame.assign(x=texts)))


def test_hashes_differ_where_a_value_differs():
    frame = pd.DataFrame(
        {
            "x": [1.0, 2.0, None, 1.0, 1e300, 1e301, 123456789.0, 123456790.0],
            "v": ["u", "u", "u", None, "u", "u", "u", "u"],
        }
    )
    assert len(set(hash_frame(frame))) == 8


@pytest.mark.parametrize("seed", range(4))
def test_the_distance_of_distributions_is_that_of_scipy(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=300).round(1), rng.normal(0.2 * seed, 1, size=90).round(1)
    expected = stats.ks_2samp(first, second, method="asymp")
    distance, p_value = drift._test_kolmogorov_smirnov(first, second)
    assert distance == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue, rel=0.3, abs=1e-6)
