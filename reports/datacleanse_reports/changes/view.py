"""Makes the view of two runs: every number that a comparison shows is worked out here, once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse.models.number_card import MEASURES
from datacleanse_reports.any_page import read_any_view
from datacleanse_reports.changes.records import Changes, MetricChange, RunState
from datacleanse_reports.changes.rows import pair_rows
from datacleanse_reports.numbers.number_view import NumberView

if TYPE_CHECKING:
    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.changes.rows import Pairs
    from datacleanse_reports.records import ReportView
    from datacleanse_reports.run_view import RunView


def read_changes(folder: RunFolder, earlier: RunFolder) -> Changes:
    """What changed from an earlier finished run to a later one.

    Args:
        folder: the later run.
        earlier: the run to compare it with, of the same table or of an earlier state of it.

    Raises:
        RunFolderError: a run is missing, unfinished, of a later version or damaged.
        SettingsError: the two are one run, or about tables that have nothing in common.
    """
    before, now = read_any_view(earlier, top=1), read_any_view(folder, top=1)
    if before.run_id == now.run_id:
        raise SettingsError(
            f"{earlier.path} and {folder.path} are the same run.",
            slug="same-run",
            hint="Give the folder of an earlier run to --compare.",
        )
    manifests = earlier.any_manifest(), folder.any_manifest()
    pairs = pair_rows(earlier, folder, manifests)
    _check_related(pairs, *manifests)
    return Changes(
        before=_make_state(before),
        now=_make_state(now),
        matched_by=pairs.matched_by,
        newly_flagged=pairs.newly_flagged(),
        resolved=pairs.resolved(),
        still_flagged=pairs.still_flagged(),
        moves=pairs.moves(),
        metrics=_pair_metrics(before, now),
        same_test=_is_same_test(*manifests),
    )


def _check_related(pairs: Pairs, before: AnyManifest, now: AnyManifest) -> None:
    """Refuse runs of tables without a row in common, and without a class or the label's name."""
    if (pairs.to_now >= 0).any():
        return
    if pairs.are_numbers:
        shared, what = before.data.label == now.data.label, "no label column"
    else:
        shared, what = bool({*(before.classes or ())} & {*(now.classes or ())}), "no class"
    if shared:
        return
    raise SettingsError(
        f"The runs are about different data: {before.data.source} and {now.data.source} have no "
        f"row and {what} in common.",
        slug="runs-unrelated",
        hint="Give the folder of an earlier run of the same data to --compare.",
    )


def _make_state(view: RunView) -> RunState:
    head = view.headline
    return RunState(
        run_id=view.run_id,
        created_at=view.created_at,
        source=view.data.source,
        rows=head.rows,
        clean_rows=0 if view.clean is None else view.clean.rows,
        estimated_wrong=head.estimated_wrong,
        estimated_share=head.estimated_share,
        low_share=head.low_share,
        high_share=head.high_share,
        rate_basis=head.rate_basis,
        flagged=head.flagged,
        basis=view.flagging.basis,
        fdr=head.fdr,
    )


def _pair_metrics(
    before: ReportView | NumberView, now: ReportView | NumberView
) -> tuple[MetricChange, ...]:
    old = {each.name: each.now for each in _list_measures(before)}
    if not old:
        return ()
    return tuple(
        replace(each, before=old.get(each.name), difference=_subtract(old.get(each.name), each.now))
        for each in _list_measures(now)
    )


def _list_measures(view: ReportView | NumberView) -> list[MetricChange]:
    """The measures of a run's saved model, beside none before; empty where it was not tested."""
    if isinstance(view, NumberView):
        measured = view.manifest.measured
        return [
            MetricChange(
                name=name,
                title=title,
                higher_is_better=name == "r2",
                before=None,
                now=getattr(measured.reweighted, name),
                difference=None,
                is_in_label_unit=name != "r2",
            )
            for name, title in MEASURES.items()
            if measured is not None
        ]
    return [
        MetricChange(
            name=metric.name,
            title=metric.title,
            higher_is_better=metric.higher_is_better,
            before=None,
            now=metric.reweighted,
            difference=None,
        )
        for metric in (() if view.test is None else view.test.metrics)
    ]


def _subtract(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None else now - before


def _is_same_test(before: AnyManifest, now: AnyManifest) -> bool:
    sets = before.test, now.test
    return sets[0] is not None and sets[1] is not None and sets[0].sha256 == sets[1].sha256
