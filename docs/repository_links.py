"""Links of the documentation lead somewhere in the repository; here they become the site's.

A hook of mkdocs. Pages that are made when the site is built do not stand in the repository: there a
link leads to what they are made from.
"""

from __future__ import annotations

import re

PAGES = {
    "../benchmarks/README.md": "benchmarks.md",
    "../datacleanse/__init__.py": "reference.md",
    "formats.in.md": "formats.md",
    "notebook.ipynb": "notebook.md",
}
"""The page by what it is made from, as a page in `docs/` links to it."""

_LINK = re.compile(r"\]\((?P<target>[^)#]+)(?P<anchor>#[^)]*)?\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """The text of a page, with links between pages of the site."""
    return _LINK.sub(
        lambda link: f"]({_find_page(link['target'])}{link['anchor'] or ''})", markdown
    )


def _find_page(target: str) -> str:
    for up in ("", "../"):  # pages in `docs/`, and in a folder of it
        source = target.removeprefix(up)
        if target.startswith(up) and source in PAGES:
            return up + PAGES[source]
    return target
