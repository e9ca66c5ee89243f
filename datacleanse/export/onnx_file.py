"""`--format onnx`: one file from raw columns to class probabilities, for any ONNX runtime."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from datacleanse.atomic import check_place, written_aside
from datacleanse.export.samples import check_agreement, sample_rows_of
from datacleanse.extras import needed
from datacleanse.onnx_model import FORMAT_VERSION, KEY, load_onnx
from datacleanse.own_network import probe_rows
from datacleanse.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from datacleanse.export.interface import FinishedRun

DOC = """Raw columns to class probabilities. One input a column: float64 (rows,) with NaN for
missing (numbers; booleans as 0 and 1), float64 (rows, width) for vectors, strings (rows,) with ""
for missing, int64 (rows,) microseconds since 1970-01-01 UTC for moments, int64's minimum for
missing."""

DTYPES = {"datetime": "int64", "categorical": "string"}
"""By kind of column; the others are float64."""


@dataclass(frozen=True)
class OnnxFormat:
    """See the module."""

    name: str = "onnx"
    default_target: str = "model.onnx"

    def check(self, target: Path) -> None:
        """See `ExportFormat`."""
        needed("onnx", "onnxruntime", extra="onnx", what="--format onnx")
        check_place(target)

    def write(self, run: FinishedRun, target: Path) -> tuple[str, ...]:
        """See `ExportFormat`."""
        content = onnx_bytes(run)
        exported = load_onnx(content)
        samples = sample_rows_of(run)
        for rows in samples:
            expected = run.predictor.probabilities(rows)
            check_agreement(self.name, expected, exported.probabilities(rows))
        with written_aside(target) as aside:
            aside.write_bytes(content)
        tried = sum(rows.n_rows for rows in samples)
        return (f"It agrees with the run's own predictions on {tried:,} rows.",)


def onnx_bytes(run: FinishedRun) -> bytes:
    """The run's model as an ONNX file, not yet checked against the run."""
    from datacleanse.export.graph import DOUBLE, FLOAT, STRING, Graph
    from datacleanse.export.onnx_columns import add_encoding, add_inputs
    from datacleanse.export.onnx_network import add_network

    schema, encoding = run.predictor.schema, run.predictor.encoding
    inputs = _input_names(column.name for column in schema.columns)
    label, probabilities = (_unused(name, inputs.values()) for name in ("label", "probabilities"))
    graph = Graph([*inputs.values(), label, probabilities])
    add_inputs(graph, schema, inputs)
    rows = add_encoding(graph, schema, encoding, inputs)
    logits = add_network(graph, run.predictor.network.cpu(), rows, probe_rows(encoding))
    exact = graph.node("Softmax", graph.node("Cast", logits, to=DOUBLE), axis=1)
    likeliest = graph.node("ArgMax", exact, axis=1, keepdims=0)
    classes = graph.constant(np.array(schema.classes, dtype=object))
    graph.output(label, STRING, graph.node("Gather", classes, likeliest))
    width = len(schema.classes)
    graph.output(probabilities, FLOAT, graph.node("Cast", exact, to=FLOAT), width)
    metadata = _metadata(run, inputs) | {"output": probabilities, "label_output": label}
    texts = {KEY + key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()}
    content: bytes = graph.model(texts, doc=DOC).SerializeToString()
    return content


def _metadata(run: FinishedRun, inputs: dict[str, str]) -> dict[str, Any]:
    schema = run.predictor.schema
    return {
        "format_version": FORMAT_VERSION,
        "version": __version__,
        "run_id": run.run_id,
        "classes": schema.classes,
        "columns": [
            {**asdict(column), "input": inputs[column.name], "dtype": _dtype(column.kind)}
            for column in schema.columns
        ],
        "schema": asdict(schema),
        "metrics": run.manifest["metrics"],
    }


def _dtype(kind: str) -> str:
    return DTYPES.get(kind, "float64")


def _input_names(columns: Iterable[str]) -> dict[str, str]:
    """A column's own name, but for the empty one, which in ONNX means no input."""
    columns = list(columns)
    return {name: name or _unused("unnamed", columns) for name in columns}


def _unused(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    while name in taken:
        name += "_"
    return name
