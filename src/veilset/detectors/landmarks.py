"""Five points of a face by YuNet, and the face set upright for a recogniser."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.where import Box
from veilset.detectors import yunet
from veilset.detectors.fusion import Floats
from veilset.weights import onnx

Pixels = NDArray[np.uint8]
Array = NDArray[np.float32]

SHOWN = 160
_HEADS = [f"{head}_{stride}" for head in ("cls", "obj", "kps") for stride in yunet.STRIDES]


def decode_points(heads: Mapping[str, Array], columns: int) -> tuple[Floats, float]:
    """Points (5, 2) of the surest face in pixels of the input, and its score: eyes, nose, corners of the mouth.

    *Shapes*: `cls_s`, `obj_s` (cells, 1) and `kps_s` (cells, 10) for each stride s; `columns` is the input's width.
    """
    best: tuple[float, int, int] = (-1.0, 0, 0)
    for stride in yunet.STRIDES:
        scores = np.sqrt(np.clip(heads[f"cls_{stride}"][:, 0], 0, 1) * np.clip(heads[f"obj_{stride}"][:, 0], 0, 1))
        cell = int(scores.argmax())
        best = max(best, (float(scores[cell]), stride, cell))
    score, stride, cell = best
    row, column = divmod(cell, columns // stride)
    points = heads[f"kps_{stride}"][cell].astype(np.float64).reshape(5, 2) + np.array([column, row])
    return points * stride, score


def points_of(pixels: Pixels, box: Box) -> tuple[Floats, float]:
    """Five points (5, 2) of the face in `box`, in pixels of the RGB picture, and how sure YuNet is of it."""
    side = max(box.width, box.height) * 2
    x, y = box.x + (box.width - side) / 2, box.y + (box.height - side) / 2
    scale = SHOWN / side
    shown = view(pixels, np.array([[scale, 0, -x * scale], [0, scale, -y * scale]]), SHOWN)
    planes = np.ascontiguousarray(shown[:, :, ::-1].transpose(2, 0, 1)[None], dtype=np.float32)
    outputs = onnx.run(yunet.WEIGHTS, {"input": planes}, _HEADS)
    points, score = decode_points({name: out[0] for name, out in zip(_HEADS, outputs, strict=True)}, SHOWN)
    return points / scale + (x, y), score


def similarity(points: Floats, template: Floats) -> Floats:
    """The turn, scale and shift (2, 3) that brings `points` (n, 2) nearest to `template` in the least-squares sense.

    *Source*: Umeyama 1991, in the plane as one complex number: w = a z + b.

    >>> square = np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]])
    >>> similarity(square * 2 + 5, square).round(6).tolist()
    [[0.5, -0.0, -2.5], [0.0, 0.5, -2.5]]
    """
    z, w = points @ (1, 1j), template @ (1, 1j)
    centred = z - z.mean()
    turn = (np.conj(centred) @ (w - w.mean())) / max(float((np.abs(centred) ** 2).sum()), 1e-12)
    shift = w.mean() - turn * z.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def aligned(pixels: Pixels, points: Floats, template: Floats, side: int) -> Pixels:
    """The face (side, side, 3) with its five points where a recogniser expects them."""
    return view(pixels, similarity(points, template), side)


def view(pixels: Pixels, matrix: Floats, side: int) -> Pixels:
    """A square (side, side, 3) seen through an affine map (2, 3).

    A picture that shrinks is averaged first, since a plain warp would alias; only the part that is seen, so that a face
    takes as long in a large picture as in a small one.
    """
    reduce = max(1, int(1 / max(float(np.hypot(*matrix[:, 0])), 1e-6)))
    if reduce > 1:
        left, top, right, bottom = _seen_part(pixels, matrix, side, reduce)
        if right <= left or bottom <= top:
            return np.zeros((side, side, 3), np.uint8)
        shape = (right - left) // reduce, (bottom - top) // reduce
        pixels = cv2.resize(pixels[top:bottom, left:right], shape, interpolation=cv2.INTER_AREA)
        shift = matrix[:, 2] + matrix[:, :2] @ (left, top)
        matrix = np.column_stack([matrix[:, :2] * reduce, shift])
    seen: Pixels = cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0))
    return seen


def _seen_part(pixels: Pixels, matrix: Floats, side: int, reduce: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what a view shows and a little more, in whole blocks of `reduce` pixels."""
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) - matrix[:, 2]
    shown = corners @ np.linalg.inv(matrix[:, :2]).T
    most = np.array(pixels.shape[1::-1]) // reduce
    first = np.clip(np.floor(shown.min(axis=0) / reduce).astype(int) - 2, 0, most) * reduce
    last = np.clip(np.ceil(shown.max(axis=0) / reduce).astype(int) + 2, 0, most) * reduce
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])
