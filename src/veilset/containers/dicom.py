"""DICOM: the basic confidentiality profile by an allowlist, keyed pseudonyms, shifted dates, pixel bytes untouched."""

from __future__ import annotations

import contextlib
import json
import struct
import warnings
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np

from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.dicom_rules import CODES, EMPTIED, SEQUENCES, TIMES, DicomProfile, may_stay
from veilset.containers.pseudonyms import RUN_KEY, Pseudonyms, given
from veilset.core.errors import Malformed, MissingExtra, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

NAME = "DICOM"
formats = ("dicom",)
MAKER_UID = "2.25.302934610712853967102784619283740019283"
TEXT_RISK = {
    "PN": Risk.PERSON,
    "DA": Risk.TIME,
    "TM": Risk.TIME,
    "DT": Risk.TIME,
    "AS": Risk.PERSON,
    "UI": Risk.HISTORY,
}
BURNED = frozenset(("US", "SC", "XA", "RF", "ES", "XC", "GM", "OT", "IVUS", "OP", "ECG"))
DEEPEST = 16
# What pydicom raises on bytes that contradict the format, as fuzzing showed.
CONTRADICTIONS = (
    AttributeError, ValueError, TypeError, EOFError, OSError, NotImplementedError, LookupError, ArithmeticError,
    RecursionError, struct.error,
)  # fmt: skip


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """pydicom warns about values and raises what it likes; here every such thing is one clear error."""
    try:
        from pydicom import config
        from pydicom.errors import BytesLengthException, InvalidDicomError
    except ImportError as error:
        raise MissingExtra("DICOM needs an extra: pip install 'veilset[medical]'") from error
    broken: tuple[type[Exception], ...] = (InvalidDicomError, BytesLengthException, *CONTRADICTIONS)
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        try:
            yield
        except broken:
            raise Malformed(f"{NAME}: cannot be read whole; it is truncated or damaged") from None


