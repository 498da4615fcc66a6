from dataclasses import dataclass

import numpy as np
import pytest

from veilset.core.errors import BrokenContract, MissingWeights, Unproven
from veilset.core.finding import Finding
from veilset.core.interval import clopper_pearson
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.probes.attack.residual import NOT_INDEPENDENT, UNKNOWN, Residual, covers, networks_of

RED, GREEN = (250, 0, 0), (0, 250, 0)


@dataclass(frozen=True)
class RedBlobs:
    """Finds the bounding box of red in the left and in the right half: a detector whose answer is known."""

    takes = (Image,)
    finds = ("face",)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        pixels = sample.image.pixels.astype(int)
        red = (pixels[:, :, 0] > 200) & (pixels[:, :, 1] < 50)
        found = []
        half = red.shape[1] // 2
        for start, part in ((0, red[:, :half]), (half, red[:, half:])):
            ys, xs = np.nonzero(part)
            if len(ys):
                box = Box(start + xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1)
                found.append(Finding("face", box, 1.0, "face/test"))
        return tuple(found)


def drawn(*boxes: Box) -> np.ndarray:
    pixels = np.zeros((60, 100, 3), np.uint8)
    for box in boxes:
        inside = pixels[int(box.y) : int(box.y + box.height), int(box.x) : int(box.x + box.width)]
        inside[:] = RED
        inside[::2, 2:-2, 0] -= 20  # a face is not one flat colour
    return pixels


LEFT, RIGHT = Box(10, 10, 20, 20), Box(60, 20, 20, 24)


def pair(number: int, *left_over: Box, found: tuple[Box, ...] = (LEFT,), source: str = "face/centerface") -> Pair:
    before = Sample(f"s{number}", Image(drawn(LEFT, RIGHT)))
    findings = tuple(Finding("face", box, 1.0, source) for box in found)
    return Pair(before, before.with_media(Image(drawn(*left_over))), findings)


def run(pairs: list[Pair], build=lambda *_: RedBlobs(), **settings) -> tuple:
    return Residual(**settings).run(Case(pairs, build=build), rng=np.random.default_rng(0))


def test_counts_what_is_left_and_what_was_missed() -> None:
    pairs = [pair(0), pair(1, LEFT), pair(2, RIGHT), pair(3, LEFT, RIGHT), pair(4)]
    left, missed, _ = run(pairs)
    assert (left.name, left.value, left.n) == ("faces_left", 2 / 5, 5)
    assert (left.low, left.high) == pytest.approx(clopper_pearson(2, 5))
    assert (missed.name, missed.value, missed.n) == ("pictures_with_missed_face", 2 / 5, 5)
    assert left.independent
    assert left.notes == ()
    assert left.unfavourable > 0.4


def test_a_face_guessed_into_one_flat_colour_is_not_left() -> None:
    flat = pair(0, LEFT)
    pixels = flat.after.image.pixels.copy()
    pixels[10:30, 10:30] = RED
    left, missed, showing = run([Pair(flat.before, flat.before.with_media(Image(pixels)), flat.findings)])
    assert (left.value, missed.value, showing.value) == (0.0, 0.0, 0)


def test_a_face_found_through_the_treatment_at_another_size_still_counts() -> None:
    left, missed, _ = run([pair(0, Box(12, 12, 10, 10))])
    assert (left.value, missed.value) == (1.0, 0.0)


def test_judge_that_also_found_the_faces_is_not_independent() -> None:
    left, missed, _ = run([pair(0), pair(1)], models=("yunet",))
    assert left.independent
    left, missed, _ = run([pair(0, source="face/centerface+yunet"), pair(1)], models=("yunet",))
    assert not left.independent
    assert not missed.independent
    assert NOT_INDEPENDENT in left.notes


