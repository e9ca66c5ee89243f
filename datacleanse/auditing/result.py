"""A finished audit for Python: tables in the caller's index and types, the model, the review."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from datacleanse.auditing.frame_decisions import is_frame_of_decisions, write_frame_decisions
from datacleanse.auditing.handed_over import HandedOver
from datacleanse.auditing.shown import (
    show_changes,
    show_report,
    start_review,
    summarise_as_html,
    summarise_as_text,
)
from datacleanse.data.label_types import LabelValues, type_classes
from datacleanse.errors import RunFolderError, SettingsError
from datacleanse.given_paths import read_path
from datacleanse.models.loading import load_predictor
from datacleanse.models.predictor import ImagePredictor, Predictor
from datacleanse.models.pretrained_predictor import PretrainedPredictor
from datacleanse.notices import warn
from datacleanse.progress import follow
from datacleanse.records import Notice
from datacleanse.review.apply import choose_limits
from datacleanse.review.audited_run import open_audited_run, read_unreadable_pictures
from datacleanse.review.clean_frame import clean_frame, note_refusals
from datacleanse.review.cleaning_plan import plan_cleaning
from datacleanse.review.joined_decisions import list_files
from datacleanse.storage.run_claims import begin_folder, copy_folder, say_kept
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.typed_json import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datacleanse.auditing.shown import InlineReport, RunComparison, RunningReview
    from datacleanse.data.readers.frame import Frame
    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.progress import ProgressOption
    from datacleanse.storage.manifest.whole import Manifest


_SUGGESTION = ("given_label", "suggested_label", "mislabel_probability", "flagged", "rank", "row")
"""Columns of the audit table that a reader of suspects needs first."""


class TemporaryFolder:
    """A folder that is removed when nobody holds this any more, without a warning."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="datacleanse-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, repr=False)
