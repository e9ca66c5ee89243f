"""The labels of a map-style dataset, in whichever form its examples hold a whole number."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeGuard

import numpy as np
from torch import Tensor
from torch.utils.data import TensorDataset

from datacleanse.errors import InputError
from datacleanse.training.placement import fetch_item

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from torch.utils.data import Dataset as MapDataset

_SCALAR_KINDS = "biufO"
"""NumPy's kinds of values that are looked into: booleans, integers, fractions, objects. Not
durations, of which one in nanoseconds would turn into a whole number."""
_SHOWN = 60
"""Characters of a label that a message quotes, at most."""


def read_labels(dataset: MapDataset[Any], n_classes: int) -> NDArray[np.int64]:
    """(N,) classes of all examples.

    Attributes such as ``targets`` are not looked at: those of a dataset whose labels are
    transformed, or of the one behind a `torch.utils.data.Subset`, are not the examples' own.

    Args:
        dataset: of N examples (input, label).
        n_classes: C, how many classes the network has.

    Raises:
        InputError: a label is no whole number from 0 to C - 1; the message names the example.
        UserCodeError: the dataset failed.
    """
    n = len(dataset)  # type: ignore[arg-type]  # map-style
    result = np.empty(n, np.int64)
    for position, label in enumerate(_find_labels(dataset, n)):
        code = _parse_label(label)
        if code is None or not 0 <= code < n_classes:
            raise _make_label_error(f"{type(dataset).__name__}[{position}]", label, n_classes)
        result[position] = code
    return result


def _find_labels(dataset: MapDataset[Any], n: int) -> Iterable[Any]:
    """The label of each example as it stands."""
    if type(dataset) is TensorDataset and len(dataset.tensors) == 2:
        stored = dataset.tensors[1]
        # One for each example, in whatever shape, is read at once.
        is_plain = stored.numel() == n and not stored.is_meta
        return stored.reshape(-1).tolist() if is_plain else stored
    return (fetch_item([dataset], position)[1] for position in range(n))


def _parse_label(label: object) -> int | None:
    """The whole number that a label is; None where it is none, or more than one."""
    plain = _unwrap(label)
    # What is still an array has several values, or none that could be read.
    if _is_array(plain) or not isinstance(plain, SupportsIndex):
        return None
    return operator.index(plain)


def _unwrap(label: object) -> object:
    """The Python value in an array or tensor of a single element, on any device."""
    if isinstance(label, Tensor):
        return label.item() if label.numel() == 1 and not label.is_meta else label
    if isinstance(label, np.ndarray | np.generic):
        return label.item() if label.size == 1 and label.dtype.kind in _SCALAR_KINDS else label
    return label


def _is_array(label: object) -> TypeGuard[Tensor | NDArray[Any]]:
    return isinstance(label, Tensor | np.ndarray)


def _make_label_error(place: str, label: object, n_classes: int) -> InputError:
    """Say which label it is, and how to turn a usual one of its kind into a class."""
    plain = _unwrap(label)
    cure = f"Labels are classes of the network's output: whole numbers from 0 to {n_classes - 1}."
    if isinstance(plain, float) and plain.is_integer() and 0 <= plain < n_classes:
        cure += " Let the dataset give int(label)."
    elif (_is_array(plain) or isinstance(plain, list | tuple)) and _is_vector(plain, n_classes):
        cure += " Where the label has a number for each class, give the position of the largest."
    elif isinstance(plain, str):
        cure += " Let the dataset give the position of the name in classes."
    return InputError(f"{place} has the label {_describe(plain)}.", slug="dataset-label", hint=cure)


def _is_vector(label: Tensor | NDArray[Any] | list[Any] | tuple[Any, ...], n_classes: int) -> bool:
    """Whether there is an element for each class, as in a one-hot label."""
    shape = tuple(label.shape) if _is_array(label) else (len(label),)
    return n_classes > 1 and shape[-1:] == (n_classes,) and all(size == 1 for size in shape[:-1])


def _describe(label: object) -> str:
    """A label on one line: its value where that is short, else its type and shape."""
    text = " ".join(repr(label).split())
    if len(text) <= _SHOWN:
        return text
    if _is_array(label):
        return f"{type(label).__name__} of the shape {tuple(label.shape)}"
    return f"{text[: _SHOWN - 1]}…"
