"""Pages that follow from the program itself: its help, its file formats, its errors, its README.

Run by `mkdocs build`; nothing of it is kept in the repository, so nothing can be out of date.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import mkdocs_gen_files

import datacleanse
from datacleanse.storage.field_documentation import list_documented_fields
from datacleanse.storage.manifest.numbers import NumberManifest
from datacleanse.storage.manifest.whole import Manifest
from datacleanse.storage.number_schemas import NUMBER_COLUMNS
from datacleanse.storage.schemas import AUDIT_COLUMNS, EPOCH_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.storage.table_column import TableColumn

ROOT = Path(__file__).parent.parent
PACKAGES = ("datacleanse", "cli/datacleanse_cli", "reports/datacleanse_reports")


def main() -> None:
    """Write every generated page."""
    _write("index.md", _relinked((ROOT / "README.md").read_text("utf-8"), Path()))
    for name, source in (
        ("benchmarks.md", "benchmarks/README.md"),
        ("changelog.md", "CHANGELOG.md"),
    ):
        text = (ROOT / source).read_text("utf-8")
        _write(name, _relinked(text, Path(source).parent))
    # Modules beside this one: mkdocs does not look for them here.
    sys.path.append(str(ROOT))
    from docs.command_reference import write_command_reference
    from docs.notebooks import convert_to_page, read_notebook

    _write("notebook.md", convert_to_page(read_notebook()))
    _write("cli.md", write_command_reference())
    _write("formats.md", _formats())
    _write("errors.md", _errors())
    _write("reference.md", _reference())


def _write(name: str, text: str) -> None:
    with mkdocs_gen_files.open(name, "w") as page:
        page.write(text.rstrip("\n") + "\n")


def _relinked(text: str, folder: Path) -> str:
    """Links of a file in ``folder`` as links between pages; what is no page stays as plain text."""

    def link(found: re.Match[str]) -> str:
        target, _, anchor = found["target"].partition("#")
        path = os.path.normpath(folder / target)
        if path == "benchmarks/README.md":
            path = "docs/benchmarks.md"
        if not path.startswith("docs/"):
            return found["text"].lstrip("![").lstrip("[")
        page = path.removeprefix("docs/")
        return f"{found['text']}]({page}{'#' + anchor if anchor else ''})"

    return re.sub(r"(?P<text>!?\[[^\]]*)\]\((?P<target>(?!https?:|#)[^)]+)\)", link, text)


def _formats() -> str:
    """Columns and fields of a run's files, from the code, between what is written by hand."""
    text = (ROOT / "docs" / "formats.in.md").read_text("utf-8")
    tables = {
        "audit": _columns(AUDIT_COLUMNS),
        "epoch": _columns(EPOCH_COLUMNS),
        "manifest": _fields(Manifest),
        "number audit": _columns(NUMBER_COLUMNS),
        "number manifest": _fields(NumberManifest),
    }
    for name, table in tables.items():
        text = text.replace(f"<!-- {name} -->", table)
    return text


def _columns(columns: tuple[TableColumn, ...]) -> str:
    lines = ["| column | type | meaning |", "|:--|:--|:--|"]
    lines += [f"| `{each.name}` | {each.type} | {_cell(each.meaning)} |" for each in columns]
    return "\n".join(lines)


def _fields(kind: type) -> str:
    lines = ["| field | type | meaning |", "|:--|:--|:--|"]
    lines += [
        # What Python calls None is null in the file.
        f"| `{field.path}` | {field.type} | {_cell(field.meaning.replace('None:', 'null:'))} |"
        for field in list_documented_fields(kind)
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _errors() -> str:
    """Every error that the program raises: its slug, what it says, what to do."""
    found: dict[str, tuple[str, str, str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for kind, slug, message, hint in _raised(ast.parse(path.read_text("utf-8"))):
                found.setdefault(slug, (kind, message, hint))
    lines = [
        "# Errors",
        "",
        "What is wrong with an input or a call ends with exit code 2 and one message: what, where, "
        "what to do next. In Python these are subclasses of `datacleanse.DatacleanseError`; their "
        "`slug` is the name in the first column. An ellipsis stands for what was met.",
        "",
        "| slug | in Python | says | then |",
        "|:--|:--|:--|:--|",
    ]
    for slug, (kind, message, hint) in sorted(found.items()):
        lines.append(f"| `{slug}` | `{kind}` | {_cell(message)} | {_cell(hint)} |")
    return "\n".join(lines)


def _raised(tree: ast.AST) -> Iterator[tuple[str, str, str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        slug = given.get("slug")
        if not node.func.id.endswith("Error") or not isinstance(slug, ast.Constant):
            continue
        message = _text(node.args[0]) if node.args else ""
        yield node.func.id, str(slug.value), message, _text(given.get("hint"))


def _text(node: ast.expr | None) -> str:
    """A text as far as the source tells it."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part) if isinstance(part, ast.Constant) else "…" for part in node.values
        )
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return "…"


def _reference() -> str:
    """All public names, with their documentation."""
    where = datacleanse._LAZY
    names = [name for name in datacleanse.__all__ if not name.startswith("__")]
    parts = ["# Python reference"]
    parts += [f"::: {where.get(name, 'datacleanse.errors')}.{name}" for name in names]
    return "\n\n".join(parts)


main()
