"""Values inside a network, where its outputs say too little: features of the layer before the classes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.weights import onnx
from veilset.weights.protobuf import block


@lru_cache(maxsize=4)
def session(name: str, value: str) -> Any:
    """The onnxruntime session of the weights `name` whose one asked-for output is the inner value `value`.

    Raises:
        MissingWeights: The weights are not on this machine.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = with_output(onnx.model_of(name), value)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(name: str, value: str, feeds: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    """The inner value for these inputs."""
    (result,) = session(name, value).run([value], feeds)
    found: NDArray[np.float32] = result
    return found


def with_output(model: bytes, value: str) -> bytes:
    """The same ONNX model with the inner value `value` as a further output (graph 7, output 12, name 1)."""
    return onnx.rewrite(model, (7,), lambda graph: graph + block(12, block(1, value.encode())))
