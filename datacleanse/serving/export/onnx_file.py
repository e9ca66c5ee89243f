"""`--format onnx`: one file from raw columns to classes or numbers, for any ONNX runtime."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from datacleanse.models.description import REGRESSION
from datacleanse.models.number_predictor import NumberImagePredictor, NumberPredictor
from datacleanse.models.optional_packages import check_installed
from datacleanse.models.predictor import RESIZE, ImagePredictor, Predictor
from datacleanse.models.user_network import make_probe_rows
from datacleanse.serving.export.interface import refuse_pretrained, refuse_text
from datacleanse.serving.export.samples import (
    check_agreement,
    choose_tolerance,
    make_sample_images,
    read_sample_rows,
)
from datacleanse.serving.onnx_model import (
    FORMAT_VERSION,
    IMAGES,
    KEY,
    OnnxImagePredictor,
    load_onnx,
)
from datacleanse.storage.atomic_files import check_place, write_aside
from datacleanse.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from datacleanse.models.description import NumberScale
    from datacleanse.serving.export.graph import Graph
    from datacleanse.serving.export.interface import Exported, FinishedRun
    from datacleanse.serving.onnx_model import AnyOnnxPredictor

DOC = """Raw columns to class probabilities, or to numbers in the label's unit. One input a column:
float64 (rows,) with NaN for missing (numbers; booleans as 0 and 1), float64 (rows, width) for
vectors, strings (rows,) with "" for missing, int64 (rows,) microseconds since 1970-01-01 UTC for
moments, int64's minimum for missing. A model of images: uint8 (rows, channels, height, width), 0
(black) to 255."""

DTYPES = {"datetime": "int64", "categorical": "string"}
"""By kind of column; the others are float64."""


class Outputs(NamedTuple):
    """Names of a file's outputs: the first two are of classes, the last is of numbers."""

    label: str
    probabilities: str
    prediction: str


@dataclass(frozen=True)
class OnnxFormat:
    """One ONNX file from raw columns to class probabilities or numbers."""

    name: str = "onnx"
    default_target: str = "model.onnx"

    def check(self, target: Path) -> None:
        """Refuse where a package is missing, or no file can be written."""
        check_installed("onnx", "onnxruntime", extra="onnx", what="--format onnx")
        check_place(target)

    def list_beside(self, target: Path) -> tuple[Path, ...]:
        """Nothing."""
        del target
        return ()

    def write(self, run: FinishedRun, target: Path) -> tuple[str, ...]:
        """Write the file if it does what the run does; say on what that was tried."""
        content = make_onnx(run)
        tried = check_export(self.name, run, load_onnx(content))
        with write_aside(target) as aside:
            aside.write_bytes(content)
        return (f"It agrees with the run's own predictions on {tried}.",)


def check_export(name: str, run: FinishedRun, exported: AnyOnnxPredictor) -> str:
    """Compare an export with the run; say on what they agree.

    Raises:
        OutputError: it does something else.
    """
    predictor = refuse_pretrained(OnnxFormat().name, run.predictor)
    tolerance = choose_tolerance(predictor)
    if isinstance(predictor, ImagePredictor | NumberImagePredictor):
        assert isinstance(exported, OnnxImagePredictor)
        images = make_sample_images(predictor)
        expected, found = predictor.answer(images), exported.answer(images)
        check_agreement(name, expected, found, tolerance=tolerance)
        return f"{len(images)} images"
    assert not isinstance(exported, OnnxImagePredictor)
    samples = read_sample_rows(run, predictor)
    for rows in samples:
        expected, found = predictor.answer(rows), exported.answer(rows)
        check_agreement(name, expected, found, tolerance=tolerance)
    return f"{sum(rows.n_rows for rows in samples):,} rows"


def make_onnx(run: FinishedRun) -> bytes:
    """The run's model as an ONNX file, not yet checked against the run."""
    predictor = refuse_pretrained(OnnxFormat().name, run.predictor)
    if isinstance(predictor, ImagePredictor | NumberImagePredictor):
        return _convert_image_model(run, predictor)
    return _convert_row_model(run, predictor)


