"""What is seen beside wrong labels: what is planted is found, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.detection.health.column_tree import LEAF, LEAST_GAIN, predict_by_column
from datacleanse.detection.health.columns import Columns, read_columns
from datacleanse.detection.health.leaking_columns import measure_skill
from datacleanse.detection.health.look import MOST_ROWS, choose_rows, look_at
from datacleanse.detection.health.near_pairs import find_near_pairs
from datacleanse.detection.health.registry import CHECKS
from datacleanse.detection.health.row_order import compare_neighbours
from datacleanse.detection.health.strange_rows import (
    NEIGHBOURS,
    compare_with_clean,
    hold_discovery_rate,
    measure_distance,
    place_rows,
    score_normally,
)
from datacleanse.records import Notice
from datacleanse.storage.manifest.health import HEALTH_KINDS

N = 600


def make_table(seed, n=N, **more):
    """Three numbers and a name that tell a class of two; some cells are missing."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 3)) + y[:, None]
    x[rng.random(n) < 0.05, 2] = np.nan
    city = np.where(rng.random(n) < 0.4, np.where(y > 0, "Ulm", "Genf"), "Bern")
    columns = {
        "a": pa.array(x[:, 0]),
        "b": pa.array(x[:, 1]),
        "c": pa.array(x[:, 2], from_pandas=True),
        "city": pa.array(city),
        "label": pa.array(np.where(y > 0, "yes", "no")),
    }
    return pa.table(columns | more)


def look(data_table, clean=None, test=None, **options):
    data = read_data(data_table, ReadOptions(label="label"))
    parts = {"CLEAN": clean, "TEST": test}
    read = {
        role: None if table is None else read_like(table, data.schema, role=role)
        for role, table in parts.items()
    }
    notices = list(data.notices)
    pair_rows = np.empty(0, np.int64)
    if read["CLEAN"] is not None:
        comparison = compare(data, read["CLEAN"])
        notices += comparison.notices
        pair_rows = np.full(read["CLEAN"].n_rows, -1)
        pair_rows[comparison.overlap.clean_rows] = comparison.overlap.data_rows
    defaults = {
        "pair_rows": pair_rows,
        "wrong": np.full(data.n_rows, 0.02),
        "class_shares": np.bincount(data.labels, minlength=2) / data.n_rows,
        "notices": notices,
    }
    return look_at(data, read["CLEAN"], read["TEST"], **(defaults | options))


def kinds(health):
    return [finding.kind for finding in health.section.findings]


def stack(*tables):
    return pa.concat_tables(tables).combine_chunks()


@pytest.fixture(scope="module")
def plain():
    return look(make_table(0), make_table(1, 200), make_table(2, 200))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_told_where_nothing_is(seed):
    health = look(make_table(10 * seed), make_table(10 * seed + 1, 200), make_table(10 * seed + 2))
    assert kinds(health) == []
    assert health.section.skipped == {}
    assert not health.is_unlike.any()
    assert (health.copy_group == -1).all()


# --- what every check keeps to --------------------------------------------------------------------

AS_THEY_ARE = {
    "leaking-columns": lambda: look(make_table(0, leak=make_table(0)["label"])),
    "shared-rows": lambda: look(
        stack(make_table(0), make_table(2).slice(0, 30)), test=make_table(2)
    ),
    "drift": lambda: look(make_table(0), test=make_table(1, a=pa.array(np.arange(N) + 9.0))),
    "small-classes": lambda: look(
        stack(make_table(0), make_table(1, 4, label=pa.array(["rare"] * 4)))
    ),
    "unlike-rows": lambda: look(
        stack(
            make_table(0), make_table(1, 5, a=pa.array(np.full(5, -60.0)), b=pa.array([70.0] * 5))
        )
    ),
    "copies": lambda: look(stack(make_table(0), make_table(0).slice(0, 30))),
    "row-order": lambda: look(make_table(0).sort_by("label")),
    "useless-columns": lambda: look(make_table(0, same=pa.array(["x"] * N))),
}
"""A table that each check has something to say of."""


