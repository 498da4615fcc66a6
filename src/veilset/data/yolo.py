"""YOLO labels (one text file per picture), carried over number by number."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from veilset.core.errors import Malformed
from veilset.data.label_index import LabelIndex, clip, number

_CLASS_LISTS = frozenset({"classes.txt", "obj.names", "data.yaml", "dataset.yaml", "data.yml"})
_BEGINS_AS_LABEL = re.compile(rb"\s*(\d+\s+[-+.\deE]+\s|\Z)")


def carry(index: LabelIndex) -> Iterator[tuple[str, bytes]]:
    """(name, content) of a fresh label file for each labelled picture, and of the class names.

    Kept: class numbers and coordinates, boxes cut to the picture. Of a `data.yaml` only the names of the classes; its
    paths and addresses go. Coordinates are fractions of the picture, so they stay valid in whichever frame they were;
    where the picture was turned on the way, nobody knows which that was, and they go.

    Raises:
        Malformed: A label or class file cannot be used; the message names it, and the line.

    *Source*: Ultralytics YOLO data set format (detection, segmentation, pose).
    """
    others = set(index.others)
    names: Sequence[str] | None = None
    for original in sorted(index.names):
        found = next((name for name in _candidates(original) if name in others), None)
        if found is None or not _BEGINS_AS_LABEL.match(data := index.read(found)):
            continue
        if not index.fits(original, None):
            index.used.append(found)
            continue
        if names is None:
            names = _class_names(index)
        index.used.append(found)
        lines = [_line(line, f"{found}, line {at}", names, index) for at, line in _lines(data, found)]
        index.counts["YOLO files carried over"] += 1
        text = "".join(f"{line}\n" for line in lines if line)
        yield f"labels/yolo/{PurePosixPath(index.names[original]).with_suffix('.txt')}", text.encode()
    if names:
        out = io.StringIO()
        YAML().dump({"nc": len(names), "names": list(names)}, out)
        yield "labels/yolo/data.yaml", out.getvalue().encode()


def _candidates(original: str) -> Iterator[str]:
    """Where the label file of a picture may stand: beside it, or in `labels` where the picture is in `images`."""
    path = PurePosixPath(original).with_suffix(".txt")
    yield str(path)
    for at in reversed(range(len(path.parts) - 1)):
        if path.parts[at] == "images":
            yield str(PurePosixPath(*path.parts[:at], "labels", *path.parts[at + 1 :]))


def _lines(data: bytes, name: str) -> Iterator[tuple[int, str]]:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed(f"{name} begins as YOLO labels, but holds other text; correct it or take it away") from error
    for at, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield at, line


def _line(line: str, where: str, names: Sequence[str] | None, index: LabelIndex) -> str:
    """One object anew; empty when its box lies outside the picture."""
    first, *rest = line.split()
    if not first.isdigit() or len(rest) < 4:
        raise Malformed(f"{where}: not a class number and at least four coordinates; correct the label file")
    if names and int(first) >= len(names):
        raise Malformed(f"{where}: class {int(first)}, but only {len(names)} classes are named; correct the label file")
    values = [number(token, "a coordinate", where) for token in rest]
    if not all(-1 <= value <= 2 for value in values):
        raise Malformed(f"{where}: coordinates are fractions of the picture, between 0 and 1; correct the label file")
    if len(values) in {4, 5}:
        x, y, width, height = values[:4]
        left, right = clip(x - width / 2, x + width / 2, 1.0)
        top, bottom = clip(y - height / 2, y + height / 2, 1.0)
        if right <= left or bottom <= top:
            index.counts["labels left out: their box lies outside the picture or is empty"] += 1
            return ""
        fresh = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
        index.counts["boxes cut to the picture"] += max(abs(a - b) for a, b in zip(fresh, values, strict=False)) > 1e-6
        values[:4] = fresh
    index.counts["YOLO objects carried over"] += 1
    return " ".join([str(int(first)), *(f"{value:.6f}" for value in values)])


def _class_names(index: LabelIndex) -> Sequence[str]:
    """The names of the classes, in order; empty when no file gives any."""
    found: dict[tuple[str, ...], str] = {}
    for name in index.others:
        if PurePosixPath(name).name.lower() not in _CLASS_LISTS:
            continue
        names = _names_in(index.read(name), name)
        if names:
            found[names] = name
            index.used.append(name)
    if len(found) > 1:
        raise Malformed(f"{' and '.join(sorted(found.values()))} name different classes; leave one of them")
    return next(iter(found), ())


def _names_in(data: bytes, name: str) -> tuple[str, ...]:
    try:
        text = data.decode("utf-8")
        if not name.lower().endswith((".yaml", ".yml")):
            return tuple(line.strip() for line in text.splitlines() if line.strip())
        plain = YAML(typ="safe").load(text)
    except (UnicodeDecodeError, YAMLError, RecursionError) as error:
        raise Malformed(f"{name} is no list of classes that can be read; correct it or take it away") from error
    names = plain.get("names") if isinstance(plain, dict) else None
    if isinstance(names, dict):
        if set(names) != set(range(len(names))):
            raise Malformed(f"{name}: the classes are not numbered from 0 without gaps; correct it")
        names = [names[at] for at in range(len(names))]
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(entry, str | int) for entry in names):
        raise Malformed(f"{name}: `names` is no list of class names; correct it")
    return tuple(str(entry) for entry in names)
