"""Sentences in README, docs and benchmarks are short enough for readers of a second language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MOST_WORDS = 30

PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (
        ROOT / "README.md",
        ROOT / "benchmarks" / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
}

CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^(?: {4}|\t)(?![-*] |\d+\. ).*$", re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
CODE = re.compile(r"`[^`]*`")
BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )|^#.*$", re.MULTILINE)
END = re.compile(r"(?<!et al)[.!?](?=[\s)\"*]|$)")
WORD = re.compile(r"\w")


def sentences(text: str) -> list[str]:
    """The sentences of a page, code, tables and headings left out."""
    text = CODE_BLOCK.sub("\n\n", text)
    text = COMMENT.sub("", INDENTED.sub("", text))
    text = "\n".join("" if line.lstrip().startswith("|") else line for line in text.splitlines())
    text = CODE.sub("code", LINK.sub(r"\1", text))
    found = [" ".join(part.split()) for block in BLOCK.split(text) for part in END.split(block)]
    return [sentence for sentence in found if WORD.search(sentence)]


def list_too_long(text: str) -> list[str]:
    """The sentences with more than `MOST_WORDS` words."""
    return [
        sentence
        for sentence in sentences(text)
        if sum(bool(WORD.search(word)) for word in sentence.split()) > MOST_WORDS
    ]


@pytest.mark.parametrize("name", PAGES)
def test_no_sentence_has_more_than_thirty_words(name):
    assert list_too_long(PAGES[name].read_text(encoding="utf-8")) == []


def test_sentences_end_at_points_items_and_blocks():
    text = (
        "# A heading\n\nOne sentence of .5 and `a. b`. Another (Ren et al. 2018)!\n\n"
        "- an item\n- a second [link](to.md)\n\n| a. | table. |\n\n```\ncode. here\n```\n"
    )

    assert sentences(text) == [
        "One sentence of .5 and code",
        "Another (Ren et al. 2018)",
        "- an item",
        "- a second link",
    ]


def test_thirty_one_words_are_too_many():
    assert list_too_long("word " * 30 + ".") == []
    assert len(list_too_long("word " * 31 + ".")) == 1
