"""ONNX models written by hand: nodes, weights and sizes, in the few fields that onnxruntime needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.weights.protobuf import block, whole

_FLOAT, _INT64 = 1, 7
_IR, _OPSET = 8, 13


class Graph:
    """A network that grows by one node after the other; each adds one value, and returns its name.

    *Source*: `onnx.proto`: node 1 (input 1, output 2, operator 4, attribute 5), initializer 5 (dims 1, type 2, name 8,
    raw 9), input 11, output 12; numbers of operators as in opset 13.

    >>> graph = Graph()
    >>> len(graph.model("x", (3,), graph.add("Relu", "x"), (3,))) < 100
    True
    """

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []

    def add(self, operator: str, *inputs: str | NDArray[Any], **attributes: int | Sequence[int]) -> str:
        """One node; an input that is an array (float32 or int64) becomes a weight."""
        name = f"v{len(self._nodes)}"
        named = [one if isinstance(one, str) else self._weight(one) for one in inputs]
        node = b"".join(block(1, one.encode()) for one in named) + block(2, name.encode()) + block(4, operator.encode())
        node += b"".join(block(5, _attribute(key, value)) for key, value in attributes.items())
        self._nodes.append(node)
        return name

    def model(self, source: str, shape: Sequence[int], result: str, length: Sequence[int]) -> bytes:
        """The model from the input `source` (any number of `shape`) to the value `result` (as many of `length`)."""
        graph = b"".join(block(1, node) for node in self._nodes) + block(2, b"veilset")
        graph += b"".join(block(5, weight) for weight in self._weights)
        graph += block(11, _value(source, shape)) + block(12, _value(result, length))
        return whole(1, _IR) + block(7, graph) + block(8, block(1, b"") + whole(2, _OPSET))

    def _weight(self, array: NDArray[Any]) -> str:
        name = f"w{len(self._weights)}"
        kind, coded = (_INT64, "<i8") if array.dtype == np.int64 else (_FLOAT, "<f4")
        dims = b"".join(whole(1, size) for size in array.shape)
        raw = np.ascontiguousarray(array, dtype=coded).tobytes()
        self._weights.append(dims + whole(2, kind) + block(8, name.encode()) + block(9, raw))
        return name


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    """Name 1, number 3, numbers 8, type 20 (2: a number, 7: numbers)."""
    if isinstance(value, int):
        return block(1, name.encode()) + whole(3, value) + whole(20, 2)
    return block(1, name.encode()) + b"".join(whole(8, one) for one in value) + whole(20, 7)


def _value(name: str, shape: Sequence[int]) -> bytes:
    """Name 1, type 2, tensor 1 (element 1, shape 2); the first size is free."""
    sizes = block(1, block(2, b"n")) + b"".join(block(1, whole(1, size)) for size in shape)
    return block(1, name.encode()) + block(2, block(1, whole(1, _FLOAT) + block(2, sizes)))
