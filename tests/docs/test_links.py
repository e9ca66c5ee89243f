"""Links of README and docs lead somewhere, in the repository and on the site made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.repository_links import PAGES, on_page_markdown
from tests.docs.test_paths import CODE_BLOCK
from tests.docs.test_paths import PAGES as READ

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)(?P<path>[^)#\s]+)(?:#(?P<anchor>[^)]*))?\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)


def anchors(text):
    """Anchors of the headings of a page, as GitHub and the site make them."""
    titles = HEADING.findall(CODE_BLOCK.sub("", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", READ)
def test_links_lead_to_what_is_there(name):
    page = READ[name]
    broken = []
    for link in LINK.finditer(CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        target = page.parent / link["path"]
        if not target.exists():
            broken.append(link["path"])
        elif link["anchor"] and target.suffix == ".md":
            text = target.read_text(encoding="utf-8")
            if link["anchor"] not in anchors(text) | set(re.findall(r'id="([^"]+)"', text)):
                broken.append(link[0])
    assert broken == []


def test_on_the_site_they_lead_to_the_pages_that_are_made():
    text = "[a](formats.in.md#decisionsjsonl) [b](notebook.ipynb) [c](text.md#x) [d](https://x.y)"
    assert on_page_markdown(text, page=None, config=None, files=None) == (
        "[a](formats.md#decisionsjsonl) [b](notebook.md) [c](text.md#x) [d](https://x.y)"
    )
    deeper = "[b](../../benchmarks/README.md#x)"
    assert on_page_markdown(deeper) == "[b](../benchmarks.md#x)"
    assert all((ROOT / "docs" / source).exists() for source in PAGES)


def test_the_readme_leads_to_what_people_look_for():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in ("notebook.ipynb", "questions.md", "verifying.md", "no-verified-rows.md"):
        assert f"](docs/{page})" in text
