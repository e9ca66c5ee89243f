"""`datacleanse audit`."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datacleanse.errors import OutputError, SettingsError, Stopped
from datacleanse.settings import Settings
from datacleanse_cli import exits, options
from datacleanse_cli.own_code import heed_current_directory
from datacleanse_cli.progress import shown_progress
from datacleanse_cli.stopping import command_to_go_on, heeded_signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.auditing.reading import Request
    from datacleanse.stopping import StopRequest
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.records import ReportView

SUFFIXES = (".gz", ".zst", ".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".feather", ".arrow")


def audit(
    data: options.Data,
    val: Annotated[str, typer.Option("--val", help="The like with labels that are trusted.")],
    label: options.Label = None,
    id_: options.Id = None,
    test: Annotated[
        str | None, typer.Option(help="The like with true labels, to measure both models on.")
    ] = None,
    decisions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Decisions of an earlier round: the run that was reviewed, or its file. Reviewed "
            "rows count as verified. Repeatable.",
        ),
    ] = None,
    drop: options.Drop = None,
    categorical: Annotated[
        list[str] | None, typer.Option(help="Column to read as categories. Repeatable.")
    ] = None,
    numeric: Annotated[
        list[str] | None, typer.Option(help="Column to read as numbers. Repeatable.")
    ] = None,
    delimiter: options.Delimiter = None,
    image_size: Annotated[
        int | None,
        typer.Option(help="Side to which pictures are scaled, in pixels.", show_default="auto"),
    ] = None,
    max_unreadable: Annotated[
        float, typer.Option(help="Largest share of pictures that may be unreadable.")
    ] = 0.05,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run folder.", show_default="runs/NAME")
    ] = None,
    force: options.Force = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the unfinished run there. A finished one only gets its reports again; "
            "where there is none, the audit starts.",
        ),
    ] = False,
    rule: Annotated[
        str, typer.Option(help="Reweighting rule: l2rw, lilaw, uniform or random.")
    ] = "l2rw",
    model: Annotated[
        str,
        typer.Option(
            help="Network: auto, mlp (tables), residual (images), timm:NAME (frozen, with "
            "--weights), or one of your own as package.module:factory, imported from here or the "
            "environment and called as factory(n_features, n_classes)."
        ),
    ] = "auto",
    weights: Annotated[
        str | None, typer.Option(help="Parameters of the network of --model timm:NAME.")
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="Audit images by features computed elsewhere: .npy or .parquet, a row an image, "
            "DATA's first, then CLEAN's, then TEST's."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the rows.", show_default="auto")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows a step.", show_default="auto")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.", show_default="auto")] = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast", help="One reweighted training instead of two: fewer clean rows calibrate."
        ),
    ] = False,
    hold_back: Annotated[
        float,
        typer.Option(
            help="Share of CLEAN that takes no part but to compare the final model with plain "
            "training, e.g. 0.2; for when there is no --test."
        ),
    ] = 0.0,
    repeats: Annotated[
        int,
        typer.Option(
            help="Further runs with other random draws; the audit table tells in how many of them "
            "each row is flagged. Each takes three quarters of the audit's time."
        ),
    ] = 0,
    fdr: Annotated[
        float, typer.Option(help="Largest expected share of false alarms among flagged rows.")
    ] = 0.10,
    top: Annotated[int, typer.Option(help="Suspects listed in the reports.")] = 500,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    fail_over: Annotated[
        float | None,
        typer.Option(help="Exit with 1 if more than this share of rows is flagged, e.g. 0.02."),
    ] = None,
    mlflow: Annotated[
        bool,
        typer.Option(
            "--mlflow", help="Log settings, figures and files to MLflow (MLFLOW_TRACKING_URI)."
        ),
    ] = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> int:
    """Train with learned reweighting; rank the rows whose labels look wrong."""
    heed_current_directory(model)
    settings = Settings(
        rule=rule,  # type: ignore[arg-type]  # Settings checks it
        model=model,
        weights=weights,
        features=features,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        fast=fast,
        hold_back=hold_back,
        repeats=repeats,
        fdr=fdr,
        top=top,
        device=device,  # type: ignore[arg-type]
        seed=seed,
    )
    _check_share(fail_over)
    if mlflow:
        from datacleanse.serving.mlflow_log import check_mlflow

        check_mlflow()
    from datacleanse.auditing.reading import Request
    from datacleanse.data import ReadOptions
    from datacleanse.storage.run_folder import decisions_in

    request = Request(
        data=data,
        clean=val,
        test=test,
        decisions=tuple(map(decisions_in, decisions or ())),
        options=ReadOptions(
            label=label,
            id=id_,
            drop=tuple(drop or ()),
            categorical=tuple(categorical or ()),
            numeric=tuple(numeric or ()),
            delimiter=delimiter,
            image_size=image_size,
            max_unreadable=max_unreadable,
        ),
        settings=settings,
        command=tuple(sys.argv[1:]),
    )
    place = out or Path("runs") / run_name(data)
    view = perform(request, place, force=force, resume=resume, quiet=quiet, as_json=as_json)
    if mlflow:
        _log_to_mlflow(place, quiet=quiet)
    is_over = fail_over is not None and view.headline.flagged > fail_over * view.headline.rows
    return exits.OVER_LIMIT if is_over else exits.DONE


def perform(
    request: Request,
    place: Path,
    *,
    force: bool = False,
    resume: bool = False,
    quiet: bool,
    as_json: bool,
) -> ReportView:
    """Run the audit, write the reports, print the summary.

    Raises:
        Stopped: by Ctrl-C or SIGTERM; the hint is the command to go on.
    """
    from datacleanse.auditing.run import run_audit
    from datacleanse_cli.console import Terminal
    from datacleanse_cli.summary import print_summary
    from datacleanse_reports.view import read_view

    with _told_how_to_go_on(request, place) as stop, shown_progress(quiet=quiet) as progress:
        folder = run_audit(request, place, force=force, resume=resume, progress=progress, stop=stop)
        progress.stage("Reports", None)
        written = _write_reports(folder, top=request.settings.top)
    view = read_view(folder, top=request.settings.top)
    if as_json:
        summary = json.loads(written["json"].read_text(encoding="utf-8"))
        typer.echo(json.dumps({"run": str(place), **summary}, ensure_ascii=False))
    else:
        print_summary(view, Terminal(), run=place)
    return view


def _write_reports(folder: RunFolder, *, top: int) -> dict[str, Path]:
    from datacleanse_reports.write import write_reports

    try:
        return write_reports(folder, top=top)
    except OutputError as error:
        raise OutputError(
            error.message,
            slug=error.slug,
            hint=f"The run itself is done. Free some space, then: datacleanse report {folder.path}",
        ) from error


@contextmanager
def _told_how_to_go_on(request: Request, place: Path) -> Iterator[StopRequest]:
    from datacleanse.storage.run_folder import RunFolder

    try:
        with heeded_signals() as signals:
            yield signals
    except (Stopped, KeyboardInterrupt) as error:
        done = f"{error.message} " if isinstance(error, Stopped) else ""
        is_saved = RunFolder(place).has_checkpoint()
        where = f"What was trained so far is saved in {place}." if is_saved else ""
        raise Stopped(
            f"Stopped on request. {done}{where}".strip(),
            slug="stopped",
            hint=f"To go on: {command_to_go_on(request.command)}",
        ) from error


def run_name(data: str) -> str:
    """Name of the default run folder: the file's name without its endings."""
    name = data.rstrip("/*").replace("\\", "/").rsplit("/", 1)[-1].replace("*", "")
    stripped = name
    while stripped.endswith(SUFFIXES):
        stripped = stripped[: stripped.rindex(".")]
    return stripped or "audit"


def _log_to_mlflow(place: Path, *, quiet: bool) -> None:
    from datacleanse.serving.mlflow_log import log_run
    from datacleanse.storage.run_folder import RunFolder

    logged = log_run(RunFolder(place))
    if not quiet:
        typer.echo(f"Logged to MLflow as run {logged}.", err=True)


def _check_share(fail_over: float | None) -> None:
    if fail_over is not None and not 0 <= fail_over <= 1:
        raise SettingsError(
            f"--fail-over is {fail_over!r}.",
            slug="setting-out-of-range",
            hint="Give a share between 0 and 1, e.g. 0.02.",
        )
