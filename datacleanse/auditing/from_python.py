"""The audit for Python: frames in, frames out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from datacleanse.auditing.conduct import Conduct
from datacleanse.auditing.handed_over import take_over
from datacleanse.auditing.reading import Request
from datacleanse.auditing.result import AuditResult, choose_place
from datacleanse.auditing.run import forecast_audit, run_audit
from datacleanse.data import ReadOptions, hold_source
from datacleanse.data.readers.frame import name_column
from datacleanse.errors import SettingsError
from datacleanse.given_paths import read_path
from datacleanse.keyword_arguments import suggest_keywords, take_arguments_of
from datacleanse.memory_bound import parse_size
from datacleanse.notices import warn
from datacleanse.progress import follow
from datacleanse.review.joined_decisions import list_files
from datacleanse.settings import Settings, is_user_code
from datacleanse.user_code import name_factory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from datacleanse.auditing.forecast import Forecast
    from datacleanse.data import Source
    from datacleanse.data.interface import DatesOption, DecimalOption, TaskOption
    from datacleanse.models.user_network import ModuleFactory
    from datacleanse.progress import ProgressOption
    from datacleanse.settings import DeviceName, RuleName

_COLUMNS = ("drop", "categorical", "numeric", "text")
_READ_AS_GIVEN = ("label", "delimiter", "image_size", "max_unreadable", "dates", "decimal", "task")
"""Arguments of `ReadOptions`."""


@suggest_keywords
def audit(
    data: Source,
    *,
    val: Source | Sequence[Source] | None = None,
    label: str | None = None,
    task: TaskOption = "auto",
    id: str | Literal[False] | None = None,  # the column's role has this name everywhere
    test: Source | None = None,
    decisions: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    text: Sequence[str] = (),
    dates: DatesOption | None = None,
    decimal: DecimalOption | None = None,
    missing: Sequence[str] | None = None,
    delimiter: str | None = None,
    image_size: int | None = None,
    max_unreadable: float = 0.05,
    model: str | ModuleFactory = "auto",
    weights: str | None = None,
    features: str | None = None,
    text_model: str | None = None,
    probabilities: Source | NDArray[Any] | None = None,
    second_opinion: Any = None,  # noqa: ANN401  # any classifier with scikit-learn's methods
    rule: RuleName | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    meta_batch: int | None = None,
    meta_every: int | None = None,
    meta_average: float = 0.0,
    fast: bool = False,
    hold_back: float = 0.0,
    repeats: int = 0,
    fdr: float = 0.10,
    top: int = 500,
    device: DeviceName = "auto",
    memory: str | None = None,
    seed: int = 0,
    jobs: int | None = None,
    out: str | PathLike[str] | None = None,
    force: bool = False,
    resume: bool = False,
    progress: ProgressOption = None,
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
        task: ``regression`` where labels are numbers to predict: the result is a `NumberResult`
            then. ``auto``, ``classification``: they are classes.
        id: column that names each row; None: one that plainly does so, if there is one; False:
            none, rows are known by their number.
        test: rows with true labels, to measure the reweighted model and plain training on.
        decisions: what reviewers decided in earlier rounds: files, or folders of the runs that were
            reviewed. Rows that were found right or relabelled join the clean set, with the label
            that was found; dropped ones are not trained on. A folder also tells what verified rows
            were labelled before they were corrected.
        drop: columns not to learn from.
        categorical: columns to read as categories.
        numeric: columns to read as numbers.
        text: columns to read as text, word by word; columns of sentences are by themselves.
        dates: order of dates that leave it open, such as ``01/02/2019``: ``dayfirst``,
            ``monthfirst`` or ``iso`` (year first). Without it such columns are not read as dates.
        decimal: sign before the decimals of numbers that leave it open, such as ``1,234``: ``.`` or
            ``,``. Without it such columns are not read as numbers.
        missing: texts that count as missing in a CSV, beside an empty cell; None: the usual ones,
            such as NA and null, but not in ``categorical`` columns.
        delimiter: what separates the cells of a CSV; None: a comma, or a tab in a .tsv.
        image_size: side to which pictures are scaled, in pixels; None: chosen by DATA's.
        max_unreadable: largest share of pictures that may be left out because they are unreadable.
        model: ``auto``, ``mlp`` for tables, ``residual`` for pictures from scratch, ``pretrained``
            for pictures by features of the extra ``vision``, ``timm:NAME`` by those of a network of
            timm's; or a network of your own: its factory, called as ``factory(n_features,
            n_classes)``, or ``package.module:factory``.
        weights: file with the parameters of a network of timm's; None: timm's own.
        features: file with features of the pictures, by which they are audited.
        text_model: what reads texts beside their counts: ``wordllama``, ``none``, or a model of
            sentence-transformers by its folder or name. None: what ``datacleanse[text]`` brings,
            where that is installed.
        probabilities: class probabilities by a model of your own, which did not learn the rows that
            it judges: a file or table with a column for each class, or an array (rows, classes).
            Rows are found by ``id`` where both have that column; else they are in DATA's order,
            those of ``val`` behind them or left out.
        second_opinion: a classifier with scikit-learn's ``fit`` and ``predict_proba``. It is
            cross-fitted on DATA's feature columns, handed over as a data frame.
        rule: how the rows of a batch are weighed: ``l2rw`` (verified rows steer), ``lilaw``,
            ``uniform`` (plain training) or ``random``. None: ``l2rw``, or ``uniform`` without
            verified rows.
        epochs: passes over the training rows, at least 2; None: chosen by their number.
        batch_size: rows a step, at least 2; None: chosen by the number of training rows.
        lr: peak learning rate, > 0; None: the network's own.
        meta_batch: trusted rows that a steering gradient is made from, at least 1; None: the
            network's own.
        meta_every: steps that a steering gradient serves, at least 1; None: the network's own.
        meta_average: share of the former steering gradient in the next one, in [0, 1).
        fast: whether one reweighted training does instead of two; half of the clean rows
            calibrate then.
        hold_back: share of the clean rows that take no part but to compare the models on, in
            [0, 0.5].
        repeats: further runs with other random draws, to see which flags stay; at least 0.
        fdr: largest expected share of false alarms among the flags, in (0, 1).
        top: suspects listed in the reports, at least 1.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:K`` to train on; ``auto``: a GPU where there
            is one. Of several, ``cuda:0,cuda:1``, each trains one network at a time.
        memory: how much may be taken, such as ``2GB``; None: what is free. What does not fit lies
            in files, and an audit that cannot fit is refused; what is found does not depend on it.
        seed: of all random draws, from 0 to 2**32 - 1.
        jobs: networks trained side by side, at least 1; None: as many as there are cores. On Linux
            each has a forked process, elsewhere and on a GPU they follow each other. The results
            are the same.
        out: run folder to write; None: a temporary one, see `AuditResult.save`.
        force: replace the run in ``out``.
        resume: go on with the unfinished run in ``out``, e.g. one that was killed; a finished one
            is returned as it is, and where there is none the audit starts.
        progress: None shows it where a person looks, in a notebook or a terminal; True shows it
            everywhere, False nowhere; an object of your own with the methods of
            `datacleanse.Progress` is told of it.

    Raises:
        InputError: a table cannot be used; the message says where and why.
        SettingsError: a setting is out of its range.
        RunFolderError: ``out`` is in the way or cannot be written.
        DatacleanseError: a network of your own fails or cannot be trained; the message says how.
        TypeError: there is no argument of such a name; the message says which was meant.

    Examples:
        >>> result = audit(frame, val=clean_frame, label="income")  # doctest: +SKIP
        >>> frame[result.table.flagged]  # doctest: +SKIP
    """
    # By their names, as the plan of an audit has them: first of all, while there is nothing else.
    given = locals()
    request = _read_arguments(given)
    place, temporary = choose_place(out)
    with follow(progress) as told:
        folder = run_audit(request, Conduct(place, force, resume, told))
    manifest = folder.any_manifest()
    warn(each for each in manifest.notices if each.cells is not None)
    own = model if is_user_code(request.settings.model) else None
    made_of = (folder, own, temporary, take_over(request.data, manifest.data.label))
    if task != "regression":
        return AuditResult(*made_of)
    from datacleanse.auditing.regression.number_result import NumberResult

    return NumberResult(*made_of)


