"""A process that waits for a question, started before anything else is loaded."""

from __future__ import annotations

import pytest

from datacleanse.detection.second_opinion import waiting


@pytest.fixture
def started(monkeypatch):
    """What was started; a program that only waits."""
    found, start = [], waiting.start
    monkeypatch.setattr(waiting, "start", lambda kind: found.append(start(kind)) or found[-1])
    return found


def test_it_waits_where_the_file_is_of_many_rows_and_ends_with_the_block(started, tmp_path):
    file = tmp_path / "many.csv"
    file.write_bytes(b"a" * 200 * waiting.MANY)
    with waiting.wait_for_question(file) as process:
        assert process is started[0]
        assert process.poll() is None
    assert started[0].poll() is not None


@pytest.mark.parametrize("name", ["few.csv", "none.csv", None])
def test_for_few_rows_or_where_nothing_tells_none_is_started(name, started, tmp_path):
    (tmp_path / "few.csv").write_text("a,label\n")
    with waiting.wait_for_question(None if name is None else tmp_path / name) as process:
        assert process is None
    assert not started
