"""Small drawings: their sizes are the numbers that they stand for."""

from __future__ import annotations

import re

import pytest

from datacleanse_reports import svg


@pytest.mark.parametrize("share", [0.0, 0.0004, 0.25, 1.0])
def test_the_area_of_a_square_is_the_share_of_its_frame(share):
    found = svg.draw_share_square(share)
    x, y, width, height = map(float, re.findall(r'(?:x|y|width|height)="([\d.e-]+)"', found)[-4:])
    assert width == height
    assert width * height / 400 == pytest.approx(share, abs=1e-5)
    # It stands in the middle.
    assert x == y == pytest.approx((20 - width) / 2, abs=0.01)
