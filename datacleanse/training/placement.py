"""Where the examples' inputs lie, and how a batch of them reaches the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset, default_collate

from datacleanse.errors import InputError, is_shortage
from datacleanse.storage.mapped_files import LARGE_INPUTS, fetch_runs
from datacleanse.training.batches import measure_window
from datacleanse.user_code import report_as_user_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch.utils.data import Dataset

    from datacleanse.pictures.joined import Joined

LABEL_NAMES = ("label", "labels", "target", "class", "y")
"""Under which a mapping of two holds the label; the other one is the input."""

RESIDENT_SHARE = 0.5
"""Share of a GPU's free memory that examples may take; the network needs the rest."""


class Rows(Protocol):
    """M inputs, (M, ...) in all. A tensor is one kind."""

    @property
    def device(self) -> torch.device:
        """Where batches lie."""

    def __len__(self) -> int:
        """Return M."""

    def __getitem__(self, index: Tensor, /) -> Tensor:
        """(B,) int64 positions to (B, ...) on the device; nobody else's memory."""


class Moved:
    """Inputs kept in main memory; each batch is moved to the device."""

    def __init__(self, values: Tensor, device: torch.device) -> None:
        self.values = values
        self.device = device

    def __len__(self) -> int:
        """Return M."""
        return len(self.values)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Copy a batch to the device."""
        batch = self.values[index.to(self.values.device)]
        if self.device.type == "cuda":
            # Page-locked, so that the copy need not be waited for.
            return batch.pin_memory().to(self.device, non_blocking=True)
        return batch.to(self.device)


class Gathered:
    """Images in arrays or mapped files, gathered batch by batch."""

    def __init__(self, images: Joined, device: torch.device) -> None:
        self.images = images
        self.device = device

    def __len__(self) -> int:
        """Return M."""
        return len(self.images)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Gather a batch of images, and copy it to the device."""
        return torch.from_numpy(self.images[index.cpu().numpy()]).to(self.device)


class Fetched:
    """Inputs that map-style datasets make, one after the other, whenever they are asked for."""

    def __init__(self, datasets: Sequence[Dataset[Any]], device: torch.device) -> None:
        self._datasets = datasets
        self.device = device

    def __len__(self) -> int:
        """Return M."""
        return sum(map(len, self._datasets))  # type: ignore[arg-type]

    def __getitem__(self, index: Tensor) -> Tensor:
        """Let the datasets make a batch, input by input."""
        batch = default_collate([self._input(position) for position in index.tolist()])
        if not isinstance(batch, Tensor):
            raise _make_no_tensor_error(batch)
        return batch.to(self.device)

    def serve(self, device: torch.device) -> Fetched:
        """Return the same inputs, their batches on another device."""
        return Fetched(self._datasets, device)

    def _input(self, position: int) -> Any:  # noqa: ANN401  # whatever the dataset makes
        made = fetch_item(self._datasets, position)[0]
        # Torch warns of arrays that it could not write to, such as pandas gives.
        is_locked = isinstance(made, np.ndarray) and not made.flags.writeable
        return made.copy() if is_locked else made


def is_handed_over(rows: Rows) -> bool:
    """Whether another process may read the inputs while this one does.

    Not what datasets of the user's make: they may read from open files, whose place in the file
    processes share, and they are promised to be asked in one process.
    """
    return not isinstance(rows, Fetched) and rows.device.type == "cpu"


def fetch_item(datasets: Sequence[Dataset[Any]], position: int) -> tuple[Any, Any]:
    """Fetch an example, as its dataset makes it: (input, label).

    Raises:
        InputError: it is no such pair, and no mapping of an input and a label.
        UserCodeError: the dataset failed.
    """
    for dataset in datasets:
        length = len(dataset)  # type: ignore[arg-type]
        if position >= length:
            position -= length
            continue
        with report_as_user_code(f"{type(dataset).__name__}[{position}] failed"):
            pair = dataset[position]
        return _split_example(pair, f"{type(dataset).__name__}[{position}]")
    raise IndexError(position)


def _split_example(example: object, place: str) -> tuple[Any, Any]:
    """Input and label of a pair, or of a mapping of two whose one name can only be the label's."""
    if isinstance(example, Mapping):
        named = [key for key in example if key in LABEL_NAMES]
        if len(example) == 2 and len(named) == 1:
            other = next(key for key in example if key != named[0])
            return example[other], example[named[0]]
        names = ", ".join(map(repr, example))
        what = f"{type(example).__name__} with the names {names}"
    elif isinstance(example, tuple | list):
        if len(example) == 2:
            return example[0], example[1]
        what = f"{type(example).__name__} of {len(example)}"
    else:
        what = type(example).__name__
    raise InputError(
        f"{place} is {what}, not a pair.",
        slug="dataset-item",
        hint="Let the dataset return (input, label), or a dictionary of two whose second name is "
        f"one of {', '.join(LABEL_NAMES)}.",
    )


