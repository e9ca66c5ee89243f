"""What the program says is short enough for readers of a second language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.test_prose import list_too_long

ROOT = Path(__file__).parents[1]
PACKAGES = ("datacleanse", "cli/datacleanse_cli", "reports/datacleanse_reports")
FORMATS = (
    "storage/schemas.py",
    "storage/suspect_schemas.py",
    "export/onnx_file.py",
    "export/safetensors_file.py",
    "detection/methods.py",
)
"""They describe files, column by column, as tables of the documentation do."""
MODULES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if not path.as_posix().endswith(FORMATS)
]
TEMPLATES = sorted((ROOT / "reports").rglob("*.j2"))

STATEMENT, TAG = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL), re.compile(r"<[^>]*>")
BLOCK = re.compile(r"<(style|script)\b.*?</\1>", re.DOTALL)
BLOCK_TAG = re.compile(r"</?(?:p|li|td|th|h\d|div|section|dt|dd|summary|tr|label|button)\b[^>]*>")
VALUE = re.compile(r"{{.*?}}", re.DOTALL)


def spell(node: ast.AST) -> str | None:
    """A text as far as the source tells it, a value as one word; None: it is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(spell(part)) if isinstance(part, ast.Constant) else "X" for part in node.values
        )
    return None


def list_texts(tree: ast.Module) -> list[str]:
    """The texts of a module but for documentation."""
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    documents = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = (spell(node) for node in ast.walk(tree) if id(node) not in inside | documents)
    return [text for text in found if text]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_sentences_of_the_program_have_thirty_words_at_most(path):
    texts = list_texts(ast.parse(path.read_text(encoding="utf-8")))
    assert [long for text in texts for long in list_too_long(text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_sentences_of_the_pages_have_thirty_words_at_most(path):
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    text = TAG.sub("", BLOCK_TAG.sub("\n\n", STATEMENT.sub("\n\n", VALUE.sub("X", text))))
    assert list_too_long(text) == []


def test_a_long_sentence_is_found():
    module = ast.parse(f"def f(x):\n    '''Says.'''\n    return f'{'word ' * 31}{{x}}.'")
    assert [long for text in list_texts(module) for long in list_too_long(text)] != []
