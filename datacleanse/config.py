"""The settings of a run, checked when made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from datacleanse import own_code
from datacleanse.errors import SettingsError

RuleName = Literal["l2rw", "lilaw", "uniform", "random"]
DeviceName = Literal["auto", "cpu", "cuda"]

MODELS = ("auto", "mlp")
"""Networks of the package; any other ``model`` is ``package.module:factory``, see `own_code`."""

MAX_SEED = 2**32 - 1
"""NumPy and scikit-learn accept no larger one."""

MAX_HELD_BACK = 0.5
"""Share of CLEAN: the rest must steer and calibrate."""


@dataclass(frozen=True)
class Settings:
    """Everything that a user can choose about a run; `run.json` keeps it whole.

    Raises:
        SettingsError: a value is out of its range.
    """

    rule: RuleName = "l2rw"
    model: str = "auto"
    """``auto``, ``mlp``, or ``package.module:factory`` for a network of the user's own."""
    epochs: int | None = None
    """Passes over the training rows, at least 2; None: chosen by their number."""
    batch_size: int | None = None
    """Rows a step, at least 2; None: chosen by the number of training rows."""
    lr: float | None = None
    """Peak learning rate, > 0; None: the network's own."""
    meta_batch: int = 128
    """Trusted rows that a steering gradient is made from, at least 1."""
    meta_every: int = 2
    """Steps that a steering gradient serves, at least 1."""
    meta_average: float = 0.0
    """Share of the former steering gradient in the next one, in [0, 1)."""
    fast: bool = False
    """One reweighted training instead of two: half of the clean rows calibrate."""
    hold_back: float = 0.0
    """Share of CLEAN that takes no part but to compare the models on, in [0, 0.5]."""
    repeats: int = 0
    """Further runs with other random draws, to see which flags stay; at least 0."""
    fdr: float = 0.10
    """Largest expected share of false alarms among the flags, in (0, 1)."""
    top: int = 500
    """Suspects listed in the reports, at least 1."""
    device: DeviceName = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("rule", self.rule, get_args(RuleName))
        if self.model not in MODELS:
            own_code.split_name(self.model)
        _one_of("device", self.device, get_args(DeviceName))
        _at_least("epochs", self.epochs, 2)
        _at_least("batch-size", self.batch_size, 2)
        Meta(self.meta_batch, self.meta_every, self.meta_average)
        if not 0 <= self.hold_back <= MAX_HELD_BACK:
            raise _refused("hold-back", self.hold_back, "a share from 0 to 0.5, e.g. 0.2")
        _at_least("repeats", self.repeats, 0)
        _at_least("top", self.top, 1)
        _at_least("seed", self.seed, 0)
        if self.seed > MAX_SEED:
            raise _refused("seed", self.seed, f"a whole number up to {MAX_SEED}")
        if self.lr is not None and not (math.isfinite(self.lr) and self.lr > 0):
            raise _refused("lr", self.lr, "a number above 0, e.g. 0.001")
        if not 0 < self.fdr < 1:
            raise _refused("fdr", self.fdr, "a share between 0 and 1, e.g. 0.10")


@dataclass(frozen=True)
class Meta:
    """How the gradient on the trusted rows is obtained; see `Settings`.

    Raises:
        SettingsError: a value is out of its range.
    """

    batch: int = Settings.meta_batch
    every: int = Settings.meta_every
    average: float = Settings.meta_average

    def __post_init__(self) -> None:
        _at_least("meta-batch", self.batch, 1)
        _at_least("meta-every", self.every, 1)
        if not 0 <= self.average < 1:
            raise _refused("meta-average", self.average, "a share from 0 to below 1, e.g. 0.5")


@dataclass(frozen=True)
class Schedule:
    """How long and in what portions the networks are trained."""

    epochs: int
    batch_size: int
    lr: float
    meta: Meta = field(default_factory=Meta)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise _refused(name, value, "one of " + ", ".join(allowed))


def _at_least(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise _refused(name, value, f"a whole number of at least {least}")


def _refused(name: str, value: object, wanted: str) -> SettingsError:
    return SettingsError(
        f"--{name} is {value!r}.", slug="setting-out-of-range", hint=f"Give {wanted}."
    )