def test_insisting_on_independence_refuses() -> None:
    with pytest.raises(Unproven, match="yunet"):
        run([pair(0, source="face/yunet")], models=("yunet",), insist_on_independence=True)
    assert run([pair(0)], models=("yunet",), insist_on_independence=True)[0].independent


def test_without_findings_independence_is_not_claimed() -> None:
    left, missed, _ = run([pair(0, RIGHT, found=())])
    assert (left.n, left.unfavourable) == (0, 1.0)
    assert missed.value == 1.0
    assert not missed.independent
    assert missed.notes == (UNKNOWN,)


class Blind:
    takes = (Image,)
    finds = ("face",)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        raise MissingWeights("no weights: veilset weights pull yunet")


def test_missing_judge_falls_back_on_the_finders_network_and_says_so() -> None:
    def build(role, name, settings):
        return Blind() if settings["model"] == "yunet" else RedBlobs()

    left, _, _ = run([pair(0, LEFT)], build, models=("yunet",))
    assert left.value == 1.0
    assert not left.independent
    with pytest.raises(Unproven, match="yunet"):
        run([pair(0, LEFT)], build, models=("yunet",), insist_on_independence=True)
    with pytest.raises(MissingWeights):
        run([pair(0, LEFT, found=())], lambda *_: Blind())


def test_the_first_judge_that_took_no_part_is_chosen() -> None:
    asked = []

    def build(role, name, settings):
        asked.append(settings["model"])
        return RedBlobs()

    left, _, _ = run([pair(0, LEFT, source="face/centerface+yunet")], build)
    assert asked == ["ultraface"]
    assert left.independent


def test_the_count_is_exact_after_a_look_at_everything_and_a_bound_after_a_sample() -> None:
    pairs = [pair(0, LEFT), pair(1), pair(2), pair(3)]
    *_, count = run(pairs)
    assert (count.name, count.value, count.low, count.high) == ("pictures_still_showing", 1, 1, 1)
    *_, count = run(pairs, pictures=2)
    assert count.high == pytest.approx(4 * clopper_pearson(round(count.value / 2), 2)[1])
    assert count.high > count.value


def test_dropped_pictures_do_not_count_as_not_looked_at() -> None:
    dropped = [Pair(one.before, None, one.findings) for one in (pair(4), pair(5))]
    *_, count = run([pair(0, LEFT), *dropped, pair(1)])
    assert (count.value, count.low, count.high, count.n) == (1, 1, 1, 2)
    *_, count = run([*dropped, pair(6)], pictures=1, build=lambda *_: RedBlobs())
    assert count.high > 0


def test_the_same_network_looks_at_the_mirror_image_too() -> None:
    class RightBlind(RedBlobs):
        """Sees nothing in the right half: only its mirror image shows what is there."""

        def find(self, sample: Sample) -> tuple[Finding, ...]:
            return tuple(f for f in super().find(sample) if f.where.x < sample.image.width / 2)

    honest, _, _ = run([pair(0, RIGHT, found=(RIGHT,))], lambda *_: RightBlind(), models=("yunet",))
    shared, _, _ = run(
        [pair(0, RIGHT, found=(RIGHT,), source="face/yunet")], lambda *_: RightBlind(), models=("yunet",)
    )
    assert (honest.value, shared.value) == (0.0, 1.0)


def test_dropped_pictures_are_not_looked_at() -> None:
    left, missed, _ = run([Pair(pair(0).before, None, pair(0).findings)])
    assert (left.n, missed.n) == (0, 0)


def test_needs_a_way_to_build() -> None:
    with pytest.raises(BrokenContract):
        run([pair(0)], None)


def test_parts() -> None:
    assert covers(Box(0, 0, 4, 4), Box(0, 0, 4, 8))
    assert not covers(Box(0, 0, 4, 4), Box(10, 10, 4, 4))
    assert networks_of(pair(0, source="face/a+b").findings) == {"a", "b"}
    assert networks_of(pair(0, source="reviewer:x").findings) == frozenset()
