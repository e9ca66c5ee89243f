"""Packages that only some exports need."""

from __future__ import annotations

from importlib.util import find_spec

from datacleanse.errors import SettingsError


def check_installed(*modules: str, extra: str, what: str) -> None:
    """Refuse to go on where optional packages are not installed; none is imported.

    Args:
        modules: to import.
        extra: of this package, that installs them.
        what: needs them; begins the message.

    Raises:
        SettingsError: one is not installed.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"{what} needs {' and '.join(missing)}, which {_choose_verb(missing)} not installed "
            "here.",
            slug="extra-missing",
            hint=f"Install it: pip install 'datacleanse[{extra}]'.",
        )


def _choose_verb(missing: list[str]) -> str:
    return "is" if len(missing) == 1 else "are"
