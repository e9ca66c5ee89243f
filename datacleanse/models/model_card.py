"""The model card: what the model is, what it was trained on, how well it does, what it cannot do.

Markdown with the metadata header of Hugging Face's hub: https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from datacleanse.data.messages import format_count
from datacleanse.records import UNCHECKED
from datacleanse.settings import is_timm
from datacleanse.storage.manifest.results import NONE_STEERED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from datacleanse.records import Column
    from datacleanse.storage.manifest.results import (
        ClassComparison,
        ClassMeasures,
        Measures,
        ModelComparison,
        NoiseShare,
        RateBasis,
    )
    from datacleanse.storage.manifest.whole import Manifest

Json = dict[str, Any]

CARD = "README.md"

CLASS_MEASURES = ("precision", "recall", "f1")
MODELS = ("reweighted", "control")

ON_TEST = "rows of a test file, whose labels are taken for true"
ON_HELD_BACK = "verified rows that were held back from training"
"""What the figures may be measured on, the better first."""

LIMITS = (
    "It gives one of the classes above to any row, also to one like none it was trained on.",
    "It knows a category only if it came at least twice in training; others count as missing. "
    "Numbers far outside the range of training are treated like its ends.",
    "Probabilities were learned from labels part of which may be wrong. Reweighting lessens what "
    "wrong labels teach; it does not undo them, least of all errors that look like a rule.",
    "What the trusted rows do not cover, they could not correct.",
    "No groups of people were looked at separately: check that before it decides about any.",
)


def write_card(manifest: Manifest, *, has_onnx: bool = False) -> str:
    """The card of a finished run.

    Args:
        manifest: of the run, `run.json`.
        has_onnx: whether `model.onnx` lies beside the card.
    """
    sections = (
        _write_header(manifest),
        _describe_summary(manifest),
        _describe_data(manifest),
        _describe_noise(manifest),
        _describe_metrics(manifest),
        ["## Limits", *(f"- {limit}" for limit in LIMITS)],
        _use(manifest, has_onnx=has_onnx),
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _write_header(manifest: Manifest) -> list[str]:
    """YAML, each value written as JSON, which is YAML too."""
    fields: Json = {
        "library_name": "datacleanse",
        "pipeline_tag": "image-classification" if _is_of_images(manifest) else _TABULAR,
        "tags": ["datacleanse", "label-noise", "example-reweighting"],
    }
    measured = _find_measured(manifest)
    if measured is not None:
        measured_on, figures = measured
        task = "image-classification" if _is_of_images(manifest) else _TABULAR
        fields["metrics"] = ["accuracy"]
        titled = _write_titled(figures.reweighted)
        fields["model-index"] = [write_index(manifest.data.source, task, measured_on, titled)]
    return spell_header(fields)


def spell_header(fields: Json) -> list[str]:
    """The lines of a card's metadata."""
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return ["---", *lines, "---"]


_TABULAR = "tabular-classification"


def _is_of_images(manifest: Manifest) -> bool:
    return not manifest.schema.columns or _needs_vision(manifest)


def _needs_vision(manifest: Manifest) -> bool:
    """Whether new pictures are seen by the extra's network before the one that is saved."""
    backbone = manifest.training.backbone
    return backbone is not None and backbone.use == "network" and not is_timm(backbone.name)


def write_index(
    source: str, task: str, measured_on: str, titled: Iterable[tuple[str, str, float]]
) -> Json:
    """One entry of the hub's list of results.

    Args:
        source: DATA, as it was named.
        task: the hub's name of what the model does.
        measured_on: which rows, for people.
        titled: the hub's key, the title and the value of each measure.
    """
    results = {
        "task": {"type": task},
        "dataset": {"name": f"{write_title(source)}: {measured_on}", "type": "own"},
        "metrics": [{"type": key, "name": title, "value": value} for key, title, value in titled],
    }
    return {"name": write_title(source), "results": [results]}


def write_title(source: str) -> str:
    """A title: the data's name without its folders, which are nobody else's business."""
    name = re.split(r"[/\\]", source.rstrip("/\\"))[-1]
    return name.split(".")[0].strip("<>*") or "data"