def inspect(data: memoryview) -> Listing:
    """List the file: every element that would go or change, nested and private ones too.

    Raises:
        Malformed: It cannot be read.
        Unsupported: It holds no picture.
        MissingExtra: pydicom is not installed.
    """
    with _quiet():
        dataset = _read(data)
        claims = _claims(dataset, len(data))
        tags = list(_tags(dataset, "dicom", 0))
        tags += list(_tags(dataset.file_meta, "dicom/meta", 0))
        if any(data[:128]):
            tags.append(TagValue("dicom/preamble", bytes(data[:128]), Risk.CONTENT, 128))
        tags += [TagValue("dicom/burned_in", word, Risk.HIDDEN) for word in _burned(dataset)]
        return Listing(_facts(dataset), tuple(tags), claims)


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the file anew: under the key of the run (`pseudonyms.under`), or one that this process alone knows.

    With a key, dates are shifted per patient; without, nobody could tell by how much, and they go.
    """
    names = given()
    if names is None:
        profile = DicomProfile(dates="keep" if keep.dates == "keep" else "remove")
        return _rebuilt(data, out, profile, Pseudonyms(RUN_KEY))
    return _rebuilt(data, out, DicomProfile(dates="keep" if keep.dates == "keep" else "shift"), names)


def rebuild_under(data: memoryview, out: BinaryIO, profile: DicomProfile, key: bytes) -> tuple[Rebuilt, bytes]:
    """Write the file anew; gives also the table from old names to new ones, as JSON, for `private/` alone.

    **Guarantee**
    - Pixel bytes are copied untouched. Private elements, overlays, curves, icons, preamble, padding and application
      titles go, at every depth; free text goes; names and identifiers are keyed pseudonyms.
    - The file says that it was treated, and by which options.

    *Source*: DICOM PS3.15 Annex E; an allowlist takes the place of its table.

    Raises:
        Malformed: It cannot be read.
        Unsupported: It holds no picture.
    """
    names = Pseudonyms(key)
    rebuilt = _rebuilt(data, out, profile, names)
    return rebuilt, json.dumps(names.table, sort_keys=True).encode()


def _rebuilt(data: memoryview, out: BinaryIO, profile: DicomProfile, names: Pseudonyms) -> Rebuilt:
    with _quiet():
        dataset = _read(data)
        claims = _claims(dataset, len(data))
        pixels = bytes(data[claims[1].start : claims[1].stop])
        residue = _residue(dataset, pixels)
        new = _treated(dataset, profile, names)
        buffer = BytesIO()
        new.save_as(buffer, enforce_file_format=True)
        written = bytearray(buffer.getvalue())
    written[:128] = bytes(128)
    place = written.rfind(pixels)
    if place < 0:
        raise Malformed(f"{NAME}: the pixel data cannot be carried over as they are")
    out.write(bytes(written))
    copied = ((claims[1].start, place, len(pixels)),)
    return Rebuilt(len(written), claims, copied, residue)


def _read(data: memoryview) -> Any:
    from pydicom import dcmread

    dataset = dcmread(BytesIO(bytes(data)))
    if "PixelData" not in dataset:
        raise Unsupported(f"{NAME}: holds no picture (a report, a directory, a waveform); only images are served")
    return dataset


def _claims(dataset: Any, size: int) -> tuple[Claim, ...]:
    raw = dataset.get_item("PixelData")
    start, length = int(raw.value_tell), len(raw.value)
    if dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1.99":
        raise Unsupported(f"{NAME}: deflated files are not served; save it uncompressed")
    whole = [Claim(0, start, Fate.REWRITTEN, "elements"), Claim(start, start + length, Fate.KEPT, "pixel data")]
    if start + length < size:
        whole.append(Claim(start + length, size, Fate.REWRITTEN, "elements"))
    return tuple(whole)


def _facts(dataset: Any) -> Facts:
    depth = int(dataset.get("BitsStored", 8))
    channels = int(dataset.get("SamplesPerPixel", 1))
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    colour = "rgb" if channels > 1 else "grey"
    return Facts("dicom", int(dataset.Columns), int(dataset.Rows), 1, frames, depth, channels, colour)


def _burned(dataset: Any) -> Iterator[str]:
    said = str(dataset.get("BurnedInAnnotation", ""))
    if said == "YES":
        yield "the file says that text is burned into the picture"
    elif said != "NO" and str(dataset.get("Modality", "")) in BURNED:
        yield "pictures of this kind often have text burned in"
    if str(dataset.get("RecognizableVisualFeatures", "")) == "YES":
        yield "the file says that the person can be recognised"


def _residue(dataset: Any, pixels: bytes) -> tuple[str, ...]:
    found = list(_burned(dataset))
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        found.append("comments of the encoder inside compressed frames")
    elif int(dataset.get("BitsAllocated", 8)) == 16 and not dataset.get("PixelRepresentation"):
        high = np.frombuffer(pixels[: len(pixels) // 2 * 2], dtype="<u2") >> min(int(dataset.get("BitsStored", 16)), 15)
        if int(dataset.get("BitsStored", 16)) < 16 and high.any():
            found.append("bits above the stored ones, where old overlays may lie")
    return tuple(found)


def _treated(dataset: Any, profile: DicomProfile, names: Pseudonyms) -> Any:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence

    patient = str(dataset.get("PatientID", "") or dataset.get("PatientName", ""))
    shift = names.days(patient, profile.most_days) if profile.dates == "shift" else 0
    new = _filtered(dataset, profile, names, shift, 0)
    for keyword in EMPTIED:
        if keyword not in new and (keyword in dataset or keyword in EMPTIED[:7]):
            setattr(new, keyword, "" if keyword not in ("SeriesNumber", "InstanceNumber") else None)
    new.PatientName = new.PatientID = names.name(patient)
    new.PatientIdentityRemoved = "YES"
    new.DeidentificationMethod = "Veilset allowlist"
    new.LongitudinalTemporalInformationModified = {"remove": "REMOVED", "shift": "MODIFIED", "keep": "UNMODIFIED"}[
        profile.dates
    ]
    items = []
    for code, meaning in profile.codes():
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        items.append(item)
    new.DeidentificationMethodCodeSequence = Sequence(items)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    meta.MediaStorageSOPInstanceUID = new.get("SOPInstanceUID", "")
    meta.ImplementationClassUID = MAKER_UID
    new.file_meta = meta
    return new


def _filtered(dataset: Any, profile: DicomProfile, names: Pseudonyms, shift: int, depth: int) -> Any:
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    if depth > DEEPEST:
        raise Unsupported(f"{NAME}: sequences are nested deeper than {DEEPEST} levels")
    new = Dataset()
    for element in dataset:
        keyword, vr = str(element.keyword), str(element.VR)
        if element.tag.is_private or 0x5000 <= element.tag.group < 0x5100 or 0x6000 <= element.tag.group < 0x6100:
            continue
        if vr == "SQ":
            if keyword in SEQUENCES:
                kept = [_item(item, profile, names, shift, depth + 1) for item in element.value]
                new.add_new(element.tag, "SQ", Sequence([item for item in kept if len(item)]))
        elif vr == "UI":
            _identify(new, element, profile, names)
        elif vr in TIMES:
            _date(new, element, profile, shift, depth)
        elif may_stay(keyword, element.tag.group, vr, profile):
            new[element.tag] = element if keyword != "PatientAge" else _age(element)
    return new


def _item(item: Any, profile: DicomProfile, names: Pseudonyms, shift: int, depth: int) -> Any:
    """An item of a sequence; a code of a public scheme stays, under its own value for a meaning."""
    new = _filtered(item, profile, names, shift, depth)
    value, scheme = str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))
    if scheme in CODES and len(value) <= 16 and value.replace("-", "").isalnum():
        new.CodeValue, new.CodingSchemeDesignator, new.CodeMeaning = value, scheme, value
    return new


def _identify(new: Any, element: Any, profile: DicomProfile, names: Pseudonyms) -> None:
    values = [str(value) for value in (element.value if element.VM > 1 else [element.value])]
    group = element.tag.group
    if element.keyword.endswith("UID") and group in (0x0008, 0x0020, 0x0028, 0x3006, 0x0018):
        kept = values if profile.uids else [names.uid(value) for value in values]
        new.add_new(element.tag, "UI", kept if len(kept) > 1 else kept[0])


def _date(new: Any, element: Any, profile: DicomProfile, shift: int, depth: int) -> None:
    if element.keyword in ("PatientBirthDate", "PatientBirthTime") or element.tag.group not in (0x0008, 0x0018):
        return
    if profile.dates == "remove":
        if depth and element.VR == "DT":
            new.add_new(element.tag, "DT", "19000101000000")
    elif profile.dates == "keep" or element.VR == "TM":
        new[element.tag] = element
    else:
        moved = shifted(str(element.value), shift)
        if moved:
            new.add_new(element.tag, element.VR, moved)


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
    from copy import copy

    new, word = copy(element), str(element.value)
    if word.endswith("Y") and word[:-1].isdigit() and int(word[:-1]) > 89:
        new.value = "090Y"
    return new


def _tags(dataset: Any, path: str, depth: int) -> Iterator[TagValue]:
    if depth > DEEPEST:
        raise Unsupported(f"{NAME}: sequences are nested deeper than {DEEPEST} levels")
    plain = DicomProfile()
    for element in dataset:
        tag, vr, keyword = element.tag, str(element.VR), str(element.keyword)
        place = f"{path}/{keyword or f'{tag.group:04x},{tag.element:04x}'}"
        if vr == "SQ":
            for number, item in enumerate(element.value, 1):
                yield from _tags(item, f"{place}/{number}", depth + 1)
        elif keyword == "PixelData" and depth:
            yield TagValue(place, bytes(element.value), Risk.HIDDEN, len(element.value))
        elif keyword != "PixelData":
            stays = not tag.is_private and may_stay(keyword, tag.group, vr, plain)
            value = element.value if isinstance(element.value, str | bytes | int | float) else str(element.value)
            risk = Risk.TECHNICAL if stays else TEXT_RISK.get(vr, Risk.PERSON if tag.group == 0x10 else Risk.CONTENT)
            yield TagValue(place, value, risk, len(str(value)), technical=stays)
