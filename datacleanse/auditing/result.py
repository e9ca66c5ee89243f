"""The audit for Python: frames in, frames out."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from datacleanse.auditing.reading import Request
from datacleanse.auditing.run import run_audit
from datacleanse.data import ReadOptions, hold_source
from datacleanse.models.loading import load_predictor
from datacleanse.models.predictor import ImagePredictor, Predictor
from datacleanse.notices import warn
from datacleanse.progress import SILENT, Progress
from datacleanse.settings import Settings, is_user_code
from datacleanse.storage.run_claims import begin_folder, copy_folder
from datacleanse.storage.run_folder import RunFolder, find_decisions
from datacleanse.storage.typed_json import to_json
from datacleanse.user_code import name_factory

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from datacleanse.data import Source
    from datacleanse.data.interface import DatesOption, DecimalOption
    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.storage.run_folder import Classes


class TemporaryFolder:
    """A folder that is removed when nobody holds this any more, without a warning."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="datacleanse-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class AuditResult:
    """A finished audit. Kept in a temporary folder until it is saved."""

    folder: RunFolder
    """Where it lies."""
    _module: str | ModuleFactory | None = field(default=None, repr=False)
    """What ``model`` named or was, where it was the caller's own."""
    _temporary: TemporaryFolder | None = field(default=None, repr=False)
    """Held so that ``folder`` stays as long as this result, where the caller named no place."""

    @cached_property
    def _n_rows(self) -> int:
        return sum(self._classes.values())

    @cached_property
    def _classes(self) -> Classes:
        return self.folder.manifest().data.classes

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per row of DATA, in its order, with the columns of `audit.parquet`."""
        frame: pd.DataFrame = self.folder.read_audit(self._classes).to_pandas()
        return frame

    def suspects(self, n: int = 50) -> pd.DataFrame:
        """The ``n`` most suspicious rows: audit columns, then the row's own columns.

        At least 1,000 rows are kept; own columns that are named like an audit column are
        prefixed with ``data.``.
        """
        own: pd.DataFrame = self.folder.read_suspects(self._n_rows).to_pandas().iloc[:n, 1:]
        own = own.rename(columns={c: f"data.{c}" for c in own.columns if c in self.table.columns})
        top = self.table.sort_values("rank").head(len(own)).reset_index(drop=True)
        return top.join(own)

    @cached_property
    def model(self) -> Predictor | ImagePredictor:
        """The reweighted model; ``model.predict(frame)``, ``model.predict_proba(frame)``.

        Raises:
            RunFolderError: the run is of a dataset; its network is the one that was handed in.
        """
        manifest = self.folder.manifest()
        return load_predictor(self.folder.model_dir, model=self._module, manifest=manifest)

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """One row per row of DATA and epoch: ``row``, ``epoch``, ``weight``, ``influence``, ..."""
        frame: pd.DataFrame = self.folder.read_ledger(self._n_rows).to_pandas()
        return frame

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """`run.json` as plain values: settings, data, training, metrics, flags, notices."""
        plain: dict[str, Any] = to_json(self.folder.manifest())
        return plain

    def save(self, path: str | PathLike[str], *, force: bool = False) -> RunFolder:
        """Copy the run folder to ``path``; `datacleanse report` renders its reports.

        Raises:
            RunFolderError: something stands there and ``force`` is off, or it is no run.
        """
        with begin_folder(Path(path), force=force) as target:
            copy_folder(self.folder, target)
        return target


def audit(
    data: Source,
    *,
    val: Source | Sequence[Source] | None = None,
    label: str | None = None,
    id: str | None = None,  # the column's role has this name everywhere
    test: Source | None = None,
    decisions: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    dates: DatesOption | None = None,
    decimal: DecimalOption | None = None,
    missing: Sequence[str] | None = None,
    image_size: int | None = None,
    max_unreadable: float = 0.05,
    model: str | ModuleFactory = "auto",
    out: str | PathLike[str] | None = None,
    force: bool = False,
    resume: bool = False,
    progress: Progress = SILENT,
    **settings: Any,  # noqa: ANN401  # Settings checks names and values
) -> AuditResult:
    """Audit the labels of a table or of pictures.

    Values that count for something else than they are, such as words among numbers, are told by
    `datacleanse.DataWarning`; all that there is to say stands in ``manifest["notices"]``.

    Args:
        data: the table whose labels are in doubt: a path, a pandas or polars frame, an Arrow table,
            reader or dataset, a Hugging Face dataset, a dictionary of columns, dictionaries of
            rows, or a NumPy array with named fields; or pictures: a folder of class folders, a
            table with a column of paths or of bytes.
        val: rows whose labels are trusted, with the same columns, or pictures in any form; or a
            file of `datacleanse verify`. A list of them is joined. None: there are none yet. Then
            the rows are ranked, and neither a rate nor a flag is given.
        label: label column; without it the one named label, target, class or y.
        id: column that names each row.
        test: rows with true labels, to measure the reweighted model and plain training on.
        decisions: what reviewers decided in earlier rounds: files, or folders of the runs that were
            reviewed. Rows that were found right or relabelled join the clean set, with the label
            that was found; dropped ones are not trained on. A folder also tells what verified rows
            were labelled before they were corrected.
        drop: columns not to learn from.
        categorical: columns to read as categories.
        numeric: columns to read as numbers.
        dates: order of dates that leave it open, such as ``01/02/2019``: ``dayfirst``,
            ``monthfirst`` or ``iso`` (year first). Without it such columns are not read as dates.
        decimal: sign before the decimals of numbers that leave it open, such as ``1,234``: ``.`` or
            ``,``. Without it such columns are not read as numbers.
        missing: texts that count as missing in a CSV, beside an empty cell; None: the usual ones,
            such as NA and null, but not in ``categorical`` columns.
        image_size: side to which pictures are scaled, in pixels; None: chosen by DATA's.
        max_unreadable: largest share of pictures that may be left out because they are unreadable.
        model: ``auto``, ``mlp``, or a network of your own: its factory, called as
            ``factory(n_features, n_classes)``, or ``package.module:factory``.
        out: run folder to write; None: a temporary one, see `AuditResult.save`.
        force: replace the run in ``out``.
        resume: go on with the unfinished run in ``out``, e.g. one that was killed; a finished one
            is returned as it is, and where there is none the audit starts.
        progress: receives stages and messages.
        **settings: fields of `Settings`: ``fdr``, ``seed``, ``rule``, ``epochs``, ...

    Raises:
        InputError: a table cannot be used; the message says where and why.
        SettingsError: a setting is out of its range.
        RunFolderError: ``out`` is in the way or cannot be written.
        DatacleanseError: a network of your own fails or cannot be trained; the message says how.

    Examples:
        >>> result = audit(frame, val=clean_frame, label="income")  # doctest: +SKIP
        >>> result.suspects(20)  # doctest: +SKIP
    """
    module = None if isinstance(model, str) else model
    name = model if isinstance(model, str) else name_factory(model)
    columns = (tuple(drop), tuple(categorical), tuple(numeric))
    options = ReadOptions(
        label,
        id,
        *columns,
        image_size=image_size,
        max_unreadable=max_unreadable,
        dates=dates,
        decimal=decimal,
        missing=None if missing is None else tuple(missing),
    )
    request = Request(
        data=hold_source(data),
        clean=tuple(map(hold_source, _list_sources(val))),
        test=None if test is None else hold_source(test),
        decisions=tuple(find_decisions(Path(each)) for each in _list_places(decisions)),
        options=options,
        settings=Settings(model=name, **settings),
        command=("datacleanse.audit",),
        module=module,
    )
    place, temporary = choose_place(out)
    folder = run_audit(request, place, force=force, resume=resume, progress=progress)
    warn(each for each in folder.manifest().notices if each.cells is not None)
    return AuditResult(folder, model if is_user_code(name) else None, temporary)


def _list_sources(val: Source | Sequence[Source] | None) -> Sequence[Source]:
    """The sources in a list of them; dictionaries of rows are one table."""
    if val is None:
        return ()
    if isinstance(val, list | tuple) and val and not isinstance(val[0], Mapping):
        return cast("Sequence[Source]", val)
    return [cast("Source", val)]


def _list_places(
    places: str | PathLike[str] | Sequence[str | PathLike[str]],
) -> Sequence[str | PathLike[str]]:
    return [places] if isinstance(places, str | PathLike) else places


def choose_place(out: str | PathLike[str] | None) -> tuple[Path, TemporaryFolder | None]:
    """The run folder asked for; without one, a place in a temporary folder, and that folder."""
    if out is not None:
        return Path(out), None
    temporary = TemporaryFolder()
    return temporary.path / "run", temporary
