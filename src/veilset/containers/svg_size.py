"""How large a drawing is shown."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from veilset.containers.contract import Facts

LENGTH = re.compile(r"\s*([\d.]+(?:e[+-]?\d+)?)\s*(px|pt|pc|mm|cm|in|em)?\s*$", re.IGNORECASE)
PIXELS = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0, "em": 16.0}


def facts_of(root: Element) -> Facts:
    """Width and height in pixels, by its own words or else by what it draws on."""
    box = re.findall(r"[-+\d.eE]+", root.get("viewBox", ""))
    sizes = []
    for name, fallback in (("width", 2), ("height", 3)):
        match = LENGTH.match(root.get(name, ""))
        inner = float(box[fallback]) if len(box) == 4 else (300.0, 150.0)[fallback - 2]
        size = float(match[1]) * PIXELS[(match[2] or "px").lower()] if match else inner
        sizes.append(max(1, round(min(size, 1e9))))
    return Facts("svg", sizes[0], sizes[1], colour="rgba", channels=4)
