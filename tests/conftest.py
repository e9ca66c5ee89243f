"""What all tests share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests import browser as browsers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# Tests run side by side, one on each core: threads of their own would only wait for each other.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, started once."""
    with browsers.launched() as launched:
        yield launched


@pytest.fixture
def window(browser: Browser) -> Iterator[browsers.Window]:
    """A window of its own."""
    with browsers.window(browser) as opened:
        yield opened


@pytest.fixture
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the second opinion's trees, for audits whose ranking is not what is tested."""
    monkeypatch.setattr("datacleanse.detection.second_opinion.trees.N_TREES", 30)
