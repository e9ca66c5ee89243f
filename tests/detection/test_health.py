"""What is seen beside wrong labels: what is planted is found, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations, product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from datacleanse.data import ReadOptions, compare, read_data, read_like
from datacleanse.detection.health.column_tree import LEAF, LEAST_GAIN, predict_by_column
from datacleanse.detection.health.columns import Columns, read_columns
from datacleanse.detection.health.fine_rows import find_fine_rows
from datacleanse.detection.health.leaking_columns import measure_skill, trust_labels
from datacleanse.detection.health.look import MOST_ROWS, choose_rows, look_at
from datacleanse.detection.health.natural_distances import (
    Nearest,
    estimate_dimension,
    expect_nearer,
)
from datacleanse.detection.health.near_pairs import find_near_pairs
from datacleanse.detection.health.number_skill import predict_numbers
from datacleanse.detection.health.registry import CHECKS
from datacleanse.detection.health.row_order import compare_neighbours, correlate_neighbours
from datacleanse.detection.health.strange_rows import (
    NEIGHBOURS,
    compare_with_clean,
    hold_discovery_rate,
    measure_distance,
    place_rows,
    score_normally,
)
from datacleanse.detection.health.value_pairs import (
    ALIKE,
    PARTS,
    cut_numbers,
    measure_surprise,
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


def look(data_table, clean=None, test=None, *, task="auto", **options):
    data = read_data(data_table, ReadOptions(label="label", task=task))
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


def test_a_leak_of_a_rare_class_is_found_though_wrong_labels_are_not_quite_certain():
    """One row in sixteen is of the class; 0.9 for each wrong label leaves a seventh of that."""
    rng = np.random.default_rng(0)
    truth = np.where(rng.random(3000) < 1 / 16, "yes", "no")
    given, wrong = spoil(truth, 0.1)
    table = make_table(0, 3000, label=pa.array(given), leak=pa.array(np.char.add("is ", truth)))
    health = look(table, wrong=np.where(wrong, 0.9, 0.02))
    assert [each.columns for each in health.section.findings] == [("leak",)]


def test_labels_are_trusted_by_the_square_of_their_odds():
    np.testing.assert_allclose(
        trust_labels(np.array([0, 0.25, 0.5, 0.75, 1])), [1, 0.9, 0.5, 0.1, 0]
    )


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


@pytest.mark.parametrize("n_columns", [1, 2, 3])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_rows_of_few_columns_are_near_by_nature(n_columns, scale):
    rng = np.random.default_rng(0)
    numbers = np.exp(scale * rng.normal(size=(2000, n_columns)))
    table = pa.table({f"x{k}": pa.array(numbers[:, k]) for k in range(n_columns)})
    label = np.where(rng.random(2000) < 0.5, "yes", "no")
    health = look(table.append_column("label", pa.array(label)))
    assert "copies" not in kinds(health)


def test_copies_off_the_grid_are_found_among_dense_rows_on_it():
    """In whole numbers the next row is hardly farther than a copy with jitter."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 80, (2000, 3)).astype(float)
    copied = numbers[:20] + rng.normal(size=(20, 3)) * 0.15
    every = np.vstack([numbers, copied])
    table = pa.table({f"x{k}": pa.array(every[:, k]) for k in range(3)})
    label = np.where(rng.random(2020) < 0.5, "yes", "no")
    group = look(table.append_column("label", pa.array(label))).copy_group
    assert (group[2000:] >= 0).mean() >= 0.9
    far = np.vstack([numbers, rng.random((20, 3)) * 80])
    table = pa.table({f"x{k}": pa.array(far[:, k]) for k in range(3)})
    health = look(table.append_column("label", pa.array(label)))
    assert "copies" not in kinds(health)


