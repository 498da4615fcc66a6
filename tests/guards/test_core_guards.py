"""Every guard in core fires: each `raise` statement of its files is reached by one of these calls."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

import veilset.core
from veilset.core import check, registry
from veilset.core.errors import (
    BadSetting,
    BrokenContract,
    CountsDoNotAdd,
    Malformed,
    MissingExtra,
    UnknownName,
    WrongMedia,
)
from veilset.core.finding import Finding
from veilset.core.guarantee import DP, Computational, Empirical, Event
from veilset.core.interval import clopper_pearson
from veilset.core.manifest import Counts, Manifest
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise, uniform_integers
from veilset.core.region import regions_of
from veilset.core.registry import Entry, Registry
from veilset.core.sample import Image, Sample, Signal, Video
from veilset.core.where import Box, Mask, Polygon, Span, Tag, Track, from_plain

CORE = Path(veilset.core.__file__).parent
PIXELS = np.zeros((3, 4, 3), np.uint8)
IMAGE = Image(PIXELS)
REGION = np.ones((3, 4), bool)


class WrongDecoder:
    """Gives another size than it said."""

    format = "png"

    def read(self) -> bytes:
        return b""

    def decode(self, reduce: int = 1) -> np.ndarray:
        return np.zeros((1, 1, 3), np.uint8)


class HollowImage(Image):
    """An image whose content was lost after it was made."""

    def __init__(self) -> None:
        super().__init__(PIXELS)
        self._pixels = None


def table(path: str, extra: str = "") -> Registry:
    return Registry("operator", {"x": Entry(path, "X.", extra)}, group=None)


class Point:
    """A third party's entry point that takes a name of ours."""

    name, value, dist = "x", "other:Thing", None


def taken_name() -> None:
    real = registry.third_parties
    registry.third_parties = lambda group: [Point()]
    try:
        Registry("operator", {"x": Entry("builtins:dict", "X.")}, group="veilset.operators")
    finally:
        registry.third_parties = real


GUARDS = [
    (BadSetting, "epsilon", lambda: check.positive(epsilon=0)),
    (BadSetting, "epsilon", lambda: check.positive(epsilon=float("nan"))),
    (BadSetting, "score", lambda: check.in_range(0, 1, score=1.1)),
    (BadSetting, "shape", lambda: check.one_of(("a", "b"), shape="c")),
    (BadSetting, "each network once", lambda: check.joined(("a", "b"), model="a+a")),
    (BadSetting, "uint8", lambda: Image(PIXELS.astype(float))),
    (BadSetting, "pixels, or a coded", Image),
    (BadSetting, "at least one pixel", lambda: Image(np.zeros((0, 4, 3), np.uint8))),
    (BrokenContract, "boolean region", lambda: IMAGE.treat(REGION.astype(np.uint8), PIXELS)),
    (BrokenContract, "boolean region", lambda: IMAGE.treat(REGION[1:], PIXELS)),
    (BrokenContract, "uint8 pixels", lambda: IMAGE.treat(REGION, PIXELS.astype(float))),
    (BrokenContract, "neither pixels", lambda: HollowImage().pixels),
    (BrokenContract, "decoder gave", lambda: Image(coded=WrongDecoder(), size=(4, 3)).pixels),
    (BadSetting, "time per frame", lambda: Video(np.zeros((2, 3, 4, 3), np.uint8), np.zeros(1))),
    (BadSetting, "rate above 0", lambda: Signal(np.zeros((2, 3)), 0.0)),
    (BrokenContract, "holds Signal", lambda: Sample("s", Signal(np.zeros((2, 3)), 1.0)).image),
    (WrongMedia, "no pixels", lambda: regions_of(IMAGE, [Finding("metadata", Tag("a"), 1, "t")])),
    (BadSetting, "successes", lambda: clopper_pearson(3, 2)),
    (BadSetting, "unit", lambda: DP(Event("laplace", {"epsilon": 1}), "", "n", 1.0, "s")),
    (BadSetting, "epsilon", lambda: DP(Event("laplace", {"epsilon": 1}), "face", "n", -1.0, "s")),
    (BadSetting, "probe", lambda: Empirical(())),
    (BadSetting, "security_bits", lambda: Computational("AES", 0)),
    (BrokenContract, "alphabetical", lambda: Registry("x", {"b": Entry("", ""), "a": Entry("", "")}, group=None)),
    (BrokenContract, "already taken", taken_name),
    (UnknownName, "did you mean x", lambda: table("builtins:dict")["xx"]),
    (MissingExtra, "learn", lambda: table("no_such_module:X", "learn").load("x")),
    (BrokenContract, "cannot be imported", lambda: table("no_such_module:X").load("x")),
    (BrokenContract, "has no", lambda: table("builtins:no_such_name").load("x")),
    (BrokenContract, "not a class", lambda: table("builtins:len").load("x")),
    (BadSetting, "score", lambda: Finding("face", Box(0, 0, 1, 1), 1.5, "t")),
    (BadSetting, "below", lambda: uniform_integers(SeededNoise(1), 0, 1)),
    (BadSetting, "finite", lambda: Box(0, 0, -1, 1)),
    (BadSetting, "finite", lambda: Box(float("nan"), 0, 1, 1)),
    (BadSetting, "three", lambda: Polygon(((0, 0), (1, 1)))),
    (BadSetting, "2-D", lambda: Mask(0, 0, np.zeros((2, 2)))),
    (BadSetting, "track", lambda: Track(())),
    (BadSetting, "span", lambda: Span(2, 1)),
    (BadSetting, "no kind of place", lambda: from_plain({"circle": 1})),
    (BadSetting, "low <= value", lambda: Measurement("p", "n", 2.0, 0.0, 1.0, 1, "lower")),
    (CountsDoNotAdd, "another number", lambda: Counts(3, 1, 1, 0).check()),
    (Malformed, "schema", lambda: Manifest.from_json('{"schema": "other/1"}')),
    (Malformed, "not a manifest", lambda: Manifest.from_json("[]")),
]


@pytest.mark.parametrize(("error", "said", "call"), GUARDS)
def test_guard_fires(error, said, call) -> None:
    with pytest.raises(error, match=said):
        call()


def test_every_raise_of_core_is_reached() -> None:
    reached: set[tuple[str, int]] = set()

    def trace(frame, event, arg):
        if not frame.f_code.co_filename.startswith(str(CORE)):
            return None
        reached.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for error, _, call in GUARDS:
            with pytest.raises(error):
                call()
    finally:
        sys.settrace(before)
    missed = []
    for file in sorted(CORE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise):
                lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                if not any((str(file), line) in reached for line in lines):
                    missed.append(f"{file.name}:{node.lineno}")
    assert missed == []
