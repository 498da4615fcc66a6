"""Coded concepts in DICOM files: codes of public schemes stay, under the meaning that the standard gives them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

# *Source*: DICOM PS3.16, Table 8-1, and each scheme's own rules.
_FORMS = {
    "DCM": re.compile(r"\d{6}|[A-Z]{2,6}"),
    "FMA": re.compile(r"\d{2,6}"),
    "LN": re.compile(r"\d{3,5}-\d"),
    "MDC": re.compile(r"\d{4,6}(?:-\d{1,3})?|\d+:\d{1,5}"),
    "NCIt": re.compile(r"C\d{3,6}"),
    "RADLEX": re.compile(r"RID\d{1,5}"),
    "SCT": re.compile(r"[1-9]\d{5,15}"),
    "SCPECG": re.compile(r"\d\.\d\.\d-\d{1,2}(?:-\d{1,3}){0,2}"),
    "SRT": re.compile(r"[A-Z]-[0-9A-F]{4,5}|[A-Z]\d?-[0-9A-FX]{4,5}"),
    "UMLS": re.compile(r"C\d{7}"),
}
_VERSION = re.compile(r"\d{1,2}(?:\.\d{1,2}){0,2}")
# The D5 tables that Verhoeff's check digit is reckoned with (SNOMED CT, Appendix B).
_FIFTH = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043",
          "8765932104", "9876543210")  # fmt: skip
_TURNED = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


@cache
def meanings(scheme: str) -> dict[str, str]:
    """Codes of a scheme that the standard uses, and what they mean; empty for other schemes."""
    from pydicom.sr._concepts_dict import concepts

    return {code: meaning for row in concepts.get(scheme, {}).values() for code, (meaning, _) in row.items()}


def coded(item: Any, new: Any) -> bool:
    """Put the code of `item` into `new`, where it is one of a public scheme; its meaning is the standard's, or the code.

    False where there is a code that may not stay: what is beside it says nothing without.
    """
    value, scheme = (
        str(item.get("CodeValue", "")).strip(" \0"),
        str(item.get("CodingSchemeDesignator", "")).strip(" \0"),
    )
    if not value:
        return not item.get("LongCodeValue") and not item.get("URNCodeValue")
    meaning = meanings(scheme).get(value) if scheme in _FORMS or scheme == "UCUM" else None
    if meaning is None and not (scheme in _FORMS and has_form(value, scheme)):
        return False
    new.CodeValue, new.CodingSchemeDesignator, new.CodeMeaning = value, scheme, (meaning or value)[:64]
    version = str(item.get("CodingSchemeVersion", ""))
    if _VERSION.fullmatch(version):
        new.CodingSchemeVersion = version
    return True


def has_form(value: str, scheme: str) -> bool:
    """Whether a code that the standard does not use has the form of its scheme; of SNOMED CT, its check digit too.

    >>> has_form("371828006", "SCT"), has_form("371828007", "SCT"), has_form("JOHN", "SRT")
    (True, False, False)
    """
    if not _FORMS[scheme].fullmatch(value) or (scheme == "DCM" and not value.isdigit()):
        return False
    if scheme != "SCT":
        return True
    check = 0
    for place, digit in enumerate(reversed(value)):
        check = int(_FIFTH[check][int(_TURNED[place % 8][int(digit)])])
    return check == 0
