"""Memory that does not suffice: how it is recognised, and how it is told."""

from __future__ import annotations

from datacleanse.errors import DatacleanseError

_CPU_SAYS = ("can't allocate memory", "not enough memory")
"""Of torch's allocator for the CPU, which raises a plain RuntimeError."""


class MemoryShortError(DatacleanseError):
    """A training does not fit into memory, however small its batches."""


def is_shortage(error: BaseException) -> bool:
    """Whether the error says that memory ran out, on a GPU or on the CPU."""
    import torch  # not before something went wrong

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _CPU_SAYS)