def _describe_summary(manifest: Manifest) -> list[str]:
    training, settings, versions = manifest.training, manifest.settings, manifest.versions
    classes = list(manifest.data.classes)
    shown = ", ".join(_escape_plain(name) for name in classes[:20])
    more = f" and {len(classes) - 20} more" if len(classes) > 20 else ""
    title = _escape_plain(write_title(manifest.data.source))
    return [
        f"# {title}: {_escape_plain(manifest.data.label)}",
        "",
        f"Classifies rows into {len(classes)} classes: {shown}{more}.",
        "Trained by [datacleanse](https://pypi.org/project/datacleanse/) on labels part of which "
        f"may be wrong: {_describe_training(manifest)}",
        "",
        f"- {_escape_plain(training.network)}",
        f"- {training.parameters:,} parameters, {training.epochs} epochs, rule "
        f"`{training.rule}`, seed {settings.seed}",
        f"- Run `{manifest.run_id}`, {manifest.created_at}; datacleanse "
        f"{versions.datacleanse}, torch {versions.torch}",
    ]


def _describe_training(manifest: Manifest) -> str:
    """How much each row counted, to follow a colon."""
    if manifest.training.rule == NONE_STEERED:
        return (
            "each row counts alike, as in plain training, since no label was verified that could "
            "tell which are right."
        )
    return (
        "each row counts by the square of its estimated probability of being right, each class as "
        "often as it is expected to be true. That was learned with the help of trusted rows (Ren "
        "et al. 2018, arXiv 1803.09050)."
        f"{_describe_temperature(manifest.training.temperature)}"
    )


def _describe_temperature(temperature: float | None) -> str:
    if temperature is None or temperature == 1:
        return ""
    return (
        f" Its logits were divided by {temperature:.3g} (Guo et al. 2017, arXiv 1706.04599), so "
        "that it is as sure of labels as they deserve."
    )


def _describe_data(manifest: Manifest) -> list[str]:
    files = {"training": manifest.data, "trusted": manifest.clean, "test": manifest.test}
    lines = ["## Data", "", *_write_table(("set", "rows", "sha256"))]
    for said, file in files.items():
        if file is not None:
            lines.append(_write_row((said, f"{file.rows:,}", f"`{file.sha256}`")))
    columns = [_describe_column(column) for column in manifest.schema.columns]
    if columns and not _needs_vision(manifest):
        more = f" and {len(columns) - 40} more" if len(columns) > 40 else ""
        number = format_count(len(columns), "column")
        lines += ["", f"It reads {number}: {', '.join(columns[:40])}{more}."]
    lines += ["", *_write_table(("class", "training rows"))]
    lines += [
        _write_row((_escape_plain(name), f"{rows:,}"))
        for name, rows in manifest.data.classes.items()
    ]
    return lines


def _describe_column(column: Column) -> str:
    return f"{_escape_plain(column.name)} ({column.kind})"


def _describe_noise(manifest: Manifest) -> list[str]:
    noise, flags = manifest.noise, manifest.flags
    if noise.rate is None:
        return [
            "## Wrong labels in the training data",
            "",
            "No rate is known, since no label was verified. The run's report ranks the rows; this "
            "card does not list them.",
        ]
    lines = [
        "## Wrong labels in the training data",
        "",
        *_doubt(manifest),
        f"Estimated share of wrong labels: {_share(noise.rate, noise.basis)}; {flags.flagged:,} "
        f"rows are flagged (expected share of false alarms at most {flags.fdr:.0%}). The run's "
        "report lists them; this card does not.",
        "",
        *_write_table(("given label", "rows", "estimated wrong")),
    ]
    for name, share in noise.by_given_label.items():
        lines.append(
            _write_row((_escape_plain(name), f"{share.rows:,}", _share(share, noise.basis)))
        )
    return lines


def _doubt(manifest: Manifest) -> list[str]:
    """What stands before a rate that rests on trusted rows which nobody seems to have checked."""
    if all(notice.slug != UNCHECKED for notice in manifest.notices):
        return []
    return [
        "**Doubtful**: nobody seems to have checked all of the trusted rows, so the share may be "
        "far too low.",
        "",
    ]


def _share(share: NoiseShare, basis: RateBasis) -> str:
    what = "95 % confidence interval" if basis == "pairs" else "range of two estimates"
    return f"{share.share:.1%} ({what} {share.low:.1%} to {share.high:.1%})"


def _find_measured(manifest: Manifest) -> tuple[str, ModelComparison] | None:
    """What the models were compared on, and the figures; None where there was nothing."""
    metrics = manifest.metrics
    for figures, said in ((metrics.test, ON_TEST), (metrics.held_back, ON_HELD_BACK)):
        if figures is not None:
            return said, figures
    return None


