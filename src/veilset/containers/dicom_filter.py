"""What goes into a treated DICOM file: the elements that may stay, names under a key, shifted dates, and what was done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from veilset.containers.dicom_codes import coded
from veilset.containers.dicom_forms import formed, has_form, is_coloured, is_of_its_kind
from veilset.containers.dicom_kinds import is_report, kind_of
from veilset.containers.dicom_private import is_safe
from veilset.containers.dicom_read import DEEPEST
from veilset.containers.dicom_rules import (
    DROPPED,
    EMPTIED,
    EMPTY_SEQUENCES,
    EMPTY_TEXTS,
    MOMENTS,
    NAMELESS,
    NUMBERED,
    STRUCTURED,
    TIMES,
    TOLD,
    TOLD_IN_REPORTS,
    WORD,
    WORDED,
    WORDED_ENHANCED,
    WORDED_ON_TOP,
    DicomProfile,
    may_nest,
    may_stay,
)
from veilset.containers.dicom_words import DESCRIPTORS, described
from veilset.containers.pseudonyms import Pseudonyms
from veilset.core.errors import Unsupported

NAME = "DICOM"
METHOD = "Veilset allowlist"
MAKER_UID = "2.25.302934610712853967102784619283740019283"
# Of the picture, its acquisition and its making; the patient's, the visit's and the order's go.
DATED = frozenset((0x0008, 0x0018, 0x0020, 0x0022, 0x0040, 0x0054, 0x0070, 0x3006, 0x3008, 0x300A, 0x300C, 0x300E))
# The patient's number, other numbers of theirs, and the order's.
NAMING = frozenset((0x00100020, 0x00101000, 0x00080050))
REQUIRED = frozenset(("AcquisitionDateTime", "ContentDate", "ContentTime"))
NO_DATE = {"DA": "19000101", "TM": "000000", "DT": "19000101000000"}
STATES = {"remove": "REMOVED", "shift": "MODIFIED", "month": "MODIFIED", "keep": "UNMODIFIED"}


@dataclass(frozen=True)
class Treatment:
    """How one file is treated.

    Attributes:
        profile: The options taken.
        names: Where pseudonyms come from.
        shift: Days by which dates move back.
        people: Words of the names and numbers in the file, in lower case.
        enhanced: Whether it has groups of functions, which asks for more attributes than other pictures have.
        numbers: Labels by which parts of the file point at one another, and the number that each becomes.
    """

    profile: DicomProfile
    names: Pseudonyms
    shift: int = 0
    people: frozenset[str] = field(default=frozenset(), repr=False)
    enhanced: bool = False
    numbers: dict[str, str] = field(default_factory=dict, repr=False)


def treated(dataset: Any, profile: DicomProfile, names: Pseudonyms) -> Any:
    """The elements before the pixel data, with the meta information, as they go out."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.sequence import Sequence

    patient = str(dataset.get("PatientID", "") or dataset.get("PatientName", "")).strip(" \0")
    shift = names.days(patient, profile.most_days) if profile.dates == "shift" else 0
    people = frozenset(people_in(dataset))
    enhanced = "SharedFunctionalGroupsSequence" in dataset
    new = _filtered(dataset, Treatment(profile, names, shift, people, enhanced), 0)
    for keyword in EMPTIED:
        if keyword not in new and (keyword in dataset or keyword in EMPTIED[:7]):
            setattr(new, keyword, "" if keyword not in ("SeriesNumber", "InstanceNumber") else None)
    if str(new.get("Modality", "")).startswith("RT"):
        # Here alone it is required, though empty.
        new.OperatorsName = ""
    if is_report(dataset):
        # Whoever verified it is not named any more.
        new.VerificationFlag = "UNVERIFIED"
    new.PatientName = new.PatientID = names.name(patient)
    new.PatientIdentityRemoved = "YES"
    new.DeidentificationMethod = METHOD
    new.LongitudinalTemporalInformationModified = STATES[profile.dates]
    new.DeidentificationMethodCodeSequence = Sequence([_code(*code) for code in profile.codes()])
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = names.uid(kind_of(dataset))
    meta.MediaStorageSOPInstanceUID = new.get("SOPInstanceUID", "")
    meta.ImplementationClassUID, meta.ImplementationVersionName = MAKER_UID, "VEILSET"
    new.file_meta = meta
    return new


