"""Tests of detection judge as a user's audit does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.light_judge import judge_wholly

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="package", autouse=True)
def whole_strength() -> Iterator[None]:
    """Trees and fits as many as ever."""
    with judge_wholly():
        yield
