"""Private DICOM attributes that are known to be safe, by group, private creator and element.

*Source*: DICOM PS3.15, Table E.3.10-1. Taken are those entries whose kind and name pydicom's private dictionary confirms
and whose value can be checked here by its form: numbers, codes, ratios. The table holds more (whole blocks of Philips,
Siemens Ultrasound SC2000, NeuroQuant, Hologic); what is not taken goes, as every private attribute does.
"""

from __future__ import annotations

import re
from typing import Any

NUMBERS = frozenset(("DS", "IS", "US", "SS", "SL", "FL", "FD"))
CODE = re.compile(r"[A-Z0-9_ ]{0,16}")
RATIO = re.compile(r"\d{1,3}(?:\.\d{1,6})?:1")
SEQUENCE_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,16}")
# (group, private creator) to element and (kind, meaning).
SAFE: dict[tuple[int, str], dict[int, tuple[str, str]]] = {
    (0x0019, "GEMS_ACQU_01"): {
        0x23: ("DS", "Table Speed [mm/rotation]"),
        0x24: ("DS", "Mid Scan Time [sec]"),
        0x27: ("DS", "Rotation Speed [msec]"),
        0x9E: ("LO", "Internal Pulse Sequence Name"),
    },
    (0x0019, "SIEMENS MR HEADER"): {
        0x0C: ("IS", "B_value"),
        0x0D: ("CS", "DiffusionDirectionality"),
        0x0E: ("FD", "DiffusionGradientDirection"),
        0x27: ("FD", "B_matrix"),
    },
    (0x0025, "GEMS_SERS_01"): {0x07: ("SL", "Images in Series")},
    (0x0043, "GEMS_PARM_01"): {
        0x27: ("SH", "Scan Pitch Ratio"),
        0x39: ("IS", "Slop_int_6... slop_int_9"),
        0x6F: (
            "DS",
            "Scanner Table Entry (single gradient coil systems only)/Scanner Table Entry + Gradient Coil Selected",
        ),
    },
    (0x0045, "GEMS_HELIOS_01"): {
        0x01: ("SS", "Number of Macro Rows in Detector"),
        0x02: ("FL", "Macro width at ISO Center"),
    },
    (0x01F1, "ELSCINT1"): {
        0x01: ("CS", "Acquisition Type"),
        0x07: ("DS", "Table Velocity"),
        0x26: ("DS", "Pitch"),
        0x27: ("DS", "Rotation Time"),
    },
    (0x0903, "GEIIS PACS"): {
        0x10: ("US", "Reject Image Flag"),
        0x11: ("US", "Significant Flag"),
        0x12: ("US", "Confidential Flag"),
    },
    (0x2001, "Philips Imaging DD 001"): {
        0x03: ("FL", "Diffusion B-Factor"),
        0x04: ("CS", "Diffusion Direction"),
    },
    (0x7053, "Philips PET Private Group"): {
        0x00: ("DS", "SUV Scale Factor"),
        0x09: ("DS", "Activity Concentration Scale Factor"),
    },
}


def is_safe(creator: str, group: int, element: int, vr: str, value: Any) -> bool:
    """Whether a private element is on the list, of the kind that it has there, and of a form that says nothing else.

    >>> is_safe("Philips PET Private Group", 0x7053, 0x1000, "DS", 0.5)
    True
    >>> is_safe("Philips PET Private Group", 0x7053, 0x1003, "ST", "somebody.dcm")
    False
    """
    kind, _ = SAFE.get((group, creator), {}).get(element & 0xFF, ("", ""))
    if not kind or kind != vr:
        return False
    values = [value] if isinstance(value, str | int | float) or value is None else list(value)
    if kind in NUMBERS:
        return all(isinstance(one, int | float) for one in values)
    form = {"CS": CODE, "SH": RATIO, "LO": SEQUENCE_NAME}[kind]
    return all(form.fullmatch(str(one)) for one in values)
