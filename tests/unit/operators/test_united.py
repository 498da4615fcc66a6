import numpy as np

from veilset.core.finding import Finding
from veilset.core.region import regions_of
from veilset.core.sample import Image
from veilset.core.where import Box, Mask
from veilset.operators.united import blobs_of

IMAGE = Image(np.zeros((60, 60, 3), np.uint8))


def blobs(*places) -> list[tuple[int, int, int, int, float]]:
    found = blobs_of(regions_of(IMAGE, [Finding("face", place, 1, "t") for place in places]))
    return [(b.window[0].start, b.window[1].start, *b.mask.shape, b.side) for b in found]


def test_regions_that_touch_are_one_and_take_the_largest_side() -> None:
    assert blobs(Box(0, 0, 10, 10), Box(10, 4, 4, 4)) == [(0, 0, 10, 14, 10)]
    assert blobs(Box(0, 0, 10, 10), Box(10, 10, 4, 4)) == [(0, 0, 14, 14, 10)]
    assert blobs(Box(0, 0, 10, 10), Box(11, 0, 4, 4)) == [(0, 0, 10, 10, 10), (0, 11, 4, 4, 4)]


def test_a_chain_is_one_blob_however_it_is_named() -> None:
    chain = [Box(5.0 * i, 5.0 * i, 5, 5) for i in range(10)]
    for order in (chain, chain[::-1], chain[::2] + chain[1::2]):
        assert blobs(*order) == [(0, 0, 50, 50, 5)]


def test_a_finding_in_two_pieces_treats_both_with_its_own_side() -> None:
    pieces = np.zeros((4, 30), bool)
    pieces[:, :3] = pieces[:, 27:] = True
    assert blobs(Mask(10, 10, pieces)) == [(10, 10, 4, 3, 30), (10, 37, 4, 3, 30)]


def test_a_small_region_in_the_hole_of_a_large_rectangle_stays_its_own() -> None:
    frame = np.ones((30, 30), bool)
    frame[3:27, 3:27] = False
    assert blobs(Mask(0, 0, frame), Box(12, 12, 4, 4)) == [(0, 0, 30, 30, 30), (12, 12, 4, 4, 4)]
