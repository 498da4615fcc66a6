"""DeepLab-v3 on MobileNet-V2: which pixels show people."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.weights import onnx

Pixels = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]

WEIGHTS = "deeplabv3_mnv2"
SIDE = 513
_PERSON = 15


def persons(pixels: Pixels, shape: tuple[int, int]) -> BoolArray:
    """Pixels, of a picture of `shape` (height, width), that show a person, from it or a smaller copy (h, w, 3) in RGB.

    *Source*: Chen, Papandreou, Schroff, Adam, "Rethinking atrous convolution", 2017; class 15 of PASCAL VOC.
    """
    how = cv2.INTER_AREA if max(pixels.shape[:2]) > SIDE else cv2.INTER_LINEAR
    fitted = cv2.resize(pixels, (SIDE, SIDE), interpolation=how)
    (classes,) = onnx.run(WEIGHTS, {"image": fitted[None].astype(np.float32)}, ("class_map",))
    shown = (classes[0] == _PERSON).astype(np.uint8)
    whole: BoolArray = cv2.resize(shown, shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    return whole
