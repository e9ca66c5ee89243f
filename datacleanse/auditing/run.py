"""An audit from files to run folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from datacleanse.auditing.first_look import refuse_at_first_look
from datacleanse.auditing.memory_need import (
    choose_least,
    estimate_need,
    refuse_need,
    refuse_too_little,
    tell_need,
)
from datacleanse.auditing.prepared import prepare_small_table
from datacleanse.auditing.reading import read_inputs
from datacleanse.auditing.without_clean import check_needs_no_clean
from datacleanse.detection.second_opinion.background import Adviser
from datacleanse.detection.second_opinion.waiting import guess_rows
from datacleanse.errors import RunFolderError, SettingsError
from datacleanse.models.optional_packages import VISION, check_installed
from datacleanse.progress import SILENT, Progress
from datacleanse.settings import PRETRAINED
from datacleanse.storage.mapped_files import keep_on_disk
from datacleanse.storage.run_claims import check_place
from datacleanse.storage.run_folder import RunFolder
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from subprocess import Popen

    from datacleanse.auditing.conduct import Conduct
    from datacleanse.auditing.forecast import Forecast
    from datacleanse.auditing.reading import Inputs, Request
    from datacleanse.settings import Settings


def run_audit(
    request: Request, conduct: Conduct, *, waiting: Popen[bytes] | None = None
) -> RunFolder:
    """Audit DATA and write the run folder. Nothing is written before all inputs are checked.

    Where it fails or is interrupted, the folder stays if a training has saved something in it.
    Of several ranks each calls this with the same arguments; all but the first only train.

    Args:
        request: what is asked for.
        conduct: where the run goes, and who hears of it, stops it and takes part.
        waiting: a process of `second_opinion.waiting`; whoever started it ends it, too.

    Raises:
        DatacleanseError: an input or a setting cannot be used, or nothing can be written.
        Stopped: on request; everything so far is saved.
    """
    place, is_first = conduct.place, conduct.ranks.number == 0
    _check_flags(force=conduct.force, resume=conduct.resume)
    _check_request(request)
    if not conduct.resume and is_first:
        _check_place(request, place, force=conduct.force)
    if not is_first:
        request = replace(request, test=None)
    if conduct.ranks.count > 1:
        # Trainings go one after the other, each shared by all ranks.
        request = replace(request, settings=replace(request.settings, jobs=1))
    with keep_on_disk(place.parent, choose_least(request.memory), request.memory):
        return _read_and_audit(request, conduct, waiting)


def _read_and_audit(request: Request, conduct: Conduct, waiting: Popen[bytes] | None) -> RunFolder:
    place, progress = conduct.place, conduct.progress
    is_first, is_alone = conduct.ranks.number == 0, request.settings.jobs == 1
    is_of_numbers = request.options.task == "regression"
    is_expected = is_first and _expects_opinion(request)
    n_rows = guess_rows(request.data) if is_expected else 0
    with Adviser(n_rows, is_split=not is_alone, waiting=waiting) as adviser:
        # Reading compares pictures.
        with use_one_thread():
            inputs = read_inputs(request, progress, scratch=place.parent)
        need = estimate_need(inputs, request.settings.jobs)
        refuse_need(need, request.memory, place)
        tell_need(need, request.memory, place, progress)
        if is_of_numbers:
            return _audit_numbers(request, inputs, conduct)
        adviser.expect(inputs.data.n_rows if is_expected and inputs.pictures is None else 0)
        prepared = None
        if adviser.is_waiting:
            with use_one_thread():
                prepared = prepare_small_table(inputs, request.settings)
            if prepared is not None:
                adviser.ask_ahead(prepared.question)
        # Loads torch, which takes seconds: an error in the inputs should not have to wait for it.
        from datacleanse.auditing.ranked import follow
        from datacleanse.auditing.recipe import carry_out
        from datacleanse.auditing.tasks.planning import plan_task

        # Anew, as torch was not there to be limited.
        with use_one_thread():
            inputs = _show_pictures(inputs, request.settings, conduct)
            task = plan_task(request, inputs, prepared)
            if not is_first:
                return follow(task, inputs, conduct)
            return carry_out(task, inputs, conduct, adviser=adviser)


def _show_pictures(inputs: Inputs, settings: Settings, conduct: Conduct) -> Inputs:
    """The inputs with what a pretrained network makes of pictures, where one is wanted."""
    from datacleanse.auditing.image_features import use_features, wants_pretrained

    if settings.features is not None:
        conduct.progress.stage("Features", None)
        return use_features(inputs, settings)
    if not wants_pretrained(settings, inputs):
        return inputs
    # Loads what decodes pictures.
    from datacleanse.auditing.pretrained_features import show_to_pretrained

    kept = RunFolder(conduct.place) if conduct.resume else None
    return show_to_pretrained(inputs, settings, kept=kept, progress=conduct.progress)


def _audit_numbers(request: Request, inputs: Inputs, conduct: Conduct) -> RunFolder:
    """Audit labels that are numbers."""
    # Loads torch; see `_read_and_audit`.
    from datacleanse.auditing.ranked import follow
    from datacleanse.auditing.regression.number_audit import plan_number_audit
    from datacleanse.auditing.regression.recipe import carry_out_numbers

    with use_one_thread():
        inputs = _show_pictures(inputs, request.settings, conduct)
        audit = plan_number_audit(request, inputs)
        if conduct.ranks.number:
            return follow(audit, inputs, conduct)
        return carry_out_numbers(audit, conduct)


def forecast_audit(
    request: Request, place: Path, progress: Progress = SILENT, *, beside: float = 0.0
) -> Forecast:
    """Read what an audit would read, try its parts for some seconds, and tell what it would take.

    Nothing is written but temporary files.

    Args:
        request: what is asked for.
        place: the run folder that would be written.
        progress: receives stages.
        beside: seconds that the program takes before and after the audit.

    Raises:
        DatacleanseError: an input or a setting cannot be used.
    """
    begun = perf_counter() - beside
    _check_request(request)
    n_rows = guess_rows(request.data) if _expects_opinion(request) else 0
    with (
        keep_on_disk(place.parent, choose_least(request.memory), request.memory),
        # Never asked, but it loads beside this process, as it does in an audit.
        Adviser(n_rows),
    ):
        with use_one_thread():
            # The user's classifier would be trained whole while it is read.
            read = replace(request, second_opinion=None)
            inputs = read_inputs(read, progress, scratch=place.parent)
        need = estimate_need(inputs, request.settings.jobs)
        refuse_need(need, request.memory, place)
        # Loads torch; see `run_audit`.
        from datacleanse.auditing.foreseeing import foresee

        with use_one_thread():
            return foresee(request, inputs, need, progress, begun)


def _expects_opinion(request: Request) -> bool:
    """Whether a process is to load what a second opinion on a table is formed with."""
    return request.settings.jobs != 1 and request.options.task != "regression"


def _check_request(request: Request) -> None:
    """Refuse what no input can make good."""
    if request.options.task == "regression":
        _refuse_unserved(request)
    if request.settings.model == PRETRAINED:
        check_installed(*VISION, extra="vision", what=f"--model {PRETRAINED}")
    if not request.clean:
        check_needs_no_clean(request.settings)
    refuse_too_little(request.memory)


def _check_place(request: Request, place: Path, *, force: bool) -> None:
    """See whether the run may begin there; what else is plainly wrong with the call comes first."""
    try:
        check_place(place, force=force)
    except RunFolderError:
        refuse_at_first_look(request)
        raise


def _check_flags(*, force: bool, resume: bool) -> None:
    if force and resume:
        raise SettingsError(
            "--force and --resume contradict each other.",
            slug="settings-contradict",
            hint="Give --resume to go on with the run there, or --force to replace it.",
        )


def _refuse_unserved(request: Request) -> None:
    """See that nothing is asked for that is not there for numbers.

    Raises:
        SettingsError: something is.
    """
    if request.probabilities is not None or request.second_opinion is not None:
        raise _make_unserved_error("--probabilities", "Leave it out: they are of classes.")
    if request.settings.rule == "lilaw":
        hint = "Leave --rule out: LiLAW's weights are of class probabilities."
        raise _make_unserved_error("--rule lilaw", hint)


def _make_unserved_error(what: str, hint: str) -> SettingsError:
    return SettingsError(
        f"--task regression does not go with {what} so far.",
        slug="regression-not-served",
        hint=hint,
    )
