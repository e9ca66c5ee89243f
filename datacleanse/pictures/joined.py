"""Pictures that lie in several stores, seen as one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.storage.mapped_files import fetch_runs

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Joined:
    """Two arrays of images, one after the other, which may be mapped files: never copied whole."""

    def __init__(self, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> None:
        self._parts = first, second
        self.shape: tuple[int, ...] = (len(first) + len(second), *first.shape[1:])
        self.dtype = first.dtype

    def fetch(self, index: NDArray[np.int64]) -> None:
        """Ask for the images at (n,) positions before they are wanted, where they lie in a file."""
        first, second = self._parts
        fetch_runs(first, index[index < len(first)])
        fetch_runs(second, index[index >= len(first)] - len(first))

    def __len__(self) -> int:
        """Number of images M."""
        return self.shape[0]

    def __getitem__(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images at (n,) positions, (n, ...)."""
        first, second = self._parts
        found = np.empty((len(index), *self.shape[1:]), self.dtype)
        is_second = index >= len(first)
        found[~is_second] = first[index[~is_second]]
        found[is_second] = second[index[is_second] - len(first)]
        return found
