"""Pages with marked figures: what stands there, what should, and writing it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from docs.figures.results import Figure, Results

MARKER = re.compile(
    r"<!--(?P<kind>fig|table) (?P<name>[^\s>]+)-->(?P<text>.*?)<!--/(?P=kind)-->", re.DOTALL
)
UNCLOSED = re.compile(r"<!--/?(?:fig|table)\b[^>]*-->")
AT_LINE_START = re.compile(r"^\s*(?:[-*>]\s+|\d+\.\s+)*<!--/?fig", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """A place where a page is not as it should be."""

    page: str
    """Path from the root of the repository."""
    name: str
    """Of the figure or table."""
    stands: str
    """What the page says."""
    expected: str
    """What the results say, or what is wrong with the marker."""

    def __str__(self) -> str:
        """One line for people, tables cut to the lines that differ."""
        if "\n" not in self.stands + self.expected:
            return f"{self.page}: {self.name} stands {self.stands!r}, should {self.expected!r}"
        pairs = _differing(self.stands, self.expected)
        return "\n".join([f"{self.page}: table {self.name} differs", *pairs])


@dataclass(frozen=True)
class Registry:
    """What the names in pages stand for."""

    figures: Mapping[str, Figure]
    """Inside a line."""
    tables: Mapping[str, Figure]
    """Blocks of their own."""

    def text(self, kind: str, name: str, results: Results) -> str:
        """What should stand between the two comments.

        Raises:
            KeyError: the name is unknown.
        """
        if kind == "fig":
            return self.figures[name](results)
        return f"\n\n{self.tables[name](results)}\n\n"


def pages(root: Path) -> list[Path]:
    """Every page that may hold figures."""
    docs = root / "docs"
    return [root / "README.md", root / "benchmarks" / "README.md", *sorted(docs.rglob("*.md"))]


def names_used(text: str) -> Iterator[tuple[str, str]]:
    """The kind and the name of each marker in a page."""
    for found in MARKER.finditer(text):
        yield found["kind"], found["name"]


def rewritten(text: str, registry: Registry, results: Results) -> str:
    """A page with what the results say between its markers; unknown names stay as they are."""

    def filled(found: re.Match[str]) -> str:
        kind, name = found["kind"], found["name"]
        try:
            expected = registry.text(kind, name, results)
        except KeyError:
            return found[0]
        return f"<!--{kind} {name}-->{expected}<!--/{kind}-->"

    return MARKER.sub(filled, text)


def faults(page: str, text: str, registry: Registry, results: Results) -> Iterator[Fault]:
    """What is wrong in one page, in its order."""
    for found in MARKER.finditer(text):
        kind, name = found["kind"], found["name"]
        known = registry.figures if kind == "fig" else registry.tables
        if name not in known:
            yield Fault(page, name, found["text"], f"no such {kind} is known")
        elif (expected := registry.text(kind, name, results)) != found["text"]:
            yield Fault(page, name, found["text"], expected)
    for left in UNCLOSED.finditer(MARKER.sub("", text)):
        yield Fault(page, left[0], left[0], "a marker and its end")
    for left in AT_LINE_START.finditer(text):
        line = text[left.start() :].lstrip("\n").partition("\n")[0]
        yield Fault(page, left[0], line, "no line begins with a figure's marker")


def unused(texts: list[str], registry: Registry) -> list[str]:
    """Names that no page holds."""
    used = {name for text in texts for _, name in names_used(text)}
    return sorted({*registry.figures, *registry.tables} - used)


def without_markers(text: str, instead: Callable[[re.Match[str]], str] = lambda _: "") -> str:
    """A page without its marked figures."""
    return MARKER.sub(instead, text)


def _differing(stands: str, expected: str) -> Iterator[str]:
    there, wanted = stands.strip("\n").splitlines(), expected.strip("\n").splitlines()
    for at in range(max(len(there), len(wanted))):
        a = there[at] if at < len(there) else "(nothing)"
        b = wanted[at] if at < len(wanted) else "(nothing)"
        if a != b:
            yield f"  stands {a}\n  should {b}"
