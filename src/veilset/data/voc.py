"""Pascal VOC labels (one XML per picture), carried over element by element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from veilset.core.errors import Malformed
from veilset.data.label_index import LabelIndex, clip, number

_FLAGS = ("truncated", "difficult", "occluded")
_POSES = frozenset({"Unspecified", "Frontal", "Rear", "Left", "Right"})
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_LOOKS_LIKE = re.compile(rb"<annotation[\s>]")


def carry(index: LabelIndex) -> Iterator[tuple[str, bytes]]:
    """(name, content) of a fresh annotation for each annotated picture that was released.

    Kept: file name (the new one), size, and of objects name, pose, flags, box and parts. Folder, path, owner, source
    and everything unknown goes. Boxes are cut to the picture.

    Raises:
        Malformed: An annotation cannot be used; the message names it.

    *Source*: PASCAL VOC development kit, annotation format.
    """
    for name in index.others:
        if not name.lower().endswith(".xml"):
            continue
        root = _parse(index.read(name), name)
        if root is None:
            continue
        index.used.append(name)
        original = index.find(_text(root, "filename"), name) or index.find(PurePosixPath(name).stem + ".jpg", name)
        if original is None or original not in index.names:
            index.counts["labels left out: their picture was not released, or is not to be told from another"] += 1
            continue
        fresh = _carry_one(root, original, name, index)
        if fresh is not None:
            indent(fresh)
            index.counts["VOC files carried over"] += 1
            target = PurePosixPath(index.names[original]).with_suffix(".xml")
            yield f"labels/voc/{target}", tostring(fresh, encoding="utf-8") + b"\n"


def _parse(data: bytes, name: str) -> Element | None:
    """The root of an annotation; None for XML about something else."""
    try:
        root: Element = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError) as error:
        if _LOOKS_LIKE.search(data):
            raise Malformed(f"{name} looks like a VOC annotation, but is no sound XML; correct or remove it") from error
        return None
    return root if root.tag == "annotation" and root.find("filename") is not None else None


def _carry_one(root: Element, original: str, name: str, index: LabelIndex) -> Element | None:
    stored, _ = index.sizes(original)
    size = root.find("size")
    stated = None
    if size is not None:
        stated = (int(_number(size, "width", name)), int(_number(size, "height", name)))
    if not index.fits(original, stated):
        return None
    frame = stated or stored
    fresh = Element("annotation")
    SubElement(fresh, "filename").text = index.names[original]
    sizes = SubElement(fresh, "size")
    depth = _number(size, "depth", name) if size is not None and size.find("depth") is not None else 3
    for tag, value in (("width", frame[0]), ("height", frame[1]), ("depth", depth)):
        SubElement(sizes, tag).text = f"{value:g}" if isinstance(value, float) else str(value)
    if root.find("segmented") is not None:
        SubElement(fresh, "segmented").text = f"{_number(root, 'segmented', name):g}"
    for entry in root.findall("object"):
        _object(entry, fresh, frame, name, index)
    return fresh


def _object(entry: Element, into: Element, frame: tuple[int, int], name: str, index: LabelIndex) -> None:
    box = _box(entry, frame, name, index)
    if box is None:
        return
    fresh = SubElement(into, "object")
    SubElement(fresh, "name").text = _text(entry, "name")
    if _text(entry, "pose") in _POSES:
        SubElement(fresh, "pose").text = _text(entry, "pose")
    for flag in _FLAGS:
        if entry.find(flag) is not None:
            SubElement(fresh, flag).text = f"{_number(entry, flag, name):g}"
    fresh.append(box)
    for part in entry.findall("part"):
        part_box = _box(part, frame, name, index)
        if part_box is not None:
            fresh_part = SubElement(fresh, "part")
            SubElement(fresh_part, "name").text = _text(part, "name")
            fresh_part.append(part_box)
    index.counts["VOC objects carried over"] += 1


def _box(entry: Element, frame: tuple[int, int], name: str, index: LabelIndex) -> Element | None:
    box = entry.find("bndbox")
    if box is None:
        raise Malformed(f"{name}: an object has no bndbox; correct the label file")
    left, top, right, bottom = given = tuple(_number(box, side, name) for side in _SIDES)
    left, right = clip(left, right, frame[0])
    top, bottom = clip(top, bottom, frame[1])
    if right <= left or bottom <= top:
        index.counts["labels left out: their box lies outside the picture or is empty"] += 1
        return None
    index.counts["boxes cut to the picture"] += given != (left, top, right, bottom)
    fresh = Element("bndbox")
    for side, value in zip(_SIDES, (left, top, right, bottom), strict=True):
        SubElement(fresh, side).text = f"{value:.10g}"
    return fresh


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _number(element: Element, tag: str, name: str) -> float:
    return number(_text(element, tag), tag, name)
