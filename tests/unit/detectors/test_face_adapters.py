"""Decoders of the networks against a slow reading of their definitions, on random arrays."""

from __future__ import annotations

import math

import numpy as np

from veilset.detectors import centerface, ultraface, yunet


def test_centerface_decodes_as_its_definition_says() -> None:
    rng = np.random.default_rng(1)
    heat = rng.random((6, 9)).astype(np.float32)
    size = rng.normal(1, 0.5, (2, 6, 9)).astype(np.float32)
    offset = rng.normal(0, 0.5, (2, 6, 9)).astype(np.float32)
    expected = []
    for row in range(6):
        for column in range(9):
            if heat[row, column] > 0.4:
                height, width = (4 * math.exp(size[k, row, column]) for k in (0, 1))
                y, x = 4 * (row + offset[0, row, column] + 0.5), 4 * (column + offset[1, row, column] + 0.5)
                expected.append([x - width / 2, y - height / 2, x + width / 2, y + height / 2, heat[row, column]])
    np.testing.assert_allclose(centerface.decode(heat, size, offset, 0.4), expected, rtol=1e-5, atol=1e-5)


def test_yunet_decodes_as_its_definition_says() -> None:
    rng = np.random.default_rng(2)
    height, width = 64, 96
    heads = {}
    for stride in yunet.STRIDES:
        cells = (height // stride) * (width // stride)
        heads[f"cls_{stride}"] = rng.uniform(-0.1, 1.1, (cells, 1)).astype(np.float32)
        heads[f"obj_{stride}"] = rng.uniform(-0.1, 1.1, (cells, 1)).astype(np.float32)
        heads[f"bbox_{stride}"] = rng.normal(0, 1, (cells, 4)).astype(np.float32)
    expected = []
    for stride in yunet.STRIDES:
        index = 0
        for row in range(height // stride):
            for column in range(width // stride):
                sure = [min(1, max(0, float(heads[f"{head}_{stride}"][index, 0]))) for head in ("cls", "obj")]
                score = math.sqrt(sure[0] * sure[1])
                dx, dy, log_w, log_h = (float(v) for v in heads[f"bbox_{stride}"][index])
                x, y, w, h = (column + dx) * stride, (row + dy) * stride, math.exp(log_w), math.exp(log_h)
                if score > 0.5:
                    half_w, half_h = w * stride / 2, h * stride / 2
                    expected.append([x - half_w, y - half_h, x + half_w, y + half_h, score])
                index += 1
    np.testing.assert_allclose(yunet.decode(heads, width, 0.5), expected, rtol=1e-6, atol=1e-6)


def test_ultraface_decodes_relative_corners() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random((50, 2)).astype(np.float32)
    boxes = rng.random((50, 4)).astype(np.float32)
    expected = [
        [b[0] * 300, b[1] * 200, b[2] * 300, b[3] * 200, s[1]]
        for b, s in zip(boxes.astype(float), scores.astype(float), strict=True)
        if s[1] > 0.6
    ]
    np.testing.assert_allclose(ultraface.decode(scores, boxes, (300, 200), 0.6), expected, rtol=1e-6)


def test_nothing_above_the_bar_gives_no_rows() -> None:
    none = np.zeros((4, 4), dtype=np.float32)
    assert centerface.decode(none, np.zeros((2, 4, 4), np.float32), np.zeros((2, 4, 4), np.float32), 0.1).shape == (
        0,
        5,
    )
    assert ultraface.decode(np.zeros((5, 2), np.float32), np.zeros((5, 4), np.float32), (9, 9), 0.1).shape == (0, 5)