@pytest.fixture(scope="module", params=CHECKS, ids=lambda check: check.kind)
def found(request):
    return request.param, AS_THEY_ARE[request.param.kind]()


def test_every_kind_has_one_check_and_one_case():
    assert sorted(check.kind for check in CHECKS) == sorted(HEALTH_KINDS)
    assert sorted(AS_THEY_ARE) == sorted(HEALTH_KINDS)


def test_a_check_finds_what_it_looks_for_and_says_how(found):
    check, health = found
    told = [each for each in health.section.findings if each.kind == check.kind]
    assert told
    for each in told:
        assert each.message.endswith(".")
        assert each.method
        assert len(each.first_rows) <= min(20, each.n_rows)
        assert len(set(each.first_rows)) == len(each.first_rows)
        assert all(0 <= row < len(health.is_unlike) for row in each.first_rows)


def test_a_check_tells_nothing_else(found):
    check, health = found
    assert set(kinds(health)) == {check.kind}


def test_a_check_says_why_it_did_not_look(found, plain):
    """Where there are neither columns nor other files every check still answers."""
    check, _ = found
    data = read_data(make_table(0), ReadOptions(label="label"))
    bare = replace(data, schema=replace(data.schema, columns=()))
    health = look_at(
        bare,
        None,
        None,
        pair_rows=np.empty(0, np.int64),
        wrong=np.zeros(N),
        class_shares=np.array([0.5, 0.5]),
        notices=(),
    )
    assert kinds(health) == []
    assert check.kind not in plain.section.skipped
    needs = {"leaking-columns", "shared-rows", "drift", "unlike-rows"}
    assert (check.kind in health.section.skipped) == (check.kind in needs)


def test_the_same_material_gives_the_same_answer():
    first, second = (AS_THEY_ARE["copies"]() for _ in range(2))
    assert first.section == second.section
    assert (first.copy_group == second.copy_group).all()


# --- leaks ----------------------------------------------------------------------------------------


