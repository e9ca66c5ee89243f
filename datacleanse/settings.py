"""The settings of a run, checked when made."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Literal, get_args

from datacleanse import user_code
from datacleanse.errors import SettingsError
from datacleanse.keyword_arguments import suggest_keywords

RuleName = Literal["l2rw", "lilaw", "uniform", "random"]
DeviceName = str
"""``auto``, ``cpu``, ``cuda``, ``cuda:K``, or several of them separated by commas."""

_DEVICES = re.compile(r"auto|(cpu|cuda(:\d{1,3})?)(,(cpu|cuda(:\d{1,3})?))*")

PRETRAINED = "pretrained"
"""The network of the extra ``vision``, whose features a network reads."""

RESIDUAL = "residual"
"""The network for images from scratch."""

IMAGE_MODELS = (RESIDUAL, PRETRAINED)

MODELS = ("auto", "mlp", *IMAGE_MODELS)
"""Networks of the package; any other ``model`` is ``package.module:factory``, see `user_code`."""

TIMM = "timm:"
"""How ``--model`` begins for a pretrained network of the library timm."""

NO_TEXT_MODEL = "none"
"""``--text-model`` for texts that nothing reads but their counts."""

MAX_SEED = 2**32 - 1
"""NumPy and scikit-learn accept no larger one."""

MAX_HELD_BACK = 0.5
"""Share of CLEAN: the rest must steer and calibrate."""


WHOLE = ("epochs", "batch_size", "meta_batch", "meta_every", "repeats", "top", "seed", "jobs")
"""Settings that are whole numbers."""

NUMBERS = (*WHOLE, "lr", "meta_average", "hold_back", "fdr")
"""Settings that are numbers."""


@suggest_keywords
@dataclass(frozen=True)
class Settings:
    """Everything that a user can choose about a run; `run.json` keeps it whole.

    Raises:
        SettingsError: a value is out of its range.
    """

    rule: RuleName | None = None
    """How the rows of a batch are weighted; None: ``l2rw``, or ``uniform`` where no row is verified
    that could steer."""
    model: str = "auto"
    """``auto``, ``mlp`` for tables, ``residual`` for images from scratch, ``pretrained`` for images
    by features of the extra ``vision``, ``timm:NAME`` by those of a network of timm's, or
    ``package.module:factory`` for a network of the user's own."""
    epochs: int | None = None
    """Passes over the training rows, at least 2; None: chosen by their number."""
    batch_size: int | None = None
    """Rows a step, at least 2; None: chosen by the number of training rows."""
    lr: float | None = None
    """Peak learning rate, > 0; None: the network's own."""
    meta_batch: int | None = None
    """Trusted rows that a steering gradient is made from, at least 1; None: the network's own."""
    meta_every: int | None = None
    """Steps that a steering gradient serves, at least 1; None: the network's own."""
    meta_average: float = 0.0
    """Share of the former steering gradient in the next one, in [0, 1)."""
    weights: str | None = None
    """File with the parameters of a network of timm's; None: timm's own."""
    features: str | None = None
    """File with features of the images, by which they are audited."""
    text_model: str | None = None
    """What reads texts beside their counts: ``wordllama``, a model of sentence-transformers by its
    folder or name, or `NO_TEXT_MODEL`; None: what the extra ``text`` brings, where installed."""
    fast: bool = False
    """One reweighted training instead of two, so that half of the clean rows calibrate; of tables
    fewer trees; a final model that starts from the plainly trained one."""
    hold_back: float = 0.0
    """Share of CLEAN that takes no part but to compare the models on, in [0, 0.5]."""
    repeats: int = 0
    """Further runs with other random draws, to see which flags stay; at least 0."""
    fdr: float = 0.10
    """Largest expected share of false alarms among the flags, in (0, 1)."""
    top: int = 500
    """Suspects listed in the reports, at least 1."""
    device: DeviceName = "auto"
    """Where to train; ``auto``: on a CUDA GPU where there is one. Of several, ``cuda:0,cuda:1``,
    each trains one network at a time."""
    seed: int = 0
    """Of all random draws, from 0 to `MAX_SEED`."""
    jobs: int | None = None
    """Networks trained side by side, at least 1; None: as many as there are cores."""

    def __post_init__(self) -> None:
        self._read_numbers()
        self._read_others()
        if self.rule is not None and self.rule not in (rules := get_args(RuleName)):
            raise _make_range_error("rule", self.rule, "one of " + ", ".join(rules))
        if is_user_code(self.model):
            user_code.split_name(self.model)
        self._check_features()
        if self.text_model == "":
            raise _make_range_error("text-model", "", "the name or the folder of a model")
        if not isinstance(self.device, str) or not _DEVICES.fullmatch(self.device):
            raise _make_range_error(
                "device",
                self.device,
                "auto, cpu, cuda, or GPUs by number: cuda:1, or cuda:0,cuda:1",
            )
        _check_least("epochs", self.epochs, 2)
        _check_least("batch-size", self.batch_size, 2)
        Meta().apply_settings(self)
        if not 0 <= self.hold_back <= MAX_HELD_BACK:
            raise _make_range_error("hold-back", self.hold_back, "a share from 0 to 0.5, e.g. 0.2")
        _check_least("repeats", self.repeats, 0)
        _check_least("top", self.top, 1)
        _check_least("seed", self.seed, 0)
        _check_least("jobs", self.jobs, 1)
        if self.seed > MAX_SEED:
            raise _make_range_error("seed", self.seed, f"a whole number up to {MAX_SEED}")
        if self.lr is not None and not (math.isfinite(self.lr) and self.lr > 0):
            raise _make_range_error("lr", self.lr, "a number above 0, e.g. 0.001")
        if not 0 < self.fdr < 1:
            raise _make_range_error("fdr", self.fdr, "a share between 0 and 1, e.g. 0.10")

    def _read_numbers(self) -> None:
        for name in NUMBERS:
            value, default = getattr(self, name), getattr(type(self), name)
            if value is not None or default is not None:
                number = read_number(name.replace("_", "-"), value, is_whole=name in WHOLE)
                object.__setattr__(self, name, number)

    def _read_others(self) -> None:
        if not isinstance(self.fast, bool):
            raise SettingsError(
                f"fast={self.fast!r}.", slug="setting-out-of-range", hint="Give True or False."
            )
        for name in ("weights", "features", "text_model"):
            value = getattr(self, name)
            if isinstance(value, os.PathLike):
                object.__setattr__(self, name, os.fspath(value))
            elif value is not None and not isinstance(value, str):
                raise _make_range_error(name.replace("_", "-"), value, "a text")

    def _check_features(self) -> None:
        is_pretrained = is_timm(self.model)
        if self.weights is not None and not is_pretrained:
            raise SettingsError(
                f"--weights is given, and --model is {self.model!r}.",
                slug="settings-contradict",
                hint="Weights belong to a pretrained network: --model timm:NAME.",
            )
        if self.features is not None and (is_pretrained or self.model in IMAGE_MODELS):
            raise SettingsError(
                f"--features is given, and --model is {self.model!r}.",
                slug="settings-contradict",
                hint="Leave --model out: features are audited by the network for tables.",
            )


