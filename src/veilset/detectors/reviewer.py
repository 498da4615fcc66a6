"""What people drew or corrected by hand, as findings: boxes of a COCO file or of CVAT's XML."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from veilset.core.check import in_range, one_of
from veilset.core.errors import BadSetting, Malformed, Unreadable, Unsupported, UsageError
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Area, Box, Polygon

KINDS = ("document", "explicit_region", "face", "person", "plate", "screen", "text")
PERSONAL = ("face", "person", "plate")
Places = tuple[tuple[str, Area], ...]
Drawn = Mapping[str, Places]


def from_coco(plain: Any, file: str) -> Drawn:
    """Name of a picture to (label, place), from the JSON of a COCO detection file.

    Raises:
        Malformed: A list or a key is missing, or an annotation points to nothing.
    """
    try:
        labels = {one["id"]: str(one["name"]) for one in plain["categories"]}
        names = {one["id"]: str(one["file_name"]) for one in plain["images"]}
        found: dict[str, list[tuple[str, Area]]] = {name: [] for name in names.values()}
        for one in plain["annotations"]:
            x, y, width, height = map(float, one["bbox"])
            found[names[one["image_id"]]].append((labels[one["category_id"]], Box(x, y, width, height)))
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"{file} is not a COCO detection file: {type(error).__name__} at {error}") from error
    return {name: tuple(places) for name, places in found.items()}


def from_cvat(text: bytes, file: str) -> Drawn:
    """Name of a picture to (label, place), from "CVAT for images 1.1".

    Raises:
        Malformed: It is no such XML, or a number is none.
        Unsupported: A shape that is neither box nor polygon.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(text)
        if root.tag != "annotations":
            raise Malformed(f"{file} is not an annotation file of CVAT: its root is <{root.tag}>")
        found = {}
        for image in root.iter("image"):
            found[image.attrib["name"]] = tuple(
                (shape.attrib["label"], _shape(shape, file)) for shape in image if shape.tag != "tag"
            )
    except (ParseError, DefusedXmlException, KeyError, ValueError) as error:
        if isinstance(error, BadSetting):
            raise Malformed(f"{file}: {error.message}") from error
        raise Malformed(f"{file} is not an annotation file of CVAT: {type(error).__name__} at {error}") from error
    return found


def _shape(shape: Any, file: str) -> Area:
    if shape.tag == "box":
        if float(shape.attrib.get("rotation", 0)):
            raise Unsupported(f"{file} holds a rotated box; draw a polygon in its place")
        x1, y1, x2, y2 = (float(shape.attrib[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
        return Box(x1, y1, x2 - x1, y2 - y1)
    if shape.tag == "polygon":
        points = (point.split(",") for point in shape.attrib["points"].split(";"))
        return Polygon(tuple((float(x), float(y)) for x, y in points))
    raise Unsupported(f"{file} holds a <{shape.tag}>; only boxes and polygons are read")


@dataclass(frozen=True)
class Reviewer:
    """Finds what a person drew: it is united with what detectors find.

    A box labelled `not face` (or `not` and another kind) is a veto: a detector's finding of that kind is none. A veto
    works only for kinds in `may_veto`, on one finding that has nearly the same box, and is on the record: its number in
    the manifest, who and when in `private/vetoes.csv`. What a person drew cannot be vetoed.

    Attributes:
        path: COCO JSON or CVAT XML with boxes in pixels of the upright pictures.
        who: Pseudonym of the reviewer, for the record.
        unlisted: What a picture is that the file does not name: `ignore` it, or `refuse` to go on without a review.
        may_veto: Kinds of findings that the reviewer may take away; none by default.
        overlap: Least intersection over union of a veto and the finding that it takes away, from 0.5 to 1.

    *Shapes and units*: boxes and polygons in pixels of the upright picture; score 1. Labels are kinds (`face`, `plate`),
    whatever their case.

    *Raises*: UsageError when the file holds a veto that `may_veto` does not allow. DataError when the file cannot be
    read, holds another label or shape, or with `refuse` does not name the picture.

    *Source*: the file itself; formats as documented by COCO and CVAT.

    >>> Reviewer(unlisted="refuse").who
    'reviewer'
    """

    path: str = "private/reviewed.json"
    who: str = "reviewer"
    unlisted: str = "ignore"
    may_veto: tuple[str, ...] = ()
    overlap: float = 0.7

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = KINDS

    def __post_init__(self) -> None:
        one_of(("ignore", "refuse"), unlisted=self.unlisted)
        for kind in self.may_veto:
            one_of(KINDS, may_veto=kind)
        in_range(0.5, 1, overlap=self.overlap)

    def check(self) -> None:
        """Read the whole file before any picture, so that what it may not say stops the run at its beginning."""
        for places in _read(self.path).values():
            self._sorted(places)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """What was drawn on this picture, in order of the file."""
        return tuple(
            Finding(kind, where, 1.0, f"reviewer:{self.who}", Risk.PERSON if kind in PERSONAL else Risk.CONTENT)
            for kind, where in self._sorted(self._places(sample))[0]
        )

    def vetoes(self, sample: Sample) -> tuple[Finding, ...]:
        """What was said not to be there, with the overlap that it asks for and when the file was last changed."""
        said = self._sorted(self._places(sample))[1]
        if not said:
            return ()
        changed = dt.datetime.fromtimestamp(Path(self.path).stat().st_mtime, dt.UTC)
        detail = {"overlap": self.overlap, "reviewed": changed.isoformat(timespec="seconds")}
        return tuple(Finding(kind, where, 1.0, f"reviewer:{self.who}", detail=detail) for kind, where in said)

    def _places(self, sample: Sample) -> Places:
        drawn = _read(self.path)
        name = sample.origin.name or sample.id
        if name not in drawn and self.unlisted == "refuse":
            raise Unreadable(f"{self.path} does not name this picture: nobody reviewed it", sample.id)
        return drawn.get(name, ())

    def _sorted(self, places: Places) -> tuple[list[tuple[str, Area]], list[tuple[str, Area]]]:
        """(what is there, what is not) as (kind, where)."""
        there: list[tuple[str, Area]] = []
        vetoed: list[tuple[str, Area]] = []
        for label, where in places:
            words = label.strip().lower().replace("-", " ").replace("_", " ").split()
            veto = words[:1] == ["not"]
            kind = "_".join(words[veto:])
            if kind not in KINDS:
                raise Malformed(f"{self.path} holds a label that is no kind of finding; known: {', '.join(KINDS)}")
            if veto and kind not in self.may_veto:
                raise UsageError(
                    f"{self.path}: the reviewer vetoes a finding of kind {kind}, which the policy does not allow; take the "
                    f"box out, or allow it: reviewer: {{path: ..., may_veto: [{kind}]}}"
                )
            if veto and not isinstance(where, Box):
                raise Unsupported(f"{self.path}: a veto is a box, so that what it means is clear; draw one")
            (vetoed if veto else there).append((kind, where))
        return there, vetoed


def _read(path: str) -> Drawn:
    """The file, read again only when it has changed."""
    try:
        facts = Path(path).stat()
    except OSError as error:
        raise Unreadable(f"{path}: the reviewed boxes cannot be read ({error.strerror})") from error
    return _read_version(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=4)
def _read_version(path: str, _changed: int, _size: int) -> Drawn:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: the reviewed boxes cannot be read ({error.strerror})") from error
    if content.lstrip()[:1] == b"<":
        return from_cvat(content, path)
    try:
        plain = json.loads(content)
    except ValueError as error:
        raise Malformed(f"{path} is neither JSON nor XML") from error
    return from_coco(plain, path)
