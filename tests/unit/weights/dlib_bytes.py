"""A writer of dlib's format for tests, apart from the reader: layers of random weights, and their forward pass in numpy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from veilset.weights.dlib_resnet import Plan

EMPTY = (2, 0, 0, 0, 0)


@dataclass
class Writer:
    """Bytes, and which of them a reader has to insist on."""

    content: bytearray = field(default_factory=bytearray)
    strict: list[int] = field(default_factory=list)

    def put(self, raw: bytes, *, strict: bool = True) -> None:
        if strict:
            self.strict += range(len(self.content), len(self.content) + len(raw))
        self.content += raw

    def integers(self, *values: int, strict: bool = True) -> None:
        for value in values:
            size = max(1, (abs(value).bit_length() + 7) // 8)
            self.put(bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little"), strict=strict)

    def real(self, value: float) -> None:
        mantissa, exponent = np.frexp(value)
        self.integers(int(mantissa * 2**24), int(exponent) - 24, strict=False)

    def text(self, value: str) -> None:
        self.integers(len(value))
        self.put(value.encode())

    def tensor(self, values: np.ndarray, *shape: int) -> None:
        self.integers(2, *shape)
        self.put(values.astype("<f4").tobytes(), strict=False)

    def state(self) -> None:
        self.put(b"110")
        self.integers(*EMPTY, *EMPTY, *EMPTY)


class Tiny:
    """A network of a plan with random weights: `content()` as dlib writes it, `forward` as its layers say."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan, rng = plan, np.random.default_rng(seed)
        self.means = np.array([120.5, 110.25, 100.125])

        def layer(count: int, channels: int, size: int) -> dict[str, np.ndarray]:
            scale = 1 / np.sqrt(channels * size * size)
            return {
                "kernels": rng.normal(size=(count, channels, size, size)).astype(np.float32) * np.float32(scale),
                "bias": rng.normal(size=count).astype(np.float32),
                "gamma": rng.normal(1, 0.3, count).astype(np.float32),
                "beta": rng.normal(size=count).astype(np.float32),
            }

        self.stem = layer(plan.stem, 3, 7)
        self.blocks, channels = [], plan.stem
        for count, _ in plan.blocks:
            self.blocks.append((layer(count, channels, 3), layer(count, count, 3)))
            channels = max(channels, count)
        self.last = rng.normal(size=(channels, plan.length)).astype(np.float32)

    def written(self) -> Writer:
        out = Writer()
        out.integers(1)
        out.text("loss_metric_2")
        out.real(0.04)
        out.real(0.6)
        out.integers(2, 2)
        for _, halves in reversed(self.plan.blocks):
            out.integers(2, 2, *((2, 1, 1) if halves else ()), 2, 2, 2, 2, 2, 1)
        out.integers(2, 2, 2, 3)
        out.text("input_rgb_image_sized")
        for mean in self.means:
            out.real(mean)
        out.integers(self.plan.side, self.plan.side)
        self._filters(out, self.stem, 2, 0, first=True)
        self._named(out, "relu_")
        self._named(out, "max_pool_2", 3, 3, 2, 2, 0, 0)
        for (_, halves), (one, other) in zip(self.plan.blocks, self.blocks, strict=True):
            self._filters(out, one, 2 if halves else 1, 0 if halves else 1)
            self._named(out, "relu_")
            self._filters(out, other, 1, 1)
            if halves:
                self._named(out, "avg_pool_2", 2, 2, 2, 2, 0, 0)
            self._named(out, "add_prev_")
            self._named(out, "relu_")
        self._named(out, "avg_pool_2", 0, 0, 1, 1, 0, 0)
        out.text("fc_2")
        channels, length = self.last.shape
        out.integers(length, channels)
        out.tensor(self.last, channels, length, 1, 1)
        out.integers(1, channels, length, 1, 1, 1, 0, 0, 0, 0, 1)
        self._rates(out)
        out.state()
        return out

    def content(self) -> bytes:
        return bytes(self.written().content)

    def forward(self, pictures: np.ndarray) -> np.ndarray:
        """Embeddings of pictures (n, 3, side, side), layer by layer as `dnn_face_recognition_ex.cpp` names them."""
        value = (pictures.astype(float) - self.means[None, :, None, None]) / 256
        value = np.maximum(_affine(_convolution(value, self.stem, 2, 0), self.stem), 0)
        value = sliding_window_view(value, (3, 3), axis=(2, 3))[:, :, ::2, ::2].max(axis=(4, 5))
        for (_, halves), (one, other) in zip(self.plan.blocks, self.blocks, strict=True):
            inner = _affine(_convolution(value, one, 2 if halves else 1, 0 if halves else 1), one)
            inner = _affine(_convolution(np.maximum(inner, 0), other, 1, 1), other)
            if halves:
                value = sliding_window_view(value, (2, 2), axis=(2, 3))[:, :, ::2, ::2].mean(axis=(4, 5))
            value = np.maximum(_sum(inner, value), 0)
        return value.mean(axis=(2, 3)) @ self.last

    def _filters(
        self, out: Writer, layer: dict[str, np.ndarray], stride: int, pad: int, *, first: bool = False
    ) -> None:
        kernels = layer["kernels"]
        count, _, size, _ = kernels.shape
        out.text("con_4")
        out.tensor(np.concatenate([kernels.ravel(), layer["bias"]]), kernels.size + count, 1, 1, 1)
        out.integers(count, size, size, stride, stride, pad, pad, 1, *kernels.shape, 1, 1, count, 1, 1)
        self._rates(out)
        out.state()
        if first:
            out.integers(1)
        out.text("affine_")
        out.tensor(np.concatenate([layer["gamma"], layer["beta"]]), 2 * count, 1, 1, 1)
        out.integers(1, 1, count, 1, 1, 1, 1, count, 1, 1, 0)
        out.state()

    def _named(self, out: Writer, name: str, *settings: int) -> None:
        out.text(name)
        out.integers(*settings)
        out.state()

    def _rates(self, out: Writer) -> None:
        for rate in (1.0, 1.0, 1.0, 0.0):
            out.real(rate)


def _convolution(value: np.ndarray, layer: dict[str, np.ndarray], stride: int, pad: int) -> np.ndarray:
    size = layer["kernels"].shape[-1]
    value = np.pad(value, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    seen = sliding_window_view(value, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", seen, layer["kernels"].astype(float)) + layer["bias"][None, :, None, None]


def _affine(value: np.ndarray, layer: dict[str, np.ndarray]) -> np.ndarray:
    return value * layer["gamma"][None, :, None, None] + layer["beta"][None, :, None, None]


def _sum(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """dlib's `add_prev`: as large as the larger one in every direction, zeros where a tensor ends."""
    shape = np.maximum(one.shape, other.shape)
    out = np.zeros(shape)
    for part in (one, other):
        out[tuple(slice(0, size) for size in part.shape)] += part
    return out
