"""The sections of `run.json`, made from what an audit read, trained and found."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from datacleanse.detection.methods import METHODS_ALONE, describe_methods, name_pretrained
from datacleanse.detection.noise_rates import (
    count_confusions,
    estimate_noise_by_class,
    estimate_noise_rate,
    expect_budget,
)
from datacleanse.models.metrics import measure_classes, measure_classification
from datacleanse.storage.manifest.inputs import (
    CleanSection,
    DataSection,
    InputFile,
    OverlapSection,
    Reading,
    ReviewedSection,
    SchemaSection,
)
from datacleanse.storage.manifest.results import (
    BackboneSection,
    ClassComparison,
    ClassConfusion,
    ClassMeasures,
    CurvesSection,
    FlagsSection,
    InfluenceRoute,
    LearningCurves,
    Measures,
    MetricsSection,
    ModelComparison,
    NoiseSection,
    NoiseShare,
    Steering,
    TrainingSection,
    UsedRule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs
    from datacleanse.detection.evidence import Assessment
    from datacleanse.detection.noise_rates import Share
    from datacleanse.models.metrics import Tested, Tests
    from datacleanse.records import Dataset, Notice, Schema
    from datacleanse.review.next_round import Reviewed
    from datacleanse.settings import Schedule
    from datacleanse.training.loop import Outcome
    from datacleanse.training.side_by_side import TrainedNetwork, Trainings


@dataclass(frozen=True)
class ComparedTrainings:
    """What is told of the trainings with learned weights and of plain training."""

    training_rows: int
    """Rows that the first network with learned weights was trained on."""
    skipped_steps: int
    """Its steps that updated nothing."""
    route: InfluenceRoute | None
    """How its influences were computed; None where the rule needs none."""
    folds: int
    """Networks with learned weights."""
    reweighted: LearningCurves
    """Of the first of them."""
    control: LearningCurves
    """Of plain training."""


@dataclass(frozen=True)
class Findings:
    """What is told of an audit when its rows are judged and the final model is not trained yet."""

    trainings: ComparedTrainings
    """The trainings that the verdict rests on."""
    flags: FlagsSection
    """What the flags promise."""
    noise: NoiseSection
    """How many labels are wrong."""
    methods: dict[str, str]
    """What each column of the audit table rests on, for people."""
    budget: tuple[NoiseShare, ...]
    """What reading the first rows of the ranking is expected to find."""


def describe_data(inputs: Inputs) -> DataSection:
    """DATA's file, columns and classes."""
    return DataSection(classes=_count_classes(inputs.data), **tell_data(inputs))


def tell_data(inputs: Inputs) -> dict[str, Any]:
    """What is said of DATA whatever its labels are, by the fields of `DataSection`."""
    data = inputs.data
    return {
        "source": data.source,
        "sha256": inputs.sha256["data"],
        "rows": data.n_rows,
        "columns": data.table.num_columns,
        "label": data.schema.label,
        "id": data.schema.id,
        "label_type": data.schema.label_type,
        "reading": Reading(**vars(inputs.options)),
    }


def describe_clean(inputs: Inputs, plan: Plan) -> CleanSection | None:
    """CLEAN's file and classes, and how many of its rows play which part; None without any row."""
    if not inputs.clean.n_rows:
        return None
    return CleanSection(classes=_count_classes(inputs.clean), **tell_clean(inputs, plan))


def tell_clean(inputs: Inputs, plan: Plan) -> dict[str, Any]:
    """What is said of CLEAN whatever its labels are, by the fields of `CleanSection`."""
    clean, reviewed = inputs.clean, inputs.reviewed
    source, sha256 = clean.source, inputs.sha256.get("clean")
    if sha256 is None:
        assert reviewed is not None, "without CLEAN its rows are reviewed ones"
        source, sha256 = ", ".join(reviewed.files), reviewed.sha256
    return {
        "source": source,
        "sources": () if inputs.verified is None else inputs.verified.sources,
        "sha256": sha256,
        "rows": clean.n_rows,
        "steering_rows": len(plan.split.steering) if plan.has_clean else 0,
        "reviewed_rows": len(plan.reviewed),
        "calibration_rows": len(plan.split.calibration),
        "held_back_rows": len(plan.held_back),
    }


