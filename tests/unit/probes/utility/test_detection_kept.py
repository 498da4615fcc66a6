from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.probes.utility.detection_kept import DetectionKept, matched


@dataclass(frozen=True)
class White:
    """Finds each white square of the left and of the right half."""

    takes: ClassVar = (Image,)
    finds: ClassVar = ("left", "right")

    def find(self, sample):
        found = []
        for kind, x0 in (("left", 0), ("right", 32)):
            ys, xs = np.nonzero(sample.image.pixels[:, x0 : x0 + 32, 0] > 250)
            if len(ys):
                box = Box(x0 + xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)
                found.append(Finding(kind, box, 1.0, "test"))
        return tuple(found)


def case(keep_left, keep_right, build=lambda role, name, settings: White()):
    pairs = []
    for i in range(30):
        pixels = np.zeros((32, 64, 3), np.uint8)
        pixels[8:20, 5:15] = pixels[8:20, 40:50] = 255
        after = pixels.copy()
        after[:, :32] *= keep_left(i)
        after[:, 32:] *= keep_right(i)
        before = Sample(str(i), Image(pixels))
        pairs.append(Pair(before, before.with_media(Image(after))))
    return Case(pairs, build=build)


def test_share_of_things_found_again_by_kind():
    found = DetectionKept().run(case(lambda i: 1, lambda i: i % 2), rng=np.random.default_rng(0))
    by = {m.group: m.value for m in found}
    assert by == {"": 0.75, "left": 1.0, "right": 0.5}
    assert found[0].better == "higher"
    assert found[0].n == 60


def test_one_box_cannot_stand_for_two():
    boxes = [Box(0, 0, 10, 10), Box(1, 0, 10, 10)]
    assert matched(boxes, [Box(0, 0, 10, 10)], 0.5) == [True, False]
    assert matched([], boxes, 0.5) == []


def test_it_needs_a_detector_that_finds_something():
    with pytest.raises(Unsupported, match="no way"):
        DetectionKept().run(case(lambda i: 1, lambda i: 1, None), rng=np.random.default_rng(0))
    blank = Sample("b", Image(np.zeros((32, 64, 3), np.uint8)))
    with pytest.raises(Unsupported, match="finds nothing"):
        DetectionKept().run(Case([Pair(blank, blank)], build=lambda *a: White()), rng=np.random.default_rng(0))
