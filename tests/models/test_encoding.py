"""What the encoding learns, and that it survives JSON."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datacleanse.data import ReadOptions, read_data, read_like
from datacleanse.models import encoding as encoding_module
from datacleanse.models.encoding import (
    MAX_CATEGORIES,
    N_BINS,
    CategoricalFeature,
    Encoding,
    encode,
    fit_encoding,
)
from datacleanse.models.tabular import PiecewiseLinear, make_tabular_shape
from datacleanse.storage.typed_json import from_json
from tests.tries import tries


def table(**columns) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({**columns, "label": ["a", "b"] * (n // 2) + ["a"] * (n % 2)})


def fit_frame(frame, rows=None, **options):
    data = read_data(frame, ReadOptions(**options))
    return data, fit_encoding(data, np.arange(len(frame)) if rows is None else rows)


def name_columns(encoding: Encoding) -> list[str]:
    numbers = [f"{feature.column} {feature.part}".strip() for feature in encoding.numeric]
    return [*numbers, *(feature.column for feature in encoding.categorical)]


def column(frame, name: str, **options):
    data, encoding = fit_frame(frame, **options)
    return encode(data, encoding)[:, name_columns(encoding).index(name)]


def test_numbers_are_centred_scaled_and_bounded_in_their_order():
    values = np.concatenate([np.random.default_rng(0).normal(50, 10, 999), [1e300]])
    encoded = column(table(x=values), "x")
    assert np.median(encoded) == pytest.approx(0.0, abs=0.02)
    assert np.subtract(*np.quantile(encoded, [0.75, 0.25])) == pytest.approx(1.3, abs=0.1)
    assert np.abs(encoded).max() <= 3.0
    assert (np.diff(encoded[np.argsort(values)]) >= 0).all()


def test_quantiles_are_those_of_all_where_kinds_of_rows_take_turns(monkeypatch):
    """As where three sensors are read one after the other."""
    monkeypatch.setattr(encoding_module, "QUANTILE_SAMPLE", 1000)
    sensors = np.tile([0.0, 10.0, 20.0], 1000) + np.random.default_rng(0).normal(size=3000)
    _, encoding = fit_frame(table(x=sensors))
    assert encoding.numeric[0].center == pytest.approx(10, abs=0.5)
    assert encoding.numeric[0].scale == pytest.approx(20 / 1.349, rel=0.1)


def test_of_less_than_twice_the_sample_all_rows_count(monkeypatch):
    values = np.random.default_rng(0).normal(size=1999)
    _, whole = fit_frame(table(x=values))
    monkeypatch.setattr(encoding_module, "QUANTILE_SAMPLE", 1000)
    _, encoding = fit_frame(table(x=values))
    assert encoding == whole


@settings(deadline=None, max_examples=tries(50))
@given(values=arrays(np.float64, st.integers(4, 40), elements=st.floats(width=64)))
def test_no_finite_infinite_or_missing_number_breaks_the_encoding(values):
    values[:2] = [0.0, 1.0]
    data = read_data(table(x=values, z=np.arange(len(values)) % 3), ReadOptions())
    encoding = fit_encoding(data, np.arange(len(values)))
    matrix = encode(data, encoding)
    known = ~np.isnan(values)
    assert np.isfinite(matrix[known, 0]).all()
    assert np.isnan(matrix[~known, 0]).all()
    assert np.abs(matrix[known]).max() <= 3.0
    for feature in encoding.numeric:
        assert (np.diff(feature.edges) > 0).all()
        assert np.isfinite([feature.center, feature.scale, *feature.edges]).all()


def test_infinite_numbers_become_the_bounds():
    encoded = column(table(x=[-np.inf, 1.0, 2.0, 3.0, 4.0, np.inf]), "x")
    assert encoded[0] == -3.0
    assert encoded[-1] == 3.0


def test_categories_seen_once_or_never_share_the_unseen_code():
    frame = table(c=["x", "x", "y", "y", "z", "x"])
    data, encoding = fit_frame(frame)
    assert encoding.categorical == (
        CategoricalFeature("c", ("x", "y"), rare_share=pytest.approx(1 / 6), has_missing=False),
    )
    new = pd.DataFrame({"c": ["y", "z", "never", None]})
    codes = encode(read_like(new, data.schema, role="NEW"), encoding)[:, 0]
    assert list(codes) == [2.0, 0.0, 0.0, 0.0]


def test_only_the_most_frequent_categories_are_embedded():
    n = MAX_CATEGORIES + 10
    values = [f"c{i}" for i in range(n) for _ in range(2)] + ["c0"] * 2
    _, encoding = fit_frame(table(c=values), categorical=("c",))
    (feature,) = encoding.categorical
    assert len(feature.categories) == MAX_CATEGORIES
    assert "c0" in feature.categories


def test_only_the_given_rows_are_learned_from():
    frame = table(x=[0.0, 1, 2, 3, 1000, 2000, 3000, 4000], c=list("aabbccdd"))
    _, encoding = fit_frame(frame, rows=np.arange(4))
    assert encoding.numeric[0].center <= 3
    assert encoding.categorical[0].categories == ("a", "b")


def test_dates_become_days_and_cyclic_parts():
    days = pd.to_datetime(
        ["2024-01-01", "2024-01-08", "2024-07-01", None, "2023-12-31", "2024-01-02"]
    )
    data, encoding = fit_frame(table(d=days))
    names = name_columns(encoding)
    assert names[:3] == ["d days", "d month sin", "d month cos"]
    matrix = encode(data, encoding)
    weekday = matrix[:, [names.index("d weekday sin"), names.index("d weekday cos")]]
    np.testing.assert_allclose(weekday[0], weekday[1], atol=1e-6)
    assert np.isnan(matrix[3]).all()
    assert encoding.numeric[0].has_missing


def test_embedding_columns_become_as_many_numbers():
    vectors = list(np.random.default_rng(0).normal(size=(20, 5)))
    data, encoding = fit_frame(table(v=vectors))
    assert name_columns(encoding) == [f"v [{i}]" for i in range(5)]
    assert encode(data, encoding).shape == (20, 5)


def test_column_order_of_a_later_file_does_not_matter():
    frame = table(x=np.arange(20.0) ** 2, c=list("abcd") * 5, z=np.arange(20.0)[::-1] ** 2)
    data, encoding = fit_frame(frame)
    other = read_like(frame[["z", "label", "c", "x"]], data.schema, role="NEW")
    np.testing.assert_array_equal(encode(data, encoding), encode(other, encoding))


def test_encoding_survives_json():
    frame = table(x=np.random.default_rng(0).normal(size=30), c=list("abc") * 10)
    _, encoding = fit_frame(frame)
    assert from_json(Encoding, json.loads(json.dumps(encoding.to_json()))) == encoding


def test_piecewise_linear_bins_follow_the_paper():
    """Gorishniy et al. 2022, eq. 1: 0 below the bin, 1 above it, linear inside."""
    frame = table(x=np.random.default_rng(0).normal(size=200))
    frame.loc[3, "x"] = np.nan
    data, encoding = fit_frame(frame)
    layer = PiecewiseLinear(make_tabular_shape(encoding, 2, width=4, n_hidden=1, dropout=0.0))
    layer.set_edges(encoding)
    x = encode(data, encoding)
    out = layer(torch.from_numpy(x)).numpy()
    edges = encoding.numeric[0].edges
    assert out.shape == (200, 1 + N_BINS + 1)
    for row, value in zip(out, np.nan_to_num(x[:, 0]), strict=True):
        for t, (low, high) in enumerate(pairwise(edges)):
            expected = (
                0.0 if value < low else 1.0 if value >= high else (value - low) / (high - low)
            )
            assert row[1 + t] == pytest.approx(expected, abs=1e-5)
    assert list(out[:, -1]) == [float(i == 3) for i in range(200)]