@pytest.mark.parametrize("dimension", [1, 2])
def test_the_dimension_is_that_of_the_space_rows_lie_in(dimension):
    rng = np.random.default_rng(0)
    numbers = rng.random((800, dimension)) @ rng.normal(size=(dimension, 6))
    gaps = np.sort(np.linalg.norm(numbers[:, None] - numbers[None], axis=2), axis=1)
    nearest = Nearest(np.zeros((800, 2), np.int64), *gaps[:, 1:4].T)
    found = estimate_dimension(nearest, 6)
    assert found == pytest.approx(dimension, rel=0.2)
    # By nature a share of rows has its nearest one so near, which is what is expected.
    for share in (0.25, 0.5):
        likely = expect_nearer(share * nearest.third, nearest.third, found).mean()
        assert (nearest.first <= share * nearest.third).mean() == pytest.approx(likely, abs=0.04)


def test_a_row_is_fine_where_many_of_its_numbers_are():
    numbers = np.tile(np.arange(100.0)[:, None], (1, 4))
    numbers[3, :2] += 0.25
    numbers[4, 0] += 0.25
    numbers[5] = [0.5, np.nan, np.nan, 7]
    numbers[6] = np.nan
    assert np.flatnonzero(find_fine_rows(numbers, np.ones(100, bool))).tolist() == [3, 5]
    noise = np.random.default_rng(0).normal(size=(100, 4))
    assert not find_fine_rows(noise, np.ones(100, bool)).any()


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
    health = look(data, test=test)
    assert kinds(health) == ["shared-rows", "copies"]
    shared = health.section.findings[0]
    assert (shared.certainty, shared.is_warning, shared.n_rows) == ("exact", False, 45)
    assert shared.message.startswith("45 of 245 rows of TEST stand in DATA exactly")
    more = look(data, test=stack(test, every.slice(300, 40)))
    assert [(each.kind, each.is_warning) for each in more.section.findings] == [
        ("shared-rows", True),
        ("copies", False),
    ]


def test_rows_of_clean_repeat_data_s_own_without_being_a_fault_of_the_split():
    """A fifth of the rows repeats others, and CLEAN is drawn from DATA: each of its rows does."""
    every = make_table(0, 1000)
    data = stack(every.slice(0, 800), every.slice(0, 100))
    test = stack(every.slice(800), every.slice(0, 45))
    health = look(data, data.slice(0, 200), test)
    assert not any(each.is_warning for each in health.section.findings)


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


def test_rows_are_strange_whose_values_are_common_but_never_together():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, N)
    columns = {
        f"c{k}": np.where(rng.random(N) < 0.02, rng.integers(0, 4, N), kind) for k in range(8)
    }
    strange = np.arange(10) * 60
    for values in columns.values():
        values[strange] = rng.integers(0, 4, 10)
    named = {name: pa.array([f"v{each}" for each in values]) for name, values in columns.items()}
    found = look(make_table(0, **named)).is_unlike
    assert found[strange].mean() >= 0.8
    assert found.sum() <= 12


def test_surprise_is_that_of_a_slow_tree():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 3, (60, 4))
    codes[:, 1] = np.where(rng.random(60) < 0.8, codes[:, 0], codes[:, 1])
    codes[:, 3] = np.where(rng.random(60) < 0.7, codes[:, 1], codes[:, 3])
    columns = Columns((), np.empty((60, 0)), tuple("abcd"), codes)
    every = slice(0, 60)
    found = measure_surprise(columns, every, every, np.arange(60))

    def inform(a, b):
        total = 0.0
        for x, y in product(range(3), repeat=2):
            both = ((codes[:, a] == x) & (codes[:, b] == y)).mean()
            apart = (codes[:, a] == x).mean() * (codes[:, b] == y).mean()
            total += both * np.log(both / apart) if both else 0.0
        return total

    edges = sorted(((inform(a, b), a, b) for a in range(4) for b in range(a)), reverse=True)
    tree, sets = [], [{k} for k in range(4)]
    for _, a, b in edges:  # Kruskal's way to the same tree
        if sets[a] is not sets[b]:
            tree.append((a, b))
            joined = sets[a] | sets[b]
            for k in joined:
                sets[k] = joined
    parents = {0: -1}
    while len(parents) < 4:
        for a, b in tree:
            if (a in parents) != (b in parents):
                parents |= {b: a} if a in parents else {a: b}
    for row in range(60):
        expected = 0.0
        for own, parent in parents.items():
            has = codes[:, own] == codes[row, own]
            share = (max(has.sum() - ALIKE, 0) + 0.5) / 61
            if parent >= 0:
                given = codes[:, parent] == codes[row, parent]
                both = max((has & given).sum() - ALIKE, 0)
                share = (both + share) / (max(given.sum() - ALIKE, 0) + 1)
            expected -= np.log(share)
        assert found[row] == pytest.approx(expected)


