"""Default network and schedule, by the number of training rows. Measured: `docs/network.md`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datacleanse.settings import Meta, Schedule

if TYPE_CHECKING:
    from datacleanse.settings import Settings

LR = 2e-3


@dataclass(frozen=True)
class _Size:
    up_to: float
    """Most training rows that it serves."""
    epochs: int
    """Passes over the training rows."""
    batch_size: int
    """Rows a step."""


SIZES = (
    _Size(500, epochs=30, batch_size=32),
    _Size(2_500, epochs=30, batch_size=64),
    _Size(10_000, epochs=20, batch_size=256),
    _Size(50_000, epochs=12, batch_size=512),
    _Size(float("inf"), epochs=8, batch_size=1024),
)
"""More rows need fewer passes, and allow larger batches."""


@dataclass(frozen=True)
class Defaults:
    """Default schedule of a kind of data: what settings leave open."""

    sizes: tuple[_Size, ...]
    meta: Meta
    further_share: float = 1.0
    """See `Schedule`."""


TABLES = Defaults(SIZES, Meta(), further_share=0.5)
"""Measured: `docs/network.md`, decision 87."""

NUMBER_TABLES = Defaults(SIZES, Meta())
"""Tables whose labels are numbers."""

IMAGES = Defaults(
    (
        _Size(2_500, epochs=30, batch_size=32),
        _Size(10_000, epochs=20, batch_size=64),
        _Size(50_000, epochs=20, batch_size=128),
        _Size(float("inf"), epochs=15, batch_size=256),
    ),
    Meta(batch=32, every=4),
)
"""Under the residual network. Measured: `docs/image-audit.md`, `docs/engine.md`."""


def choose_schedule(settings: Settings, n_rows: int, defaults: Defaults = TABLES) -> Schedule:
    """Choose the settings' schedule, the measured one where they leave it open."""
    size = next(size for size in defaults.sizes if n_rows <= size.up_to)
    return Schedule(
        epochs=settings.epochs or size.epochs,
        batch_size=settings.batch_size or size.batch_size,
        lr=settings.lr or LR,
        meta=defaults.meta.apply_settings(settings),
        further_share=defaults.further_share,
    )
