"""DICOM: the basic confidentiality profile by an allowlist, keyed pseudonyms, shifted dates, pixel bytes untouched."""

from __future__ import annotations

import contextlib
import json
import struct
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np

from veilset.containers.assembly import Assembly
from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.dicom_deflated import inspect_inflated, is_deflated, rebuild_inflated
from veilset.containers.dicom_filter import METHOD, treated
from veilset.containers.dicom_forms import has_its_form, is_of_its_kind
from veilset.containers.dicom_frames import may_be_unread, plan_frames, tags_of
from veilset.containers.dicom_kinds import check_kind
from veilset.containers.dicom_read import DEEPEST, Parsed, read_parts
from veilset.containers.dicom_rules import DROPPED, DicomProfile, may_stay
from veilset.containers.pages import windows
from veilset.containers.pseudonyms import RUN_KEY, Looks, Pseudonyms, given
from veilset.core.errors import DataError, Malformed, MissingExtra, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

NAME = "DICOM"
formats = ("dicom",)
TEXT_RISK = {
    "PN": Risk.PERSON,
    "DA": Risk.TIME,
    "TM": Risk.TIME,
    "DT": Risk.TIME,
    "AS": Risk.PERSON,
    "UI": Risk.HISTORY,
}
BURNED = frozenset(("US", "SC", "XA", "RF", "ES", "XC", "GM", "OT", "IVUS", "OP", "ECG"))
LISTED = 1 << 20
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
    """List the file: every element that would go or change, nested and private ones too. Pixels are not loaded.

    Raises:
        Malformed: It cannot be read.
        Unsupported: Sequences are nested too deeply, or it is coded in a way that the standard does not know.
        MissingExtra: pydicom is not installed.
    """
    with _quiet():
        if is_deflated(data):
            return inspect_inflated(data, inspect)
        parts = read_parts(data)
        tags = list(_tags(parts.header, "dicom", 0))
        tags += list(_tags(parts.behind, "dicom", 0))
        tags += list(_tags(parts.header.file_meta, "dicom/meta", 0))
        tags += [TagValue(path, f"{size} bytes", Risk.CONTENT, size) for path, size in parts.unloaded]
        if bytes(data[128:132]) == b"DICM" and any(data[:128]):
            tags.append(TagValue("dicom/preamble", bytes(data[:128]), Risk.CONTENT, 128))
        tags += [TagValue("dicom/burned_in", word, Risk.HIDDEN) for word in _burned(parts.header)]
        tags += tags_of(data, parts) if parts.tail else ()
        behind = data[_shown(parts) : parts.stop]
        # A single zero makes an odd length even.
        if len(behind) > 1 or any(behind[:1]):
            tags.append(TagValue("dicom/PixelData/behind", bytes(behind[:LISTED]), Risk.HIDDEN, len(behind)))
        return Listing(_facts(parts.header), tuple(tags), _claims(parts, len(data)))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the file anew: under the key of the run (`pseudonyms.under`), or one that this process alone knows.

    With a key, dates are shifted per patient; without, nobody could tell by how much, and they go. What was treated here
    before keeps its names and its shifted dates without a key.
    """
    names, options = given(), dict.fromkeys(keep.dicom, True)
    with _quiet():
        if is_deflated(data):
            return rebuild_inflated(data, out, lambda inner, into: rebuild(inner, into, keep))
        parts = read_parts(data)
        ours = _treated_before(parts.header)
        unsaid = "shift" if names is not None else ours or "remove"
        dates = unsaid if keep.dates == "drop" else keep.dates
        profile = DicomProfile(dates=dates, **options)  # type: ignore[arg-type]
        if names is None:
            names = Looks(RUN_KEY) if ours else Pseudonyms(RUN_KEY)
        return _rebuilt(data, parts, out, profile, names)


def _treated_before(dataset: Any) -> str:
    """How the dates of a file were treated that says, and looks as if, it was treated here; empty for any other."""
    patient = str(dataset.get("PatientID", ""))
    if str(dataset.get("DeidentificationMethod", "")) != METHOD or Looks(b"").name(patient) != patient:
        return ""
    codes = {str(item.get("CodeValue", "")) for item in dataset.get("DeidentificationMethodCodeSequence", ())}
    return "shift" if "113107" in codes else "remove"


def rebuild_under(data: memoryview, out: BinaryIO, profile: DicomProfile, key: bytes) -> tuple[Rebuilt, bytes]:
    """Write the file anew; gives also the table from old names to new ones, as JSON, for `private/` alone.

    **Guarantee**
    - Pixel bytes are copied untouched and never loaded whole; what stands behind the last frame goes. Private elements
      that are not known to be safe, overlays, curves, icons, preamble, padding and application titles go, at every
      depth; free text goes; names and identifiers are keyed pseudonyms.
    - The file says that it was treated, and by which options.

    *Source*: DICOM PS3.15 Annex E; an allowlist takes the place of its table.

    Raises:
        Malformed: It cannot be read.
        Unsupported: It holds no picture, and is of a kind that is not served without.
    """
    names = Pseudonyms(key)
    with _quiet():
        if is_deflated(data):
            rebuilt = rebuild_inflated(data, out, lambda raw, to: _rebuilt(raw, read_parts(raw), to, profile, names))
        else:
            rebuilt = _rebuilt(data, read_parts(data), out, profile, names)
    return rebuilt, json.dumps(names.table, sort_keys=True).encode()


def _rebuilt(data: memoryview, parts: Parsed, out: BinaryIO, profile: DicomProfile, names: Pseudonyms) -> Rebuilt:
    if not parts.pictured:
        check_kind(parts.header, structured=profile.structured)
    buffer = BytesIO()
    treated(parts.header, profile, names).save_as(buffer, enforce_file_format=True)
    written = bytearray(buffer.getvalue())
    written[:128] = bytes(128)
    stop = _shown(parts)
    odd = 0 if parts.tail else (stop - parts.start) % 2
    head = (
        parts.head if parts.tail or not parts.pictured else parts.head[:-4] + _length(parts, stop + odd - parts.start)
    )
    plan = Assembly(data, NAME)
    plan.replace(0, parts.start, bytes(written) + head, "elements")
    plan.residue += _residue(data, parts)
    if not (parts.tail and _plan_frames(plan, parts)):
        plan.keep(parts.start, stop, "pixel data")
        plan.drop(stop, parts.stop, "bytes behind the last frame")
        plan.write(bytes(odd))
    plan.replace(parts.stop, len(data), parts.tail, "elements")
    return plan.finish(out)


def _plan_frames(plan: Assembly, parts: Parsed) -> bool:
    """Whether the compressed frames could be read; the plan then holds them clean. Those of a known coding have to be."""
    try:
        frames = plan_frames(plan.data, parts)
    except DataError:
        unread = may_be_unread(parts)
        if not unread:
            raise
        plan.residue.append(unread)
        return False
    plan.join(frames)
    return True


def _length(parts: Parsed, size: int) -> bytes:
    return size.to_bytes(4, "big" if parts.head[:2] == b"\x7f\xe0" else "little")


def _shown(parts: Parsed) -> int:
    """Where the pixel data end that are shown: plain samples fill a known length, what is longer hides something.

    Raises:
        Malformed: They are shorter.
    """
    dataset, colours = parts.header, str(parts.header.get("PhotometricInterpretation", ""))
    if parts.tail or not parts.pictured:
        return parts.stop
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel", 1))
    bits = pixels * int(dataset.get("BitsAllocated", 8)) * int(dataset.get("NumberOfFrames", 1) or 1)
    held = 8 * (parts.stop - parts.start)
    if colours.endswith(("422", "420")) and held < bits:
        # Colours for two pixels, or for four, are stored once; some files say so and store all of them.
        bits = bits * 2 // 3 if colours.endswith("422") else bits // 2
    if held < bits:
        raise Malformed(f"{NAME}: the pixel data are shorter than the picture; the file is damaged")
    # Words of two bytes with the last sample in the second one: what fills an odd picture up stands before it.
    swapped = parts.head[4:6] == b"OW" and parts.head[:2] == b"\x7f\xe0"
    return min(parts.stop, parts.start + (-(-bits // 16) * 2 if swapped else -(-bits // 8)))


def _claims(parts: Parsed, size: int) -> tuple[Claim, ...]:
    stop = _shown(parts)
    claims = [
        Claim(0, parts.start, Fate.REWRITTEN, "elements"),
        Claim(parts.start, stop, Fate.KEPT, "pixel data"),
        Claim(stop, parts.stop, Fate.DROPPED, "bytes behind the last frame"),
        Claim(parts.stop, size, Fate.REWRITTEN, "elements"),
    ]
    return tuple(claim for claim in claims if claim.stop > claim.start)


def _facts(dataset: Any) -> Facts:
    if "Rows" not in dataset:
        return Facts("dicom", 0, 0)
    depth = int(dataset.get("BitsStored", 0) or dataset.get("BitsAllocated", 8))
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
    if str(dataset.get("SpecimenLabelInImage", "")) == "YES" or {"LABEL", "OVERVIEW"} & set(
        dataset.get("ImageType") or ()
    ):
        yield "the label of a slide, which is in the picture"
    if str(dataset.get("RecognizableVisualFeatures", "")) == "YES":
        yield "the file says that the person can be recognised"


def _residue(data: memoryview, parts: Parsed) -> tuple[str, ...]:
    dataset, found = parts.header, list(_burned(parts.header))
    if not parts.pictured:
        return ("recorded curves, by which people can be told apart",) if "WaveformSequence" in dataset else ()
    if str(dataset.get("PhotometricInterpretation", "")) == "PALETTE COLOR":
        found.append("palette and coding choices")
    stored = int(dataset.get("BitsStored", 16))
    whole = int(dataset.get("BitsAllocated", 8)) == 16 and not dataset.get("PixelRepresentation")
    if whole and stored < 16 and not dataset.file_meta.TransferSyntaxUID.is_compressed:
        for start, stop in windows(data, parts.start, parts.start + (_shown(parts) - parts.start) // 2 * 2):
            if (np.frombuffer(data[start:stop], dtype="<u2") >> stored).any():
                found.append("bits above the stored ones, where old overlays may lie")
                break
    return tuple(found)


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
        else:
            allowed = not tag.is_private and keyword not in DROPPED and may_stay(keyword, tag.group, vr, plain)
            stays = allowed and is_of_its_kind(element) and has_its_form(element, dataset)
            value = element.value if isinstance(element.value, str | bytes | int | float) else str(element.value)
            risk = Risk.TECHNICAL if stays else TEXT_RISK.get(vr, Risk.PERSON if tag.group == 0x10 else Risk.CONTENT)
            yield TagValue(place, value, risk, len(str(value)), technical=stays)
