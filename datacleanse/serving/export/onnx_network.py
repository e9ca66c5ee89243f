"""Encoded rows to logits as ONNX nodes."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch

from datacleanse.models.optional_packages import check_installed
from datacleanse.models.tabular import TabularNetwork
from datacleanse.serving.export.graph import INT64, OPSETS
from datacleanse.serving.export.pt2 import name_untraceable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from datacleanse.serving.export.graph import Graph


def add_network(graph: Graph, network: nn.Module, rows: str, sample: Tensor) -> str:
    """Logits (N, C) float32 of (N, ...) inputs.

    Args:
        graph: to add to.
        network: in evaluation mode, on the CPU.
        rows: the inputs.
        sample: two of them, for networks that torch has to trace.
    """
    if isinstance(network, TabularNetwork):
        return _add_tabular(graph, network, rows)
    return graph.splice(_trace(network, sample), rows)


def _add_tabular(graph: Graph, network: TabularNetwork, rows: str) -> str:
    """The package's own network for tables, operator by operator."""
    shape = network.shape

    def columns(start: int, stop: int) -> str:
        return graph.node("Gather", rows, graph.constant(np.arange(start, stop)), axis=1)

    total = shape.n_numeric + len(shape.n_categories)
    terms = []
    if network.first is not None:
        numbers = _add_piecewise(graph, network, columns(0, shape.n_numeric))
        terms.append(_add_linear(graph, network.first, numbers))
    if network.categories is not None:
        codes = graph.node("Cast", columns(shape.n_numeric, total), to=INT64)
        slots = graph.node("Add", codes, _add_tensor(graph, network.offsets))
        found = graph.node("Gather", _add_tensor(graph, network.categories.weight), slots, axis=0)
        axis = graph.constant(np.array([1], np.int64))
        terms.append(graph.node("ReduceSum", found, axis, keepdims=0))
    units = graph.node("Relu", graph.node("Sum", *terms))
    for layer in network.hidden:
        units = graph.node("Relu", _add_linear(graph, layer, units))
    return _add_linear(graph, network.head, units)


def _add_piecewise(graph: Graph, network: TabularNetwork, numbers: str) -> str:
    """`models.tabular.PiecewiseLinear`."""
    module = network.numbers
    is_missing = graph.node("IsNaN", numbers)
    filled = graph.node("Where", is_missing, graph.constant(np.float32(0)), numbers)
    parts = [filled]
    if len(module.low):
        chosen = graph.node("Gather", filled, _add_tensor(graph, module.feature), axis=1)
        above = graph.node("Sub", chosen, _add_tensor(graph, module.low))
        share = graph.node("Mul", above, _add_tensor(graph, module.inverse_width))
        least, most = (graph.constant(np.float32(bound)) for bound in (0, 1))
        parts.append(graph.node("Clip", share, least, most))
    if len(module.missing):
        indicators = graph.node("Gather", is_missing, _add_tensor(graph, module.missing), axis=1)
        parts.append(graph.node("Cast", indicators, to=onnx.TensorProto.FLOAT))
    return graph.node("Concat", *parts, axis=1)


def _add_linear(graph: Graph, layer: nn.Module, units: str) -> str:
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, torch.Tensor)
    assert isinstance(bias, torch.Tensor)
    return graph.node("Gemm", units, _add_tensor(graph, weight), _add_tensor(graph, bias), transB=1)


def _add_tensor(graph: Graph, values: Tensor) -> str:
    return graph.constant(values.detach().cpu().numpy())


def _trace(network: nn.Module, sample: Tensor) -> onnx.ModelProto:
    """Any other network, by torch's own exporter.

    Raises:
        SettingsError: onnxscript is missing.
        OutputError: torch cannot express the network.
    """
    check_installed("onnxscript", extra="onnx", what="The ONNX export of this network")
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)  # it tells of packages that are not needed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (sample,),
                dynamo=True,
                verbose=False,
                dynamic_shapes=({0: torch.export.Dim("rows")},),
                opset_version=OPSETS[""],
            )
    except Exception as error:  # torch raises its own kinds, many of them
        raise name_untraceable("ONNX", error) from error
    finally:
        log.setLevel(level)
    assert program is not None
    return program.model_proto
