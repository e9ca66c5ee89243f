"""Every measured figure in README and docs is what the files in `benchmarks/results` say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.figures import numbers
from docs.figures.markers import (
    Registry,
    faults,
    pages,
    rewritten,
    unused,
    without_markers,
)
from docs.figures.registry import MODULES, REGISTRY
from docs.figures.results import ROOT, Results

TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in pages(ROOT)
}

ALL_FIGURES_MARKED = (
    "README.md",
    "benchmarks/README.md",
    "docs/comparison.md",
    "docs/cleaning.md",
    "docs/clean-set.md",
    "docs/engine.md",
    "docs/export.md",
    "docs/image-audit.md",
    "docs/limits.md",
    "docs/method.md",
    "docs/network.md",
    "docs/pictures.md",
)
"""Pages on which a decimal number is marked, or one of `CONSTANTS`."""

CONSTANTS = {
    ".001": "floor under likelihoods of noise matrices",
    ".02": "behind the best of six from here on",
    ".08": "a lead that was aimed at",
    ".10": "level of the flags in the benchmarks",
    ".3": "share of the rows that a tree is grown on",
    ".7": "share of the agreement of neighbours that mirrored images keep",
    "0.01": "weight decay",
    "0.1": "dropout of the first network",
    "0.2": "factor of the steering gradient in the update",
    "0.3": "dropout",
    "0.95": "correlation of pictures that show the same",
    "0.99": "the same where many pictures look alike",
    "1.2": "bound of the time a row",
    "1.5": "power of the pool; interquartile ranges to a value that is outside",
    "1.96": "standard errors in Wilson's interval",
    "3.11": "Python",
    "3.13": "Python",
}

DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+")
NO_FIGURES = re.compile(
    r"^```.*?^```|`[^`\n]*`|\]\([^)]*\)|arXiv \d{4}\.\d{4,5}|eq\. [\d.]+|Apache-2\.0",
    re.DOTALL | re.M,
)

MADE = Registry(figures={"a": lambda _: ".5"}, tables={"t": lambda _: "| a |\n| -- |\n| 1 |"})


@pytest.fixture(scope="module")
def results():
    return Results()


@pytest.mark.parametrize("page", TEXTS)
def test_a_page_says_what_the_results_say(page, results):
    found = [str(fault) for fault in faults(page, TEXTS[page], REGISTRY, results)]

    assert found == [], "`make figures` writes the figures"


def test_every_name_is_used():
    assert unused(list(TEXTS.values()), REGISTRY) == []


def test_a_name_belongs_to_one_module():
    names = [name for module in MODULES for name in (*module.FIGURES, *module.TABLES)]

    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("page", ALL_FIGURES_MARKED)
def test_no_decimal_figure_is_typed_by_hand(page):
    assert typed_by_hand(TEXTS[page]) == []


def test_the_guard_sees_decimals_but_not_code_links_or_papers():
    text = (
        "It is .739 or 0.74 at <!--fig a-->.5<!--/fig--> and .10, `0.9`,\n"
        "[see](https://a.b/1.25), arXiv 1803.09050.\n\n```\n0.123\n```\n"
    )

    assert typed_by_hand(text) == [".739", "0.74"]


def test_a_wrong_figure_is_named_with_what_should_stand(results):
    (fault,) = faults("p.md", "It is <!--fig a-->.4<!--/fig-->.", MADE, results)

    assert str(fault) == "p.md: a stands '.4', should '.5'"


@pytest.mark.parametrize(
    "text",
    [
        "It is <!--fig b-->.4<!--/fig-->.",
        "It is <!--fig a-->.5, unclosed.",
        "It is .5<!--/fig-->, never opened.",
        "It is\n<!--fig a-->.5<!--/fig--> on a line that is then HTML.",
        "- <!--fig a-->.5<!--/fig--> in an item that is then HTML.",
    ],
)
def test_a_faulty_marker_is_named(text, results):
    assert list(faults("p.md", text, MADE, results)) != []


def test_writing_fills_figures_and_tables_and_leaves_the_rest(results):
    text = "It is <!--fig a-->x<!--/fig-->.\n\n<!--table t--><!--/table-->\n\nMore.\n"

    written = rewritten(text, MADE, results)

    assert written == (
        "It is <!--fig a-->.5<!--/fig-->.\n\n<!--table t-->\n\n| a |\n| -- |\n| 1 |\n\n"
        "<!--/table-->\n\nMore.\n"
    )
    assert list(faults("p.md", written, MADE, results)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (numbers.share(0.7385), ".739"),
        (numbers.share(1.0), "1.000"),
        (numbers.share(-0.0004), ".000"),
        (numbers.share(-0.5, 1), f"{numbers.MINUS}.5"),
        (numbers.signed(0.076), "+.076"),
        (numbers.signed(-0.0001), "+.000"),
        (numbers.percent(0.534), "53 %"),
        (numbers.percent(-0.655), f"{numbers.MINUS}66 %"),
        (numbers.signed_points(-0.0078), f"{numbers.MINUS}0.8"),
        (numbers.ratio(0.933), "0.93"),
        (numbers.count(45011), "45,011"),
    ],
)
def test_numbers_look_alike_everywhere(text, expected):
    assert text == expected


def test_the_index_lists_every_decision():
    folder = Path(ROOT / "docs" / "decisions")
    index = (folder / "index.md").read_text(encoding="utf-8")

    missing = [path.name for path in folder.glob("0*.md") if f"({path.name})" not in index]
    assert missing == []


def typed_by_hand(text: str) -> list[str]:
    """Decimal numbers outside of markers, code, links and names of papers."""
    found = DECIMAL.findall(NO_FIGURES.sub("", without_markers(text)))
    return [number for number in found if number not in CONSTANTS]