def read_number(name: str, value: object, *, is_whole: bool) -> int | float:
    """A number as Python's own, which JSON can hold; numpy's, for one, are numbers too.

    Args:
        name: of its option on the command line.
        value: what is given.
        is_whole: whether only whole numbers will do.

    Raises:
        SettingsError: it is none.
    """
    kind = Integral if is_whole else Real
    if isinstance(value, bool) or not isinstance(value, kind):
        raise _make_range_error(name, value, "a whole number" if is_whole else "a number")
    if isinstance(value, int | float):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def is_timm(model: str) -> bool:
    """Whether ``--model`` names a pretrained network."""
    return model.startswith(TIMM)


def is_user_code(model: str) -> bool:
    """Whether ``--model`` names code of the user's own."""
    return model not in MODELS and not is_timm(model)


@dataclass(frozen=True)
class Meta:
    """How the gradient on the trusted rows is obtained; see `Settings`. Defaults are the tables'.

    Raises:
        SettingsError: a value is out of its range.
    """

    batch: int = 128
    every: int = 2
    average: float = 0.0

    def __post_init__(self) -> None:
        _check_least("meta-batch", self.batch, 1)
        _check_least("meta-every", self.every, 1)
        if not 0 <= self.average < 1:
            raise _make_range_error(
                "meta-average", self.average, "a share from 0 to below 1, e.g. 0.5"
            )

    def apply_settings(self, settings: Settings) -> Meta:
        """The same with what the settings say in place of its own values."""
        batch, every = (
            own if asked is None else asked
            for own, asked in (
                (self.batch, settings.meta_batch),
                (self.every, settings.meta_every),
            )
        )
        return Meta(batch, every, settings.meta_average)


@dataclass(frozen=True)
class Schedule:
    """How long and in what portions the networks are trained."""

    epochs: int
    batch_size: int
    lr: float
    meta: Meta = field(default_factory=Meta)
    further_share: float = 1.0
    """Of the epochs, taken by trainings with other halves of CLEAN than the first: they only give
    an opinion."""


def _check_least(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise _make_range_error(name, value, f"a whole number of at least {least}")


def _make_range_error(name: str, value: object, wanted: str) -> SettingsError:
    return SettingsError(
        f"--{name} is {value!r}.", slug="setting-out-of-range", hint=f"Give {wanted}."
    )
