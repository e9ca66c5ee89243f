"""Sizes as people write them, and the memory that a machine or its container has left."""

from __future__ import annotations

import pytest

from datacleanse import memory_bound
from datacleanse.errors import SettingsError
from datacleanse.memory_bound import format_size, measure_free_memory, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2 * 10**9),
        ("2 GB", 2 * 10**9),
        ("2g", 2 * 10**9),
        ("1.5GiB", 3 * 2**29),
        ("800mb", 8 * 10**8),
        ("64MiB", 2**26),
        ("123", 123),
        ("1 TB", 10**12),
    ],
)
def test_sizes_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "2 potatoes", "-1GB", "0", "0GB", "1e9", "GB", "½GB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(SettingsError, match="memory=") as caught:
        parse_size(text)
    assert "2GB" in caught.value.hint


@pytest.mark.parametrize(
    ("size", "text"), [(2.35e9, "2.4 GB"), (999e6, "999 MB"), (1e9, "1.0 GB"), (1, "1 B")]
)
def test_sizes_are_told(size, text):
    assert format_size(size) == text


def make_group(root, name, **numbers):
    (root / name).mkdir(parents=True, exist_ok=True)
    for file, number in numbers.items():
        (root / name / file.replace("_", ".", 1)).write_text(f"{number}\n", encoding="ascii")


def measure(tmp_path, line):
    (tmp_path / "process").write_text(line, encoding="ascii")
    return memory_bound._measure_groups(tmp_path / "process", tmp_path / "groups")


def test_the_narrowest_group_counts(tmp_path):
    groups = tmp_path / "groups"
    make_group(groups, "a", memory_max=5000, memory_current=1000)
    make_group(groups, "a/b", memory_max=3000, memory_current=500)
    make_group(groups, "a/b/c", memory_max="max", memory_current=500)
    assert min(measure(tmp_path, "0::/a/b/c\n")) == 2500


def test_files_that_go_when_memory_is_wanted_do_not_count(tmp_path):
    make_group(tmp_path / "groups", ".", memory_max=5000, memory_current=4000)
    stat = tmp_path / "groups" / "memory.stat"
    stat.write_text("anon 1000\ninactive_file 2500\nactive_file 500\n", encoding="ascii")
    # As in a container, which sees its own group as the root.
    assert measure(tmp_path, "0::/not/seen/here\n") == [3500]


def test_groups_of_the_first_version_count(tmp_path):
    place = tmp_path / "groups" / "memory" / "a"
    place.mkdir(parents=True)
    (place / "memory.limit_in_bytes").write_text("900\n", encoding="ascii")
    (place / "memory.usage_in_bytes").write_text("1000\n", encoding="ascii")
    assert measure(tmp_path, "5:cpu,cpuacct:/a\n4:memory:/a\n") == [0]


def test_without_groups_the_machine_counts(tmp_path, monkeypatch):
    assert memory_bound._measure_groups(tmp_path / "none", tmp_path) == []
    monkeypatch.setattr(memory_bound, "_measure_groups", lambda *_: [7])
    assert measure_free_memory() == 7
    monkeypatch.setattr(memory_bound, "_measure_groups", lambda *_: [])
    assert measure_free_memory() > 2**20
