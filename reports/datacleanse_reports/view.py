"""Makes the view of a run: every number that a report shows is worked out here, once."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from datacleanse.records import UNCHECKED
from datacleanse.shares import NORMAL_95
from datacleanse.storage.typed_json import to_json
from datacleanse_reports import audit
from datacleanse_reports.companions import read_companions, read_conflicts
from datacleanse_reports.health import count_verdicts, make_health
from datacleanse_reports.matrix import make_noise_matrix
from datacleanse_reports.next_step import (
    count_lacking,
    propose_applying,
    propose_comparing,
    propose_review,
    propose_verifying,
    propose_verifying_more,
)
from datacleanse_reports.records import (
    Budget,
    ClassSummary,
    CleanSource,
    ColumnAside,
    ColumnUse,
    Comparison,
    Confusion,
    Curves,
    DataSource,
    Flagging,
    Headline,
    Metric,
    NoticeView,
    OverlapSummary,
    ReportView,
    TableSource,
    Training,
)
from datacleanse_reports.review_progress import find_rows_to_review, read_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from datacleanse.records import Column, Notice, SetAside
    from datacleanse.storage.manifest.inputs import (
        CleanSection,
        DataSection,
        InputFile,
        OverlapSection,
    )
    from datacleanse.storage.manifest.results import (
        ClassConfusion,
        FlagsSection,
        LearningCurves,
        Measures,
        MetricsSection,
        NoiseShare,
        TrainingSection,
    )
    from datacleanse.storage.manifest.whole import Manifest
    from datacleanse.storage.run_folder import RunFolder

__all__ = ["ReportView", "read_view"]


def read_view(folder: RunFolder, *, top: int) -> ReportView:
    """Everything that the reports of a finished run show.

    Args:
        folder: a finished run.
        top: suspects to list, at least 1; fewer where the run stored fewer.

    Raises:
        RunFolderError: the run is missing, unfinished, of a later version or damaged.
    """
    manifest = folder.manifest()
    n_rows = manifest.data.rows
    ranked = audit.read_ranked(folder, manifest.data.classes, last=top)
    originals = folder.read_suspects(n_rows)
    positions, columns = audit.find_originals(originals, manifest.data.label)
    rows = set(ranked["row"].to_pylist())
    beside = read_companions(folder, manifest, rows=rows, columns=columns)
    suspects = audit.collect_suspects(ranked, originals, beside, manifest=manifest)
    table = audit.read_columns(folder, manifest.data.classes)
    basis, mask = audit.choose_basis(table, listed=top)
    classes = _make_classes(manifest.noise.by_given_label, audit.count_flagged_by_label(table))
    confusions = tuple(map(_make_confusion, manifest.noise.confusions))
    labels = tuple(manifest.data.classes)
    scores, is_wrong = audit.read_calibration(folder, manifest.n_clean)
    return ReportView(
        run_id=manifest.run_id,
        created_at=manifest.created_at,
        finished_at=manifest.finished_at,
        command=manifest.command,
        headline=_make_headline(manifest),
        flagging=_make_flagging(manifest.flags),
        budgets=tuple(map(_make_budget, manifest.budget)),
        classes=classes,
        confusions=confusions,
        matrix=make_noise_matrix(classes, confusions, labels),
        training=_make_training(manifest.training),
        test=_make_comparison(manifest.metrics),
        weights=audit.bin_weights(table, basis, mask),
        reliability=audit.check_probabilities(
            table,
            scores,
            manifest.flags.null_share,
            is_wrong if manifest.noise.basis == "pairs" else None,
        ),
        reading=audit.sum_by_rank(table) if manifest.noise.rate is not None else (),
        conflicts=read_conflicts(folder, n_rows),
        labels=labels,
        data=_make_data(manifest.data),
        clean=None if manifest.clean is None else _clean(manifest.clean),
        test_set=None if manifest.test is None else _read_table(manifest.test),
        overlap=_make_overlap(manifest.overlap),
        columns_read=tuple(map(_make_column, manifest.schema.columns)),
        columns_aside=tuple(map(_make_aside, manifest.schema.set_aside)),
        methods=manifest.methods,
        notices=tuple(map(_make_notice, manifest.notices)),
        settings=to_json(manifest.settings),
        versions=to_json(manifest.versions),
        device=to_json(manifest.device),
        timings=manifest.timings,
        top=top,
        columns=columns,
        own_columns=_find_own_columns(originals, positions),
        suspects=suspects,
        rows_lacking=count_lacking(manifest),
        next_words=propose_verifying(manifest.data)
        if _lacks_verified(manifest)
        else propose_verifying_more(folder, manifest),
        review_words=propose_review(folder.path),
        apply_words=propose_applying(folder.path, manifest.data.source),
        compare_words=propose_comparing(folder, manifest),
        progress=read_progress(folder, manifest, find_rows_to_review(table, suspects)),
        health=make_health(manifest.health),
        verdicts=count_verdicts(table),
    )


def _find_own_columns(originals: pa.Table, positions: Sequence[int]) -> tuple[int, ...]:
    """Places among the original columns, at ``positions``, of those that the program added."""
    from datacleanse.data import is_content_hash  # slow to import

    fields = (originals.field(position) for position in positions)
    return tuple(place for place, field in enumerate(fields) if is_content_hash(field))


def _lacks_verified(manifest: Manifest) -> bool:
    """Whether no row is verified, or nobody seems to have checked those that are called so."""
    is_doubted = any(notice.slug == UNCHECKED for notice in manifest.notices)
    return manifest.noise.rate is None or is_doubted


def _make_headline(manifest: Manifest) -> Headline:
    rate = manifest.noise.rate
    return Headline(
        rows=manifest.data.rows,
        classes=len(manifest.data.classes),
        estimated_wrong=None if rate is None else rate.share * rate.rows,
        estimated_share=None if rate is None else rate.share,
        low_share=None if rate is None else rate.low,
        high_share=None if rate is None else rate.high,
        rate_basis=manifest.noise.basis,
        flagged=manifest.flags.flagged,
        fdr=manifest.flags.fdr,
    )


def _make_flagging(flags: FlagsSection) -> Flagging:
    return Flagging(
        basis=flags.basis,
        false_at_most=flags.false_at_most,
        calibration_rows=flags.calibration_rows,
        smallest_p_value=flags.smallest_p_value,
        null_share=flags.null_share,
        rows_needed=flags.rows_needed,
        listed_at_double=flags.listed_at_double,
    )


def _make_budget(share: NoiseShare) -> Budget:
    return Budget(
        rows=share.rows,
        expected_wrong=share.share * share.rows,
        expected_share=share.share,
        low_share=share.low,
        high_share=share.high,
    )


def _make_confusion(pair: ClassConfusion) -> Confusion:
    return Confusion(given=pair.given, true=pair.true, rows=pair.rows, share=pair.share)


def _read_table(file: InputFile) -> TableSource:
    return TableSource(source=file.source, sha256=file.sha256, rows=file.rows)


def _make_data(data: DataSection) -> DataSource:
    return DataSource(
        source=data.source,
        sha256=data.sha256,
        rows=data.rows,
        columns=data.columns,
        label=data.label,
        id=data.id,
    )


def _clean(clean: CleanSection) -> CleanSource:
    return CleanSource(
        source=clean.source,
        sha256=clean.sha256,
        rows=clean.rows,
        steering_rows=clean.steering_rows,
        calibration_rows=clean.calibration_rows,
        classes=clean.classes,
        reviewed_rows=clean.reviewed_rows,
    )


def _make_overlap(overlap: OverlapSection) -> OverlapSummary:
    return OverlapSummary(
        rows=overlap.rows,
        verified=overlap.verified,
        wrong=overlap.wrong,
        matched_by=overlap.matched_by,
    )


def _make_column(column: Column) -> ColumnUse:
    return ColumnUse(name=column.name, kind=column.kind, width=column.width)


def _make_aside(column: SetAside) -> ColumnAside:
    return ColumnAside(name=column.name, kind=column.kind, reason=column.reason)


def _make_notice(notice: Notice) -> NoticeView:
    return NoticeView(**asdict(notice))


def _make_classes(
    by_label: Mapping[str, NoiseShare], flagged: Mapping[str, int]
) -> tuple[ClassSummary, ...]:
    """Of the labels in ``flagged``: CLEAN may know some that DATA has on no row."""
    classes = [
        ClassSummary(
            name=name,
            rows=share.rows,
            suspected=share.share * share.rows,
            suspected_share=share.share,
            low_share=share.low,
            high_share=share.high,
            flagged=flagged[name],
        )
        for name, share in by_label.items()
        if name in flagged
    ]
    return tuple(sorted(classes, key=lambda c: (-c.suspected, -c.flagged, c.name)))


def _make_training(training: TrainingSection) -> Training:
    curves = training.curves
    return Training(
        rule=training.rule,
        epochs=training.epochs,
        batch_size=training.batch_size,
        lr=training.lr,
        rows=training.training_rows,
        folds=training.folds,
        parameters=training.parameters,
        network=training.network,
        skipped_steps=training.skipped_steps,
        reweighted=_make_curves(curves.reweighted),
        control=_make_curves(curves.control),
        final=None if curves.final == curves.reweighted else _make_curves(curves.final),
    )


def _make_curves(curves: LearningCurves) -> Curves:
    return Curves(loss=curves.loss, clean_loss=curves.clean_loss)


def _make_comparison(metrics: MetricsSection) -> Comparison | None:
    figures = metrics.test or metrics.held_back
    if figures is None:
        return None
    accuracy = figures.reweighted.accuracy
    error = NORMAL_95 * math.sqrt(max(0.0, accuracy * (1 - accuracy)) / figures.rows)
    return Comparison(
        rows=figures.rows,
        kind="held-back clean row" if metrics.test is None else "test row",
        metrics=tuple(
            _make_metric(
                measure(figures.reweighted),
                measure(figures.control),
                name=name,
                title=title,
                higher_is_better=higher_is_better,
                # What is printed below the table holds of both accuracies.
                margin=error if higher_is_better else 0.0,
            )
            for name, title, higher_is_better, measure in _MEASURES
        ),
        accuracy_error=error,
    )


def _make_metric(
    reweighted: float,
    control: float,
    *,
    name: str,
    title: str,
    higher_is_better: bool,
    margin: float,
) -> Metric:
    difference = reweighted - control
    ahead = difference if higher_is_better else -difference
    return Metric(
        name=name,
        title=title,
        higher_is_better=higher_is_better,
        reweighted=reweighted,
        control=control,
        difference=difference,
        better="equal" if abs(ahead) <= margin else "reweighted" if ahead > 0 else "control",
    )


_MEASURES: tuple[tuple[str, str, bool, Callable[[Measures], float]], ...] = (
    ("accuracy", "Accuracy", True, lambda of: of.accuracy),
    ("balanced_accuracy", "Balanced accuracy", True, lambda of: of.balanced_accuracy),
    ("log_loss", "Log-loss (nats)", False, lambda of: of.log_loss),
    ("calibration_error", "Calibration error", False, lambda of: of.calibration_error),
)
"""Key, title, whether higher is better, where it stands."""
