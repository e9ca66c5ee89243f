"""The parameters in an ONNX file, looked at without the package onnx.

A message of protocol buffers is a row of fields, each a number with a kind and a value; only those
that lead to a network's constants are read here. The fields' numbers are ONNX's (onnx.proto).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_GRAPH = 7
"""Of a ModelProto."""
_INITIALIZER = 5
"""Of a GraphProto."""
_DATA_TYPE, _FLOAT_DATA, _NAME, _RAW_DATA = 2, 4, 8, 9
"""Of a TensorProto."""
_FLOAT = 1
"""Data type of the network's parameters; the encoding before it computes in doubles, and has NaN
for what is missing."""

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
"""Kinds of fields."""


def find_not_finite(content: bytes) -> str | None:
    """Find a parameter of an exported network that is NaN or infinite.

    Args:
        content: of the file, which a runtime has read without complaint.

    Returns:
        The name of the first such tensor; None: there is none.
    """
    for graph in _list_messages(memoryview(content), _GRAPH):
        for tensor in _list_messages(graph, _INITIALIZER):
            fields = dict(_read_fields(tensor))
            if fields.get(_DATA_TYPE) != _FLOAT:
                continue
            values = fields.get(_RAW_DATA, fields.get(_FLOAT_DATA, b""))
            # An odd number of bytes is none that the runtime has read.
            if isinstance(values, int) or len(values) % 4:
                continue
            if not np.isfinite(np.frombuffer(values, "<f4")).all():
                name = fields.get(_NAME, b"")
                return "" if isinstance(name, int) else bytes(name).decode("utf-8", "replace")
    return None


def _list_messages(message: memoryview, number: int) -> Iterator[memoryview]:
    for found, value in _read_fields(message):
        if found == number and not isinstance(value, int):
            yield value


def _read_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: whole numbers, and bytes."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _read_varint(message, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(message, at)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            size = 8 if kind == _EIGHT_BYTES else 4
        else:
            return  # groups, which no file of ours has
        yield tag >> 3, message[at : at + size]
        at += size


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """A whole number, seven bits a byte, the lowest first; and where it ends."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return value, at
