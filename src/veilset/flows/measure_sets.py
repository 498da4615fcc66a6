"""Which probes `measure` runs unasked, and with which settings: the default set, and the quick one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Networks learn for half of their usual steps here, and are stopped in time: the set has to end within ten minutes.
FULL: Mapping[str, Mapping[str, Any]] = {
    "link": {},
    "undo": {"network_steps": 100, "network_seconds": 30},
    "interpolate": {},
    "recover_text": {},
    "reidentify": {"limit": 600, "network_steps": 150, "network_seconds": 30},
    "deobfuscate": {"network_steps": 200, "network_seconds": 60},
    "fuse": {},
    "attribute": {"network_steps": 100, "network_seconds": 30},
    "membership": {"limit": 400, "shadows": 16, "targets": 4},
    "invert": {},
    "canary": {},
    "residual": {"pictures": 200},
    "agreement": {"limit": 200, "network_seconds": 30},
    "fidelity": {},
    "downstream": {},
    "detection_kept": {},
    "naturalness": {},
    "gap": {"settings": {"network_steps": 0}},
}
# What is measured group by group, where a table of labels says who belongs to which: privacy and utility.
GROUPED: Mapping[str, Mapping[str, Any]] = {
    "reidentify": {"limit": 400, "recogniser": "pixels", "network_steps": 0},
    "deobfuscate": {"limit": 200, "iterated": 0, "network_steps": 0},
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
    "reidentify": {"limit": 300, "recogniser": "pixels", "network_steps": 0},
    "deobfuscate": {"limit": 150, "iterated": 0, "network_steps": 0},
    "fidelity": {"pictures": 60, "perceived": 20},
    "naturalness": {"limit": 60},
}
