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
# What is measured group by group, where a table of labels says who belongs to which: privacy and utility.
GROUPED: Mapping[str, Mapping[str, Any]] = {
    "reidentify": {"limit": 400, "recogniser": "pixels"},
    "deobfuscate": {"limit": 200, "iterated": 0},
    "residual": {"pictures": 100},
    "fidelity": {"pictures": 100, "perceived": 20},
    "detection_kept": {"limit": 100},
    "downstream": {"limit": 400},
}
MOST_GROUPS = 12

# Beside the default set, where eyes are what was treated.
EYES: Mapping[str, Mapping[str, Any]] = {"landmarks": {}, "iris": {}}

QUICK: Mapping[str, Mapping[str, Any]] = {
    "link": {"limit": 200},
    "interpolate": {"limit": 30},
    "reidentify": {"limit": 300, "recogniser": "pixels"},
    "deobfuscate": {"limit": 150, "iterated": 0},
    "fidelity": {"pictures": 60, "perceived": 20},
    "naturalness": {"limit": 60},
}
