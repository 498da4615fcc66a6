"""The form that the value of a DICOM element has to have to stay: what is no number, date or code says something else.

Readers take what they find; a file may hold a sentence where a time belongs, and fifty numbers where one does.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Set
from contextlib import suppress
from copy import copy
from typing import Any

from veilset.containers.codec_units import reads_like_text
from veilset.containers.dicom_words import is_term
from veilset.containers.icc import sanitise
from veilset.core.errors import Malformed

# *Source*: DICOM PS3.5 2024, Table 6.2-1.
_FORMS = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9_ ]{1,16}"),
    "DA": re.compile(r"\d{8}"),
    "DS": re.compile(r"(?=.{1,40}$)[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"),
    "DT": re.compile(r"\d{4}(?:\d{2}){0,5}(?:(?<=\d{14})\.\d{1,6})?(?:[+-]\d{4})?"),
    "IS": re.compile(r"[+-]?\d{1,11}"),
    "TM": re.compile(r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?"),
    "UI": re.compile(r"(?=.{1,64}$)\d+(?:\.\d+)*"),
}
_OWN = {
    "LossyImageCompressionMethod": re.compile(r"ISO_\d{5}_\d{1,2}"),
    "SpecificCharacterSet": re.compile(r"(?:ISO_IR |ISO 2022 IR )\d{1,3}|GB18030|GBK"),
    "RescaleType": re.compile(r"OD|HU|HU_MOD|US|MGML|Z_EFF|EDW?|PCT"),
    "PhotometricInterpretation": re.compile(
        r"MONOCHROME[12]|PALETTE COLOR|RGB|A?RGB|CMYK|HSV|YBR_(?:FULL|FULL_422|PARTIAL_42[02]|ICT|RCT)|XYB"
    ),
    "ContinuityOfContent": re.compile("SEPARATE|CONTINUOUS"),
    "RelationshipType": re.compile(
        "CONTAINS|HAS (?:PROPERTIES|(?:OBS|ACQ) CONTEXT|CONCEPT MOD)|(?:INFERRED|SELECTED) FROM"
    ),
    "ValueType": re.compile(r"[A-Z]{3,9}|SCOORD3D"),
    "PatientOrientation": re.compile(r"[ACDEFHILMPRTV]{1,5}"),
}
_PACKED = {"AT": "I", "FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
_SHORTEST = 12
_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))


def formed(element: Any, dataset: Any, people: Set[str]) -> Any | None:
    """The element as far as its values have the form of their kind; None when nothing of it may stay.

    *Shapes*: `dataset` is what the element stands in; `people` are words of names and numbers in the file, in lower case.

    **Guarantee**
    - As many values as the standard's dictionary allows, each with the form of its kind; codes are made of known words,
      none of `people`.
    - A colour profile is written anew; a table is as long as its descriptor says. No other binary value stays.

    Raises:
        Malformed: A table has another length than its descriptor says, or a colour profile cannot be read.
    """
    vr = str(element.VR)
    if vr in _BINARY:
        return _binary(element, dataset)
    values = [element.value] if element.VM <= 1 else list(element.value)
    if len(values) > _most(element.tag):
        return None
    form = _OWN.get(str(element.keyword)) or _FORMS.get(vr)
    if form is None:
        return None if _spells(values, vr) or not _fills_table(element, dataset, len(values)) else element
    right = [_fits(value, form, vr, people) for value in values]
    if all(right):
        return element
    if vr != "CS" or not any(right):
        return None
    new = copy(element)
    new.value = [value if fits else "" for value, fits in zip(values, right, strict=True)]
    return new


def is_of_its_kind(element: Any) -> bool:
    """Whether an element is of a kind that the dictionary gives it: a number in a text's place says what the text said."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    return dictionary_has_tag(element.tag) and str(element.VR) in dictionary_VR(element.tag).split(" or ")


def is_coloured(dataset: Any) -> bool:
    """Whether a palette shows: in a picture that says so, or beside none."""
    said = str(dataset.get("PhotometricInterpretation", ""))
    return said in ("", "PALETTE COLOR") or str(dataset.get("PixelPresentation", "")) in ("COLOR", "MIXED")


def has_its_form(element: Any, dataset: Any) -> bool:
    """Whether an element may stay as it stands, whoever is named in the file."""
    try:
        return formed(element, dataset, frozenset()) is element
    except Malformed:
        return False


def has_form(value: str, vr: str) -> bool:
    """Whether one value has the form of its kind.

    >>> has_form("20240229", "DA"), has_form("20240229 at noon", "DA"), has_form("1.2.840", "UI")
    (True, False, True)
    """
    return bool(_FORMS[vr].fullmatch(value.strip(" \0")))


def _fits(value: Any, form: re.Pattern[str], vr: str, people: Set[str]) -> bool:
    text = "" if value is None else str(getattr(value, "original_string", None) or value).strip(" \0")
    if text and not form.fullmatch(text):
        return False
    return vr != "CS" or form is not _FORMS["CS"] or is_term(text, people)


def _spells(values: list[Any], vr: str) -> bool:
    """Whether numbers, as they are stored, read like text."""
    if vr not in _PACKED or 8 * len(values) < _SHORTEST:
        return False
    with suppress(struct.error, TypeError, OverflowError):
        return any(reads_like_text(struct.pack(f"{order}{len(values)}{_PACKED[vr]}", *values)) for order in "<>")
    return True


def _fills_table(element: Any, dataset: Any, count: int) -> bool:
    """Whether a table has as many numbers as its descriptor says; what is no table has none."""
    if element.keyword != "LUTData":
        return True
    return count == _entries(dataset.get("LUTDescriptor"))


def _entries(described: Any) -> int:
    """How many entries a table has; 0 where nothing says so."""
    if not isinstance(described, Iterable) or isinstance(described, str | bytes):
        return 0
    first, *rest = described
    return (int(first) or 1 << 16) if len(rest) == 2 else 0


def _most(tag: Any) -> float:
    """How many values the standard's dictionary allows."""
    from pydicom.datadict import dictionary_VM

    most = dictionary_VM(tag).rpartition("-")[2]
    return int(most) if most.isdigit() else math.inf


def _binary(element: Any, dataset: Any) -> Any | None:
    keyword, value = str(element.keyword), bytes(element.value or b"")
    if keyword.startswith(("Waveform", "Channel")):
        return element if _fills(keyword, value, dataset) else None
    if keyword != "ICCProfile" and reads_like_text(value):
        raise Malformed(f"DICOM: {keyword} holds readable text")
    if keyword.startswith("Segmented"):
        return element
    if keyword == "ICCProfile":
        new = copy(element)
        new.value = sanitise(value)
        return new
    entries = _entries(dataset.get(f"{keyword.removesuffix('Data')}Descriptor"))
    if not entries:
        return None
    if len(value) not in (entries, entries + entries % 2, 2 * entries):
        raise Malformed(f"DICOM: {keyword} has {len(value)} bytes and its descriptor speaks of {entries} entries")
    return element


def _fills(keyword: str, value: bytes, dataset: Any) -> bool:
    """Whether recorded curves, or one sample of them, are as long as they say."""
    sample = int(dataset.get("WaveformBitsAllocated", 0)) // 8
    if keyword != "WaveformData":
        return 0 < len(value) <= min(max(sample, 2), 4)
    size = int(dataset.get("NumberOfWaveformChannels", 0)) * int(dataset.get("NumberOfWaveformSamples", 0)) * sample
    if len(value) not in (size, size + size % 2):
        raise Malformed(f"DICOM: curves have {len(value)} bytes, and {size} are meant to be there")
    return True