def spoil(labels, share, seed=5):
    """A share of the labels turned round, and which."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(labels)) < share
    other = np.where(np.array(labels) == "yes", "no", "yes")
    return np.where(wrong, other, labels), wrong


@pytest.mark.parametrize("of", ["given", "true"])
def test_a_leak_is_found_whichever_labels_it_was_made_of(of):
    table = make_table(0)
    truth = table["label"].to_pylist()
    given, wrong = spoil(truth, 0.1)
    source = given if of == "given" else truth
    numbers = np.where(np.array(source) == "yes", 3.0, 1.0)
    numbers += np.random.default_rng(0).normal(size=N) * 0.1
    spoiled = make_table(0, label=pa.array(given), leak=pa.array(numbers))
    health = look(spoiled, wrong=np.where(wrong, 0.9, 0.02))
    assert [each.columns for each in health.section.findings] == [("leak",)]


def test_a_cell_that_one_class_lacks_is_a_leak():
    table = make_table(0)
    reason = [
        None if each == "no" else f"r{i % 7}" for i, each in enumerate(table["label"].to_pylist())
    ]
    assert kinds(look(make_table(0, reason=pa.array(reason)))) == ["leaking-columns"]


def test_a_date_behind_the_label_s_own_is_a_leak():
    day = np.datetime64("2024-01-01", "s")
    rng = np.random.default_rng(0)
    made = day + rng.integers(0, 10**7, N).astype("timedelta64[s]")
    before = made - rng.integers(1, 10**6, N).astype("timedelta64[s]")
    later = made + rng.integers(1, 10**6, N).astype("timedelta64[s]")
    dates = {"label_date": pa.array(made), "begun": pa.array(before), "closed": pa.array(later)}
    health = look(make_table(0, **dates))
    assert [each.columns for each in health.section.findings] == [("closed",)]


def test_a_column_of_one_number_that_tells_much_is_no_leak():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    column = y + rng.normal(size=2000) * 0.45  # right six times of seven
    assert 0.5 < measure_skill(column, y, np.ones(2000)) < 0.9


def cut_slowly(values, labels, n_classes, n_leaves):
    """CART in plain loops: the leaf that gains most by its best cut is cut first."""

    def gini(rows):
        counts = np.bincount(labels[rows], minlength=n_classes)
        return (counts**2).sum() / max(len(rows), 1)

    def best(rows):
        rows = rows[np.argsort(values[rows], kind="stable")]
        found = (0.0, None)
        for at in range(LEAF, len(rows) - LEAF + 1):
            if values[rows[at]] != values[rows[at - 1]]:
                gain = gini(rows[:at]) + gini(rows[at:]) - gini(rows)
                if gain >= LEAST_GAIN and gain > found[0] + 1e-9:
                    found = (gain, (rows[:at], rows[at:]))
        return found

    leaves = [np.arange(len(values))]
    while len(leaves) < n_leaves:
        gains = [best(rows) for rows in leaves]
        at = int(np.argmax([gain for gain, _ in gains]))
        if gains[at][1] is None:
            break
        leaves[at : at + 1] = gains[at][1]
    return sorted((values[rows].max(), np.bincount(labels[rows]).argmax()) for rows in leaves)


@given(
    rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=20, max_size=60),
    n_leaves=st.integers(2, 5),
)
def test_the_tree_is_that_of_plain_loops(rows, n_leaves):
    values, labels = np.array(rows).T
    leaves = cut_slowly(values, labels, 3, n_leaves)
    ends, classes = [end for end, _ in leaves], [found for _, found in leaves]
    asked = np.arange(-1, 11)
    expected = [classes[min(np.searchsorted(ends, each), len(ends) - 1)] for each in asked]
    counted = predict_by_column(values, labels, asked, n_classes=3, n_leaves=n_leaves)
    # Cuts of one gain may come in another order; what both say of the rows is as good.
    at = {each: i for i, each in enumerate(asked)}
    hits = [
        (np.array(said)[[at[v] for v in values]] == labels).sum() for said in (expected, counted)
    ]
    assert abs(int(hits[0]) - int(hits[1])) <= (0 if n_leaves == 2 else 3)


# --- copies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("jitter", [0.0, 1e-3, 1e-2])
def test_copies_are_found_with_jitter_and_without(jitter):
    table = make_table(0, 1000)
    rng = np.random.default_rng(3)
    copied = table.slice(0, 12)
    for at, name in enumerate(("a", "b", "c")):
        values = copied[name].to_numpy() + rng.normal(size=12) * jitter
        copied = copied.set_column(at, name, pa.array(values, from_pandas=True))
    health = look(stack(table, copied))
    assert kinds(health) == ["copies"]
    group = health.copy_group
    assert (group[:12] >= 0).all()
    assert (group[1000:] == group[:12]).mean() >= 0.9
    assert (group >= 0).sum() <= 2 * 12 + 2


def test_rows_of_few_values_are_not_called_copies():
    rng = np.random.default_rng(0)
    few = {name: pa.array(rng.integers(0, 3, N).astype(str)) for name in ("a", "b", "c")}
    health = look(make_table(0, **few))
    assert kinds(health) == []
    assert "copies" in health.section.skipped


def test_equal_rows_are_those_of_a_slow_comparison():
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 4, (80, 2)).astype(float)
    numbers[rng.random((80, 2)) < 0.2] = np.nan
    table = make_table(0, 80, a=pa.array(numbers[:, 0], from_pandas=True))
    table = table.set_column(1, "b", pa.array(numbers[:, 1], from_pandas=True)).drop_columns("c")
    columns = read_columns([read_data(table, ReadOptions(label="label"))])
    exact = find_near_pairs(columns, np.ones(80, bool)).exact
    rows = list(zip(*(table[name].to_pylist() for name in ("a", "b", "city")), strict=True))
    for i, one in enumerate(rows):
        for j, other in enumerate(rows[:i]):
            assert (one == other) == (exact[i] >= 0 and exact[i] == exact[j])


def test_test_rows_that_repeat_by_nature_are_no_fault_of_the_split():
    """A fifth of DATA's rows stands there twice, and a fifth of TEST's in DATA."""
    every = make_table(0, 1000)
    data = stack(every.slice(0, 800), every.slice(0, 100))
    test = stack(every.slice(800), every.slice(200, 45))
    assert kinds(look(data, test=test)) == ["copies"]


def test_test_that_is_data_is_told():
    table = make_table(0)
    health = look(table, test=table)
    assert kinds(health) == ["shared-rows"]
    assert health.section.findings[0].n_rows == N


# --- unlike rows ----------------------------------------------------------------------------------


def test_distance_is_that_of_a_full_sort():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(90, 4)).astype(np.float32)
    own = np.concatenate([np.arange(60), np.full(30, -1)])
    own[70] = 3
    gaps = np.sqrt(np.square(points[:, None] - points[None, :60]).sum(axis=2))
    gaps[np.flatnonzero(own >= 0), own[own >= 0]] = np.inf
    expected = np.sort(gaps, axis=1)[:, NEIGHBOURS - 1]
    np.testing.assert_allclose(measure_distance(points, 60, own), expected, rtol=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.01, 0.1, 0.5]))
def test_discovery_rate_is_held_as_benjamini_and_hochberg_wrote_it(values, level):
    p = np.array(values)
    ordered = sorted(values)
    last = max((k for k in range(1, len(p) + 1) if ordered[k - 1] <= level * k / len(p)), default=0)
    expected = p <= ordered[last - 1] if last else np.zeros(len(p), bool)
    assert (hold_discovery_rate(p, level) == expected).all()


def test_conformal_p_values_count_clean_rows_that_are_as_strange():
    far = np.concatenate([[9.0, 0.5, 0.02], np.linspace(0.01, 0.99, 20)])
    found = compare_with_clean(far, 3)
    expected = [(1 + (far[3:] >= 0.99 * each).sum()) / 21 for each in far[:3]]
    np.testing.assert_allclose(found, expected)
    assert np.isnan(compare_with_clean(far[:10], 3)).all()


def make_strange(n, far):
    same = {"c": pa.array([0.0] * n), "city": pa.array(["Ulm"] * n)}
    return make_table(
        5, n, a=pa.array(np.linspace(-far, -far - 1, n)), b=pa.array([far] * n), **same
    )


def test_strange_rows_that_clean_has_as_well_are_not_told():
    data = stack(make_table(0), make_strange(4, 60.0))
    assert kinds(look(data, make_table(1, 100))) == ["unlike-rows"]
    told = look(data, stack(make_table(1, 100), make_strange(8, 70.0)))
    assert "unlike-rows" not in kinds(told)
    assert (told.unlike_p_value[N:] > 0.05).all()


def test_rows_are_strange_whose_counts_are_all_large_where_mostly_some_are_zero():
    rng = np.random.default_rng(0)
    strange = np.arange(10) * 60
    counts = {}
    for k in range(6):
        values = np.where(rng.random(N) < 0.6, 0.0, np.exp(4 * rng.normal(size=N)))
        values[strange] = 1000 * (1 + rng.random(10))
        counts[f"count {k}"] = pa.array(values)
    found = look(make_table(0, **counts)).is_unlike
    assert found[strange].all()
    assert found.sum() < 15


def test_a_name_that_few_rows_have_is_as_far_from_the_others_as_they_are_from_each_other():
    codes = np.concatenate([np.repeat(np.arange(40), 10), [99]])[:, None]
    columns = Columns((), np.empty((len(codes), 0)), ("name",), codes)
    points = place_rows(columns, slice(0, 400), slice(0, 401), score_normally)
    common, other, rare, unknown = points[[0, 10, 399, 400]]
    for far in (other, rare, unknown):
        assert np.linalg.norm(common - far) == pytest.approx(np.linalg.norm(common - other))


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30))
def test_normal_scores_depend_on_ranks_alone(values):
    known = np.array(values)
    score = score_normally(np.append(known, np.nan), known)
    assert np.isnan(score[-1])
    assert np.isfinite(score[:-1]).all()
    assert (np.sign(np.subtract.outer(score[:-1], score[:-1])) == compare_all(known)).all()
    np.testing.assert_allclose(score[:-1], -score_normally(-known, -known), atol=1e-12)


def compare_all(values):
    return np.sign(np.greater.outer(values, values) - np.less.outer(values, values).astype(int))


# --- the others -----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2), min_size=3, max_size=9))
def test_moments_of_neighbours_are_those_of_all_orders(labels):
    y = np.array(labels)
    counts = [
        sum(a == b for a, b in pairwise(order))
        for order in (permutations(labels) if len(labels) < 7 else [])
    ]
    share, chance, p_value = compare_neighbours(y)
    assert share == pytest.approx((y[1:] == y[:-1]).mean())
    if counts:
        assert chance * (len(y) - 1) == pytest.approx(np.mean(counts), abs=1e-9)
        sd = np.std(counts)
        if sd > 1e-9:
            from scipy import special

            z = ((y[1:] == y[:-1]).sum() - np.mean(counts)) / sd
            assert p_value == pytest.approx(special.ndtr(-z))


def test_a_difference_that_wrong_labels_make_is_no_drift():
    table = make_table(0, 3000)
    truth = np.array(table["label"].to_pylist())
    rare = (truth == "yes") & (np.random.default_rng(0).random(3000) < 0.8)
    table = table.filter(pa.array(~rare))
    truth = truth[~rare]
    given, _ = spoil(truth, 0.15)
    clean = table.slice(0, 400)
    data = table.set_column(4, "label", pa.array(given)).slice(400)
    shares = np.bincount((truth[400:] == "yes").astype(int)) / len(truth[400:])
    told = Notice("clean-shares-unlike", "They differ.", is_warning=True)
    base = {"notices": [told], "pair_rows": np.full(400, -1)}
    assert "drift" not in kinds(look(data, clean, class_shares=shares, **base))
    as_given = np.bincount((given[400:] == "yes").astype(int)) / len(given[400:])
    assert "drift" in kinds(look(data, clean, class_shares=as_given, **base))


def test_of_a_large_table_rows_are_looked_at_evenly():
    rows = choose_rows(10 * MOST_ROWS)
    assert len(rows) == MOST_ROWS
    assert rows[0] == 0
    assert rows[-1] == 10 * MOST_ROWS - 1
    assert (np.diff(rows) > 0).all()
    assert (choose_rows(7) == np.arange(7)).all()


def test_of_a_part_of_the_rows_that_is_said(monkeypatch):
    monkeypatch.setattr("datacleanse.detection.health.look.MOST_ROWS", 300)
    table = stack(make_table(0), make_table(0).slice(0, 30))
    health = look(table.sort_by("a"))
    assert len(health.copy_group) == table.num_rows
    assert {"small-classes", "row-order"} <= set(health.section.skipped)
    strange = make_table(1, 60, a=pa.array(np.full(60, -60.0)), b=pa.array(np.full(60, 70.0)))
    monkeypatch.setattr("datacleanse.detection.health.strange_rows.MOST", 0.2)
    told = look(stack(make_table(0), strange))
    assert "300 of 660 rows were looked at" in told.section.findings[0].method
