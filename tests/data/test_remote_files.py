"""Remote file systems fail in ways of their own, and every failure is a sentence."""

from __future__ import annotations

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from datacleanse.data import ReadOptions, read_data
from datacleanse.errors import InputError


class LostError(Exception):
    """Of no kind that anybody knows."""


class BrokenFile:
    closed = False

    def read(self, size=-1):
        raise LostError("connection lost")

    def seekable(self):
        return False

    def close(self):
        self.closed = True


class Broken(MemoryFileSystem):
    """Fails at the place that its address names."""

    protocol = "broken"

    def info(self, path, **options):
        if "nowhere" in path:
            raise LostError("no such host")
        return {"name": path, "size": 10, "type": "directory" if "folder" in path else "file"}

    def find(self, path, **options):
        raise LostError("no listing")

    def open(self, path, mode="rb", **options):
        if "closed" in path:
            raise LostError("not opened")
        return BrokenFile()


@pytest.fixture(autouse=True)
def registered():
    fsspec.register_implementation("broken", Broken, clobber=True)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("broken://nowhere/t.csv", "no such host"),
        ("broken://closed/t.csv", "not opened"),
        ("broken://read/t.csv", "connection lost"),
        ("broken://read/t.parquet", "connection lost"),
        ("broken://folder", "no listing|no such host|connection lost|not opened"),
    ],
)
def test_a_failure_is_told_with_the_address(address, said):
    with pytest.raises(InputError, match=said) as caught:
        read_data(address, ReadOptions())
    assert address in str(caught.value)


def test_a_kind_of_address_whose_package_is_missing_names_it(monkeypatch):
    def refuse(address):
        raise ImportError("Install huggingface_hub to access HfFileSystem")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    for address, package in (
        ("hf://datasets/a/b.csv", "huggingface_hub"),
        ("abc://x", "fsspec[abc]"),
    ):
        with pytest.raises(InputError, match="not installed") as caught:
            read_data(address, ReadOptions())
        assert f"pip install '{package}'" in str(caught.value.hint)
