"""Labelled boxes from where people keep them: COCO JSON, CSV, CVAT XML."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import Malformed, Unreadable, Unsupported

Floats = NDArray[np.float64]
_Labelled = tuple[str, str, tuple[float, float, float, float] | None]


def read_truth(path: Path, label: str = "") -> dict[str, tuple[Floats, tuple[str, ...]]]:
    """Boxes (n, 4) as (x, y, width, height) and the label of each, by file name.

    Args:
        path: COCO JSON, CSV with the columns file,x,y,w,h[,label], or CVAT XML ("CVAT for images").
        label: Keep boxes with this label only; empty keeps all. Pictures without a box stay: they hold nothing.

    Raises:
        Unreadable: The file cannot be opened.
        Unsupported: Its name ends in none of .json, .csv, .xml.
        Malformed: It is not what its name says.
    """
    readers: Mapping[str, Callable[[Path], Iterator[_Labelled]]] = {".json": _coco, ".csv": _csv, ".xml": _cvat}
    if path.suffix.lower() not in readers:
        raise Unsupported(f"{path}: truth is read from .json (COCO), .csv or .xml (CVAT)")
    boxes: dict[str, list[tuple[float, float, float, float]]] = {}
    labels: dict[str, list[str]] = {}
    try:
        for name, kind, box in readers[path.suffix.lower()](path):
            boxes.setdefault(name, [])
            labels.setdefault(name, [])
            if box is not None and (not label or kind == label):
                boxes[name].append(box)
                labels[name].append(kind)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Malformed(f"{path} is not the truth that its name promises ({type(error).__name__}: {error})") from error
    return {name: (np.array(boxes[name], dtype=float).reshape(-1, 4), tuple(labels[name])) for name in sorted(boxes)}


def _coco(path: Path) -> Iterator[_Labelled]:
    content = json.loads(path.read_text(encoding="utf-8"))
    names = {image["id"]: image["file_name"] for image in content["images"]}
    kinds = {category["id"]: category["name"] for category in content.get("categories", ())}
    for name in names.values():
        yield name, "", None
    for mark in content["annotations"]:
        x, y, width, height = map(float, mark["bbox"])
        yield names[mark["image_id"]], kinds.get(mark.get("category_id"), ""), (x, y, width, height)


def _csv(path: Path) -> Iterator[_Labelled]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream):
            kind = row.get("label") or row.get("class_name") or ""
            if row["x"] == "":
                yield row["file"], kind, None
            else:
                yield row["file"], kind, (float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"]))


def _cvat(path: Path) -> Iterator[_Labelled]:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    try:
        root = parse(path).getroot()
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(str(error)) from error
    if root.tag != "annotations":
        raise ValueError("the root element is not <annotations>")
    for image in root.iter("image"):
        name = image.attrib["name"]
        yield name, "", None
        for box in image.iter("box"):
            left, top, right, bottom = (float(box.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
            yield name, box.attrib["label"], (left, top, right - left, bottom - top)
