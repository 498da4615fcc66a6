"""Contact sheets: small pictures with what was found drawn on them. Private."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import cv2
import numpy as np

from veilset.core.errors import DataError
from veilset.core.finding import Finding
from veilset.core.roles import Ref, Source
from veilset.core.sample import FileOnly, Pixels
from veilset.core.where import Box, Mask, Polygon

SIDE = 320
COLOURS = {"face": (220, 50, 40), "person": (40, 110, 200), "plate": (230, 160, 20), "text": (30, 150, 90)}


def figure(source: Source, ref: Ref, findings: Sequence[Finding], why: str) -> str:
    """One picture of the sheet, with boxes; a sample that cannot be drawn is named with its reason."""
    try:
        sample = source.load(ref)
        if isinstance(sample.media, FileOnly):
            said = f"<b>{escape(ref.name)}</b><br>{escape(why)}<br>{escape(sample.format)}: not drawn, metadata only"
            return f"<figure><figcaption>{said}</figcaption></figure>"
        image = sample.image
        reduce = max((step for step in (1, 2, 4, 8) if max(image.shape) // step >= SIDE), default=1)
        picture = thumbnail(image.reduced(reduce), image.width, findings)
    except DataError as error:
        return f"<figure><figcaption>{escape(ref.name)}: {escape(error.message)}</figcaption></figure>"
    return (
        f'<figure><img alt="{escape(ref.name)}" src="data:image/jpeg;base64,{picture}">'
        f"<figcaption><b>{escape(ref.name)}</b><br>{escape(why)}</figcaption></figure>"
    )


def thumbnail(pixels: Pixels, full_width: int, findings: Sequence[Finding]) -> str:
    """Base64 JPEG of at most 320 pixels a side, with the findings' outlines; `full_width` gives their scale."""
    shrink = min(1.0, SIDE / max(pixels.shape[:2]))
    small = (
        cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else pixels.copy()
    )
    scale = small.shape[1] / full_width
    for finding in findings:
        if isinstance(finding.where, Box | Polygon | Mask):
            box = finding.where.bounds()
            corners = [round(value * scale) for value in (box.x, box.y, box.x + box.width, box.y + box.height)]
            colour = COLOURS.get(finding.kind, (150, 60, 170))
            cv2.rectangle(small, (corners[0], corners[1]), (corners[2], corners[3]), colour, 2)
    done, coded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return base64.b64encode(np.asarray(coded).tobytes()).decode() if done else ""
