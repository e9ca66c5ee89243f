"""Axe-core's rules (WCAG 2 A and AA, best practices), asked about a page on several screens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

from tests.tries import IS_THOROUGH

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCREENS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
}


def list_violations(page: Page, within: str = "html") -> list[tuple[str, list[Any]]]:
    """Rules that are broken in a part of the page as it stands, each with up to three places."""
    # Two thirds of the time go into contrast, and a phone shows the colours of the light page.
    is_phone = page.evaluate("window.innerWidth") == SCREENS["phone"]["viewport"]["width"]
    rules = {} if IS_THOROUGH or not is_phone else {"color-contrast": {"enabled": False}}
    options = {"resultTypes": ["violations"], "rules": rules}
    found = Axe().run(page, context=within, options=options).response["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found]
