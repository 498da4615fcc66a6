import numpy as np
import pytest

from veilset.core.errors import Unsupported
from veilset.core.roles import Case, Knowledge, Pair
from veilset.core.sample import Sample, Signal
from veilset.probes.adversary.labels import as_classes
from veilset.probes.adversary.motion import windows
from veilset.probes.attack.attribute import Attribute, balanced


@pytest.mark.parametrize(("way", "holds"), [("mosaic", False), ("static", True), ("mask", True)])
def test_gender_drawn_into_faces(drawn, named, way, holds):
    from veilset.core.sample import Image

    treatment = drawn.Treatment(way, 12)
    case = drawn.crowd(people=24, each=3, treatment=treatment, labels=lambda p: {"gender": "fm"[p % 2]})
    pairs = []
    for pair in case.pairs:
        pixels = pair.before.image.pixels.astype(int)
        pixels[:, :16] += 60 if pair.before.labels["gender"] == "f" else -60
        before = pair.before.with_media(Image(np.clip(pixels, 0, 255).astype(np.uint8)))
        from veilset.core.noise import SeededNoise

        pairs.append(
            Pair(before, treatment.apply(before, pair.findings, noise=SeededNoise(len(pairs))).sample, pair.findings)
        )
    probe = Attribute(network_steps=60)
    found = named(probe.run(Case(pairs, Knowledge({"face": treatment})), rng=np.random.default_rng(0)))
    assert found["gender_original"].low > 0.8
    if "gender_network" in found:
        network = found["gender_network"]
        assert (network.low <= 0.5 <= network.high) if holds else network.value > 0.7
    assert found["worst"].confidence > 0.95
    if holds:
        assert found["gender"].low <= 0.5 <= found["gender"].high
    else:
        assert found["worst"].low > 0.75


def walk(person, activity, rng):
    t = np.arange(0, 12, 0.02)
    own = np.random.default_rng(person)
    hertz = {"walk": 1.8, "jog": 3.0}[activity]
    wave = np.sin(2 * np.pi * hertz * t + rng.uniform(0, 6)) * (1 if activity == "walk" else 2.5)
    return Signal(np.stack([wave, own.uniform(0.5, 2) * wave**2], axis=1) + rng.normal(0, 0.3, (len(t), 2)), 50.0)


@pytest.mark.parametrize("drown", [False, True])
def test_activity_of_a_recording(named, drown):
    rng = np.random.default_rng(0)
    pairs = []
    for person in range(10):
        for activity in ("walk", "jog"):
            before = Sample(
                f"{person}{activity}", walk(person, activity, rng), frozenset([str(person)]), {"activity": activity}
            )
            after = Signal(rng.normal(size=before.media.values.shape), 50.0) if drown else before.media
            pairs.append(Pair(before, before.with_media(after)))
    found = named(Attribute().run(Case(pairs), rng=np.random.default_rng(0)))
    if drown:
        assert found["activity"].value < 0.75
        assert found["activity"].low <= 0.5 <= found["activity"].high
    else:
        assert found["activity"].low > 0.9


def test_balanced_ignores_how_many():
    assert balanced(["a"] * 9 + ["b"], ["a"] * 10) == 0.5


def test_numbers_become_thirds_and_few_numbers_stay():
    assert set(as_classes([*range(60), None])) == {"low third", "middle third", "high third", ""}
    assert as_classes([0, 1, 1]) == ("0", "1", "1")


def test_short_recordings_have_no_windows():
    assert windows(Signal(np.zeros((10, 3)), 50.0)).shape == (0, 54)


def test_without_labels(drawn):
    with pytest.raises(Unsupported, match="too few samples carry"):
        Attribute().run(drawn.crowd(people=4, each=2), rng=np.random.default_rng(0))


def test_without_torch_or_weights_the_rest_is_tried_and_said(drawn, named, monkeypatch, tmp_path):
    monkeypatch.setattr("veilset.probes.adversary.effort.torch_is_here", lambda: False)
    monkeypatch.setenv("VEILSET_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("VEILSET_CACHE", str(tmp_path))
    case = drawn.crowd(people=8, each=2, labels=lambda p: {"gender": "fm"[p % 2]})
    found = named(Attribute().run(case, rng=np.random.default_rng(0)))
    assert set(found) == {"worst", "gender", "gender_naive", "gender_original"}
    assert any("veilset[learn]" in note for note in found["worst"].notes)
    assert any("age_gender" in note for note in found["worst"].notes)
