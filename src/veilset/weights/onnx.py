"""Networks run by onnxruntime: one session per file and process, on the CPU, one thread unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.weights import dlib_resnet, store
from veilset.weights.protobuf import block, fields

Array = NDArray[np.float32]


@lru_cache(maxsize=16)
def session(name: str, *, threads: int = 1, any_size: bool = False, taps: tuple[str, ...] = ()) -> Any:
    """The onnxruntime session of the weights `name`, verified by the store and kept for the life of the process.

    Args:
        name: Key of the weights table.
        threads: Threads inside one inference. One per worker process is fastest when every core has a worker.
        any_size: Free the input and output sizes that the file fixes, for fully convolutional networks.
        taps: Intermediate values that may be asked for as outputs.

    Raises:
        MissingWeights: The weights are not on this machine.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    model = model_of(name)
    if any_size:
        model = free_sizes(model)
    if taps:
        model = tapped(model, taps)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def model_of(name: str) -> bytes:
    """The network `name` as an ONNX model; a network of dlib is written as one, in memory.

    Raises:
        MissingWeights: The weights are not on this machine.
    """
    path = store.path(name)
    content = path.read_bytes()
    of_dlib = store.record(name).file.endswith(dlib_resnet.SUFFIX)
    return dlib_resnet.as_onnx(content, str(path)) if of_dlib else content


def run(
    name: str,
    feeds: Mapping[str, NDArray[Any]],
    outputs: Sequence[str] | None = None,
    *,
    threads: int = 1,
    any_size: bool = False,
    taps: tuple[str, ...] = (),
) -> list[NDArray[Any]]:
    """Outputs of the network `name`, in the order asked for."""
    results: list[NDArray[Any]] = session(name, threads=threads, any_size=any_size, taps=taps).run(outputs, dict(feeds))
    return results


def free_sizes(model: bytes) -> bytes:
    """The same ONNX model without the fixed sizes of its inputs, outputs and intermediate values.

    Inputs that only name a weight are left out: while they stand there a caller may replace the weight, so onnxruntime
    neither folds constants nor lays weights out for the processor, which doubles the time.

    Only these fields are re-written, by their numbers in the ONNX format: graph 7; initializer 5 with its name 8;
    input 11, output 12, value_info 13 with the name 1; type 2; tensor_type 1; shape 2. Weights are untouched.
    """
    return rewrite(model, (7,), _free_graph)


def tapped(model: bytes, names: Sequence[str]) -> bytes:
    """The same ONNX model with intermediate values as further outputs, by name; their types are inferred."""

    def more(graph: bytes) -> bytes:
        return graph + b"".join(block(12, block(1, name.encode())) for name in names)

    return rewrite(model, (7,), more)


def _free_graph(graph: bytes) -> bytes:
    weights = {_text(graph[content:end], 8) for number, _, content, end in fields(graph) if number == 5}
    kept = [
        graph[start:end]
        for number, start, content, end in fields(graph)
        if not (number == 11 and _text(graph[content:end], 1) in weights)
    ]
    return rewrite(b"".join(kept), (11, 12), _free_value, drop=(13,))


def _text(message: bytes, number: int) -> bytes:
    """The first field `number`, as its bytes; empty when it is not there."""
    return next((message[content:end] for found, _, content, end in fields(message) if found == number), b"")


def _free_value(value: bytes) -> bytes:
    return rewrite(value, (2,), lambda kind: rewrite(kind, (1,), lambda tensor: rewrite(tensor, (2,), _free_shape)))


def _free_shape(shape: bytes) -> bytes:
    """As many dimensions as before, each without a value."""
    return b"".join(b"\x0a\x00" for _ in fields(shape))


def rewrite(message: bytes, numbers: tuple[int, ...], change: Any, drop: tuple[int, ...] = ()) -> bytes:
    """A protobuf message whose fields in `numbers` went through `change`."""
    parts = []
    for number, start, content, end in fields(message):
        if number in drop:
            continue
        if number in numbers:
            body = change(message[content:end])
            parts.append(block(number, body))
        else:
            parts.append(message[start:end])
    return b"".join(parts)
