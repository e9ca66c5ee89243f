"""The sections of `run.json` that are about numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from datacleanse.auditing.manifest import tell_ending
from datacleanse.auditing.manifest_sections import (
    describe_flags,
    describe_share,
    tell_clean,
    tell_data,
)
from datacleanse.data.number_labels import count_decimals
from datacleanse.detection.noise_rates import estimate_noise_rate, expect_budget
from datacleanse.models.number_predictor import estimate_difference_error, measure_predictions
from datacleanse.storage.manifest.numbers import (
    NumberCleanSection,
    NumberComparison,
    NumberDataSection,
    NumberManifest,
    NumberMeasures,
    NumberMetricsSection,
    NumberNoiseSection,
    SlipSection,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from datacleanse.auditing.manifest import Ending
    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.regression.number_audit import Known, NumberAudit
    from datacleanse.detection.regression.assess import NumberAssessment, Targets
    from datacleanse.records import Notice
    from datacleanse.storage.manifest.whole import Opening


def finish_number_run(
    opening: Opening,
    audit: NumberAudit,
    assessed: NumberAssessment,
    ending: Ending,
    *,
    told: Iterable[Notice],
) -> NumberManifest:
    """All of `run.json` of an audit of numbers; ``told``: notices of the training.

    Without CLEAN nothing tells how many labels are wrong.
    """
    inputs, plan = audit.inputs, audit.plan
    has_clean = plan.has_clean
    flags = describe_flags(assessed.rows)
    return NumberManifest(
        data=_describe_data(inputs, audit.targets),
        clean=_describe_clean(inputs, plan),
        flags=flags if has_clean else replace(flags, estimated_wrong=None),
        noise=_describe_noise(assessed, has_clean=has_clean),
        budget=tuple(map(describe_share, expect_budget(assessed.rows))) if has_clean else (),
        **tell_ending(opening, inputs, plan, ending, told=told),
    )


def _describe_data(inputs: Inputs, targets: Targets) -> NumberDataSection:
    """DATA's file, columns and labels."""
    numbers = inputs.data.targets
    return NumberDataSection(
        least=float(numbers.min()),
        median=targets.centre,
        most=float(numbers.max()),
        deviation=targets.scale,
        decimals=count_decimals(numbers),
        **tell_data(inputs),
    )


def _describe_clean(inputs: Inputs, plan: Plan) -> NumberCleanSection | None:
    """CLEAN's file, and how many of its rows play which part; None without any row."""
    if not inputs.clean.n_rows:
        return None
    return NumberCleanSection(**tell_clean(inputs, plan))


def _describe_noise(assessed: NumberAssessment, *, has_clean: bool) -> NumberNoiseSection:
    """The rate of wrong labels, and the slips that made them; none that verified rows check."""
    if not has_clean:
        return NumberNoiseSection(basis="none", rate=None, slips=())
    return NumberNoiseSection(
        basis="estimates" if assessed.rows.shares is None else "pairs",
        rate=describe_share(estimate_noise_rate(assessed.rows)),
        slips=tuple(
            SlipSection(
                name=slip.describe(),
                verified=slip.seen,
                rows=int(np.count_nonzero(assessed.slip == place)),
            )
            for place, slip in enumerate(assessed.slips)
        ),
    )


def compare_predictions(
    final: dict[str, Known | None], control: dict[str, Known | None]
) -> NumberMetricsSection:
    """Errors of both networks on rows with true labels, by what these are."""
    found = {
        name: None if known is None else _compare(known, control[name])
        for name, known in final.items()
    }
    return NumberMetricsSection(test=found["test"], held_back=found["held_back"])


def _compare(final: Known, control: Known | None) -> NumberComparison:
    assert control is not None, "both networks are tested on the same rows"
    (by_final, true), (by_control, _) = final, control
    return NumberComparison(
        rows=len(true),
        reweighted=_measure(by_final, true),
        control=_measure(by_control, true),
        rmse_difference_error=estimate_difference_error(by_final, by_control, true),
    )


def _measure(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> NumberMeasures:
    return NumberMeasures(**measure_predictions(predicted, true))  # type: ignore[arg-type]
