"""What a page of a document draws: operators by allowlist, forms laid open, words that nobody sees taken out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from veilset.containers.pdf_images import DEVICE, Images, is_number, numbers
from veilset.containers.pdf_objects import Cursor, Name, Ref, Stream, Word
from veilset.containers.pdf_text import plain
from veilset.core.errors import Malformed, Unsupported

NAME = "PDF"
ADVICE = "only documents of scanned or photographed pages are served; export its pages as pictures"
# Operators that place, clip and paint, with how many numbers each takes.
PAINT = {
    b"q": 0, b"Q": 0, b"cm": 6, b"re": 4, b"W": 0, b"W*": 0, b"n": 0, b"m": 2, b"l": 2, b"c": 6, b"v": 4, b"y": 4,
    b"h": 0, b"f": 0, b"F": 0, b"f*": 0, b"S": 0, b"s": 0, b"B": 0, b"B*": 0, b"b": 0, b"b*": 0, b"w": 1, b"J": 1,
    b"j": 1, b"M": 1, b"i": 1, b"g": 1, b"G": 1, b"rg": 3, b"RG": 3, b"k": 4, b"K": 4,
}  # fmt: skip
FILLS = frozenset((b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"))
ENDS = FILLS | {b"n", b"S", b"s"}
MARKS = frozenset((b"BMC", b"BDC", b"EMC", b"MP", b"DP", b"ri", b"BX", b"EX"))
# How text would look; and what shows it.
TEXT = frozenset((b"BT", b"ET", b"Tf", b"Tc", b"Tw", b"Tz", b"TL", b"Ts", b"Td", b"TD", b"Tm", b"T*"))
SHOWS = frozenset((b"Tj", b"TJ", b"'", b'"'))
UNSEEN = 3
BLENDS = frozenset(
    b"Normal Compatible Multiply Screen Overlay Darken Lighten ColorDodge ColorBurn HardLight SoftLight Difference "
    b"Exclusion Hue Saturation Color Luminosity".split()
)
COVERED = "pixels below what is painted over a picture, or outside what is cut out of it"
OUTSIDE = "pixels outside the visible part of a page"
SMALL = "pictures too small to be seen"
# Of a point, 1/72 inch: edges are rounded.
_NEAR, _SEEN, _DEEPEST = 0.5, 1.0, 6
_FEW, _MOST, _FORMS, _LINES = 512, 1 << 16, 2000, 100_000
Box = tuple[float, float, float, float]
Matrix = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class State:
    """What `q` saves: how text is shown, where things stand, what is cut out, and whether paint covers."""

    text: int = 0
    matrix: Matrix = (1, 0, 0, 1, 0, 0)
    clip: Box | None = None
    cut: bool = False
    blended: bool = False


@dataclass
class Drawn:
    """A page's operators and what they refer to.

    Attributes:
        words: What text that nobody sees says.
    """

    shown: Box
    images: dict[bytes, Ref] = field(default_factory=dict)
    states: dict[bytes, dict[bytes, Any]] = field(default_factory=dict)
    spaces: dict[bytes, Any] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    words: list[bytes] = field(default_factory=list)
    places: list[Box] = field(default_factory=list)
    names: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    forms: int = 0


class Content:
    """Reads what is drawn into `drawn`, and what stays hidden into the images' residue."""

    def __init__(self, drawn: Drawn, images: Images) -> None:
        self.drawn, self.images, self.get = drawn, images, images.document.get
        self.state, self.saved = State(clip=drawn.shown), list[State]()
        self.path: list[Box | None] = []
        self.cutting = False

    def read(self, raw: bytes, resources: dict[bytes, Any], depth: int = 0, *, group: bool = False) -> None:
        """Every operator of a page, or of a form on it.

        Raises:
            Unsupported: It draws something else than pictures and plain shapes.
        """
        cursor, operands = Cursor(raw), list[Any]()
        floor = len(self.saved)
        while True:
            item = cursor.next()
            if not isinstance(item, Word):
                operands.append(item)
                if len(operands) > 64:
                    raise Malformed(f"{NAME}: a page's content is broken")
                continue
            if not item:
                return
            if item == b"Q" and len(self.saved) <= floor and depth:
                raise Malformed(f"{NAME}: a form takes back what it did not save")
            self._one(item, operands, resources, depth, group)
            operands = []

    def _one(self, item: bytes, operands: list[Any], resources: dict[bytes, Any], depth: int, group: bool) -> None:
        named = len(operands) == 1 and isinstance(operands[0], Name)
        if item == b"Do" and named:
            self._draw(resources, bytes(operands[0]), depth)
        elif item == b"gs" and named:
            self._settings(self.get(self._listed(resources, b"ExtGState").get(bytes(operands[0]))), group)
        elif item in (b"cs", b"CS") and named:
            self._line(b"/" + self._space(resources, operands[0]), item)
        elif item in (b"sc", b"scn", b"SC", b"SCN") and 0 < len(operands) <= 4 and all(map(is_number, operands)):
            self._line(*map(plain, operands), item)
        elif item == b"d" and len(operands) == 2 and isinstance(operands[0], list) and is_number(operands[1]):
            self._line(plain(numbers(self.get, operands[0]) if operands[0] else []), plain(operands[1]), item)
        elif item in PAINT and len(operands) == PAINT[item] and all(map(is_number, operands)):
            self._line(*map(plain, operands), item)
            self._follow(item, [float(value) for value in operands])
        elif item == b"Tr" and len(operands) == 1 and isinstance(operands[0], int):
            self.state = replace(self.state, text=operands[0])
        elif item in SHOWS and self.state.text == UNSEEN:
            said = operands[-1] if operands else b""
            self.drawn.words += [
                part for part in (said if isinstance(said, list) else [said]) if isinstance(part, bytes)
            ]
        elif item not in MARKS | TEXT or b"OC" in operands:
            raise Unsupported(f"{NAME}: pages hold text, patterns or layers; {ADVICE}")

    def _line(self, *parts: bytes) -> None:
        self.drawn.lines.append(b" ".join(parts))

    def _listed(self, resources: dict[bytes, Any], kind: bytes) -> dict[bytes, Any]:
        found = self.get(resources.get(kind))
        return found if isinstance(found, dict) else {}

    def _follow(self, item: bytes, values: list[float]) -> None:
        """Where things stand, what is cut out, and what is painted over pictures."""
        if item == b"q":
            if len(self.saved) > 256:
                raise Malformed(f"{NAME}: a page saves more than it can take back")
            self.saved.append(self.state)
        elif item == b"Q" and self.saved:
            self.state = self.saved.pop()
        elif item == b"cm":
            self.state = replace(self.state, matrix=times(tuple(values), self.state.matrix))  # type: ignore[arg-type]
        elif item == b"re":
            left, low, wide, high = values
            self.path.append(self._box((left, low, left + wide, low + high)))
        elif item in (b"m", b"l", b"c", b"v", b"y"):
            self.path.append(None)
        elif item in (b"W", b"W*"):
            self.cutting = True
        elif item in ENDS:
            if item in FILLS and self.drawn.images and self._covers():
                self.images.residue.append(COVERED)
            if self.cutting:
                box = self.path[0] if len(self.path) == 1 else None
                clip = self.state.clip
                both = common(box, clip) if box and clip else None
                self.state = replace(self.state, clip=both or (0, 0, 0, 0)) if box else replace(self.state, cut=True)
            self.path, self.cutting = [], False

    def _covers(self) -> bool:
        if len(self.path) * len(self.drawn.places) > _MOST:
            return True
        return any(
            box is None or any(is_over(box, place) for place in self.drawn.places) for box in self.path or [None]
        )

    def _box(self, box: Box) -> Box | None:
        """A rectangle on the page; None where it is turned."""
        a, b, c, d, _, _ = self.state.matrix
        return spread(box, self.state.matrix) if (not b and not c) or (not a and not d) else None

    def _draw(self, resources: dict[bytes, Any], name: bytes, depth: int) -> None:
        drawn = self._listed(resources, b"XObject")
        what = self.get(drawn.get(name))
        if isinstance(what, Stream) and self.get(what.entries.get(b"Subtype")) == b"Form":
            self._form(what, resources, depth)
            return
        # One name for an image, whatever each form calls it.
        key = (id(drawn), name)
        if key not in self.drawn.names:
            made = self.images.image(drawn.get(name))
            old = next((known for known, ref in self.drawn.images.items() if ref == made), b"")
            self.drawn.names[key] = old or b"I%d" % (len(self.drawn.images) + 1)
            self.drawn.images[self.drawn.names[key]] = made
        self._line(b"/" + self.drawn.names[key], b"Do")
        self._placed(spread((0, 0, 1, 1), self.state.matrix))

    def _placed(self, place: Box) -> None:
        """Say what of a picture is not seen."""
        clip, residue = self.state.clip, self.images.residue
        if min(place[2] - place[0], place[3] - place[1]) < _SEEN:
            residue.append(SMALL)
        if not inside(place, self.drawn.shown):
            residue.append(OUTSIDE)
        elif self.state.cut or clip is None or not inside(place, clip):
            residue.append(COVERED)
        # Of very many pictures it is not told which lie over one another.
        if len(self.drawn.places) >= _FEW or any(is_over(place, other) for other in self.drawn.places):
            residue.append(COVERED)
        else:
            self.drawn.places.append(place)

    def _form(self, form: Stream, resources: dict[bytes, Any], depth: int) -> None:
        """What a form draws, in its place: saved state, matrix, cut to its box, taken back."""
        entries = {key: self.get(value) for key, value in form.entries.items()}
        group = entries.get(b"Group")
        if depth >= _DEEPEST or {b"OC", b"Ref", b"OPI"} & entries.keys():
            raise Unsupported(f"{NAME}: a form is optional, points elsewhere or is nested too deep; {ADVICE}")
        if isinstance(group, dict) and (self.get(group.get(b"K")) is True or self.state.blended):
            raise Unsupported(f"{NAME}: a form is laid over the page as a whole; {ADVICE}")
        box = numbers(self.get, entries.get(b"BBox"))
        matrix = numbers(self.get, entries[b"Matrix"]) if b"Matrix" in entries else [1, 0, 0, 1, 0, 0]
        if len(box) != 4 or len(matrix) != 6:
            raise Malformed(f"{NAME}: a form has no size")
        self.drawn.forms += 1
        if self.drawn.forms > _FORMS or len(self.drawn.lines) > _LINES:
            raise Unsupported(f"{NAME}: a page draws more forms than pages of pictures do; {ADVICE}")
        floor = len(self.saved)
        cut = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
        for operator, values in ((b"q", []), (b"cm", matrix), (b"re", cut), (b"W", []), (b"n", [])):
            self._one(operator, list(values), {}, depth, False)
        inner = entries.get(b"Resources")
        self.read(
            self.images.document.decoded(form), inner if isinstance(inner, dict) else resources, depth + 1,
            group=isinstance(group, dict),
        )  # fmt: skip
        while len(self.saved) > floor:
            self._one(b"Q", [], {}, 0, False)

    def _settings(self, given: Any, group: bool) -> None:
        """How paint covers: numbers and names of the standard alone; soft masks are refused."""
        given = {key: self.get(value) for key, value in given.items()} if isinstance(given, dict) else {}
        blend = given.get(b"BM", Name(b"Normal"))
        blend = self.get(blend[0]) if isinstance(blend, list) and blend else blend
        blend = blend if isinstance(blend, Name) else Name(b"")
        plain_mask = given.get(b"SMask", Name(b"None")) == b"None"
        if (
            not plain_mask
            or b"TR" in given
            or blend not in BLENDS
            or (group and blend not in (b"Normal", b"Compatible"))
        ):
            raise Unsupported(f"{NAME}: pages hold soft masks or transfer functions; {ADVICE}")
        kept: dict[bytes, Any] = {}
        for key in (b"CA", b"ca"):
            if is_number(given.get(key)) and 0 <= given[key] <= 1:
                kept[key] = given[key]
        if b"BM" in given:
            kept[b"BM"] = Name(blend)
        blended = self.state.blended or any(kept.get(key, 1) != 1 for key in (b"CA", b"ca")) or blend not in (
            b"Normal", b"Compatible",
        )  # fmt: skip
        self.state = replace(self.state, blended=blended)
        if kept:
            name = next((known for known, held in self.drawn.states.items() if held == kept), b"")
            name = name or b"G%d" % (len(self.drawn.states) + 1)
            self.drawn.states[name] = kept
            self._line(b"/" + name, b"gs")

    def _space(self, resources: dict[bytes, Any], name: bytes) -> bytes:
        if bytes(name) in DEVICE and len(name) > 4:
            return bytes(name)
        listed = self._listed(resources, b"ColorSpace")
        key = (id(listed), bytes(name))
        if key not in self.drawn.names:
            self.drawn.names[key] = b"C%d" % (len(self.drawn.spaces) + 1)
            self.drawn.spaces[self.drawn.names[key]] = self.images.colour(listed.get(bytes(name)))[0]
        return self.drawn.names[key]


def times(first: Matrix, then: Matrix) -> Matrix:
    """One placement after another.

    >>> times((2, 0, 0, 2, 1, 1), (1, 0, 0, 1, 5, 0))
    (2, 0, 0, 2, 6, 1)
    """
    a, b, c, d, e, f = first
    g, h, i, j, k, m = then
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def spread(box: Box, by: Matrix) -> Box:
    """The upright box around a box that was placed."""
    a, b, c, d, e, f = by
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (box[0], box[2]) for y in (box[1], box[3])]
    across, up = zip(*corners, strict=True)
    return min(across), min(up), max(across), max(up)


def common(one: Box, other: Box) -> Box | None:
    """What two boxes share."""
    box = max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])
    return box if box[0] < box[2] and box[1] < box[3] else None


def inside(box: Box, outer: Box) -> bool:
    """Whether a box stands in another, but for rounding."""
    return min(box[0] - outer[0], box[1] - outer[1], outer[2] - box[2], outer[3] - box[3]) >= -_NEAR


def is_over(one: Box, other: Box) -> bool:
    """Whether two boxes share more than an edge."""
    shared = common(one, other)
    return shared is not None and min(shared[2] - shared[0], shared[3] - shared[1]) > _NEAR