def _convert_image_model(
    run: FinishedRun, predictor: ImagePredictor | NumberImagePredictor
) -> bytes:
    """Bytes of decoded images to what the model says; normalisation is the first layer."""
    from datacleanse.serving.export.graph import UINT8, Graph
    from datacleanse.serving.export.onnx_network import add_network

    names = Outputs("label", "probabilities", "prediction")
    graph = Graph([IMAGES, *names])
    images = graph.input(IMAGES, UINT8, *predictor.size)
    sample = torch.zeros(2, *predictor.size, dtype=torch.uint8)
    told = add_network(graph, predictor.network.cpu(), images, sample)
    metadata = {"images": {"size": predictor.size, "resize": RESIZE}}
    return _finish(graph, run, metadata | _add_outputs(graph, predictor, told, names))


def _convert_row_model(run: FinishedRun, predictor: Predictor | NumberPredictor) -> bytes:
    from datacleanse.serving.export.graph import Graph
    from datacleanse.serving.export.onnx_columns import add_encoding, add_inputs
    from datacleanse.serving.export.onnx_network import add_network

    schema, encoding = predictor.schema, predictor.encoding
    refuse_text(OnnxFormat().name, schema)
    inputs = _name_inputs(column.name for column in schema.columns)
    names = Outputs(
        *(_find_unused(name, inputs.values()) for name in ("label", "probabilities", "prediction"))
    )
    graph = Graph([*inputs.values(), *names])
    add_inputs(graph, schema, inputs)
    rows = add_encoding(graph, schema, encoding, inputs)
    told = add_network(graph, predictor.network.cpu(), rows, make_probe_rows(encoding))
    columns = [
        {**asdict(column), "input": inputs[column.name], "dtype": _choose_dtype(column.kind)}
        for column in schema.columns
    ]
    about = {"columns": columns, "known": [asdict(each) for each in predictor.known]}
    return _finish(graph, run, about | _add_outputs(graph, predictor, told, names))


def _add_outputs(graph: Graph, predictor: Exported, told: str, names: Outputs) -> dict[str, Any]:
    """Give out what the model says behind its network; what the metadata say of that."""
    if isinstance(predictor, NumberPredictor | NumberImagePredictor):
        return _add_numbers(graph, predictor.label, told, names.prediction)
    return _add_classes(graph, predictor.schema.classes, told, names)


def _add_classes(
    graph: Graph, classes: tuple[str, ...], logits: str, names: Outputs
) -> dict[str, Any]:
    """Give out label and probabilities behind logits; what the metadata say of them."""
    from datacleanse.serving.export.graph import DOUBLE, FLOAT, STRING

    label, probabilities = names.label, names.probabilities
    exact = graph.node("Softmax", graph.node("Cast", logits, to=DOUBLE), axis=1)
    likeliest = graph.node("ArgMax", exact, axis=1, keepdims=0)
    known = graph.constant(np.array(classes, dtype=object))
    graph.output(label, STRING, graph.node("Gather", known, likeliest))
    graph.output(probabilities, FLOAT, graph.node("Cast", exact, to=FLOAT), len(classes))
    return {"classes": classes, "output": probabilities, "label_output": label}


def _add_numbers(graph: Graph, label: NumberScale, outputs: str, name: str) -> dict[str, Any]:
    """Give out numbers in the label's unit behind (rows, 1) outputs; what the metadata say."""
    from datacleanse.serving.export.graph import DOUBLE

    one = graph.node("Squeeze", outputs, graph.constant(np.array([1], np.int64)))
    scale, centre = (graph.constant(np.float64(value)) for value in (label.scale, label.centre))
    scaled = graph.node("Mul", graph.node("Cast", one, to=DOUBLE), scale)
    graph.output(name, DOUBLE, graph.node("Add", scaled, centre))
    return {"task": REGRESSION, "output": name}


def _finish(graph: Graph, run: FinishedRun, about: dict[str, Any]) -> bytes:
    """The file with its metadata."""
    metadata = _collect_metadata(run) | about
    texts = {KEY + key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()}
    content: bytes = graph.model(texts, doc=DOC).SerializeToString()
    return content


def _collect_metadata(run: FinishedRun) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "run_id": run.run_id,
        "schema": asdict(run.predictor.schema),
        "metrics": asdict(run.manifest.metrics),
    }


def _choose_dtype(kind: str) -> str:
    return DTYPES.get(kind, "float64")


def _name_inputs(columns: Iterable[str]) -> dict[str, str]:
    """A column's own name, but for the empty one, which in ONNX means no input."""
    columns = list(columns)
    return {name: name or _find_unused("unnamed", columns) for name in columns}


def _find_unused(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    while name in taken:
        name += "_"
    return name