class Part:
    """Some of the inputs, by their positions."""

    def __init__(self, rows: Rows, positions: Tensor) -> None:
        self._rows, self._positions = rows, positions
        self.device = rows.device

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self._positions)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Take a batch of the part."""
        return self._rows[self._positions[index.to(self._positions.device)]]


def place(values: Tensor, device: torch.device) -> Rows:
    """Put inputs in main memory, (M, ...), on the device if they fit there."""
    if values.device == device or device.type == "cpu":
        return values
    if values.nbytes > RESIDENT_SHARE * measure_free_memory(device):
        return Moved(values, device)
    try:
        return values.to(device)
    except RuntimeError as error:
        if not is_shortage(error):
            raise
    return Moved(values, device)


def place_images(images: Joined, device: torch.device) -> Rows:
    """Put images on a GPU if they fit there; elsewhere they are gathered batch by batch."""
    if device.type == "cpu":
        return Gathered(images, device)
    size = math.prod(images.shape)
    if size > RESIDENT_SHARE * measure_free_memory(device):
        return Gathered(images, device)
    return place(torch.from_numpy(images[np.arange(len(images))]), device)


def find_images(rows: Rows) -> Joined | NDArray[np.uint8]:
    """Find the images behind `place_images`, in main memory or in mapped files."""
    if isinstance(rows, Gathered):
        return rows.images
    held = find_tensor(rows)
    assert held is not None
    images: NDArray[np.uint8] = held.cpu().numpy()
    return images


def move_rows(rows: Rows, device: torch.device) -> Rows:
    """Put inputs that lie in main memory on another device, or serve it with them."""
    if isinstance(rows, Gathered):
        return place_images(rows.images, device)
    if isinstance(rows, Fetched):
        return rows.serve(device)
    held = find_tensor(rows)
    assert held is not None
    return place(held, device)


def measure_free_memory(device: torch.device) -> int:
    """Return the bytes that are free on a GPU."""
    free, _ = torch.cuda.mem_get_info(device)
    return free


def join_rows(datasets: Sequence[Dataset[Any]], device: torch.device) -> Rows:
    """Join the inputs of datasets of (input, label), one dataset after the other."""
    tensors = [dataset.tensors[0] for dataset in datasets if type(dataset) is TensorDataset]
    if len(tensors) == len(datasets) and len({t.device for t in tensors}) == 1:
        return place(torch.cat(tensors), device)
    return Fetched(datasets, device)


def find_tensor(rows: Rows) -> Tensor | None:
    """Find the tensor that holds all inputs; None where there is none."""
    if isinstance(rows, Moved):
        return rows.values
    return rows if isinstance(rows, Tensor) else None


def take_batch(rows: Rows, index: Tensor) -> Tensor:
    """Take the inputs at (B,) positions.

    Of a tensor by ``index_select``: that copies row by row, where indexing goes by single values.
    """
    return rows.index_select(0, index) if isinstance(rows, Tensor) else rows[index]


def find_window(rows: Rows) -> int:
    """Rows that are mixed at a time, so that files are read in runs; 0: all are.

    It depends on the size of the inputs alone, never on the memory that there is.
    """
    if isinstance(rows, Gathered):
        size = math.prod(rows.images.shape)
    else:
        held = find_tensor(rows)
        size = 0 if held is None or held.device.type != "cpu" else held.nbytes
    return measure_window(size // len(rows)) if size >= LARGE_INPUTS else 0


def fetch(rows: Rows, positions: Tensor) -> None:
    """Ask for inputs at (n,) positions before they are wanted, where they lie in a file."""
    if isinstance(rows, Gathered):
        rows.images.fetch(positions.cpu().numpy())
        return
    held = find_tensor(rows)
    if held is not None and held.device.type == "cpu":
        fetch_runs(held.numpy(), positions.cpu().numpy())


def describe_rows(rows: Rows) -> str:
    """Describe where the inputs lie, for people."""
    if isinstance(rows, Gathered):
        return "as decoded, gathered batch by batch"
    if isinstance(rows, Moved):
        return "in main memory, moved batch by batch"
    return "on the device" if isinstance(rows, Tensor) else "fetched from the dataset"


def _make_no_tensor_error(batch: object) -> InputError:
    return InputError(
        f"The dataset's inputs make a batch of type {type(batch).__name__}, not a tensor.",
        slug="dataset-input",
        hint="Let the dataset return (input, label) with one tensor or array as input.",
    )