def describe_test(inputs: Inputs) -> InputFile | None:
    """TEST's file; None where there is none."""
    test = inputs.test
    if test is None:
        return None
    return InputFile(source=test.source, sha256=inputs.sha256["test"], rows=test.n_rows)


def describe_reviewed(reviewed: Reviewed | None) -> ReviewedSection | None:
    """The part of the clean set that decisions of earlier rounds made; None without any."""
    if reviewed is None:
        return None
    return ReviewedSection(
        sources=reviewed.files,
        sha256=reviewed.sha256,
        rows=len(reviewed.rows),
        kept=reviewed.kept,
        relabelled=len(reviewed.rows) - reviewed.kept,
        left_out=len(reviewed.left_out),
    )


def describe_schema(schema: Schema) -> SchemaSection:
    """What DATA's columns were taken for."""
    return SchemaSection(columns=schema.columns, set_aside=schema.set_aside)


def describe_overlap(inputs: Inputs, plan: Plan) -> OverlapSection:
    """How many rows of DATA stand in CLEAN too."""
    overlap, verified = inputs.comparison.overlap, plan.verified
    is_verified = verified >= 0
    return OverlapSection(
        rows=len(overlap.data_rows) - len(plan.strangers),
        verified=int(is_verified.sum()),
        wrong=int((is_verified & (verified != inputs.data.labels)).sum()),
        new_classes=len(plan.strangers),
        matched_by=overlap.matched_by,
    )


def gather_notices(inputs: Inputs, told: Iterable[Notice]) -> tuple[Notice, ...]:
    """All notices, each once: of the files, of their comparison, of the training (``told``)."""
    sets = [inputs.data, inputs.clean, *([] if inputs.test is None else [inputs.test])]
    notices = [notice for each in sets for notice in each.notices]
    return tuple(dict.fromkeys([*notices, *inputs.comparison.notices, *told]))


def describe_trainings(networks: Trainings) -> ComparedTrainings:
    """Rows, route and learning curves of the trainings that were compared."""
    outcome = networks.reweighted.outcome
    route = outcome.route
    return ComparedTrainings(
        training_rows=networks.reweighted.n_trained,
        skipped_steps=outcome.skipped_steps,
        route=None if route is None else InfluenceRoute(name=route.name, reason=route.reason),
        folds=len(networks.opinions),
        reweighted=_describe_curves(outcome),
        control=_describe_curves(networks.control.outcome),
    )


def describe_training(
    compared: ComparedTrainings,
    schedule: Schedule,
    final: TrainedNetwork,
    *,
    rule: UsedRule,
    network: str,
    inputs: Inputs,
    temperature: float | None = None,
) -> TrainingSection:
    """The trainings that were compared and the final one; ``network``: a sentence on it."""
    meta = schedule.meta
    return TrainingSection(
        rule=rule,
        epochs=schedule.epochs,
        batch_size=final.batch_size,
        lr=schedule.lr,
        steering=Steering(batch=meta.batch, every=meta.every, average=meta.average),
        parameters=sum(p.numel() for p in final.network.parameters()),
        network=network,
        training_rows=compared.training_rows,
        skipped_steps=compared.skipped_steps,
        route=compared.route,
        folds=compared.folds,
        curves=CurvesSection(
            reweighted=compared.reweighted,
            control=compared.control,
            final=_describe_curves(final.outcome),
        ),
        backbone=_describe_backbone(inputs),
        temperature=None if temperature is None else round(temperature, 4),
    )


def _describe_backbone(inputs: Inputs) -> BackboneSection | None:
    features = inputs.features
    if features is None:
        return None
    use: Literal["network", "second opinion"] = "second opinion" if inputs.pictures else "network"
    return BackboneSection(**features.backbone.to_json(), use=use)


def describe_findings(
    networks: Trainings, assessment: Assessment, inputs: Inputs, *, has_clean: bool
) -> Findings:
    """What the flags promise, the noise found and how far to read, with what that rests on.

    Without CLEAN there is nothing of this to say, since nothing checks the probabilities.
    """
    flags = describe_flags(assessment)
    tell = dict if inputs.features is None else name_pretrained
    if not has_clean:
        return Findings(
            trainings=describe_trainings(networks),
            flags=replace(flags, estimated_wrong=None),
            noise=NoiseSection(
                basis="none", rate=None, by_given_label={}, confusions=(), matrix_trust=()
            ),
            methods=tell(METHODS_ALONE),
            budget=(),
        )
    return Findings(
        trainings=describe_trainings(networks),
        flags=flags,
        noise=_describe_noise(assessment, inputs.data),
        methods=tell(describe_methods(on_pairs=assessment.shares is not None)),
        budget=tuple(describe_share(share) for share in expect_budget(assessment)),
    )


