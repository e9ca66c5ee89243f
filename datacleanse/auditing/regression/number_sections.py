"""The sections of `run.json` that are about numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datacleanse.auditing.manifest_sections import describe_reading, describe_share, tell_clean
from datacleanse.data.number_labels import count_decimals
from datacleanse.detection.noise_rates import estimate_noise_rate
from datacleanse.models.number_predictor import estimate_difference_error, measure_predictions
from datacleanse.storage.manifest.numbers import (
    NumberCleanSection,
    NumberComparison,
    NumberDataSection,
    NumberMeasures,
    NumberMetricsSection,
    NumberNoiseSection,
    SlipSection,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.regression.number_audit import Known
    from datacleanse.auditing.regression.number_plan import NumberPlan
    from datacleanse.detection.regression.assess import NumberAssessment


def describe_data(inputs: Inputs, planned: NumberPlan) -> NumberDataSection:
    """DATA's file, columns and labels."""
    data = inputs.data
    numbers = data.targets
    return NumberDataSection(
        source=data.source,
        sha256=inputs.sha256["data"],
        rows=data.n_rows,
        columns=data.table.num_columns,
        label=data.schema.label,
        id=data.schema.id,
        label_type=data.schema.label_type,
        least=float(numbers.min()),
        median=planned.targets.centre,
        most=float(numbers.max()),
        deviation=planned.targets.scale,
        decimals=count_decimals(numbers),
        reading=describe_reading(inputs.options),
    )


def describe_clean(inputs: Inputs, planned: NumberPlan) -> NumberCleanSection | None:
    """CLEAN's file, and how many of its rows play which part; None without any row."""
    if not inputs.clean.n_rows:
        return None
    return NumberCleanSection(**tell_clean(inputs, planned.plan))


def describe_noise(assessed: NumberAssessment, *, has_clean: bool) -> NumberNoiseSection:
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
