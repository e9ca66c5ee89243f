"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import pytest

from datacleanse.errors import OutputError
from datacleanse.storage.atomic_files import write_folder_aside


def test_a_folder_appears_when_it_is_filled(tmp_path):
    with write_folder_aside(tmp_path / "made") as aside:
        (aside / "a.txt").write_text("a", encoding="utf-8")
        assert not (tmp_path / "made").exists()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["a.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_whose_filling_fails_leaves_nothing(tmp_path, error):
    def fill():
        with write_folder_aside(tmp_path / "made") as aside:
            (aside / "a.txt").write_text("a", encoding="utf-8")
            raise error

    with pytest.raises(error):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_program_left_is_cleared_away(tmp_path):
    (tmp_path / ".made.part").mkdir()
    (tmp_path / ".made.part" / "old.txt").write_text("old", encoding="utf-8")
    with write_folder_aside(tmp_path / "made"):
        pass
    assert list((tmp_path / "made").iterdir()) == []


def test_only_an_empty_folder_gives_way(tmp_path):
    (tmp_path / "made").mkdir()
    with write_folder_aside(tmp_path / "made") as aside:
        (aside / "a.txt").write_text("a", encoding="utf-8")
    with pytest.raises(OutputError), write_folder_aside(tmp_path / "made") as aside:
        (aside / "b.txt").write_text("b", encoding="utf-8")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["a.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_an_error_of_the_system_while_filling_names_the_place(tmp_path):
    with (
        pytest.raises(OutputError, match="made cannot be written"),
        write_folder_aside(tmp_path / "made") as aside,
    ):
        (aside / "missing" / "a.txt").write_text("a", encoding="utf-8")
