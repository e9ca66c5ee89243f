"""Makes the view of a run: every number that a report shows is worked out here, once."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

from datacleanse.errors import RunFolderError
from datacleanse_reports import audit
from datacleanse_reports.audit import finite
from datacleanse_reports.companions import read_companions, read_conflicts
from datacleanse_reports.matrix import noise_matrix
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from _typeshed import DataclassInstance

    from datacleanse.storage.run_folder import RunFolder

__all__ = ["ReportView", "read_view"]

_Record = TypeVar("_Record", bound="DataclassInstance")

_METRICS = (
    ("accuracy", "Accuracy", True),
    ("balanced_accuracy", "Balanced accuracy", True),
    ("log_loss", "Log-loss (nats)", False),
    ("calibration_error", "Calibration error", False),
)
"""Key, title, whether higher is better."""


def read_view(folder: RunFolder, *, top: int) -> ReportView:
    """Everything that the reports of a finished run show.

    Args:
        folder: a finished run.
        top: suspects to list, at least 1; fewer where the run stored fewer.

    Raises:
        RunFolderError: the run is missing, unfinished, of a later version or damaged.
    """
    manifest = folder.manifest()
    try:
        described = _described(manifest)
        by_label = manifest["noise"]["by_given_label"]
        label = manifest["data"]["label"]
        learned = manifest["settings"]["rule"] == "l2rw"
    except (KeyError, TypeError) as error:
        raise RunFolderError(
            f"{folder.manifest_file} is damaged (it lacks {error}).",
            slug="run-damaged",
            hint="Repeat the audit.",
        ) from error
    ranked = audit.read_ranked(folder, last=top)
    beside = read_companions(folder, rows=set(ranked["row"].to_pylist()))
    columns, suspects = audit.suspects_of(
        ranked, audit.read_originals(folder), beside, label=label, learned=learned
    )
    table = audit.read_columns(folder)
    classes = _classes(by_label, audit.flagged_by_label(table))
    return ReportView(
        **described,
        classes=classes,
        matrix=noise_matrix(classes, described["confusions"], described["labels"]),
        **_summed(folder, table, described["flagging"], listed=top),
        conflicts=read_conflicts(folder),
        top=top,
        columns=columns,
        suspects=suspects,
    )


def _summed(
    folder: RunFolder, table: pa.Table, flagging: Flagging, *, listed: int
) -> dict[str, Any]:
    """The fields of the view that are sums over all rows."""
    basis, mask = audit.basis_of(table, listed=listed)
    return {
        "weights": audit.weight_distribution(table, basis, mask),
        "reliability": audit.check_probabilities(
            table, audit.read_calibration(folder), flagging.null_share
        ),
        "reading": audit.reading_curve(table),
    }


def _described(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the view that `run.json` alone decides."""
    schema = manifest["schema"]
    return {
        "run_id": manifest["run_id"],
        "created_at": manifest["created_at"],
        "finished_at": manifest["finished_at"],
        "command": tuple(manifest["command"]),
        "headline": _headline(manifest),
        "flagging": _flagging(manifest["flags"]),
        "budgets": tuple(map(_budget, manifest["budget"])),
        "confusions": tuple(_record(Confusion, pair) for pair in manifest["noise"]["confusions"]),
        "training": _training(manifest["training"], rule=manifest["settings"]["rule"]),
        "test": _comparison(manifest["metrics"]),
        "data": _record(DataSource, manifest["data"]),
        "labels": tuple(manifest["data"]["classes"]),
        "clean": _record(CleanSource, manifest["clean"]),
        "test_set": _record(TableSource, manifest["test"]) if manifest["test"] else None,
        "overlap": _record(OverlapSummary, manifest["overlap"]),
        "columns_read": tuple(_record(ColumnUse, column) for column in schema["columns"]),
        "columns_aside": tuple(_record(ColumnAside, column) for column in schema["set_aside"]),
        "methods": dict(manifest["methods"]),
        "notices": tuple(_record(NoticeView, notice) for notice in manifest["notices"]),
        "settings": dict(manifest["settings"]),
        "versions": dict(manifest["versions"]),
        "device": dict(manifest["device"]),
        "timings": dict(manifest["timings"]),
    }


