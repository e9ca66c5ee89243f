"""The model card of a network that predicts numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.models.model_card import (
    LIMITS,
    ON_HELD_BACK,
    ON_TEST,
    Json,
    list_files,
    say_use,
    spell_header,
    write_index,
    write_title,
)

if TYPE_CHECKING:
    from datacleanse.storage.manifest.numbers import NumberManifest, NumberMeasures

ANY_ROW = "It gives a number to any {noun}, also to one like none it was trained on."

OWN_LIMITS = (
    "It was learned from labels part of which may be wrong. Wrong ones count less; what they teach "
    "is lessened, not undone.",
    *LIMITS[3:],
)


TABULAR, OF_PICTURES = "tabular-regression", "image-regression"
"""What a model does, in the hub's words."""


def write_number_card(manifest: NumberManifest, *, has_onnx: bool = False) -> str:
    """The card of a finished run: what it predicts, from what, how well.

    Args:
        manifest: of the run.
        has_onnx: whether `model.onnx` lies beside the card.
    """
    data, training = manifest.data, manifest.training
    is_of_pictures = manifest.pictures is not None
    noun = "picture" if is_of_pictures else "row"
    of_columns = () if is_of_pictures else LIMITS[1:2]
    limits = (ANY_ROW.format(noun=noun), *of_columns, *OWN_LIMITS)
    lines = [
        *_write_header(manifest),
        "",
        f"# {write_title(data.source)}: {data.label}",
        "",
        f"Predicts the number in column `{data.label}`. {training.network}",
        "",
        "## Data",
        f"Trained on {data.rows:,} {noun}s with labels from {data.least:g} to {data.most:g}, "
        f"median {data.median:g}{_describe_clean(manifest)}",
        "",
        "## Errors",
        *_describe_metrics(manifest),
        "",
        "## Limits",
        *(f"- {limit}" for limit in limits),
        "",
        *list_files("the label's scale and architecture"),
        *say_use(
            "the number",
            "predict",
            {column.kind for column in manifest.schema.columns},
            has_onnx=has_onnx,
        ),
    ]
    return "\n".join(lines) + "\n"


def _write_header(manifest: NumberManifest) -> list[str]:
    task = TABULAR if manifest.pictures is None else OF_PICTURES
    fields: Json = {
        "library_name": "datacleanse",
        # The hub has no pipeline of that name for pictures.
        **({"pipeline_tag": task} if task == TABULAR else {}),
        "tags": ["datacleanse", "label-noise", "example-reweighting", task],
    }
    measured = manifest.measured
    if measured is not None:
        figures = {key: getattr(measured.reweighted, key) for key in MEASURES}
        titled = [
            (key, title, figures[key])
            for key, title in MEASURES.items()
            if figures[key] is not None
        ]
        fields["metrics"] = [key for key, *_ in titled]
        index = write_index(manifest.data.source, task, _name_rows(manifest), titled)
        fields["model-index"] = [index]
    return spell_header(fields)


def _name_rows(manifest: NumberManifest) -> str:
    """The rows that the models were compared on."""
    return ON_TEST if manifest.metrics.test else ON_HELD_BACK


def _describe_clean(manifest: NumberManifest) -> str:
    """The end of the sentence about data: verified rows, and the rate of wrong labels."""
    clean, rate = manifest.clean, manifest.noise.rate
    if clean is None or rate is None:
        return ". No row was verified, so that nobody knows how many labels are wrong."
    return (
        f", beside {clean.rows:,} verified rows. An estimated {rate.share:.1%} of the labels are "
        f"wrong ({rate.low:.1%} to {rate.high:.1%})."
    )


def _describe_metrics(manifest: NumberManifest) -> list[str]:
    measured = manifest.measured
    if measured is None:
        return ["No rows with true labels were kept aside, so that its errors are not known."]
    return [
        f"On {measured.rows:,} {_name_rows(manifest)}:",
        "",
        "| | this model | plain training |",
        "|:--|--:|--:|",
        *(
            f"| {title} | {spell_measure(measured.reweighted, key)} "
            f"| {spell_measure(measured.control, key)} |"
            for key, title in MEASURES.items()
        ),
    ]


MEASURES = {"rmse": "RMSE", "mae": "MAE", "r2": "R²"}
"""Names of measures for people, by field."""


def spell_measure(measures: NumberMeasures, key: str) -> str:
    """A measure for people."""
    value = getattr(measures, key)
    return "not known" if value is None else f"{value:.4g}"
