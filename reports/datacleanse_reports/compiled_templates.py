"""Compiled templates kept between runs: to compile them takes longer than to fill them in."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from jinja2 import FileSystemBytecodeCache

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


class _Compiled(FileSystemBytecodeCache):
    """Jinja's folder for one user among the temporary files."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template if there is room: a report needs none of it."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def keep_compiled() -> FileSystemBytecodeCache | None:
    """Where compiled templates are kept; None where nothing is to be kept, or no place is safe.

    Python's own `sys.dont_write_bytecode` counts here, too.
    """
    if sys.dont_write_bytecode:
        return None
    with suppress(OSError, RuntimeError):
        return _Compiled()
    return None
