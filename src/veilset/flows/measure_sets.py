"""Which probes `measure` runs unasked, and with which settings: the default set, and the quick one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FULL: Mapping[str, Mapping[str, Any]] = {
    "link": {},
    "undo": {},
    "interpolate": {},
    "recover_text": {},
    "reidentify": {},
    "deobfuscate": {},
    "fuse": {},
    "attribute": {},
    "membership": {"limit": 400, "shadows": 16, "targets": 4},
    "invert": {},
    "canary": {},
    "residual": {"pictures": 200},
    "fidelity": {},
    "downstream": {},
    "detection_kept": {},
    "naturalness": {},
    "gap": {},
}
QUICK: Mapping[str, Mapping[str, Any]] = {
    "link": {"limit": 200},
    "interpolate": {"limit": 30},
    "reidentify": {"limit": 300, "recogniser": "pixels"},
    "deobfuscate": {"limit": 150, "iterated": 0},
    "fidelity": {"pictures": 60},
    "naturalness": {"limit": 60},
}
