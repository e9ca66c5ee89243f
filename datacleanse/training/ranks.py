"""The processes that train one network together, each its part of every batch; mostly one alone.

`joined_ranks` makes them of processes that torchrun started. Nothing here loads torch.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from datacleanse.errors import DatacleanseError

if TYPE_CHECKING:
    from torch import Tensor


class RanksError(DatacleanseError):
    """Another process of the training failed or was lost, or works on something else.

    Attributes:
        speaker: number of the rank that should say so, the first one that is left.
    """

    def __init__(self, message: str, *, slug: str, hint: str, speaker: int = 0) -> None:
        super().__init__(message, slug=slug, hint=hint)
        self.speaker = speaker


class Ranks(Protocol):
    """All processes of a training, as one of them sees them. All call the same in the same order.

    Whatever waits for others may raise `RanksError`.
    """

    @property
    def number(self) -> int:
        """This process's, from 0. Rank 0 alone judges, reports and speaks."""

    @property
    def count(self) -> int:
        """How many there are."""

    def add_up(self, values: Tensor) -> Tensor:
        """Sum a tensor, of one shape everywhere, over all ranks; ``values`` may be overwritten."""

    def agree(self, flag: bool) -> bool:
        """Whether any rank says so."""

    def meet(self) -> None:
        """Wait until all ranks are here."""

    def tell(self, text: str | None) -> str:
        """Give all ranks what rank 0 says; it may take its time."""

    def compare(self, text: str) -> list[str]:
        """List what each rank says, by its number."""

    def name(self, number: int) -> str:
        """Name a rank for people, as a sentence begins: its number and its machine."""


class _Alone:
    """The only process."""

    number = 0
    count = 1

    def add_up(self, values: Tensor) -> Tensor:
        return values

    def agree(self, flag: bool) -> bool:
        return flag

    def meet(self) -> None:
        pass

    def tell(self, text: str | None) -> str:
        assert text is not None
        return text

    def compare(self, text: str) -> list[str]:
        return [text]

    def name(self, number: int) -> str:
        return f"Rank {number}"


def is_under_torchrun() -> bool:
    """Whether torchrun started this process as one of several."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


ALONE: Ranks = _Alone()
"""One process without others."""