def describe_flags(assessment: Assessment) -> FlagsSection:
    """What the list of flags promises."""
    flagged = assessment.flagged
    n_calibration = int(np.count_nonzero(~np.isnan(assessment.calibration_score)))
    return FlagsSection(
        fdr=assessment.fdr,
        flagged=int(flagged.sum()),
        false_at_most=_bound_flags(assessment),
        basis=assessment.basis,
        calibration_rows=n_calibration,
        smallest_p_value=assessment.smallest_p_value,
        null_share=assessment.null_share,
        estimated_wrong=float(assessment.probability.sum()),
        rows_needed=assessment.rows_needed,
        listed_at_double=assessment.listed_at_double,
    )


def _bound_flags(assessment: Assessment) -> int | None:
    """How many flagged rows are false alarms, at most; None where that is not worked out."""
    if assessment.false_at_most is None or not assessment.flagged.any():
        return None
    # Flagged rows are the first of the ranking; of very long lists the last have no bound.
    bound = assessment.false_at_most[assessment.flagged]
    return int(bound.max()) if bound.min() >= 0 else None


def _describe_noise(assessment: Assessment, data: Dataset) -> NoiseSection:
    names = data.schema.classes
    shares = estimate_noise_by_class(assessment, data.labels, len(names))
    return NoiseSection(
        basis="estimates" if assessment.shares is None else "pairs",
        rate=describe_share(estimate_noise_rate(assessment)),
        by_given_label={
            name: describe_share(share) for name, share in zip(names, shares, strict=True)
        },
        confusions=tuple(
            ClassConfusion(
                given=names[pair.given], true=names[pair.true], rows=pair.rows, share=pair.share
            )
            for pair in count_confusions(assessment, data.labels)
        ),
        matrix_trust=tuple(model.trust for model in assessment.noise),
    )


def describe_share(share: Share) -> NoiseShare:
    """A share of wrong labels and its range."""
    return NoiseShare(rows=share.rows, share=share.share, low=share.low, high=share.high)


def compare_models(reweighted: Tests, control: Tests, classes: tuple[str, ...]) -> MetricsSection:
    """Metrics of both networks on rows with true labels, by what these are."""
    found = {
        name: None if tested is None else _compare(tested, control[name], classes)
        for name, tested in reweighted.items()
    }
    return MetricsSection(test=found["test"], held_back=found["held_back"])


def _compare(
    reweighted: Tested, control: Tested | None, classes: tuple[str, ...]
) -> ModelComparison:
    assert control is not None, "both networks are tested on the same rows"
    labels = control.labels
    of_classes = zip(_measure_classes(reweighted), _measure_classes(control), strict=True)
    return ModelComparison(
        rows=len(labels),
        reweighted=_measure(reweighted),
        control=_measure(control),
        by_class={
            classes[code]: ClassComparison(
                rows=int((labels == code).sum()), reweighted=first, control=second
            )
            for code, (first, second) in enumerate(of_classes)
        },
    )


def _measure(tested: Tested) -> Measures:
    return Measures(**measure_classification(tested.probability, tested.labels))


def _measure_classes(tested: Tested) -> list[ClassMeasures]:
    figures = measure_classes(tested.probability, tested.labels)
    return [ClassMeasures(**each) for each in figures]


def _count_classes(data: Dataset) -> dict[str, int]:
    """Rows of each class, by the file's own spelling."""
    counts = np.bincount(data.labels, minlength=len(data.given_labels))
    return {name: int(count) for name, count in zip(data.given_labels, counts, strict=True)}


def _describe_curves(outcome: Outcome) -> LearningCurves:
    return LearningCurves(
        loss=tuple(map(_keep_finite, outcome.loss)),
        clean_loss=tuple(map(_keep_finite, outcome.trusted_loss)),
    )


def _keep_finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
