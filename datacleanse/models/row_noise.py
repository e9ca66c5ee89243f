"""Random numbers of a batch that several processes compute in parts: those of the whole batch, cut.

Each process draws for all rows of the batch and keeps what belongs to its own. So a row meets the
same mask whoever computes it, and all generators stay in step.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor


@dataclass(frozen=True)
class Part:
    """Successive rows of a batch."""

    first: int
    """Position of the first one in the batch."""
    size: int
    """How many they are, >= 1."""
    whole: int
    """Rows of the batch."""


_PART: ContextVar[Part | None] = ContextVar("part", default=None)


@contextmanager
def compute_part(part: Part | None) -> Iterator[None]:
    """Let noise within the block be that of a part of a batch; None: of a batch of its own."""
    token = _PART.set(part)
    try:
        yield
    finally:
        _PART.reset(token)


def draw_rows(draw: Callable[[int], Tensor], n: int, *, dim: int = 0) -> Tensor:
    """Draw noise for the n rows at hand.

    Args:
        draw: a number of rows to noise of so many.
        n: rows at hand.
        dim: dimension of the noise along which rows lie.
    """
    part = _PART.get()
    if part is None:
        return draw(n)
    with compute_part(None):
        whole = draw(part.whole)
    return whole.narrow(dim, part.first, n)


class CutNoise(TorchDispatchMode):
    """Within it, torch's own random layers draw for the whole batch, too, as in `draw_rows`.

    Noise is a batch's where its first dimension is the part's size. Whatever draws in another way
    is not seen: who uses this compares with the whole batch first.
    """

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401  # an operation of torch
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run an operation; a random one on all rows of the batch."""
        del types
        named, part = dict(kwargs or {}), _PART.get()
        cut = None if part is None else _CUTS.get(func.overloadpacket)
        if part is None or cut is None or not args:
            return func(*args, **named)
        shape = args[0].shape if isinstance(args[0], torch.Tensor) else args[0]
        if not len(shape) or shape[0] != part.size:
            return func(*args, **named)
        return cut(func, part, args, named)


def _fill(func: Any, part: Part, args: tuple[Any, ...], named: dict[str, Any]) -> Tensor:  # noqa: ANN401
    """An operation that fills a tensor in place."""
    filled: Tensor = args[0]
    whole = func(filled.new_empty((part.whole, *filled.shape[1:])), *args[1:], **named)
    return filled.copy_(whole.narrow(0, part.first, part.size))


def _make_like(func: Any, part: Part, args: tuple[Any, ...], named: dict[str, Any]) -> Tensor:  # noqa: ANN401
    """An operation that makes noise shaped like a tensor."""
    like: Tensor = args[0]
    whole: Tensor = func(like.new_empty((part.whole, *like.shape[1:])), *args[1:], **named)
    return whole.narrow(0, part.first, part.size)


def _make(func: Any, part: Part, args: tuple[Any, ...], named: dict[str, Any]) -> Tensor:  # noqa: ANN401
    """An operation that makes noise of a size."""
    whole: Tensor = func([part.whole, *args[0][1:]], *args[1:], **named)
    return whole.narrow(0, part.first, part.size)


def _drop(
    func: Any,  # noqa: ANN401
    part: Part,
    args: tuple[Any, ...],
    named: dict[str, Any],
) -> tuple[Tensor, Tensor]:
    """Dropout, which gives the units kept and the mask."""
    units, share, *rest = args
    ones = units.new_ones((part.whole, *units.shape[1:]))
    kept, mask = (
        each.narrow(0, part.first, part.size) for each in func(ones, share, *rest, **named)
    )
    return units * kept, mask


_ATEN = torch.ops.aten
_CUTS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys(
        (
            _ATEN.bernoulli_,
            _ATEN.uniform_,
            _ATEN.normal_,
            _ATEN.random_,
            _ATEN.exponential_,
        ),
        _fill,
    ),
    **dict.fromkeys((_ATEN.rand_like, _ATEN.randn_like), _make_like),
    **dict.fromkeys((_ATEN.rand, _ATEN.randn), _make),
    _ATEN.native_dropout: _drop,
}
