"""A real browser for the tests of pages: headless Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first is Chromium without what draws windows: it takes two thirds of the processor time."""
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser; the test is skipped where there is none."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no chromium or google-chrome on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Window:
    """A window of its own: nothing is shared with others."""

    context: BrowserContext
    console: list[str] = field(default_factory=list)
    """What the pages wrote there, and their errors."""

    def tab(self, address: str) -> Page:
        """A page, when it is ready."""
        page = self.context.new_page()
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.goto(address)
        page.wait_for_selector("html[data-ready]", timeout=60_000)
        return page


def until(page: Page, condition: str) -> None:
    """Wait for a JavaScript expression to hold; the page's policy stops Playwright's own way."""
    deadline = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"{condition} does not come true"
        page.wait_for_timeout(20)


@contextmanager
def window(browser: Browser, **options: Any) -> Iterator[Window]:
    """A window; options are those of Playwright's contexts."""
    whole = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
    context = browser.new_context(**whole)
    context.set_default_timeout(30_000)
    yield Window(context)
    context.close()
