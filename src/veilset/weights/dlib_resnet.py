"""dlib's residual network for faces: read from its own file format, and written as an ONNX model in memory.

*Source*: `dnn_face_recognition_ex.cpp` (architecture), `dlib/dnn/core.h`, `layers.h`, `input.h` and `loss.h` (layout).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veilset.weights.dlib_file import DlibFile
from veilset.weights.onnx_graph import Graph

Array = NDArray[np.float32]

SUFFIX = ".dat"
INPUT = "data"


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a network of this family is.

    Attributes:
        side: Rows and columns of the input.
        stem: Filters of the first layer.
        blocks: Filters of each residual block from the input on, and whether it halves the sides.
        length: Numbers of an embedding.
    """

    side: int
    stem: int
    blocks: tuple[tuple[int, bool], ...]
    length: int


FACE = Plan(
    150,
    32,
    (
        *((32, False),) * 3,
        (64, True),
        *((64, False),) * 3,
        (128, True),
        *((128, False),) * 2,
        (256, True),
        *((256, False),) * 2,
        (256, True),
    ),
    128,
)


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """A convolution with the affine layer after it folded in: kernels (out, in, rows, columns) and shifts (out,)."""

    kernels: Array
    shifts: Array


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """What a file holds.

    Attributes:
        means: Subtracted from red, green and blue before the division by 256.
        stem: The first layer.
        blocks: The two layers of each residual block.
        last: Matrix (channels, length).
    """

    means: Array
    stem: Filters
    blocks: tuple[tuple[Filters, Filters], ...]
    last: Array


def as_onnx(content: bytes, name: str, plan: Plan = FACE) -> bytes:
    """The ONNX model: `data` (n, 3, side, side) RGB from 0 to 255 to embeddings (n, length).

    Raises:
        MissingWeights: The content is not a network of this plan, by any byte but the values of its weights.
    """
    return _written(read(content, name, plan), plan)


def read(content: bytes, name: str, plan: Plan = FACE) -> Network:
    """The network in the bytes of a file.

    Layers enclose one another, the last outermost: first come the versions of all of them, from the last layer to the
    first, then the input, then what each layer holds, from the first to the last.

    Raises:
        MissingWeights: As for `as_onnx`.
    """
    file = DlibFile(content, name)
    file.integers((1,), "version of the loss")
    file.text("loss_metric_2")
    _ = file.real(), file.real()  # margin and threshold of the loss, of no use once the network is trained
    file.integers(_versions(plan), "versions of the layers")
    file.text("input_rgb_image_sized")
    means = np.array([file.real() for _ in range(3)], np.float32)
    file.integers((plan.side, plan.side), "size of the input")
    stem = _filters(file, plan.stem, 3, 7, 2, 0, first=True)
    _plain(file, "relu_")
    _pool(file, "max_pool_2", (3, 3, 2, 2, 0, 0))
    blocks, channels = [], plan.stem
    for count, halves in plan.blocks:
        one = _filters(file, count, channels, 3, 2 if halves else 1, 0 if halves else 1)
        _plain(file, "relu_")
        other = _filters(file, count, count, 3, 1, 1)
        if halves:
            _pool(file, "avg_pool_2", (2, 2, 2, 2, 0, 0))
        _plain(file, "add_prev_")
        _plain(file, "relu_")
        blocks.append((one, other))
        channels = max(channels, count)
    _pool(file, "avg_pool_2", (0, 0, 1, 1, 0, 0))
    last = _last(file, channels, plan.length)
    file.end()
    return Network(means, stem, tuple(blocks), last)


def _versions(plan: Plan) -> tuple[int, ...]:
    """Of each layer from the last to the first: 2 for one that computes, 1 for a mark or a jump to one, 3 at the input."""
    convolutions = (2, 2, 2, 2, 2)  # affine, convolution, relu, affine, convolution
    versions = [2, 2]  # matrix, average of everything
    for _, halves in reversed(plan.blocks):
        # relu and sum; the average pool, the jump over the convolutions, their mark; what they start from, marked too
        versions += [2, 2, *((2, 1, 1) if halves else ()), *convolutions, 1]
    return (*versions, 2, 2, 2, 3)  # max pool, relu, affine, convolution