def _describe_metrics(manifest: Manifest) -> list[str]:
    measured = _find_measured(manifest)
    if measured is None:
        return [
            "## How well it does",
            "",
            "Not measured: the audit was given no rows with true labels to measure on (`--test`; "
            "`--hold-back` takes some of the trusted ones). Accuracy on the training labels would "
            "count their errors as truth.",
        ]
    measured_on, figures = measured
    pairs = zip(_write_titled(figures.reweighted), _write_titled(figures.control), strict=True)
    lines = [
        "## How well it does",
        "",
        f"On {figures.rows:,} {measured_on}; control is the same network trained plainly.",
        "",
        *_write_table(("", *MODELS)),
        *(
            _write_row((title, f"{first:.4f}", f"{second:.4f}"))
            for (_, title, first), (*_, second) in pairs
        ),
    ]
    if figures.by_class:
        titles = [f"{measure}, {model}" for measure in CLASS_MEASURES for model in MODELS]
        lines += ["", *_write_table(("class", "rows", *titles))]
        lines += [_write_class_row(*each) for each in figures.by_class.items()]
    return lines


def _write_class_row(name: str, figures: ClassComparison) -> str:
    both = zip(_sort_classes(figures.reweighted), _sort_classes(figures.control), strict=True)
    cells = [f"{value:.3f}" for pair in both for value in pair]
    return _write_row((_escape_plain(name), f"{figures.rows:,}", *cells))


def _write_titled(measures: Measures) -> tuple[tuple[str, str, float], ...]:
    """The hub's key, the title and the value of each measure."""
    return (
        ("accuracy", "Accuracy", measures.accuracy),
        ("balanced_accuracy", "Balanced accuracy", measures.balanced_accuracy),
        ("log_loss", "Log-loss (nats)", measures.log_loss),
        ("calibration_error", "Calibration error", measures.calibration_error),
    )


def _sort_classes(measures: ClassMeasures) -> tuple[float, ...]:
    """The values of `CLASS_MEASURES`."""
    return measures.precision, measures.recall, measures.f1


def _use(manifest: Manifest, *, has_onnx: bool) -> list[str]:
    files = list_files("classes and architecture")
    if _needs_vision(manifest):
        return [
            *files,
            "",
            "It reads what the pretrained network makes of pictures: `datacleanse predict` and "
            "`datacleanse.load` need `pip install 'datacleanse[vision]'` for that.",
        ]
    kinds = {column.kind for column in manifest.schema.columns}
    return [*files, *say_use("probabilities", "predict_proba", kinds, has_onnx=has_onnx)]


def list_files(described: str) -> list[str]:
    """The section on the files of a model; ``described``: what `model.json` holds besides."""
    return [
        "## Files",
        "",
        "- `model.safetensors`: the parameters",
        f"- `model.json`: columns, encoding, {described}; no code is in either",
    ]


def say_use(given: str, method: str, kinds: Collection[str], *, has_onnx: bool) -> list[str]:
    """How the model is used, as an ONNX file where it can be one.

    Args:
        given: what it gives.
        method: of what is loaded, which gives that.
        kinds: of its columns.
        has_onnx: whether an ONNX file lies beside the card.
    """
    if "text" in kinds:
        first = "It reads text, which no ONNX file can hold. In this folder:"
        return ["", first, "", *_spell_use("load_predictor", ".", method)]
    if not has_onnx:
        return ["", "`datacleanse export RUN --format onnx` makes one file of both."]
    first = f"- `model.onnx`: from raw columns to {given}, for onnxruntime:"
    return [first, "", *_spell_use("load", "model.onnx", method)]


def _spell_use(load: str, place: str, method: str) -> list[str]:
    return [
        "```python",
        "import datacleanse as dc",
        "",
        f'model = dc.{load}("{place}")',
        f"model.{method}(frame)",
        "```",
    ]


def _write_table(header: Iterable[str]) -> Iterator[str]:
    header = tuple(header)
    yield _write_row(header)
    yield _write_row((":--", *("--:" for _ in header[1:])))


def _write_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape_plain(text: str) -> str:
    """The text without what Markdown or HTML would read: names may hold anything."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return re.sub(r"([|<>`\[\]*_#])", lambda found: f"&#{ord(found[1])};", shown)
