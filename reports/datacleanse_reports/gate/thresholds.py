"""What a gate lets pass: thresholds, from a TOML file and from options.

In `pyproject.toml` they stand in ``[tool.datacleanse.gate]``; in any other TOML file at its top.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from datacleanse.errors import InputError, SettingsError
from datacleanse.storage.manifest.health import HEALTH_KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Bound = Literal["low", "estimate", "high"]
"""Which number of the noise rate is compared: the lower end of its range, the estimate itself, or
the upper end."""

PROJECT_FILE = "pyproject.toml"
_TABLE = ("tool", "datacleanse", "gate")
ANY = "any"
"""In ``fail-on``: findings of every kind."""


@dataclass(frozen=True)
class Thresholds:
    """What is still good. None: not asked about.

    Raises:
        SettingsError: a value is out of its range.
    """

    max_noise_rate: float | None = None
    """Largest share of wrong labels, in [0, 1]."""
    noise_bound: Bound = "low"
    """Which number of it is compared."""
    max_flags: int | None = None
    """Most flagged rows."""
    max_new_flags: int | None = None
    """Most rows that are flagged now and were not in the baseline."""
    fail_on: tuple[str, ...] = ()
    """Kinds of findings (`HEALTH_KINDS`) of which there may be none; `ANY`: all kinds."""

    def __post_init__(self) -> None:
        rate = self.max_noise_rate
        if rate is not None and (isinstance(rate, bool) or not _is_share(rate)):
            raise _make_range_error("max-noise-rate", rate, "a share from 0 to 1, e.g. 0.05")
        if self.noise_bound not in get_args(Bound):
            raise _make_range_error("noise-bound", self.noise_bound, "low, estimate or high")
        for name in ("max-flags", "max-new-flags"):
            number = getattr(self, name.replace("-", "_"))
            if number is None:
                continue
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise _make_range_error(name, number, "a number of rows from 0 on")
        for kind in self.fail_on:
            if kind not in (*HEALTH_KINDS, ANY):
                raise _make_kind_error(kind)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of findings that fail, each once."""
        return HEALTH_KINDS if ANY in self.fail_on else tuple(dict.fromkeys(self.fail_on))

    @property
    def is_empty(self) -> bool:
        """Whether nothing could fail."""
        asked = (self.max_noise_rate, self.max_flags, self.max_new_flags)
        return not self.fail_on and all(each is None for each in asked)


KEYS = (
    "run",
    "baseline",
    "max-noise-rate",
    "noise-bound",
    "max-flags",
    "max-new-flags",
    "fail-on",
)
"""Of the table in the file. The first two are folders, relative to the file."""


@dataclass(frozen=True)
class GateFile:
    """What a file asks for."""

    path: Path | None
    """None: there is no file."""
    thresholds: Thresholds
    run: Path | None = None
    baseline: Path | None = None


def read_gate_file(path: Path | None) -> GateFile:
    """Read thresholds from a file.

    Args:
        path: a TOML file; None for the nearest `pyproject.toml`, in the current folder or above,
            that has thresholds, where there is one.

    Raises:
        InputError: the file is not there or is no TOML.
        SettingsError: it has unknown keys, or values of a wrong type or range.
    """
    if path is not None:
        return _make_gate_file(path, _read_table(path))
    here = Path.cwd()
    for folder in (here, *here.parents):
        found = folder / PROJECT_FILE
        if found.is_file() and (table := _read_table(found, is_optional=True)) is not None:
            return _make_gate_file(found, table)
    return GateFile(None, Thresholds())


def override(thresholds: Thresholds, given: Mapping[str, Any]) -> Thresholds:
    """The thresholds with those that options give, by field; None: the option is not given."""
    return replace(thresholds, **{key: value for key, value in given.items() if value is not None})


def _read_table(path: Path, *, is_optional: bool = False) -> dict[str, Any] | None:
    """The gate's table in the file; None where the file has none and need not have one."""
    try:
        whole = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The gate's file {path} cannot be read: {getattr(error, 'strerror', error)}.",
            slug="gate-file-unreadable",
            hint="Give a TOML file with --config.",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"The gate's file {path} is no TOML: {error}.",
            slug="gate-file-unreadable",
            hint="Mend the file; https://toml.io shows how TOML is written.",
        ) from error
    if path.name != PROJECT_FILE:
        return whole
    table: Any = whole
    for place, key in enumerate(_TABLE, start=1):
        found = table.get(key)
        if place == len(_TABLE) and isinstance(table, dict):
            _check_keys(path, table.keys(), _TABLE[-1:], ".".join(_TABLE[:-1]))
        if found is None and is_optional:
            return None
        if not isinstance(found, dict):
            raise SettingsError(
                f"{path} has no table [{'.'.join(_TABLE)}].",
                slug="gate-without-thresholds",
                hint=f"Add one, e.g. [{'.'.join(_TABLE)}] with max-noise-rate = 0.05.",
            )
        table = found
    return dict(table)


def _make_gate_file(path: Path, table: Mapping[str, Any] | None) -> GateFile:
    table = table or {}
    _check_keys(path, table.keys(), KEYS, ".".join(_TABLE) if path.name == PROJECT_FILE else "")
    folders = {}
    for key in ("run", "baseline"):
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            raise _make_range_error(key, value, "the folder of a run, as a text", path)
        folders[key] = None if value is None else path.parent / value
    kinds = table.get("fail-on", [])
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise _make_range_error("fail-on", kinds, 'a list, e.g. ["leaking-columns"]', path)
    thresholds = Thresholds(
        max_noise_rate=table.get("max-noise-rate"),
        noise_bound=table.get("noise-bound", "low"),
        max_flags=table.get("max-flags"),
        max_new_flags=table.get("max-new-flags"),
        fail_on=tuple(kinds),
    )
    return GateFile(path, thresholds, **folders)


def _check_keys(path: Path, met: Collection[str], known: Collection[str], table: str) -> None:
    unknown = [key for key in met if key not in known]
    if not unknown:
        return
    close = get_close_matches(unknown[0].replace("_", "-"), known, n=1, cutoff=0.5)
    meant = f"Did you mean {close[0]!r}? " if close else ""
    if unknown[0].replace("_", "-") in KEYS and table == ".".join(_TABLE[:-1]):
        meant = f"Thresholds stand in [{'.'.join(_TABLE)}]. "
    where = f"[{table}] of {path}" if table else str(path)
    raise SettingsError(
        f"{where} has the unknown key {unknown[0]!r}.",
        slug="gate-key-unknown",
        hint=f"{meant}It may have: {', '.join(known)}.",
    )


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _make_range_error(
    name: str, value: object, expected: str, path: Path | None = None
) -> SettingsError:
    where = "" if path is None else f" in {path}"
    return SettingsError(
        f"{name}{where} is {value!r}.", slug="setting-out-of-range", hint=f"Give {expected}."
    )


def _make_kind_error(kind: str) -> SettingsError:
    close = get_close_matches(kind, HEALTH_KINDS, n=1, cutoff=0.5)
    meant = f"Did you mean {close[0]!r}? " if close else ""
    return SettingsError(
        f"fail-on names {kind!r}, which is no kind of finding.",
        slug="gate-kind-unknown",
        hint=f"{meant}There are: {', '.join(HEALTH_KINDS)}; {ANY!r} means all.",
    )
