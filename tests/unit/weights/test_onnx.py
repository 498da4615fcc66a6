"""Freeing the sizes of a model changes its declared shapes and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from veilset.weights import onnx, protobuf, store
from veilset.weights.protobuf import block, whole


def value(name: bytes, *dims: int) -> bytes:
    shape = b"".join(block(1, whole(1, dim)) for dim in dims)
    return block(1, name) + block(2, block(1, whole(1, 1) + block(2, shape)))


def relu_model(*dims: int) -> bytes:
    node = block(1, b"x") + block(2, b"y") + block(4, b"Relu")
    graph = block(1, node) + block(2, b"g") + block(11, value(b"x", *dims)) + block(12, value(b"y", *dims))
    return whole(1, 7) + block(7, graph) + block(8, block(1, b"") + whole(2, 13))


def test_sizes_are_freed_and_results_unchanged() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = relu_model(1, 3)
    fixed = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    free = onnxruntime.InferenceSession(onnx.free_sizes(model), providers=["CPUExecutionProvider"])
    assert fixed.get_inputs()[0].shape == [1, 3]
    assert len(free.get_inputs()[0].shape) == 2
    x = np.array([[-1.0, 2.0, 3.0]], dtype=np.float32)
    np.testing.assert_array_equal(fixed.run(None, {"x": x})[0], free.run(None, {"x": x})[0])
    many = np.arange(-6, 6, dtype=np.float32).reshape(4, 3)
    np.testing.assert_array_equal(free.run(None, {"x": many})[0], np.maximum(many, 0))


def test_inputs_that_only_name_a_weight_are_left_out_and_the_weight_stays() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    node = block(1, b"x") + block(1, b"w") + block(2, b"y") + block(4, b"Mul")
    weight = whole(1, 1) + whole(2, 1) + block(8, b"w") + block(9, np.float32(3).tobytes())
    inputs = block(11, value(b"x", 1, 2)) + block(11, value(b"w", 1))
    graph = block(1, node) + block(2, b"g") + block(5, weight) + inputs + block(12, value(b"y", 1, 2))
    model = whole(1, 7) + block(7, graph) + block(8, block(1, b"") + whole(2, 13))
    free = onnxruntime.InferenceSession(onnx.free_sizes(model), providers=["CPUExecutionProvider"])
    assert [one.name for one in free.get_inputs()] == ["x"]
    np.testing.assert_array_equal(free.run(None, {"x": np.float32([[1, 2], [4, 5]])})[0], [[3, 6], [12, 15]])


@pytest.mark.parametrize("count", [0, 1, 127, 128, 300, 2**31, 2**63 - 1])
def test_varint_round_trip(count: int) -> None:
    written = protobuf.varint(count)
    assert protobuf.read_varint(written + b"rest", 0) == (count, len(written))


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises((ValueError, IndexError)):
        onnx.free_sizes(b"\x3b\x3c\x3d")


@pytest.mark.weights
def test_session_is_kept_and_runs_at_any_size() -> None:
    if not store.installed("centerface"):
        pytest.skip("the weights centerface are not installed: run `veilset weights pull centerface`")
    assert onnx.session("centerface", any_size=True) is onnx.session("centerface", any_size=True)
    for height, width in ((32, 64), (96, 32)):
        planes = np.zeros((1, 3, height, width), dtype=np.float32)
        (heat,) = onnx.run("centerface", {"input.1": planes}, ["537"], any_size=True)
        assert heat.shape == (1, 1, height // 4, width // 4)
