"""The page on text says what works."""

from __future__ import annotations

import re
from pathlib import Path

from datacleanse.data.free_text import READ_SIGNS
from datacleanse.models.text_features import N_AXES

PAGE = Path(__file__).parents[2] / "docs" / "text.md"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_example_runs_and_classifies_a_new_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    found = {}
    exec(compile(block, str(PAGE), "exec"), found)
    assert [column.kind for column in found["model"].schema.columns] == ["text"]
    assert capsys.readouterr().out.strip() in ("['good']", "['bad']")


def test_the_numbers_on_the_page_are_those_of_the_program():
    text = PAGE.read_text(encoding="utf-8")
    assert f"along the {N_AXES} main axes" in text
    assert f"Of a text {READ_SIGNS:,} characters are read" in text
