"""An ONNX graph in the making: nodes and constants, each under a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
from onnx import TensorProto, compose, helper, inliner, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

OPSETS = {"": 20, "ai.onnx.ml": 3}
"""Sets of operators; onnxruntime knows them from 1.18 on, as `IR_VERSION`."""

IR_VERSION = 10

DOUBLE, FLOAT, INT64, STRING, BOOL, UINT8 = (
    TensorProto.DOUBLE,
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.BOOL,
    TensorProto.UINT8,
)

ROWS = "rows"
"""Name of the axis that may have any length."""


class Graph:
    """Collects nodes. Every method that adds one returns the name of its output."""

    def __init__(self, taken: Iterable[str]) -> None:
        """``taken``: names that people see, inputs and outputs, which no inner name may repeat."""
        self.prefix = "inner"
        while any(name.startswith(self.prefix) for name in taken):
            self.prefix += "_"
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, kind: int, *dims: int) -> str:
        """An input of shape (rows, *dims)."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, [ROWS, *dims]))
        return name

    def output(self, name: str, kind: int, value: str, *dims: int) -> None:
        """Give a value out under a name, of shape (rows, *dims)."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, kind, [ROWS, *dims]))

    def constant(self, values: NDArray[Any] | np.generic) -> str:
        """A constant tensor of the array's type; objects are strings."""
        name = self._name(len(self._constants), "c")
        self._constants.append(numpy_helper.from_array(values, name))  # type: ignore[arg-type]
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:  # noqa: ANN401  # whatever the operator takes
        """One operator with one output."""
        name = self._name(len(self._nodes), "n")
        made = helper.make_node(operator, list(inputs), [name], domain=domain, **attributes)
        self._nodes.append(made)
        return name

    def splice(self, model: onnx.ModelProto, value: str) -> str:
        """Put another model of one input and one output behind a value."""
        inner = inliner.inline_local_functions(model)
        inner = compose.add_prefix(inner, f"{self.prefix}/network/").graph
        (entry,), (exit_,) = inner.input, inner.output
        self._nodes.append(helper.make_node("Identity", [value], [entry.name]))
        self._nodes.extend(inner.node)
        self._constants.extend(inner.initializer)
        name: str = exit_.name
        return name

    def model(self, metadata: Mapping[str, str], *, doc: str) -> onnx.ModelProto:
        """The finished model, checked against ONNX's rules."""
        graph = helper.make_graph(
            self._nodes, "datacleanse", self._inputs, self._outputs, self._constants
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=IR_VERSION,
            producer_name="datacleanse",
            doc_string=doc,
        )
        helper.set_model_props(model, dict(metadata))
        onnx.checker.check_model(model)
        return model

    def _name(self, number: int, kind: str) -> str:
        return f"{self.prefix}/{kind}{number}"
