"""The form for a small study of viewers, made from pairs: originals against what was released. Private."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from veilset.core.errors import Unsupported
from veilset.core.roles import Case
from veilset.core.sample import Image, Pixels
from veilset.flows.workplace import write_atomically
from veilset.probes.utility.viewers import form

SCENES, SIDE = 12, 480


def write_form(folder: Path, case: Case, rng: np.random.Generator) -> Path:
    """Write `form.html` into `folder`: at most 12 scenes, original and released, of at most 480 pixels a side.

    Its first line says PRIVATE, for whoever opens the file and for the viewers, since it shows originals.

    Raises:
        Unsupported: No picture was released.
    """
    pictures: dict[str, list[Pixels]] = {"original": [], "released": []}
    for index in rng.permutation(len(case.pairs)).tolist():
        pair = case.pairs[index]
        if pair.after is None or not isinstance(pair.before.media, Image) or not isinstance(pair.after.media, Image):
            continue
        for name, sample in (("original", pair.before), ("released", pair.after)):
            pictures[name].append(_small(sample.image.pixels))
        if len(pictures["original"]) == SCENES:
            break
    if not pictures["original"]:
        raise Unsupported("a form for viewers needs at least one released picture")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(folder / "form.html", form(pictures, rng).encode(), private=True)
    return folder / "form.html"


def _small(pixels: Pixels) -> Pixels:
    scale = SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    small = cv2.resize(np.ascontiguousarray(pixels), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)
