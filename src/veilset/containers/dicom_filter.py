"""What goes into a treated DICOM file: the elements that may stay, names under a key, shifted dates, and what was done."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from veilset.containers.dicom_forms import formed, has_form
from veilset.containers.dicom_private import is_safe
from veilset.containers.dicom_rules import (
    CODES,
    DROPPED,
    EMPTIED,
    SEQUENCES,
    STRUCTURED,
    TIMES,
    TOLD,
    DicomProfile,
    may_stay,
)
from veilset.containers.dicom_words import DESCRIPTORS, described
from veilset.containers.pseudonyms import Pseudonyms
from veilset.core.errors import Unsupported

NAME = "DICOM"
METHOD = "Veilset allowlist"
MAKER_UID = "2.25.302934610712853967102784619283740019283"
DEEPEST = 16
STATES = {"remove": "REMOVED", "shift": "MODIFIED", "month": "MODIFIED", "keep": "UNMODIFIED"}


@dataclass(frozen=True)
class Treatment:
    """How one file is treated.

    Attributes:
        profile: The options taken.
        names: Where pseudonyms come from.
        shift: Days by which dates move back.
        people: Words of the names and numbers in the file, in lower case.
    """

    profile: DicomProfile
    names: Pseudonyms
    shift: int = 0
    people: frozenset[str] = field(default=frozenset(), repr=False)


def treated(dataset: Any, profile: DicomProfile, names: Pseudonyms) -> Any:
    """The elements before the pixel data, with the meta information, as they go out."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.sequence import Sequence

    patient = str(dataset.get("PatientID", "") or dataset.get("PatientName", ""))
    shift = names.days(patient, profile.most_days) if profile.dates == "shift" else 0
    people = frozenset(people_in(dataset))
    new = _filtered(dataset, Treatment(profile, names, shift, people), 0)
    for keyword in EMPTIED:
        if keyword not in new and (keyword in dataset or keyword in EMPTIED[:7]):
            setattr(new, keyword, "" if keyword not in ("SeriesNumber", "InstanceNumber") else None)
    new.PatientName = new.PatientID = names.name(patient)
    new.PatientIdentityRemoved = "YES"
    new.DeidentificationMethod = METHOD
    new.LongitudinalTemporalInformationModified = STATES[profile.dates]
    new.DeidentificationMethodCodeSequence = Sequence([_code(*code) for code in profile.codes()])
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    kind = dataset.get("SOPClassUID", dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    meta.MediaStorageSOPClassUID = names.uid(str(kind))
    meta.MediaStorageSOPInstanceUID = new.get("SOPInstanceUID", "")
    meta.ImplementationClassUID = MAKER_UID
    new.file_meta = meta
    return new


def people_in(dataset: Any) -> Iterator[str]:
    """Words of every name and patient's number in a file, in lower case."""
    for element in dataset.iterall():
        if element.VR == "PN" or element.keyword in ("PatientID", "OtherPatientIDs", "AccessionNumber"):
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
        keyword, vr = str(element.keyword), str(element.VR)
        if element.tag.is_private:
            _private(new, dataset, element, profile)
        elif keyword in DROPPED or element.tag.group >> 8 in (0x50, 0x60):  # curves and overlays
            continue
        elif vr == "SQ":
            if keyword in SEQUENCES or (profile.structured and keyword in STRUCTURED):
                items = [_item(item, how, depth + 1) for item in element.value]
                new.add_new(element.tag, "SQ", Sequence([item for item in items if len(item)]))
        elif vr == "UI":
            _identify(new, element, how)
        elif vr in TIMES:
            _date(new, element, how, depth)
        elif profile.descriptors and keyword in DESCRIPTORS:
            words = described(str(element.value), how.people)
            if words:
                new.add_new(element.tag, vr, words)
        elif may_stay(keyword, element.tag.group, vr, profile):
            kept = formed(element, dataset, how.people)
            if kept is not None:
                new[element.tag] = kept if keyword != "PatientAge" else _age(kept)
    return new


def _private(new: Any, dataset: Any, element: Any, profile: DicomProfile) -> None:
    """A private element that is known to be safe, in a block of its creator's."""
    tag = element.tag
    if not profile.private or tag.element < 0x1000:
        return
    reserved = dataset.get((tag.group, tag.element >> 8))
    creator = str(reserved.value).strip() if reserved is not None else ""
    if is_safe(creator, tag.group, tag.element, str(element.VR), element.value):
        new.private_block(tag.group, creator, create=True).add_new(tag.element & 0xFF, element.VR, element.value)


def _item(item: Any, how: Treatment, depth: int) -> Any:
    """An item of a sequence; a code of a public scheme stays, under its own value for a meaning."""
    from pydicom.dataset import Dataset

    if str(item.get("ValueType", "")) not in ("", *TOLD):
        return Dataset()
    new = _filtered(item, how, depth)
    value, scheme = str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))
    if scheme in CODES and len(value) <= 16 and value.replace("-", "").isalnum():
        new.CodeValue, new.CodingSchemeDesignator, new.CodeMeaning = value, scheme, value
    # A number without the concept that it is of says nothing to anybody who may know it.
    if "ValueType" in new and not new.get("ConceptNameCodeSequence"):
        return Dataset()
    return new


def _identify(new: Any, element: Any, how: Treatment) -> None:
    values = [str(value) for value in (element.value if element.VM > 1 else [element.value])]
    group = element.tag.group
    if element.keyword.endswith("UID") and group in (0x0008, 0x0020, 0x0028, 0x3006, 0x0018):
        stay = how.profile.uids or (how.profile.device and element.keyword == "DeviceUID")
        kept = [value if stay and has_form(value, "UI") else how.names.uid(value) for value in values]
        new.add_new(element.tag, "UI", kept if len(kept) > 1 else kept[0])


def _date(new: Any, element: Any, how: Treatment, depth: int) -> None:
    dates = how.profile.dates
    if element.keyword in ("PatientBirthDate", "PatientBirthTime") or element.tag.group not in (0x0008, 0x0018):
        return
    if element.VM > 1 or (element.value and not has_form(str(element.value), element.VR)):
        return
    if dates == "remove":
        if depth and element.VR == "DT":
            new.add_new(element.tag, "DT", "19000101000000")
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

    >>> shifted("20240301", 1), shifted("20240301120000.5", 366), shifted("March", 1)
    ('20240229', '20230301120000.5', '')
    """
    try:
        moment = date(int(value[:4]), int(value[4:6]), int(value[6:8])) - timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    return f"{moment:%Y%m%d}{value[8:]}" if moment.year >= 1000 else ""


def _age(element: Any) -> Any:
    new, word = copy(element), str(element.value)
    if word.endswith("Y") and word[:-1].isdigit() and int(word[:-1]) > 89:
        new.value = "090Y"
    return new