def _record(kind: type[_Record], described: Mapping[str, Any]) -> _Record:
    # By name, so that a manifest of the same version may hold more than this program knows, or
    # less where there is a default.
    names = (f.name for f in fields(kind) if f.name in described or f.default is MISSING)
    return kind(**{name: described[name] for name in names})


def _headline(manifest: Mapping[str, Any]) -> Headline:
    data, flags, rate = manifest["data"], manifest["flags"], manifest["noise"]["rate"]
    return Headline(
        rows=data["rows"],
        classes=len(data["classes"]),
        estimated_wrong=rate["share"] * rate["rows"],
        estimated_share=rate["share"],
        low_share=rate["low"],
        high_share=rate["high"],
        flagged=flags["flagged"],
        fdr=flags["fdr"],
    )


def _flagging(flags: Mapping[str, Any]) -> Flagging:
    return Flagging(
        basis=flags["basis"],
        calibration_rows=flags["calibration_rows"],
        smallest_p_value=finite(flags["smallest_p_value"]),
        null_share=finite(flags["null_share"]),
        rows_needed=flags["rows_needed"],
    )


def _budget(share: Mapping[str, Any]) -> Budget:
    return Budget(
        rows=share["rows"],
        expected_wrong=share["share"] * share["rows"],
        expected_share=share["share"],
        low_share=share["low"],
        high_share=share["high"],
    )


def _classes(
    by_label: Mapping[str, Mapping[str, Any]], flagged: Mapping[str, int]
) -> tuple[ClassSummary, ...]:
    """Of the labels in ``flagged``: CLEAN may know some that DATA has on no row."""
    classes = [
        ClassSummary(
            name=name,
            rows=share["rows"],
            suspected=share["share"] * share["rows"],
            suspected_share=share["share"],
            low_share=share["low"],
            high_share=share["high"],
            flagged=flagged[name],
        )
        for name, share in by_label.items()
        if name in flagged
    ]
    return tuple(sorted(classes, key=lambda c: (-c.suspected, -c.flagged, c.name)))


def _training(training: Mapping[str, Any], *, rule: str) -> Training:
    curves = training["curves"]
    return Training(
        rule=rule,
        epochs=training["epochs"],
        batch_size=training["batch_size"],
        lr=training["lr"],
        rows=training["training_rows"],
        folds=training["folds"],
        parameters=training["parameters"],
        network=training["network"],
        skipped_steps=training["skipped_steps"],
        reweighted=_curves(curves["reweighted"]),
        control=_curves(curves["control"]),
        final=None if curves["final"] == curves["reweighted"] else _curves(curves["final"]),
    )


def _curves(curves: Mapping[str, Any]) -> Curves:
    return Curves(
        loss=tuple(map(finite, curves["loss"])),
        clean_loss=tuple(map(finite, curves["clean_loss"])),
    )


def _comparison(metrics: Mapping[str, Any]) -> Comparison | None:
    figures = metrics["test"] or metrics["held_back"]
    if figures is None:
        return None
    rows, reweighted, control = figures["rows"], figures["reweighted"], figures["control"]
    accuracy = finite(reweighted.get("accuracy"))
    error = None if accuracy is None else 1.96 * math.sqrt(accuracy * (1 - accuracy) / rows)
    return Comparison(
        rows=rows,
        kind="test row" if metrics["test"] else "held-back clean row",
        metrics=tuple(
            _metric(
                finite(reweighted.get(name)),
                finite(control.get(name)),
                name=name,
                title=title,
                higher_is_better=higher_is_better,
            )
            for name, title, higher_is_better in _METRICS
        ),
        accuracy_error=error,
    )


def _metric(
    reweighted: float | None,
    control: float | None,
    *,
    name: str,
    title: str,
    higher_is_better: bool,
) -> Metric:
    difference = None if reweighted is None or control is None else reweighted - control
    better: Any = None
    if difference is not None:
        ahead = difference if higher_is_better else -difference
        better = "equal" if ahead == 0 else "reweighted" if ahead > 0 else "control"
    return Metric(
        name=name,
        title=title,
        higher_is_better=higher_is_better,
        reweighted=reweighted,
        control=control,
        difference=difference,
        better=better,
    )