def people_in(dataset: Any) -> Iterator[str]:
    """Words of every name and patient's number in a file, in lower case; nothing else is decoded for it."""
    for tag in list(dataset.keys()):
        kind = dataset.get_item(tag).VR
        if tag not in NAMING and kind not in ("PN", "SQ", "UN", None):
            continue
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value:
                yield from people_in(item)
        elif element.VR == "PN" or tag in NAMING:
            for value in [element.value] if isinstance(element.value, str) or element.VM <= 1 else element.value:
                yield from "".join(c if c.isalnum() else " " for c in str(value)).casefold().split()


def _code(value: str, meaning: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _filtered(dataset: Any, how: Treatment, depth: int) -> Any:
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    if depth > DEEPEST:
        raise Unsupported(f"{NAME}: sequences are nested deeper than {DEEPEST} levels")
    new, profile = Dataset(), how.profile
    for element in dataset:
        keyword = str(element.keyword)
        if element.tag.is_private:
            _private(new, dataset, element, how)
        elif keyword in DROPPED or element.tag.group >> 8 in (0x50, 0x60) or not is_of_its_kind(element):
            continue  # curves and overlays among them
        elif "PaletteColorLookupTable" in keyword and not is_coloured(dataset):
            continue
        elif element.VR != "SQ":
            _leaf(new, dataset, element, how, depth)
        elif may_nest(keyword, element.tag.group, profile):
            items = [_item(item, how, depth + 1, keyword) for item in element.value]
            loose = keyword in STRUCTURED or keyword.endswith("CodeSequence")
            new.add_new(element.tag, "SQ", Sequence([item for item in items if len(item) or not loose]))
        elif keyword in EMPTY_SEQUENCES:
            new.add_new(element.tag, "SQ", Sequence())
    return new


def _leaf(new: Any, dataset: Any, element: Any, how: Treatment, depth: int) -> None:
    """An element that is no sequence."""
    keyword, vr, profile = str(element.keyword), str(element.VR), how.profile
    if vr == "UI":
        _identify(new, element, how)
    elif vr in TIMES:
        _date(new, element, how, depth)
    elif profile.descriptors and keyword in DESCRIPTORS:
        words = described(str(element.value), how.people)
        if words:
            new.add_new(element.tag, vr, words)
        else:
            _stand_in(new, element, how, depth)
    else:
        stays = may_stay(keyword, element.tag.group, vr, profile)
        kept = formed(element, dataset, how.people) if stays else None
        if kept is None:
            _stand_in(new, element, how, depth)
        else:
            new[element.tag] = kept if keyword != "PatientAge" else _age(kept)


def _stand_in(new: Any, element: Any, how: Treatment, depth: int) -> None:
    """What modules require takes the place of a text that goes: nothing, a word, a number."""
    keyword = str(element.keyword)
    if keyword in EMPTY_TEXTS:
        new.add_new(element.tag, element.VR, "")
    elif not element.value:
        return
    elif keyword in NUMBERED:
        new.add_new(element.tag, element.VR, _number(str(element.value), how.numbers))
    elif keyword in (WORDED if depth else WORDED_ON_TOP) or (how.enhanced and keyword in WORDED_ENHANCED):
        new.add_new(element.tag, element.VR, WORD)
    elif keyword == "ContentLabel":
        new.add_new(element.tag, element.VR, WORD.upper())


def _number(label: str, numbers: dict[str, str]) -> str:
    """A number of up to three digits stays; any other label becomes one that no other has."""
    if label.isascii() and label.isdigit() and len(label) <= 3:
        return label
    if label not in numbers:
        # Behind the numbers that stay, so that no two labels become one.
        numbers[label] = str(1000 + len(numbers))
    return numbers[label]


def _private(new: Any, dataset: Any, element: Any, how: Treatment) -> None:
    """A private element that is known to be safe, in a block of its creator's."""
    tag = element.tag
    if not how.profile.private or tag.element < 0x1000:
        return
    reserved = dataset.get((tag.group, tag.element >> 8))
    creator = str(reserved.value).strip() if reserved is not None else ""
    if is_safe(creator, tag.group, tag.element, str(element.VR), element.value, how.people):
        new.private_block(tag.group, creator, create=True).add_new(tag.element & 0xFF, element.VR, element.value)


def _item(item: Any, how: Treatment, depth: int, keyword: str) -> Any:
    """An item of a sequence; a code of a public scheme stays, under its own value for a meaning."""
    from pydicom.dataset import Dataset

    told = (
        TOLD_IN_REPORTS | (MOMENTS if how.profile.dates != "remove" else set())
        if keyword == "ContentSequence"
        else TOLD
    )
    # Items that point at others by their place would point elsewhere, once words are gone from between them.
    if str(item.get("ValueType", "")) not in ("", *told) or "ReferencedContentItemIdentifier" in item:
        return Dataset()
    new = _filtered(item, how, depth)
    if not coded(item, new):
        return Dataset()
    # A number without the concept that it is of says nothing to anybody who may know it.
    kind = new.get("ValueType", "CONTAINER")
    if kind not in NAMELESS and not new.get("ConceptNameCodeSequence"):
        return Dataset()
    if kind == "CODE" and not new.get("ConceptCodeSequence"):
        return Dataset()
    return new


def _identify(new: Any, element: Any, how: Treatment) -> None:
    values = [str(value).strip(" \0") for value in (element.value if element.VM > 1 else [element.value])]
    if "UID" in element.keyword and element.tag.group not in (0x0002, 0x0004, 0x0010, 0x0400):
        stay = how.profile.uids or (how.profile.device and element.keyword == "DeviceUID")
        kept = [value if stay and has_form(value, "UI") else how.names.uid(value) for value in values]
        new.add_new(element.tag, "UI", kept if len(kept) > 1 else kept[0])


def _date(new: Any, element: Any, how: Treatment, depth: int) -> None:
    dates = how.profile.dates
    if element.tag.group not in DATED:
        return
    if element.VM > 1 or (element.value and not has_form(str(element.value), element.VR)):
        return
    if dates == "remove":
        # Groups of functions, and pictures with such, require these; what other modules ask for may be empty.
        required = how.enhanced and element.keyword in REQUIRED
        if element.value and (required or (depth and element.VR == "DT")):
            new.add_new(element.tag, element.VR, NO_DATE[element.VR])
    elif dates == "keep" or (dates == "shift" and element.VR == "TM"):
        new[element.tag] = element
    elif element.VR != "TM":
        value = str(element.value)
        moved = month_of(value, element.VR) if dates == "month" else shifted(value, how.shift)
        if moved:
            new.add_new(element.tag, element.VR, moved)


def month_of(value: str, vr: str) -> str:
    """The first of the month, at midnight; empty where the value is no date.

    >>> month_of("20240315", "DA"), month_of("20240315101112.5", "DT"), month_of("March", "DA")
    ('20240301', '20240301000000', '')
    """
    start = shifted(value[:8], 0)
    return f"{start[:6]}01{'000000' if vr == 'DT' else ''}" if start else ""


def shifted(value: str, days: int) -> str:
    """A date, or a date with time, so many days earlier; empty where it cannot be read.

    >>> shifted("20240301", 1), shifted("20240301120000.5+0900", 366), shifted("March", 1)
    ('20240229', '20230301120000.5', '')
    """
    try:
        moment = date(int(value[:4]), int(value[4:6]), int(value[6:8])) - timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    # The offset to UTC tells the country, and is the only thing that does.
    return f"{moment:%Y%m%d}{re.split('[+-]', value[8:])[0]}" if moment.year >= 1000 else ""


def _age(element: Any) -> Any:
    new, word = copy(element), str(element.value)
    if word.endswith("Y") and word[:-1].isdigit() and int(word[:-1]) > 89:
        new.value = "090Y"
    return new
