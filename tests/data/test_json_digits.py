"""Numbers of JSON Lines keep every digit, as those of a CSV do."""

from __future__ import annotations

import decimal
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacleanse.data import ReadOptions, hash_rows, read_data
from datacleanse.data.exact_numbers import is_float_of
from datacleanse.data.readers.json_digits import lose_digits

LITERALS = (
    *("0", "-0.0", "1.5", "0.1", "1e5", "1E-7", "1e-300", "12345678901234567", "9007199254740993"),
    *("0.1000000000000000055", "0.30000000000000004", "1e400", "1e-400", "1.5E+308", "-1e308"),
    *("123456789012345678901", "0.00000000000000000001", "3.141592653589793", "2.5e3"),
)


@given(
    cells=st.lists(st.sampled_from(LITERALS), min_size=1, max_size=6),
    key=st.sampled_from(["x", "ü", 'a "b"', "e5"]),
    blank=st.sampled_from(["", " "]),
    word=st.sampled_from(["w", "1234567890123456789", "e400", "1e400"]),
)
def test_it_is_seen_that_a_float_loses_digits(cells, key, blank, word):
    lines = [f'{{"w": "{word}", {json.dumps(key)}:{blank}{cell}}}\n' for cell in cells]
    kept = all(
        is_float_of(decimal.Decimal(c), float(c)) or float(c) == 0 == decimal.Decimal(c)
        for c in cells
    )
    assert lose_digits([key], ["".join(lines).encode()]) == (not kept)
    assert not lose_digits(["other"], ["".join(lines).encode()])
    assert not lose_digits([], ["".join(lines).encode()])


@pytest.mark.parametrize("literal", LITERALS)
def test_a_number_of_json_lines_is_that_of_a_csv(tmp_path, literal):
    cells = ["1.5", literal, "2.5", "-3"]
    (tmp_path / "d.csv").write_text(
        "x,n,label\n" + "".join(f"{c},{at}.5,{'uv'[at % 2]}\n" for at, c in enumerate(cells))
    )
    (tmp_path / "d.jsonl").write_text(
        "".join(
            f'{{"x": {c}, "n": {at}.5, "label": "{"uv"[at % 2]}"}}\n' for at, c in enumerate(cells)
        )
    )
    first, second = (
        hash_rows(read_data(str(tmp_path / name), ReadOptions())) for name in ("d.csv", "d.jsonl")
    )
    np.testing.assert_array_equal(first, second)
