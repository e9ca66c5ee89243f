"""Makes the view of two runs: every number that a comparison shows is worked out here, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse_reports.changes.records import Changes, MetricChange, RunState
from datacleanse_reports.changes.rows import pair_rows
from datacleanse_reports.view import read_view

if TYPE_CHECKING:
    from datacleanse.storage.manifest.inputs import DataSection
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.changes.rows import Pairs
    from datacleanse_reports.records import ReportView


def read_changes(folder: RunFolder, earlier: RunFolder) -> Changes:
    """What changed from an earlier finished run to a later one.

    Args:
        folder: the later run.
        earlier: the run to compare it with, of the same table or of an earlier state of it.

    Raises:
        RunFolderError: a run is missing, unfinished, of a later version or damaged.
        SettingsError: the two are one run, or about tables that have nothing in common.
    """
    before, now = read_view(earlier, top=1), read_view(folder, top=1)
    if before.run_id == now.run_id:
        raise SettingsError(
            f"{earlier.path} and {folder.path} are the same run.",
            slug="same-run",
            hint="Give the folder of an earlier run to --compare.",
        )
    manifests = earlier.manifest(), folder.manifest()
    pairs = pair_rows(earlier, folder, manifests)
    _check_related(pairs, *(manifest.data for manifest in manifests))
    return Changes(
        before=_make_state(before),
        now=_make_state(now),
        matched_by=pairs.matched_by,
        newly_flagged=pairs.newly_flagged(),
        resolved=pairs.resolved(),
        still_flagged=pairs.still_flagged(),
        moves=pairs.moves(),
        metrics=_pair_metrics(before, now),
        same_test=_is_same_test(before, now),
    )


def _check_related(pairs: Pairs, before: DataSection, now: DataSection) -> None:
    """Refuse runs of tables without a row and without a class in common."""
    if (pairs.to_now >= 0).any() or {*before.classes} & {*now.classes}:
        return
    raise SettingsError(
        f"The runs are about different data: {before.source} and {now.source} have no row and no "
        "class in common.",
        slug="runs-unrelated",
        hint="Give the folder of an earlier run of the same data to --compare.",
    )


def _make_state(view: ReportView) -> RunState:
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


def _pair_metrics(before: ReportView, now: ReportView) -> tuple[MetricChange, ...]:
    if before.test is None or now.test is None:
        return ()
    old = {metric.name: metric.reweighted for metric in before.test.metrics}
    return tuple(
        MetricChange(
            name=metric.name,
            title=metric.title,
            higher_is_better=metric.higher_is_better,
            before=old.get(metric.name),
            now=metric.reweighted,
            difference=_subtract(old.get(metric.name), metric.reweighted),
        )
        for metric in now.test.metrics
    )


def _subtract(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None else now - before


def _is_same_test(before: ReportView, now: ReportView) -> bool:
    sets = before.test_set, now.test_set
    return sets[0] is not None and sets[1] is not None and sets[0].sha256 == sets[1].sha256
