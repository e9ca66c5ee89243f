"""Takes the pictures in `docs/images` from a run: `python docs/screenshots.py runs/demo`.

Needs Playwright and a Chromium on the path; look at them before committing.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
WIDE = {"width": 1200, "height": 900}
SCREENS: dict[str, dict[str, Any]] = {
    "": {"viewport": WIDE},
    "-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "-phone": {
        "viewport": {"width": 360, "height": 740},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}
"""Ending of the files' names, and the screen."""


def main() -> None:
    """Take all pictures of one run's report."""
    report = Path(sys.argv[1]).resolve() / "reports" / "report.html"
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        for ending, screen in SCREENS.items():
            take(browser, report.as_uri(), ending, screen)
        browser.close()


def take(browser: Browser, address: str, ending: str, screen: dict[str, Any]) -> None:
    """First screen, suspects and review on one screen."""
    context = browser.new_context(reduced_motion="reduce", **screen)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    keep(page, f"report{ending}")
    page.locator("#suspects").evaluate("section => section.scrollIntoView()")
    page.locator("#suspect-table summary").nth(2).click()
    keep(page, f"suspects{ending}")
    page.locator("#suspects [data-start-review]").click()
    for key in "wwqw":
        page.keyboard.press(key)
        page.wait_for_timeout(700)
    keep(page, f"review{ending}")
    context.close()


def keep(page: Page, name: str) -> None:
    """Write one picture."""
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
