"""Code of the user's own: found by its name, with its failures reported as the user's.

A name is only ever taken from the command line or from a caller, never from a file.
"""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datacleanse.errors import DatacleanseError, SettingsError, is_shortage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FORM = "package.module:factory"


class UserCodeError(DatacleanseError):
    """Code of the user's failed, or does not do what is asked of it."""


def split_name(name: str) -> tuple[str, str]:
    """Split ``package.module:factory`` into its module and its attribute.

    Raises:
        SettingsError: it is of another form.
    """
    module, colon, attribute = name.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    if not colon or not all(parts) or any(part != part.strip() for part in parts):
        raise SettingsError(
            f"--model is {name!r}.",
            slug="setting-out-of-range",
            hint=f"Give one of auto, mlp, or a network of your own as {_FORM}, "
            "e.g. networks:small for the function small in networks.py.",
        )
    return module, attribute


def name_factory(factory: Callable[..., Any]) -> str:
    """The name of a callable in `run.json`, in the form that `split_name` reads."""
    kind = type(factory)
    module = getattr(factory, "__module__", None) or kind.__module__
    return f"{module}:{getattr(factory, '__qualname__', kind.__qualname__)}"


def find_factory(name: str) -> Callable[..., Any]:
    """Import the module of ``package.module:factory`` and return its factory.

    Raises:
        UserCodeError: there is no such module, it cannot be imported, or it has no such callable.
    """
    path, attribute = split_name(name)
    try:
        with report_as_user_code(f"The module {path} (--model {name}) cannot be imported"):
            found: Any = import_module(path)
    except UserCodeError as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and _is_part(cause.name, path):
            raise _make_no_module_error(name, path, str(cause.name)) from cause
        raise
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UserCodeError(
                f"The module {path} has no {attribute!r} (--model {name}); it was read from "
                f"{getattr(found, '__file__', None) or path}.",
                slug="model-not-found",
                hint=f"Give the name of a function in it: {_FORM}.",
            )
        found = getattr(found, part)
    if not callable(found):
        raise UserCodeError(
            f"{name} is {type(found).__name__}, not a function.",
            slug="model-not-callable",
            hint="Give a function that is called as factory(n_features, n_classes) and returns "
            "a torch.nn.Module.",
        )
    return found  # type: ignore[no-any-return]  # whatever is called


def _is_part(missing: str | None, path: str) -> bool:
    """Whether the module itself or a package above it is missing, and not what it imports."""
    return missing is not None and (path == missing or path.startswith(f"{missing}."))


def _make_no_module_error(name: str, path: str, missing: str) -> UserCodeError:
    what = path if missing == path else f"{path} ({missing!r} is missing)"
    return UserCodeError(
        f"There is no module {what}, which --model {name} names.",
        slug="model-not-found",
        hint="It is looked for in the current directory and among the installed packages. For "
        f"networks/small.py give networks.small:factory. Here: {Path.cwd()}",
    )


@contextmanager
def report_as_user_code(what: str, *, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Report failures within this block, where only the user's code runs, as failures of it.

    Args:
        what: beginning of the message, e.g. ``mynet:build(12, 2) failed``.
        but: errors that pass as they are; so does the error of memory that ran out.

    Raises:
        UserCodeError: with the last line of the traceback, and where in the user's code it arose.
    """
    try:
        yield
    except (Exception, SystemExit) as error:  # whatever foreign code may raise
        if isinstance(error, (DatacleanseError, *but)) or is_shortage(error):
            raise
        last = traceback.format_exception_only(error)[-1].strip().removesuffix(".")
        raise UserCodeError(
            f"{what}: {last}{_find_place(error)}.",
            slug="model-failed",
            hint="Mend it there, then repeat the command.",
        ) from error


def _find_place(error: BaseException) -> str:
    """`` (file, line, function)`` of the innermost frame outside of libraries."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}, line {error.lineno})"
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not _is_library(frame.filename)
    ]
    if not own:
        return ""
    return f" ({own[-1].filename}, line {own[-1].lineno}, in {own[-1].name})"


def _is_library(file: str) -> bool:
    here = str(Path(__file__).parent)
    return file.startswith(("<frozen", here)) or any(
        part in ("site-packages", "importlib") for part in Path(file).parts
    )
