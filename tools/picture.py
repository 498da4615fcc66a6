"""Draws docs/images/operators.png: one drawn picture under each operator. No person stands behind it.

python tools/picture.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from veilset.core.finding import Finding
from veilset.core.noise import SeededNoise
from veilset.core.sample import Image, Pixels, Sample
from veilset.core.where import Box
from veilset.flows.catalog import catalog
from veilset.testing.drawn import picture

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images" / "operators.png"
FACES = (Box(50, 70, 110, 140), Box(215, 95, 80, 100))
PANELS = (
    ("before", "", {}),
    ("mask: exact", "mask", {}),
    ("inpaint: exact", "inpaint", {}),
    ("blur: only measured", "blur", {}),
    ("pixelate: only measured", "pixelate", {}),
    ("dp_pix: a theorem per 16 pixels", "dp_pix", {"block": 16, "epsilon": 1.0, "pixels": 16}),
)


def panel(title: str, operator: str, settings: dict[str, object]) -> Pixels:
    """One treated picture with its title under it."""
    sample = Sample("drawn", Image(picture(340, 260, faces=FACES, seed=11)))
    findings = [Finding("face", box, 1.0, "drawn") for box in FACES]
    if operator:
        made = catalog(third_party=False).build("operator", operator, settings)
        sample = made.apply(sample, findings, noise=SeededNoise(1)).sample
    framed = cv2.copyMakeBorder(sample.image.pixels, 6, 34, 6, 6, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    cv2.putText(framed, title, (8, 290), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (30, 30, 30), 1, cv2.LINE_AA)
    return np.asarray(framed)


def main() -> None:
    """Draw all panels in two rows."""
    panels = [panel(*one) for one in PANELS]
    sheet = np.vstack([np.hstack(panels[:3]), np.hstack(panels[3:])])
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(TARGET), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
