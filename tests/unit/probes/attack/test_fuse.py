"""Laying treatments over one another: beats one view on a weak target by a margin, and learns nothing from noise."""

import cv2
import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.probes.adversary.tracks import tracks_of
from veilset.probes.attack.fuse import Fuse

SIZE = 48
WHOLE = (Finding("face", Box(0, 0, SIZE, SIZE), 1.0, "drawn"),)


def noisy(pixels, rng):
    """Strong noise, drawn anew each time: one picture hides the face, many do not."""
    return np.clip(pixels + rng.normal(0, 250, pixels.shape), 0, 255).astype(np.uint8)


def drowned(pixels, rng):
    """More noise than that: among twenty faces one frame is not enough."""
    return np.clip(pixels + rng.normal(0, 1500, pixels.shape), 0, 255).astype(np.uint8)


def shifted_mosaic(pixels, rng, cell=24):
    """A mosaic whose grid starts anywhere."""
    y, x = rng.integers(0, cell, 2)
    wide = np.pad(pixels, ((y, cell), (x, cell), (0, 0)), "edge")
    high, across = (side // cell * cell for side in wide.shape[:2])
    small = cv2.resize(wide[:high, :across], (across // cell, high // cell), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (across, high), interpolation=cv2.INTER_NEAREST)[y : y + SIZE, x : x + SIZE]


def only_noise(pixels, rng):
    return rng.integers(0, 256, pixels.shape, dtype=np.uint8)


def black(pixels, rng):
    return pixels * 0


def again(drawn, treat, releases, targets=120):
    rng = np.random.default_rng(0)
    pairs = []
    for number in range(targets):
        pixels = drawn.face(number, rng, SIZE)
        made = [Sample(f"{number}", Image(treat(pixels, rng))) for _ in range(releases)]
        pairs.append(Pair(Sample(f"{number}", Image(pixels)), made[0], WHOLE, tuple(made[1:])))
    return Case(pairs)


def run(case, **settings):
    return {m.name: m for m in Fuse(**settings).run(case, rng=np.random.default_rng(0))}


@pytest.mark.parametrize(("treat", "margin"), [(noisy, 0.25), (shifted_mosaic, 0.2)])
def test_many_releases_show_what_one_hides(drawn, treat, margin) -> None:
    found = run(again(drawn, treat, 12))
    assert found["identity_fused"].low > found["identity_single"].high
    assert found["identity_fused"].value > found["identity_single"].value + margin
    assert found["psnr_gain"].low > 1.0
    assert found["views"].value == 12
    assert found["identity_fused"].chance == 1 / 60


@pytest.mark.parametrize("treat", [only_noise, black])
def test_what_does_not_depend_on_the_picture_stays_at_a_guess(drawn, treat) -> None:
    found = run(again(drawn, treat, 12))
    for name in ("identity_fused", "identity_single"):
        assert found[name].low <= found[name].chance <= found[name].high
    # Averaged noise is a flat picture, which is nearer to a face than noise is: that must not count as won.
    assert found["psnr_gain"].value < 0.1


def test_more_releases_tell_more(drawn) -> None:
    won = [run(again(drawn, noisy, releases))["psnr_gain"].value for releases in (2, 6, 18)]
    assert won[0] < won[1] < won[2]


def scene(drawn, treat, people, frames=16, seed=0):
    """Faces that walk through the frames of a scene each, found a pixel or two beside where they are."""
    rng = np.random.default_rng(seed)
    pairs = []
    for person in range(people):
        pixels = drawn.face(person, rng, SIZE)
        for frame in range(frames):
            canvas = np.full((80, 140, 3), 90, np.uint8)
            x, y = 10 + 2 * frame, 12 + frame // 4
            canvas[y : y + SIZE, x : x + SIZE] = pixels
            dx, dy = rng.integers(-1, 2, 2)
            box = Box(x + dx, y + dy, SIZE, SIZE)
            hidden = canvas.copy()
            hidden[y + dy : y + dy + SIZE, x + dx : x + dx + SIZE] = treat(
                hidden[y + dy : y + dy + SIZE, x + dx : x + dx + SIZE], rng
            )
            sample = Sample(f"{person}-{frame}", Image(canvas), labels={"scene": f"s{person}", "frame": frame})
            pairs.append(Pair(sample, Sample(sample.id, Image(hidden)), (Finding("face", box, 1.0, "drawn"),)))
    return Case(pairs)


def test_frames_of_a_scene_are_one_target_each(drawn) -> None:
    found = run(scene(drawn, drowned, 20))
    assert found["identity_fused"].n == 20
    assert found["views"].value == 16
    assert found["identity_fused"].low > found["identity_single"].value
    assert found["psnr_fused"].low > found["psnr_single"].high + 1.0


def test_noise_over_a_scene_stays_at_a_guess(drawn) -> None:
    found = run(scene(drawn, only_noise, 20))
    assert found["identity_fused"].low <= found["identity_fused"].chance
    assert found["psnr_gain"].value < 0.3


def test_single_releases_are_not_judged(drawn) -> None:
    with pytest.raises(Unsupported, match="released more than once"):
        run(again(drawn, noisy, 1))


def test_two_people_who_stand_apart_are_two_tracks() -> None:
    left, right = Box(0, 0, 20, 20), Box(60, 0, 20, 20)
    moved = Box(4, 0, 20, 20)
    found = tracks_of([(0, [left, right]), (1, []), (2, [right, moved]), (3, []), (4, []), (5, [right])])
    assert [[pair for pair, _ in track.seen] for track in found] == [[0, 2], [0, 2], [5]]