@given(st.lists(st.integers(-3, 3) | st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_numbers_are_cut_in_their_order_and_common_ones_stand_alone(values):
    known = np.array(values, dtype=float)
    part = cut_numbers(np.append(known, np.nan), known)
    assert part[-1] not in part[:-1]
    order = np.argsort(known, kind="stable")
    assert (np.diff(part[:-1][order]) >= 0).all()
    assert len(np.unique(part)) <= 2 * PARTS + 1
    for value, count in zip(*np.unique(known, return_counts=True), strict=True):
        if count > 3 * len(known) / PARTS:
            assert len(np.unique(known[part[:-1] == part[:-1][known == value][0]])) == 1


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
    score = score_normally(np.append(known, np.nan), len(known))
    assert np.isnan(score[-1])
    assert np.isfinite(score[:-1]).all()
    assert (np.sign(np.subtract.outer(score[:-1], score[:-1])) == compare_all(known)).all()
    np.testing.assert_allclose(score[:-1], -score_normally(-known, len(known)), atol=1e-12)


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
    assert (rows // 10 == np.arange(MOST_ROWS)).all()
    assert (choose_rows(7) == np.arange(7)).all()


def test_of_a_part_of_the_rows_that_is_said(monkeypatch):
    monkeypatch.setattr("datacleanse.detection.health.look.MOST_ROWS", 300)
    table = stack(make_table(0), make_table(0).slice(0, 30))
    health = look(table.sort_by("a"))
    assert len(health.copy_group) == table.num_rows
    assert {"small-classes", "row-order"} <= set(health.section.skipped)
    strange = make_table(1, 30, a=pa.array(np.full(30, -60.0)), b=pa.array(np.full(30, 70.0)))
    told = look(stack(make_table(0), strange))
    assert kinds(told) == ["unlike-rows"]
    assert "300 of 630 rows were looked at" in told.section.findings[0].method


# --- labels that are numbers ----------------------------------------------------------------------


def make_numbers(seed, n=N, **more):
    """The columns of `make_table` with a number that follows from them but for noise."""
    table = make_table(seed, n)
    noise = np.random.default_rng(seed + 100).normal(size=n)
    number = 10 + 2 * table["a"].to_numpy() + table["b"].to_numpy() + noise
    table = table.set_column(table.column_names.index("label"), "label", pa.array(number.round(2)))
    for name, values in more.items():
        table = table.append_column(name, values)
    return table


def multiply_some(table, share=10):
    """The table with some numbers ten times too large, and which."""
    is_wrong = np.arange(len(table)) % share == 0
    number = table["label"].to_numpy() * np.where(is_wrong, 10.0, 1.0)
    place = table.column_names.index("label")
    return table.set_column(place, "label", pa.array(number.round(2))), is_wrong


def look_at_numbers(*tables, **options):
    return look(*tables, task="regression", **options)


@pytest.mark.parametrize("seed", range(1, 4))
def test_nothing_is_told_of_numbers_where_nothing_is(seed):
    data, is_wrong = multiply_some(make_numbers(10 * seed))
    others = make_numbers(10 * seed + 1, 200), make_numbers(10 * seed + 2)
    health = look_at_numbers(data, *others, wrong=np.where(is_wrong, 0.95, 0.01))
    assert kinds(health) == []
    assert health.section.skipped == {"small-classes": "labels are numbers."}


def change_unit(table):
    """A column that is the true number in another unit."""
    return pa.array((1.8 * table["label"].to_numpy() + 32).round(2))


def name_parts(table):
    """A column of names, one for each number."""
    return pa.array([f"part {round(number)}" for number in table["label"].to_numpy() * 2])


@pytest.mark.parametrize("make", [change_unit, name_parts])
def test_a_column_that_gives_the_number_away_is_found_among_wrong_labels(make):
    table = make_numbers(0, 1500)
    if make is name_parts:
        number = (table["label"].to_numpy() * 2).round() / 2
        table = table.set_column(table.column_names.index("label"), "label", pa.array(number))
    data, is_wrong = multiply_some(table.append_column("leak", make(table)))
    health = look_at_numbers(data, wrong=np.where(is_wrong, 0.95, 0.01))
    (finding,) = health.section.findings
    assert (finding.kind, finding.columns) == ("leaking-columns", ("leak",))
    assert "alone tells the label" in finding.message


def test_a_column_that_tells_much_of_a_number_is_no_leak():
    table = make_numbers(0)
    near = table["label"].to_numpy() + np.random.default_rng(3).normal(size=N) * 0.7
    assert kinds(look_at_numbers(table.append_column("near", pa.array(near)))) == []


NUMBER_CASES = {
    "shared-rows": lambda: look_at_numbers(
        stack(make_numbers(0), make_numbers(2).slice(0, 30)), test=make_numbers(2)
    ),
    "drift": lambda: look_at_numbers(
        make_numbers(0), test=make_numbers(1).filter(pc.field("label") > 10.5)
    ),
    "unlike-rows": lambda: look_at_numbers(
        stack(make_numbers(0), shift(make_numbers(1, 5), a=-60.0, b=70.0))
    ),
    "copies": lambda: look_at_numbers(stack(make_numbers(0), make_numbers(0).slice(0, 30))),
    "row-order": lambda: look_at_numbers(make_numbers(0).sort_by("label")),
    "useless-columns": lambda: look_at_numbers(make_numbers(0, same=pa.array(["x"] * N))),
}


def shift(table, **values):
    for name, value in values.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(np.full(len(table), value)))
    return table


@pytest.mark.parametrize("kind", NUMBER_CASES)
def test_a_check_finds_what_it_looks_for_in_an_audit_of_numbers(kind):
    assert set(kinds(NUMBER_CASES[kind]())) == {kind}


def test_numbers_that_are_likely_wrong_are_no_drift():
    data, is_wrong = multiply_some(make_numbers(0), share=4)
    told = look_at_numbers(data, test=make_numbers(2), wrong=np.where(is_wrong, 0.95, 0.01))
    assert kinds(told) == []
    assert kinds(look_at_numbers(data, test=make_numbers(2))) == ["drift"]


def test_a_number_is_predicted_on_the_line_between_its_neighbours():
    values = np.arange(20.0)
    numbers = 3 * values - 7
    asked = np.array([4.5, 10.25, 19.0, 0.0])
    np.testing.assert_allclose(predict_numbers(values, numbers, asked), 3 * asked - 7)
    numbers[9] = 1e6  # one wrong label moves nothing but what is between the same neighbours
    np.testing.assert_allclose(predict_numbers(values, numbers, asked), 3 * asked - 7, atol=3.1)


def test_a_value_that_many_rows_have_is_predicted_by_their_median():
    values = np.array([1.0] * 5 + [2.0] * 6 + [np.nan] * 3)
    numbers = np.array([1, 2, 3, 4, 500, 10, 20, 30, 40, 50, 60, 7, 8, 900], dtype=float)
    found = predict_numbers(values, numbers, np.array([1.0, 2.0, np.nan]))
    np.testing.assert_allclose(found, [3, 35, 8])


@pytest.mark.parametrize("codes", [range(6), [0, 1, 1, 2, 3, 3]])
def test_moments_of_neighbouring_ranks_are_those_of_all_orders(codes):
    found = [correlate_neighbours(np.array(order)) for order in permutations(codes)]
    score = special.ndtri([p_value for _, p_value in found])
    assert np.mean(score) == pytest.approx(0, abs=1e-9)
    # With ties the variance is another one, about.
    assert np.var(score) == pytest.approx(1, rel=1e-9 if codes == range(6) else 0.2)