def _filters(
    file: DlibFile, count: int, channels: int, size: int, stride: int, pad: int, *, first: bool = False
) -> Filters:
    file.text("con_4")
    kernels_size = count * channels * size * size
    values = file.tensor(kernels_size + count, 1, 1, 1)
    file.integers((count, size, size, stride, stride, pad, pad), "filters, size, stride and padding of a convolution")
    file.part((count, channels, size, size))
    file.part((1, count, 1, 1))
    _rates(file)
    _state(file)
    if first:
        file.integers((1,), "pictures that one picture becomes")
    file.text("affine_")
    scales, shifts = file.tensor(2 * count, 1, 1, 1).astype(np.float64).reshape(2, count)
    file.part((1, count, 1, 1))
    file.part((1, count, 1, 1))
    file.integers((0,), "mode of an affine layer")
    _state(file)
    kernels = values[:kernels_size].astype(np.float64).reshape(count, channels, size, size)
    folded = values[kernels_size:] * scales + shifts
    return Filters((kernels * scales[:, None, None, None]).astype(np.float32), folded.astype(np.float32))


def _last(file: DlibFile, channels: int, length: int) -> Array:
    file.text("fc_2")
    file.integers((length, channels), "outputs and inputs of the last layer")
    matrix = file.tensor(channels, length, 1, 1).reshape(channels, length)
    file.part((channels, length, 1, 1))
    file.part((0, 0, 0, 0))
    file.integers((1,), "absence of a bias")
    _rates(file)
    _state(file)
    return matrix


def _pool(file: DlibFile, name: str, settings: Sequence[int]) -> None:
    file.text(name)
    file.integers(settings, "window, stride and padding of a pool")
    _state(file)


def _plain(file: DlibFile, name: str) -> None:
    file.text(name)
    _state(file)


def _rates(file: DlibFile) -> None:
    """Four rates of learning, of no use here."""
    for _ in range(4):
        file.real()


def _state(file: DlibFile) -> None:
    """What every layer keeps of its training: three flags, and three tensors that a cleaned network has emptied."""
    file.flags(3)
    for _ in range(3):
        file.tensor(0, 0, 0, 0)


def _written(network: Network, plan: Plan) -> bytes:
    graph = Graph()
    value = graph.add("Sub", INPUT, network.means.reshape(1, 3, 1, 1))
    value = graph.add("Mul", value, np.full((1, 1, 1, 1), 1 / 256, np.float32))
    value = graph.add("Relu", _convolved(graph, value, network.stem, 2, 0))
    value = graph.add("MaxPool", value, kernel_shape=(3, 3), strides=(2, 2))
    side, channels = ((plan.side - 7) // 2 - 2) // 2 + 1, plan.stem
    for (count, halves), (one, other) in zip(plan.blocks, network.blocks, strict=True):
        skipped = value
        value = graph.add("Relu", _convolved(graph, value, one, 2 if halves else 1, 0 if halves else 1))
        value = _convolved(graph, value, other, 1, 1)
        if halves:
            skipped = graph.add("AveragePool", skipped, kernel_shape=(2, 2), strides=(2, 2))
            sides = (side - 3) // 2 + 1, side // 2
            side = max(sides)
            # Where two tensors are added, dlib lets the smaller one end in zeros: rows, columns and channels.
            value = _padded(graph, value, 0, side - sides[0])
            skipped = _padded(graph, skipped, 0, side - sides[1])
        value = _padded(graph, value, max(channels - count, 0), 0)
        skipped = _padded(graph, skipped, max(count - channels, 0), 0)
        value = graph.add("Relu", graph.add("Add", value, skipped))
        channels = max(channels, count)
    value = graph.add("Flatten", graph.add("GlobalAveragePool", value))
    value = graph.add("MatMul", value, network.last)
    return graph.model(INPUT, (3, plan.side, plan.side), value, (plan.length,))


def _convolved(graph: Graph, value: str, filters: Filters, stride: int, pad: int) -> str:
    return graph.add("Conv", value, filters.kernels, filters.shifts, strides=(stride, stride), pads=(pad,) * 4)


def _padded(graph: Graph, value: str, channels: int, sides: int) -> str:
    if not (channels or sides):
        return value
    return graph.add("Pad", value, np.array([0, 0, 0, 0, 0, channels, sides, sides], np.int64))
