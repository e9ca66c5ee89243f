"""Makes the view of a run: every number that a report shows is worked out here, once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from datacleanse.shares import NORMAL_95
from datacleanse.storage.typed_json import to_json
from datacleanse_reports import audit
from datacleanse_reports.companions import read_companions, read_conflicts
from datacleanse_reports.health import make_health
from datacleanse_reports.next_step import propose_comparing
from datacleanse_reports.read_run_view import read_run_view
from datacleanse_reports.records import (
    ClassSummary,
    Comparison,
    MatrixCell,
    Metric,
    NoiseMatrix,
    ReportView,
    Training,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datacleanse.storage.manifest.results import (
        ClassConfusion,
        Measures,
        MetricsSection,
        NoiseShare,
        TrainingSection,
    )
    from datacleanse.storage.run_folder import RunFolder

__all__ = ["ReportView", "read_view"]

MAX_CLASSES = 12
"""More do not fit beside each other on a page."""


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
    _, columns = audit.find_originals(originals, manifest.data.label)
    rows = set(ranked["row"].to_pylist())
    beside = read_companions(folder, manifest, rows=rows, columns=columns)
    suspects = audit.collect_suspects(ranked, originals, beside, manifest=manifest)
    table = audit.read_columns(folder, manifest.data.classes)
    basis, mask = audit.choose_basis(table, listed=top)
    classes = _make_classes(manifest.noise.by_given_label, audit.count_flagged_by_label(table))
    confusions = manifest.noise.confusions
    scores, is_wrong = audit.read_calibration(folder, manifest.n_clean)
    common = read_run_view(folder, manifest, table, originals=originals, suspects=suspects, top=top)
    return ReportView(
        **{
            **vars(common),
            "suspects": suspects,
            "health": make_health(manifest.health),
        },
        classes=classes,
        confusions=confusions,
        matrix=make_noise_matrix(classes, confusions, common.labels),
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
        test_set=manifest.test,
        columns_read=manifest.schema.columns,
        methods=manifest.methods,
        settings=to_json(manifest.settings),
        versions=to_json(manifest.versions),
        device=to_json(manifest.device),
        timings=manifest.timings,
        compare_words=propose_comparing(folder, manifest),
    )


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
        reweighted=curves.reweighted,
        control=curves.control,
        final=None if curves.final == curves.reweighted else curves.final,
    )


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


def make_noise_matrix(
    classes: Sequence[ClassSummary], confusions: Sequence[ClassConfusion], order: Sequence[str]
) -> NoiseMatrix | None:
    """Expected rows by given label and true class; None where no error is expected.

    Args:
        classes: of DATA.
        confusions: pairs of classes with the rows that are expected to be confused.
        order: all classes, in the order in which to show them.
    """
    touched: dict[str, float] = {}
    for pair in confusions:
        for label in (pair.given, pair.true):
            touched[label] = touched.get(label, 0.0) + pair.rows
    by_name = {each.name: each for each in classes}
    known = [label for label in touched if label in by_name]
    if not known:
        return None
    most = sorted(known, key=lambda label: -touched[label])[:MAX_CLASSES]
    labels = tuple(label for label in order if label in most)
    expected = {(pair.given, pair.true): pair.rows for pair in confusions}

    def cell(given: str, true: str) -> MatrixCell:
        of_given = by_name[given]
        right = of_given.rows - of_given.suspected
        n = right if given == true else expected.get((given, true))
        return MatrixCell(n, 0.0 if n is None else n / max(1, of_given.rows))

    def count_others(given: str) -> float:
        shown = (expected.get((given, true), 0.0) for true in labels)
        return max(0.0, by_name[given].suspected - sum(shown))

    return NoiseMatrix(
        labels,
        cells=tuple(tuple(cell(given, true) for true in labels) for given in labels),
        others=tuple(map(count_others, labels)),
        n_left_out=len(classes) - len(labels),
    )
