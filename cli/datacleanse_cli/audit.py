"""`datacleanse audit`."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datacleanse.detection.second_opinion.waiting import wait_for_question
from datacleanse.errors import OutputError, SettingsError, Stopped
from datacleanse.settings import Settings
from datacleanse.training.ranks import ALONE, Ranks
from datacleanse_cli import audit_options, exits, options
from datacleanse_cli.next_commands import spell_command
from datacleanse_cli.option_fields import expand_fields
from datacleanse_cli.own_code import heed_current_directory
from datacleanse_cli.printing import say, say_json
from datacleanse_cli.progress import show_progress
from datacleanse_cli.ranks import join
from datacleanse_cli.stopping import heed_signals, spell_command_to_go_on
from datacleanse_reports.next_step import name_after, spell_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen

    from datacleanse.auditing.reading import Request
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse.training.stopping import StopRequest
    from datacleanse_reports.numbers.number_view import NumberView
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.run_view import RunView
    from datacleanse_reports.write import Reports


@dataclass(frozen=True)
class AuditOptions:
    """What `datacleanse audit` takes, in the order of its help; `options` says what each means."""

    data: options.Data
    val: audit_options.Val = None
    label: options.Label = None
    task: audit_options.Task = "auto"
    id_: options.Id = None
    no_id: options.NoId = False
    test: audit_options.Test = None
    decisions: audit_options.EarlierDecisions = None
    drop: options.Drop = None
    categorical: audit_options.Categorical = None
    numeric: audit_options.Numeric = None
    text: audit_options.Text = None
    dates: audit_options.Dates = None
    decimal: audit_options.Decimal = None
    missing: audit_options.Missing = None
    delimiter: options.Delimiter = None
    image_size: audit_options.ImageSize = None
    max_unreadable: audit_options.MaxUnreadable = 0.05
    out: audit_options.RunOut = None
    force: options.Force = False
    resume: audit_options.Resume = False
    rule: audit_options.Rule = None
    model: audit_options.Model = "auto"
    weights: audit_options.Weights = None
    features: audit_options.Features = None
    text_model: audit_options.TextModel = None
    probabilities: audit_options.Probabilities = None
    epochs: audit_options.Epochs = None
    batch_size: audit_options.BatchSize = None
    lr: audit_options.LearningRate = None
    fast: audit_options.Fast = False
    hold_back: audit_options.HoldBack = 0.0
    repeats: audit_options.Repeats = 0
    fdr: audit_options.Fdr = 0.10
    top: audit_options.Top = 500
    device: audit_options.Device = "auto"
    memory: audit_options.Memory = None
    jobs: audit_options.Jobs = None
    seed: options.Seed = 0
    plan: audit_options.Plan = False
    fail_over: audit_options.FailOver = None
    mlflow: audit_options.Mlflow = False
    quiet: options.Quiet = False
    as_json: options.Json = False

    def make_settings(self) -> Settings:
        """How the audit is done.

        Raises:
            SettingsError: a value is out of its range, or two contradict each other.
        """
        return Settings(
            rule=self.rule,  # type: ignore[arg-type]  # Settings checks it
            model=self.model,
            weights=self.weights,
            features=self.features,
            text_model=self.text_model,
            epochs=self.epochs,
            batch_size=self.batch_size,
            lr=self.lr,
            fast=self.fast,
            hold_back=self.hold_back,
            repeats=self.repeats,
            fdr=self.fdr,
            top=self.top,
            device=self.device,
            seed=self.seed,
            jobs=self.jobs,
        )

    def make_request(self, settings: Settings) -> Request:
        """What is audited by what, and how it is read."""
        from datacleanse.auditing.reading import Request
        from datacleanse.data import ReadOptions
        from datacleanse.memory_bound import parse_size
        from datacleanse.storage.run_folder import find_decisions

        return Request(
            data=self.data,
            clean=tuple(self.val or ()),
            test=self.test,
            decisions=tuple(map(find_decisions, self.decisions or ())),
            options=ReadOptions(
                label=self.label,
                id=self.id_,
                drop=tuple(self.drop or ()),
                categorical=tuple(self.categorical or ()),
                numeric=tuple(self.numeric or ()),
                text=tuple(self.text or ()),
                delimiter=self.delimiter,
                missing=None if self.missing is None else tuple(self.missing),
                image_size=self.image_size,
                max_unreadable=self.max_unreadable,
                dates=self.dates,  # type: ignore[arg-type]  # ReadOptions checks it
                decimal=self.decimal,  # type: ignore[arg-type]
                seeks_id=not self.no_id,
                task=self.task,  # type: ignore[arg-type]
            ),
            settings=settings,
            command=tuple(sys.argv[1:]),
            probabilities=self.probabilities,
            memory=None if self.memory is None else parse_size(self.memory),
        )


@expand_fields(AuditOptions)
def audit(given: AuditOptions) -> int:
    """Train with learned reweighting; rank the rows whose labels look wrong.

    DATA alone gives a ranking; rows that you have verified (--val) add a rate of wrong labels,
    flags with a stated share of false alarms, and a model trained with learned weights.
    """
    heed_current_directory(given.model)
    settings = given.make_settings()
    _check_share(given.fail_over, has_clean=given.val is not None)
    place = given.out or Path("runs") / name_after(given.data)
    if given.plan:
        request = given.make_request(settings)
        return _tell_plan(request, place, quiet=given.quiet, as_json=given.as_json)
    with join(given.device) as ranks:
        if ranks.number:
            _train_along(given, settings, place, ranks)
            return exits.DONE
        if given.mlflow:
            _check_mlflow()
        expected = None if given.jobs == 1 or given.task == "regression" else given.data
        # Before `make_request`, which loads what tables are read with.
        with wait_for_question(expected) as waiting:
            view = audit_and_report(
                given.make_request(settings),
                place,
                force=given.force,
                resume=given.resume,
                quiet=given.quiet,
                as_json=given.as_json,
                ranks=ranks,
                waiting=waiting,
            )
    if given.mlflow:
        _log_to_mlflow(place, quiet=given.quiet)
    head = view.headline
    is_over = given.fail_over is not None and head.flagged > given.fail_over * head.rows
    return exits.OVER_LIMIT if is_over else exits.DONE


def _tell_plan(request: Request, place: Path, *, quiet: bool, as_json: bool) -> int:
    """Say what the audit would take."""
    from datacleanse.auditing.pace import measure_pace
    from datacleanse.auditing.run import forecast_audit
    from datacleanse_cli.console import Terminal
    from datacleanse_cli.plan_summary import REPORT_SECONDS, measure_age, print_plan

    beside = measure_age() + REPORT_SECONDS * measure_pace()
    with show_progress(quiet=quiet) as progress:
        found = forecast_audit(request, place, progress, beside=beside)
    if as_json:
        say_json(found.to_json())
    else:
        print_plan(found, Terminal())
    return exits.DONE


def _train_along(given: AuditOptions, settings: Settings, place: Path, ranks: Ranks) -> None:
    """Do what falls to all ranks of torchrun's but the first: train, and leave the rest to it."""
    from datacleanse.auditing.conduct import Conduct
    from datacleanse.auditing.run import run_audit

    request = given.make_request(settings)
    with _say_how_to_go_on(request, place) as stop:
        run_audit(request, Conduct(place, given.force, given.resume, stop=stop, ranks=ranks))