class AuditResult:
    """A finished audit. Kept in a temporary folder until it is saved.

    The last line of a notebook's cell shows the numbers that matter, the first suspects beside
    their cells, and which labels are confused.
    """

    folder: RunFolder
    """Where it lies."""
    _module: str | ModuleFactory | None = None
    """What ``model`` named or was, where it was the caller's own."""
    _temporary: TemporaryFolder | None = None
    """Held so that ``folder`` stays as long as this result, where the caller named no place."""
    _handed_over: HandedOver | None = field(default=None, hash=False, compare=False)
    """What was audited; None: the run was opened again."""

    def __fspath__(self) -> str:
        """Path of its folder, so that it serves where a run folder is asked for."""
        return str(self.folder.path)

    @cached_property
    def _manifest(self) -> Manifest:
        return self.folder.manifest()

    @property
    def n_rows(self) -> int:
        """Rows of DATA."""
        return self._manifest.data.rows

    @cached_property
    def _label_values(self) -> LabelValues:
        names = tuple(self._manifest.data.classes)
        handed = self._handed_over
        values = type_classes(names, self._manifest.data.label_type)
        return LabelValues(names, values, None if handed is None else handed.dtype)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per row of DATA, in its order, with the columns of `audit.parquet`.

        Of a data frame it has the index, so that ``frame[result.table.flagged]`` are its flagged
        rows; labels are typed as in DATA. Pictures that cannot be read have no row.
        """
        frame: pd.DataFrame = self.folder.read_audit(self._manifest.data.classes).to_pandas()
        frame = self._label_values.restore(frame)
        index = self._name_rows()
        return frame if index is None else frame.set_axis(index)

    def _name_rows(self) -> pd.Index[Any] | None:
        """What the caller calls the rows of the table; None: nothing but their numbers."""
        handed = self._handed_over
        if handed is None:
            return None
        has_unread = self.folder.any_manifest().pictures is not None
        unread = read_unreadable_pictures(self.folder) if has_unread else []
        return handed.name_rows([each.place for each in unread])

    def suspects(self, n: int = 50) -> pd.DataFrame:
        """The ``n`` most suspicious rows, named as in `table`.

        First what is suggested, then the rows' own columns, then the other columns of `table`. At
        least 1,000 rows are kept; own columns that are named like an audit column are
        prefixed with ``data.``.

        Raises:
            SettingsError: ``n`` is no number of rows.
        """
        if isinstance(n, bool) or not isinstance(n, Integral) or n < 0:
            raise SettingsError(
                f"n is {n!r}, which is no number of rows.",
                slug="setting-out-of-range",
                hint="Give a whole number, e.g. result.suspects(20).",
            )
        stored = self.folder.read_suspects(self.n_rows)
        own: pd.DataFrame = stored.to_pandas().iloc[:n, 1:]
        in_index = self._handed_over.in_index if self._handed_over is not None else ()
        own = own.drop(columns=[name for name in in_index if name in own.columns])
        own = own.rename(columns={c: f"data.{c}" for c in own.columns if c in self.table.columns})
        top = self.table.sort_values("rank").head(len(own))
        # Set, not aligned: the index may name several rows alike.
        first, last = top[list(_SUGGESTION)], top.drop(columns=list(_SUGGESTION))
        return pd.concat([first, own.set_axis(top.index), last], axis=1)

    @cached_property
    def model(self) -> Predictor | ImagePredictor | PretrainedPredictor:
        """The reweighted model; ``model.predict(frame)``, ``model.predict_proba(frame)``.

        Raises:
            RunFolderError: the run is of a dataset; its network is the one that was handed in.
        """
        return load_predictor(self.folder.model_dir, model=self._module, manifest=self._manifest)

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """One row per row of DATA and epoch: ``row``, ``epoch``, ``weight``, ``influence``, ..."""
        frame: pd.DataFrame = self.folder.read_ledger(self.n_rows).to_pandas()
        return frame

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """`run.json` as plain values: settings, data, training, metrics, flags, notices."""
        plain: dict[str, Any] = to_json(self._manifest)
        return plain

    def report(self, *, top: int | None = None) -> InlineReport:
        """The whole report; the last line of a notebook's cell shows it in a frame of its own.

        Args:
            top: suspects that it lists; None: as many as in the run's reports.
        """
        return show_report(self.folder, top=top)

    def compare(self, earlier: AuditResult | str | PathLike[str]) -> RunComparison:
        """What changed since an earlier audit, of the same data or of an earlier state of it.

        Args:
            earlier: its result or its run folder.

        Raises:
            DatacleanseError: it cannot be read, or is this one.
        """
        if isinstance(earlier, AuditResult):
            return show_changes(self.folder, earlier.folder)
        return show_changes(self.folder, RunFolder(read_path("earlier", earlier)))

    def review(
        self, *, first: int = 1, reviewer: str | None = None, open_browser: bool = False
    ) -> RunningReview:
        """Serve the review page on this machine, beside whatever runs on here.

        The last line of a notebook's cell shows a link to it. Decisions are saved as they are made;
        `cleaned` carries them out.

        Args:
            first: rank of the first suspect on the page.
            reviewer: who decides; None: this user.
            open_browser: whether the page is opened in a browser at once.

        Returns:
            ``url``, ``n_decided`` and ``close()``; in a ``with`` block it is closed at the end.

        Raises:
            DatacleanseError: the run cannot be read, or another program is at work on it.
        """
        return start_review(
            self.folder, first=first, reviewer=reviewer, open_browser=open_browser, held=self
        )

    def cleaned(
        self,
        decisions: Frame | str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        *,
        auto: bool = False,
        relabel_above: float | None = None,
        drop_above: float | None = None,
        progress: ProgressOption = False,
    ) -> pd.DataFrame:
        """DATA with the decisions carried out, and mislabelled verified rows corrected.

        A data frame keeps its index and its types; dropped rows are left out, and no other table is
        changed. Decisions that cannot be carried out are told by `datacleanse.DataWarning`. To
        write a file instead, byte for byte but for the changes: `datacleanse.apply`.

        Args:
            decisions: what was decided: a table of any kind with the columns ``row``, ``action``
                (keep, relabel, drop, unsure) and, for new labels, ``new_label``; or a file of
                decisions, or the folder of a run, or several of these. None: what was decided in
                the review of this one.
            auto: whether flagged rows are changed that nobody has decided about.
            relabel_above: with ``auto``, the mislabel probability in [0, 1] from which a flagged
                row gets its suggested label; None: never.
            drop_above: with ``auto``, the one from which it is dropped; None: never.
            progress: see `datacleanse.audit`.

        Raises:
            DatacleanseError: DATA or the decisions cannot be read, nothing has been decided, or no
                row would be left.
        """
        limits = choose_limits(auto, relabel_above, drop_above, self.folder)
        handed = self._handed_over
        run = open_audited_run(self.folder, data=None if handed is None else handed.source)
        with tempfile.TemporaryDirectory(prefix="datacleanse-") as place, follow(progress) as told:
            if is_frame_of_decisions(decisions):
                file = Path(place) / "decisions.jsonl"
                write_frame_decisions(decisions, file, self.table, self._label_values)
                files: tuple[Path, ...] = (file,)
            else:
                files = list_files(decisions)
            cleaning = plan_cleaning(run, decisions=files, limits=limits, progress=told)
        warn([*cleaning.notices, *note_refusals(cleaning)])
        return clean_frame(cleaning)

    def save(self, path: str | PathLike[str], *, force: bool = False) -> RunFolder:
        """Copy the run folder to ``path``; `datacleanse report` renders its reports.

        Where it replaces a run, the decisions on that one are kept beside ``path``.

        Raises:
            RunFolderError: something stands there and ``force`` is off, or it is no run, or it is
                this very folder or around or within it; or this folder is gone.
        """
        place = read_path("path", path)
        self.folder.any_manifest()  # before the run that stands there gives way to nothing
        _check_apart(self.folder.path, place)

        def tell_kept(file: Path) -> None:
            warn([Notice("decisions-kept", say_kept(file), is_warning=True)])

        with (
            _leave_option_out(),
            begin_folder(place, force=force, tell_kept=tell_kept) as target,
        ):
            copy_folder(self.folder, target)
        return target

    def __repr__(self) -> str:
        return summarise_as_text(self.folder, is_temporary=self._temporary is not None)

    def _repr_html_(self) -> str:
        is_temporary = self._temporary is not None
        return summarise_as_html(self.folder, self._name_rows, is_temporary=is_temporary)


@contextmanager
def _leave_option_out() -> Iterator[None]:
    """Name no ``--out`` in what hinders: the place is the only argument here."""
    try:
        yield
    except RunFolderError as error:
        hint = error.hint.replace(" with --out", "")
        raise RunFolderError(error.message, slug=error.slug, hint=hint) from error


def _check_apart(source: Path, target: Path) -> None:
    """Refuse to copy a run over itself, which would remove it first, or into itself."""
    own, other = source.resolve(), target.resolve()
    if own == other or own in other.parents or other in own.parents:
        raise RunFolderError(
            f"The run lies in {source} already, and a copy in {target} would be in its way.",
            slug="run-in-the-way",
            hint="Choose a place beside it; nothing was changed there.",
        )


def choose_place(out: str | PathLike[str] | None) -> tuple[Path, TemporaryFolder | None]:
    """The run folder asked for; without one, a place in a temporary folder, and that folder."""
    if out is not None:
        return read_path("out", out), None
    temporary = TemporaryFolder()
    return temporary.path / "run", temporary
