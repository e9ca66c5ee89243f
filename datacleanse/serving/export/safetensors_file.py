"""`--format safetensors`: the parameters, and beside them `model.json`, which says what to do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from datacleanse.errors import SettingsError
from datacleanse.models.description import read_plain_description
from datacleanse.models.model_files import PARAMETERS
from datacleanse.models.number_predictor import (
    NumberImagePredictor,
    NumberPredictor,
    NumberPretrainedPredictor,
)
from datacleanse.models.predictor import ImagePredictor, Predictor
from datacleanse.models.pretrained_predictor import PretrainedPredictor
from datacleanse.models.tabular import TabularNetwork
from datacleanse.models.vision_extra import TOLD
from datacleanse.serving.seen_rows import OF_CLASSES
from datacleanse.storage.atomic_files import check_place, write_aside
from datacleanse.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from datacleanse.serving.export.interface import FinishedRun, Served

SUFFIX = ".safetensors"

TEXTS = (
    "texts: markup of HTML out, character references resolved, NFKC, case folded, blanks single, "
    "the first 20000 characters; tokens are what stands between blanks",
    "for each entry i of encoding.texts: n_t is how often each of words (two or more letters or "
    "digits in a row) and of grams (2 to 4 characters in a row of a token with a blank on either "
    "side) occurs",
    "t = (1 + log n_t) texts.i.rarity where n_t > 0, else 0; the part of words and the part of "
    "grams are each divided by their length; part '[k]' of numbers is entry k of t @ texts.i.axes, "
    "NaN where the text is missing",
)
"""From texts to numbers."""

TEXT_MODEL = (
    "behind these parts, from k = width of encoding.texts on, stand the numbers that encoding."
    "text_model makes of the text; it is no part of the file. Of wordllama they are the mean of "
    "the vectors of the text's word pieces, without marks for its ends, 0 where there are none"
)
"""The same where a text model reads them, too."""

ENCODING = (
    "numbers, (N, P) float64: for each entry of encoding.numeric the cell of its column, NaN where "
    "missing. A boolean is 0 or 1. Part '[k]' is entry k of a vector. Of a moment, m microseconds "
    "since 1970-01-01 UTC, part 'days' is m / 86400e6; 'month sin' and 'month cos' are sine and "
    "cosine of 2 pi (month - 1) / 12, 'weekday ...' of 2 pi weekday / 7 with Monday 0, 'hour ...' "
    "of 2 pi (hours since midnight, with fraction) / 24, each rounded to 12 decimals",
    "x = numbers / scale - center / scale, then x / sqrt(1 + (x / 3)^2); +-3 where |x| > 1e100; "
    "in float64, then float32",
    "codes, (N, K): for each entry of encoding.categorical 1 + the position of the cell's text in "
    "categories; 0 for missing and for any other text. Whole numbers are spelled 1, not 1.0; "
    "booleans true and false",
)
"""From raw columns to what the network reads."""

NETWORK = (
    "missing = isnan(x); x = 0 where missing",
    "bins = clamp((x[:, numbers.feature] - numbers.low) * numbers.inverse_width, 0, 1)",
    "input = concat(x, bins, missing[:, numbers.missing])",
    "h = input @ first.weight^T + first.bias (0 if there is no first.weight) + the sum over k of "
    "categories.weight[offsets[k] + codes[:, k]]; h = relu(h)",
    "for i from 0 to n_hidden - 2: h = relu(h @ hidden.i.weight^T + hidden.i.bias)",
    "outputs = h @ head.weight^T + head.bias",
)
"""The package's network for tables, by the names of the tensors."""

CLASSES = "probabilities = softmax(outputs), columns as schema.classes"
"""Its last step where labels are classes."""

NUMBERS = "prediction = label.centre + label.scale * outputs[:, 0]"
"""Its last step where labels are numbers."""

