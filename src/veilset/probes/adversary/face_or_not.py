"""A small network that tells faces from what surrounds them, trained on the originals of the set itself."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from veilset.core.sample import Pixels
from veilset.core.where import Box
from veilset.probes.adversary.crops import cut
from veilset.probes.adversary.effort import Effort
from veilset.probes.adversary.network import Recogniser, learn_recogniser

SIDE = 32


def beside(pixels: Pixels, faces: Sequence[Box], rng: np.random.Generator, tries: int = 20) -> Box | None:
    """A box as large as one of the faces that shares no pixel with any; none when the picture has no room."""
    height, width = pixels.shape[:2]
    face = faces[int(rng.integers(len(faces)))]
    if face.width >= width or face.height >= height:
        return None
    for _ in range(tries):
        x, y = rng.uniform(0, width - face.width), rng.uniform(0, height - face.height)
        box = Box(float(x), float(y), face.width, face.height)
        if all(abs(_middle(box)[0] - _middle(f)[0]) > (box.width + f.width) / 2 for f in faces) or all(
            abs(_middle(box)[1] - _middle(f)[1]) > (box.height + f.height) / 2 for f in faces
        ):
            return box
    return None


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def learn_faces(
    pictures: Sequence[tuple[Pixels, Sequence[Box]]], effort: Effort, rng: np.random.Generator
) -> Recogniser | None:
    """The network, or none where fewer than eight faces and eight other places are there to learn from.

    What is no face is what lies beside faces, sharp and blurred, and faces whose pixels were shuffled, so that noise of
    a face's colours is no face.
    """
    rows: list[tuple[Pixels, str, int]] = []
    for number, (pixels, faces) in enumerate(pictures):
        for face in faces:
            crop = cut(pixels, face, SIDE)
            rows += [(crop, "face", number), (_shuffled(crop, rng), "other", number)]
            other = beside(pixels, faces, rng)
            if other is not None:
                plain = cut(pixels, other, SIDE)
                blurred = cv2.GaussianBlur(plain, (0, 0), float(rng.uniform(1, 6)))
                rows += [(plain, "other", number), (blurred, "other", number)]
    count = sum(name == "face" for _, name, _ in rows)
    if count < 8 or len(rows) < 2 * count + 8:
        return None
    crops = np.stack([crop for crop, _, _ in rows])
    return learn_recogniser("agreement", crops, [n for _, n, _ in rows], [i for *_, i in rows], effort, rng=rng)


def says_face(network: Recogniser, crops: Pixels) -> list[bool]:
    """Whether each crop (n, SIDE, SIDE, 3) is nearer to a face than to anything else."""
    best = network.scores(crops).argmax(axis=1)
    return [network.names[i] == "face" for i in best]


def _shuffled(crop: Pixels, rng: np.random.Generator) -> Pixels:
    flat = crop.reshape(-1, 3)
    return np.asarray(flat[rng.permutation(len(flat))].reshape(crop.shape), dtype=np.uint8)
