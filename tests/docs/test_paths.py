"""Modules, packages and benchmarks that README and docs name exist in the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (
        ROOT / "README.md",
        ROOT / "benchmarks" / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
}

SOURCES = ("benchmarks", "cli", "datacleanse", "docs", "reports", "tests")
FILES = {
    path.relative_to(ROOT).as_posix()
    for folder in SOURCES
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
FOLDERS = {parent.as_posix() for name in FILES for parent in Path(name).parents}

OF_USERS = ("nets.py", "model/", "root/", "runs/", "test/", "train/", "val/", "weights/")
"""How names begin that are no part of the repository: files and folders of a user, run folders."""

CODE = re.compile(r"`([^`\n]+)`")
CODE_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
MODULE = re.compile(r"(?<![\w./<-])[\w./-]+\.py\b")
PACKAGE = re.compile(r"[\w./-]+/")
BENCHMARK = re.compile(r"\bbenchmarks(?:\.\w+)+")
NOT_A_MODULE = (".md", ".json")

PART_OF_OTHERS = ("benchmarks.cost.cross_validation",)
"""Runnable modules that other benchmarks start."""

RUNNABLE = sorted(
    module
    for path in (ROOT / "benchmarks").rglob("*.py")
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    and (module := ".".join(path.relative_to(ROOT).with_suffix("").parts)) not in PART_OF_OTHERS
)


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_names_exists(name):
    text = PAGES[name].read_text(encoding="utf-8")

    assert missing_paths(text) == []
    assert missing_benchmarks(text) == []


def test_a_name_that_moved_is_seen():
    text = (
        "`training/trainer.py` and `loop.py` are here, `influence/` too, not `trainings.py`, "
        "`influence/loop.py` or `export/rules/`; `python -m benchmarks.cost.gpu`.\n\n"
        "```\nmine.py\npython -m benchmarks.gpu\n```\n"
    )

    assert missing_paths(text) == ["trainings.py", "influence/loop.py", "export/rules/"]
    assert missing_benchmarks(text) == ["benchmarks.gpu"]


@pytest.mark.parametrize("module", RUNNABLE)
def test_the_index_of_benchmarks_names_each_that_can_be_run(module):
    assert module in BENCHMARK.findall(PAGES["benchmarks/README.md"].read_text(encoding="utf-8"))


def missing_paths(text: str) -> list[str]:
    """Modules and packages in backticks that no file or folder of the repository ends with."""
    found = []
    for code in CODE.findall(CODE_BLOCK.sub("", text)):
        if PACKAGE.fullmatch(code):
            found.append(code)
        found += MODULE.findall(code)
    return [name for name in found if not name.startswith(OF_USERS) and not _is_there(name)]


def missing_benchmarks(text: str) -> list[str]:
    """Modules of the benchmarks, dotted, in code or in a command, that do not exist."""
    found = [name for name in BENCHMARK.findall(text) if not name.endswith(NOT_A_MODULE)]
    return [name for name in found if not _is_module(name.replace(".", "/"))]


def _is_there(name: str) -> bool:
    known = FOLDERS if name.endswith("/") else FILES
    end = name.rstrip("/")
    return any(path == end or path.endswith(f"/{end}") for path in known)


def _is_module(path: str) -> bool:
    return f"{path}.py" in FILES or path in FOLDERS