def audit_and_report(
    request: Request,
    place: Path,
    *,
    force: bool,
    resume: bool = False,
    quiet: bool,
    as_json: bool,
    ranks: Ranks = ALONE,
    waiting: Popen[bytes] | None = None,
) -> RunView:
    """Run the audit, write the reports, print the summary.

    Args as for `Conduct` and `run_audit`.

    Raises:
        Stopped: by Ctrl-C or SIGTERM; the hint is the command to go on.
    """
    from datacleanse.auditing.conduct import Conduct
    from datacleanse.auditing.run import run_audit

    with _say_how_to_go_on(request, place) as stop, show_progress(quiet=quiet) as progress:
        conduct = Conduct(place, force, resume, progress, stop, ranks, meanwhile=_load_reports)
        folder = run_audit(request, conduct, waiting=waiting)
        progress.stage("Reports", None)
        reports = _make_reports(folder, top=request.settings.top)
    if as_json:
        summary = json.loads(reports.files["json"].read_text(encoding="utf-8"))
        say_json({"run": str(place), **summary})
    else:
        _print_summary(reports.view, place, is_brief=quiet)
    return reports.view


def _load_reports() -> None:
    """Load what reports and summary are written with, while another core trains."""
    from datacleanse_cli import console, summary
    from datacleanse_reports import view, write
    from datacleanse_reports.formats.html import load_templates

    del console, summary, view, write
    load_templates()


def _make_reports(folder: RunFolder, *, top: int) -> Reports:
    from datacleanse_reports.write import make_reports

    try:
        return make_reports(folder, top=top)
    except OutputError as error:
        raise OutputError(
            error.message,
            slug=error.slug,
            hint=f"The run itself is done. Free some space, then: "
            f"{spell_command('report', spell_place(folder.path))}",
        ) from error


def _print_summary(view: ReportView | NumberView, place: Path, *, is_brief: bool) -> None:
    from datacleanse_cli.console import Terminal
    from datacleanse_cli.number_summary import print_number_summary
    from datacleanse_cli.summary import print_summary
    from datacleanse_reports.numbers.number_view import NumberView

    if isinstance(view, NumberView):
        print_number_summary(view, Terminal(), run=place, is_brief=is_brief)
    else:
        print_summary(view, Terminal(), run=place, is_brief=is_brief)


@contextmanager
def _say_how_to_go_on(request: Request, place: Path) -> Iterator[StopRequest]:
    """Turn a stop within the block into an error whose hint is the command to go on."""
    from datacleanse.storage.run_folder import RunFolder

    try:
        with heed_signals() as signals:
            yield signals
    except (Stopped, KeyboardInterrupt) as error:
        done = f"{error.message} " if isinstance(error, Stopped) else ""
        is_saved = RunFolder(place).has_checkpoint()
        where = f"What was trained so far is saved in {place}." if is_saved else ""
        raise Stopped(
            f"Stopped on request. {done}{where}".strip(),
            slug="stopped",
            hint=f"To go on: {spell_command_to_go_on(request.command)}",
        ) from error


def _check_mlflow() -> None:
    from datacleanse.serving.mlflow_log import check_mlflow

    check_mlflow()


def _log_to_mlflow(place: Path, *, quiet: bool) -> None:
    from datacleanse.serving.mlflow_log import log_run
    from datacleanse.storage.run_folder import RunFolder

    logged = log_run(RunFolder(place))
    if not quiet:
        say(f"Logged to MLflow as run {logged}.", err=True)


def _check_share(fail_over: float | None, *, has_clean: bool) -> None:
    if fail_over is not None and not has_clean:
        raise SettingsError(
            f"--fail-over is {fail_over!r}, and no row is verified: it counts flagged rows, and "
            "none is flagged without CLEAN.",
            slug="setting-needs-clean",
            hint="Give verified rows with --val, or leave --fail-over out.",
        )
    if fail_over is not None and not 0 <= fail_over <= 1:
        raise SettingsError(
            f"--fail-over is {fail_over!r}.",
            slug="setting-out-of-range",
            hint="Give a share between 0 and 1, e.g. 0.02.",
        )
