import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Sample, Signal
from veilset.probes.utility.activity import Activity
from veilset.probes.utility.downstream import Downstream


def scenes(change):
    """Three classes of stripes; `change` treats a picture."""
    rng = np.random.default_rng(0)
    pairs = []
    for i in range(90):
        name = ("across", "down", "flat")[i % 3]
        y, x = np.mgrid[0:48, 0:48]
        wave = {"across": np.sin(x / 3), "down": np.sin(y / 3), "flat": 0 * x}[name]
        pixels = np.clip(128 + 60 * wave[:, :, None] + rng.normal(0, 20, (48, 48, 3)), 0, 255).astype(np.uint8)
        before = Sample(str(i), Image(pixels), labels={"class": name})
        pairs.append(Pair(before, before.with_media(Image(change(pixels, rng)))))
    return Case(pairs)


def test_what_is_unchanged_is_kept(named):
    found = named(Downstream().run(scenes(lambda p, r: p), rng=np.random.default_rng(0)))
    assert found["kept"].value == 1.0
    assert found["accuracy_clean"].low > 0.9


def test_noise_teaches_nothing(named):
    case = scenes(lambda p, r: r.integers(0, 256, p.shape, dtype=np.uint8))
    found = named([m for m in Downstream().run(case, rng=np.random.default_rng(0)) if not m.group])
    assert found["accuracy_treated"].value < 0.5
    assert found["kept"].high < 0.8


def test_the_class_that_falls_is_named():
    def spoil(pixels, rng):
        waves_down = (
            np.abs(np.diff(pixels.mean(axis=(1, 2)))).mean() > np.abs(np.diff(pixels.mean(axis=(0, 2)))).mean() + 5
        )
        return rng.integers(0, 256, pixels.shape, dtype=np.uint8) if waves_down else pixels

    found = Downstream().run(scenes(spoil), rng=np.random.default_rng(0))
    recall = {m.group: m for m in found if m.name == "recall"}
    assert recall["down"].high < recall["across"].low
    assert found[0].name == "kept"
    assert not found[0].group


def test_it_needs_classes(drawn):
    with pytest.raises(Unsupported, match="fewer than two classes"):
        Downstream().run(drawn.crowd(people=4, each=2), rng=np.random.default_rng(0))


def recordings(treat):
    rng = np.random.default_rng(0)
    pairs = []
    for person in range(8):
        gait = np.random.default_rng(person).uniform(0.5, 3)
        for activity, hertz in (("walk", 1.8), ("jog", 3.1)):
            t = np.arange(0, 20, 0.02)
            values = np.stack([2 * np.sin(2 * np.pi * hertz * t), gait + 0 * t], axis=1) + rng.normal(
                0, 0.2, (len(t), 2)
            )
            before = Sample(
                f"{person}{activity}", Signal(values, 50.0), frozenset([str(person)]), {"activity": activity}
            )
            pairs.append(Pair(before, before.with_media(Signal(treat(values, rng), 50.0))))
    return Case(pairs)


def test_activity_stays_and_the_person_goes(named):
    def centre(values, rng):
        return values - values.mean(axis=0)

    found = named([m for m in Activity().run(recordings(centre), rng=np.random.default_rng(0)) if not m.group])
    assert found["accuracy_treated"].low > 0.6
    assert found["identity"].value < 0.4


def test_the_person_stays_in_untreated_recordings(named):
    found = named([m for m in Activity().run(recordings(lambda v, r: v), rng=np.random.default_rng(0)) if not m.group])
    assert found["identity"].low > 3 * found["identity"].chance
    assert found["kept"].value == 1.0
