"""What all tests share."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import browser as browsers
from tests.light_judge import judge_lightly, judge_wholly
from tests.one_core import seeing_one_core
from tests.quick_disk import waiting_for_no_disk
from tests.tries import IS_THOROUGH, tries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# Tests run side by side, one on each core: threads of their own would only wait for each other.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# For random tests that do not say how many examples they try. Beside others they have no deadline.
# CI tries the same examples each time: what it says is about the commit. At a desk they are new.
settings.register_profile(
    "make test", max_examples=tries(100), deadline=None, derandomize=IS_THOROUGH
)
settings.load_profile("make test")


def pytest_collection_finish():
    """Let the garbage collector pass over tests and libraries, which stay until the end."""
    gc.freeze()


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


@pytest.fixture(scope="session", autouse=True)
def light_judge() -> Iterator[None]:
    """For all tests: see `tests.light_judge`."""
    with judge_lightly():
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_disk() -> Iterator[None]:
    """For all tests: see `tests.quick_disk`."""
    with waiting_for_no_disk():
        yield


@pytest.fixture(scope="session", autouse=True)
def one_core() -> Iterator[None]:
    """For all tests: see `tests.one_core`."""
    with seeing_one_core():
        yield


@pytest.fixture
def whole_judge() -> Iterator[None]:
    """For a test whose question is which labels are found."""
    with judge_wholly():
        yield