IMAGES = (
    "images, (N, C, H, W) bytes, 0 (black) to 255, made as large as the network's input as resize "
    "says; x = (images - mean) / deviation, by channel",
    "norm(x): group normalisation with max(2, channels // 8) groups, epsilon 1e-5, then times "
    "weight plus bias; conv k/s: convolution without bias, kernel k, stride s, padding k // 2",
    "h = relu(norm(conv k/stride(x))), k = max(3, 2 stride - 1); tensors stages.0 and stages.1",
    "for each block stages.i, i from 3: h = relu(second_norm(conv 3/1(relu(first_norm("
    "conv 3/2(h))))) + conv 1/2(h)); tensors first, first_norm, second, second_norm, short",
    "outputs = mean of h over positions @ head.weight^T + head.bias",
)
"""The package's network for images, by the names of the tensors."""


PRETRAINED = (
    "features, (N, F): the whole picture onto {side} x {side} pixels, RGB bytes, bilinear with "
    "antialiasing; x = {scaling}; of {title} with the parameters of backbone.sha256: {told}. They "
    "are the column features"
)
"""From pictures to the one column, where a pretrained network sees them first."""

SCALED = "(x - 127) / 128"
"""How it wants bytes."""


@dataclass(frozen=True)
class SafetensorsFormat:
    """The parameters, and a description that says how to compute with them."""

    name: str = "safetensors"
    default_target: str = PARAMETERS

    def check(self, target: Path) -> None:
        """Refuse another ending, and places where no file can be written."""
        if target.suffix != SUFFIX:
            raise SettingsError(
                f"-o is {target}.",
                slug="setting-out-of-range",
                hint=f"Give a name that ends in {SUFFIX}; its description is written beside it, "
                "with the ending .json.",
            )
        for file in (target, *self.list_beside(target)):
            check_place(file)

    def list_beside(self, target: Path) -> tuple[Path, ...]:
        """The description."""
        return (target.with_suffix(".json"),)

    def write(self, run: FinishedRun, target: Path) -> tuple[str, ...]:
        """Write the parameters and the description beside them."""
        described = json.dumps(describe_model(run), indent=1, ensure_ascii=False, allow_nan=False)
        parameters = (run.folder.model_dir / PARAMETERS).read_bytes()
        beside = target.with_suffix(".json")
        with write_aside(beside) as text, write_aside(target) as tensors:
            text.write_text(described + "\n", encoding="utf-8")
            tensors.write_bytes(parameters)
        return (f"Beside it: {beside}, which says how to compute with it.",)


def describe_model(run: FinishedRun) -> dict[str, Any]:
    """All that is needed to rebuild the model around its parameters."""
    predictor = run.predictor
    saved = read_plain_description(run.folder.model_dir)
    encoding = _describe_encoding(predictor)
    last = CLASSES if isinstance(predictor, OF_CLASSES) else NUMBERS
    if isinstance(predictor, PretrainedPredictor | NumberPretrainedPredictor):
        backbone = predictor.backbone
        side, told = backbone.side, TOLD[backbone.name]
        seen = (PRETRAINED.format(side=side, title=backbone.title, scaling=SCALED, told=told),)
        computation: tuple[str, ...] = (*seen, *ENCODING, *NETWORK, last)
    elif isinstance(predictor, ImagePredictor | NumberImagePredictor):
        computation = (*IMAGES, last)
    elif isinstance(predictor.network, TabularNetwork):
        computation = (*encoding, *NETWORK, last)
    else:
        factory = saved["architecture"]["factory"]
        computation = (*encoding, f"the network that {factory} makes", last)
    return {
        **saved,
        "computation": computation,
        "run_id": run.run_id,
        "version": __version__,
        "metrics": asdict(run.manifest.metrics),
    }


def _describe_encoding(predictor: Served) -> tuple[str, ...]:
    """How rows become what the network reads; of pictures nothing is said here."""
    if not isinstance(predictor, Predictor | NumberPredictor) or not predictor.encoding.texts:
        return ENCODING
    has_model = predictor.encoding.text_model is not None
    return (*TEXTS, *((TEXT_MODEL,) if has_model else ()), *ENCODING)