@suggest_keywords
@take_arguments_of(audit)
def plan_audit(given: Mapping[str, Any]) -> Forecast:
    """Tell what an audit would take: time, memory and room on disk.

    It takes the arguments of `audit`: ``plan_audit(frame, val=clean)`` plans what
    ``audit(frame, val=clean)`` does. All is read and encoded as in an audit, and each part is tried
    for some seconds; no network is trained to its end. Nothing is written but temporary files, so
    ``force`` and ``resume`` change nothing; ``out`` says on which disk there must be room.

    Raises:
        DatacleanseError: as by `audit`, with the same words, but for what is in the way at ``out``.
        TypeError: there is no argument of such a name; the message says which was meant.

    Examples:
        >>> plan_audit(frame, val=clean_frame, label="income").seconds  # doctest: +SKIP
        34.5
    """
    request = _read_arguments(given)
    out = given["out"]
    # Where `choose_place` would make a folder of its own.
    place = Path(tempfile.gettempdir(), "run") if out is None else read_path("out", out)
    with follow(given["progress"]) as told:
        return forecast_audit(request, place, told)


def _read_arguments(given: Mapping[str, Any]) -> Request:
    """What is asked for by the arguments of `audit`, those that settings and options have alone."""
    if given["probabilities"] is not None and given["second_opinion"] is not None:
        raise SettingsError(
            "Both probabilities and second_opinion are given.",
            slug="settings-contradict",
            hint="Give one of them: both are a model of yours.",
        )
    model = given["model"]
    chosen = {each.name: given[each.name] for each in fields(Settings)}
    chosen["model"] = _name_model(model)
    read = {name: given[name] for name in _READ_AS_GIVEN}
    read["label"] = name_column(given["data"], given["label"])
    for name in _COLUMNS:
        named = _list_texts(name, given[name])
        read[name] = tuple(name_column(given["data"], each) for each in named)
    missing, id_, memory = given["missing"], given["id"], given["memory"]
    options = ReadOptions(
        **read,
        id=_name_id_column(name_column(given["data"], id_)),
        missing=None if missing is None else _list_texts("missing", missing),
        seeks_id=id_ is not False,
    )
    return Request(
        data=hold_source(given["data"]),
        clean=tuple(map(hold_source, list_sources(given["val"]))),
        test=None if given["test"] is None else hold_source(given["test"]),
        decisions=list_files(given["decisions"]),
        options=options,
        settings=Settings(**chosen),
        command=("datacleanse.audit",),
        module=None if isinstance(model, str) else model,
        probabilities=given["probabilities"],
        second_opinion=given["second_opinion"],
        memory=None if memory is None else parse_size(memory),
    )


def _name_model(model: object) -> str:
    if isinstance(model, str):
        return model
    if not callable(model):
        raise SettingsError(
            f"model={model!r}.",
            slug="setting-out-of-range",
            hint="Give 'auto', another name, or what makes a network of (n_features, n_classes).",
        )
    return name_factory(model)


def _list_texts(name: str, given: object) -> tuple[Any, ...]:
    """The texts in a list; a text alone is one, not a list of its letters."""
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable):
        raise SettingsError(
            f"{name}={given!r}.", slug="setting-out-of-range", hint="Give a list of texts."
        )
    return tuple(given)


def _name_id_column(id_: Any) -> Any:  # noqa: ANN401  # `ReadOptions` refuses what is no text
    if id_ is True:
        raise SettingsError(
            "id is True.",
            slug="setting-out-of-range",
            hint="Give the name of a column, or False for none.",
        )
    return None if id_ is False else id_


def list_sources(val: Source | Sequence[Source] | None) -> Sequence[Source]:
    """The sources in a list of them; dictionaries of rows are one table."""
    if val is None:
        return ()
    if isinstance(val, list | tuple) and val and not isinstance(val[0], Mapping):
        return cast("Sequence[Source]", val)
    return [cast("Source", val)]
