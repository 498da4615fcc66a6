"""Private DICOM attributes that are known to be safe, by group, private creator and element.

*Source*: DICOM PS3.15 2026d, Table E.3.10-1. Taken is every entry whose value can be checked here by its form: numbers,
coded terms, and a ratio and a name of General Electric's. Free text, identifiers, binary values, sequences and time
stamps go, as every private attribute does: the table calls them safe, but whoever writes a file may put anything there.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache
from typing import Any

from veilset.containers.dicom_words import is_term

NUMBERS = frozenset(("DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "AT"))
CODE = re.compile(r"[A-Z0-9_ ]{0,16}")
RATIO = re.compile(r"\d{1,3}(?:\.\d{1,6})?:1")
SEQUENCE_NAME = re.compile(r"[A-Za-z0-9_.+-]{1,16}")
_FORM = {"CS": CODE, "SH": RATIO, "LO": SEQUENCE_NAME}
_VOLUMES = " ".join(f"{element:02x}" for element in range(0x01, 0x17))
# (group, private creator) to kind and elements; `*3`: up to three values, `*n`: any number of them.
SAFE: dict[tuple[int, str], dict[str, str]] = {
    (0x0019, "GEMS_ACQU_01"): {"DS": "23 24 27", "LO": "9e"},
    (0x0019, "SIEMENS MR HEADER"): {"IS": "0c", "CS": "0d", "FD": "0e*3 27*6"},
    (0x0025, "GEMS_SERS_01"): {"SL": "07"},
    (0x0043, "GEMS_PARM_01"): {"SH": "27", "IS": "39*4", "DS": "6f*4"},
    (0x0045, "GEMS_HELIOS_01"): {"SS": "01", "FL": "02"},
    (0x0099, "NQHeader"): {"SS": "04", "FL": "10 21"},
    (0x00E1, "ELSCINT1"): {"DS": "21 50"},
    (0x0119, "SIEMENS Ultrasound SC2000"): {"UL": "05 06 07 08", "SS": "09", "IS": "13"},
    (0x0129, "SIEMENS Ultrasound SC2000"): {"CS": "30"},
    (0x0139, "SIEMENS Ultrasound SC2000"): {"SL": "01"},
    (0x0149, "SIEMENS Ultrasound SC2000"): {"FD": "01*n"},
    (0x0199, "NQLeft"): {"FL": _VOLUMES},
    (0x01E1, "ELSCINT1"): {"CS": "26"},
    (0x01F1, "ELSCINT1"): {"CS": "01", "DS": "07 26 27"},
    (0x0299, "NQRight"): {"FL": _VOLUMES},
    (0x0903, "GEIIS PACS"): {"US": "10 11 12"},
    (0x2001, "Philips Imaging DD 001"): {
        "AT": "d0*n",
        "CS": "04 06 07 0b 0c 0e 10 12 19 1c 1e 1f 21 24 26 27 2a 2b 2e 33 34 36 37 3a 3f 40 42 46 4a 4b 4c 4d 4e 53 56 57"
        " 61 62 63 67 71 77 8c*n a1 da f3 f5",
        "DS": "23 74*n 75*n 83 84 85 88 89 8a",
        "FD": "4f c2",
        "FL": "01 03 09 11 1a*3 1b 22 28 29 2c 2f 32 38 39 3b*4 3c*2 3e*2 41 47 54 7a f1*6 f2*n",
        "IS": "02 08 0a 1d 43*2 44*2 45*2 49 51 59 72*2 7b 81 82 86 cb",
        "SL": "13 14 17 18 60",
        "SS": "05 0f 15 16 2d 35 48",
        "UL": "30 3d 55 58 76 7c 9b a3 a4 a5 c0 c3 df f4 f6",
        "US": "31 7e 7f 9f*2 a2 d1*n d2 d3 d4 d5 d6 d7 d8 d9 db dc dd de",
    },
    (0x2001, "Philips Imaging DD 002"): {
        "CS": "03 07 0d 12 18 39 50 53 65 66 71",
        "FD": "02 05 08 09 0a 0b 0e 14 15 16 17 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 2c 2d 35 36 37 38",
        "FL": "72*2 73*2",
        "SS": "04 10 11 13 2b 2e 2f 30 31 32 33 34 3e 3f 40 75*n",
        "UL": "5d 5e",
        "US": "01 06 0c 0f 28 29 2a",
    },
    (0x2001, "Philips Imaging DD 097"): {
        "CS": "a1*2",
        "FD": "02*3 03*2 04*6 07 0d 0f*2 1a 1c*3 1d*3 1e*n 1f*n 22 23 24 25 26 27 2b*3 2c*3 37*3 38*9 39 3a*2 3b*2 3d*n a2*3"
        " a3*9 a4*2 a5*n aa*n",
        "IS": "a8*n ab",
        "SL": "30*3 31*3 32*2 45 4b",
        "UL": "1b 21 2d 40",
        "US": "17 18 a6",
    },
    (0x2001, "Philips Imaging DD 129"): {"CS": "07 08", "FD": "05*4 06", "UL": "03 09"},
    (0x2005, "Philips MR Imaging DD 001"): {"FL": "0d 0e"},
    (0x7053, "Philips PET Private Group"): {"DS": "00 09"},
}


@cache
def entries(group: int, creator: str) -> dict[int, tuple[str, int]]:
    """What is safe in a block of `creator`: the kind of each element and how many values it may have (0: any number).

    >>> entries(0x0019, "SIEMENS MR HEADER")[0x27]
    ('FD', 6)
    """
    found = {}
    for kind, listed in SAFE.get((group, creator), {}).items():
        for element, _, most in (one.partition("*") for one in listed.split()):
            found[int(element, 16)] = kind, 0 if most == "n" else int(most or 1)
    return found


def is_safe(creator: str, group: int, element: int, vr: str, value: Any, people: Set[str] = frozenset()) -> bool:
    """Whether a private element is on the list, of the kind that it has there, and of a form that says nothing else.

    `people`: words of names and numbers in the file, in lower case, which no value may hold.

    >>> is_safe("Philips PET Private Group", 0x7053, 0x1000, "DS", 0.5)
    True
    >>> is_safe("Philips PET Private Group", 0x7053, 0x1003, "ST", "somebody.dcm")
    False
    """
    kind, most = entries(group, creator).get(element & 0xFF, ("", 0))
    if not kind or kind != vr:
        return False
    values = [value] if isinstance(value, str | int | float) or value is None else list(value)
    if most and len(values) > most:
        return False
    if kind in NUMBERS:
        return all(isinstance(one, int | float) for one in values)
    return all(_FORM[kind].fullmatch(str(one)) and _is_told(str(one), kind, people) for one in values)


def _is_told(value: str, kind: str, people: Set[str]) -> bool:
    """Whether a code is made of known words, and a name of a sequence of nobody's."""
    if kind == "CS":
        return is_term(value, people)
    words = set(re.split("[^a-z]+", value.casefold()))
    return not any(len(one) > 2 and one in word for one in people for word in words)
