"""The model leaves the house: a finished run in the forms that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.data.messages import format_list, quote_value
from datacleanse.data.spared_files import refuse_inputs
from datacleanse.review.verified_file import refuse_verdicts
from datacleanse.serving.export.interface import FinishedRun
from datacleanse.serving.export.registry import FORMATS, find_format
from datacleanse.storage.atomic_files import check_free
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from os import PathLike

    from datacleanse.models.user_network import ModuleFactory

__all__ = ["FORMATS", "FinishedRun", "export_run"]


def export_run(
    run: str | PathLike[str],
    format: str,  # the option has this name
    out: str | PathLike[str] | None,
    *,
    model: str | ModuleFactory | None = None,
    replaces: bool = False,
) -> tuple[Path, tuple[str, ...]]:
    """Write a finished run in another form.

    Args:
        run: its folder.
        format: name of one of `FORMATS`.
        out: file or folder to write; None: the format's usual name, in the current directory.
        model: for a network of the user's own, its factory or ``package.module:factory``.
        replaces: whether what stands there may be replaced.

    Returns:
        What was written, and sentences worth telling.

    Raises:
        SettingsError: no such format, something stands there, or a package is missing.
        RunFolderError: the run is missing, unfinished, damaged or of a later version.
        OutputError: it cannot be written, or would not do what the run does.
    """
    way = find_format(format)
    target = Path(way.default_target if out is None else out)
    way.check(target)
    folder = RunFolder(Path(run))
    finished = FinishedRun(folder, folder.any_manifest(), model)
    for file in (target, *way.list_beside(target)):
        check_free(file, force=replaces)
        refuse_inputs(file, finished.manifest)
        refuse_verdicts(file)
    messages = way.write(finished, target)
    return target, (*messages, *_say_conventions(finished, format))


def _say_conventions(run: FinishedRun, name: str) -> tuple[str, ...]:
    """A sentence on columns whose text other programs must turn into numbers or moments first."""
    written = [quote_value(each.name) for each in run.manifest.schema.columns if each.convention]
    if not written or name == "weights":
        return ()
    return (
        f"DATA writes numbers or dates as people do in {format_list(written)}: the file takes "
        "numbers and moments, to be converted beforehand (docs/export.md).",
    )
