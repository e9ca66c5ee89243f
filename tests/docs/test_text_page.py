"""The page on text says what works."""

from __future__ import annotations

import re
from pathlib import Path

from datacleanse.data import ReadOptions, read_data

PAGE = Path(__file__).parents[2] / "docs" / "text.md"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_an_embedded_text_is_learned_from_and_the_text_itself_kept_aside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(block, str(PAGE), "exec"), {})
    schema = read_data("reviews.parquet", ReadOptions(label="label")).schema
    assert [(column.name, column.kind) for column in schema.columns] == [("embedding", "embedding")]
    assert [column.name for column in schema.set_aside] == ["text"]
