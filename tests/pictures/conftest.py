"""Pictures that tests of folders and of every other form begin with."""

from __future__ import annotations

import pytest

from tests.pictures.made import CLASSES, class_folders


@pytest.fixture
def root(tmp_path):
    """Two class folders with three pictures each."""
    return class_folders(tmp_path / "pets", CLASSES, 3)
