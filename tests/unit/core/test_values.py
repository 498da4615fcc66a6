"""Interval, noise, registry, manifest, guarantee, measurement, errors, sample: the small values of the ground."""

import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, chisquare

from veilset.core import errors
from veilset.core.finding import Finding, Risk, by_kind
from veilset.core.guarantee import DP, Computational, Empirical, Event, Exact, Nothing, Row, with_last_row
from veilset.core.interval import bootstrap, clopper_pearson
from veilset.core.manifest import Counts, FileEntry, Manifest, canonical, fingerprint
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise, SystemNoise, generator, uniform_integers
from veilset.core.registry import Entry, Registry
from veilset.core.sample import Grid, Image, Sample
from veilset.core.where import Box


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 5000), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_clopper_pearson_agrees_with_the_beta_quantiles(successes, more, confidence) -> None:
    trials = successes + more
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else beta.ppf(tail, successes, trials - successes + 1)
    high = 1.0 if successes == trials else beta.ppf(1 - tail, successes + 1, trials - successes)
    if trials == 0:
        low, high = 0.0, 1.0
    assert clopper_pearson(successes, trials, confidence) == pytest.approx((low, high), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("p", "n"), [(0.02, 40), (0.5, 11), (0.97, 25)])
def test_clopper_pearson_covers_at_least_what_it_says(p: float, n: int) -> None:
    covered = 0.0
    for k in range(n + 1):
        low, high = clopper_pearson(k, n)
        covered += math.comb(n, k) * p**k * (1 - p) ** (n - k) * (low <= p <= high)
    assert covered >= 0.95


def test_bootstrap_covers_the_mean_and_gives_up_on_one_value() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        low, high = bootstrap(rng.normal(5, 1, 40), rng, rounds=300)
        hits += low <= 5 <= high
    assert 85 <= hits <= 100
    assert bootstrap(np.array([1.0]), rng) == (-math.inf, math.inf)


def test_uniform_integers_are_uniform_and_in_range() -> None:
    drawn = uniform_integers(SeededNoise(3), 7, 70_000)
    assert chisquare(np.bincount(drawn, minlength=7)).pvalue > 1e-4
    assert set(uniform_integers(SystemNoise(), 1, 5).tolist()) == {0}
    big = uniform_integers(SeededNoise(4), 2**62, 1000)
    assert 0 <= big.min() <= big.max() < 2**62


def test_seeded_noise_repeats_and_children_differ() -> None:
    one, two = SeededNoise(b"k"), SeededNoise(b"k")
    assert one.bytes(40) == two.bytes(40)
    assert one.bytes(40) != SeededNoise(b"k").bytes(40)
    assert SeededNoise(b"k").child("a").bytes(9) == SeededNoise(b"k").child("a").bytes(9)
    assert SeededNoise(b"k").child("a").bytes(9) != SeededNoise(b"k").child("b").bytes(9)
    assert SystemNoise().bytes(16) != SystemNoise().bytes(16)
    assert generator(SeededNoise(1)).integers(10**9) == generator(SeededNoise(1)).integers(10**9)


def test_registry_is_a_sorted_mapping_that_loads_lazily() -> None:
    table = Registry("operator", {"a": Entry("no_such:A", "A."), "b": Entry("collections:Counter", "B.")}, group=None)
    assert list(table) == ["a", "b"]
    assert len(table) == 2
    assert "a" in table
    assert "c" not in table
    assert table.load("b").__name__ == "Counter"
    assert not table.is_third_party("b")


def test_registry_takes_entry_points(monkeypatch) -> None:
    class Point:
        name, value, dist = "mine", "collections:Counter", None

    monkeypatch.setattr("veilset.core.registry.third_parties", lambda group: [Point()])
    table = Registry("operator", {"a": Entry("no_such:A", "A.")}, group="veilset.operators")
    assert table.load("mine").__name__ == "Counter"
    assert table.is_third_party("mine")
    assert "third party" in table["mine"].summary


MANIFEST = Manifest(
    "r1", "2026-01-01T00:00:00Z", {"version": 1}, "ab", {"veilset": "0"}, {}, Counts(3, 1, 1, 1),
    ({"finding": "face"},), ({"probe": "residual"},), (FileEntry("a b/é.jpg", "00", 5),), ("note",),
)  # fmt: skip


def test_manifest_comes_back() -> None:
    text = MANIFEST.to_json()
    assert Manifest.from_json(text) == MANIFEST
    assert Manifest.from_json(text).to_json() == text
    assert Counts(3, 1, 1, 1).check() is None


@pytest.mark.parametrize(
    "broken",
    [
        "", "{", "3", '{"schema": null}', MANIFEST.to_json().replace('"read": 3', '"red": 3'),
        MANIFEST.to_json().replace('"notes"', '"nots"'),
    ],
)  # fmt: skip
def test_broken_manifests_are_malformed(broken: str) -> None:
    with pytest.raises(errors.Malformed, match="json"):
        Manifest.from_json(broken, "m.json")


def test_fingerprint_names_a_value_whatever_the_order_of_its_keys() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert canonical("é") == '"é"'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))


@pytest.mark.parametrize(
    ("promise", "kind", "word"),
    [
        (Exact(given=("g",)), "exact", "does not depend"),
        (DP(Event("laplace", {"epsilon": 0.1}), "face", "one face", 0.1, "s", 1e-6), "dp", "epsilon 0.1, delta 1e-06"),
        (Computational("AES-256-GCM", 128), "computational", "128 bits"),
        (Empirical(("residual",)), "empirical", "residual"),
        (Nothing("of chance"), "nothing", "of chance"),
    ],
)
def test_guarantees_speak_and_go_into_json(promise, kind, word) -> None:
    plain = json.loads(json.dumps(promise.to_plain()))
    assert plain["guarantee"] == kind
    assert word in plain["in_words"]
    assert plain["given"] == list(promise.given)
    assert Row("face", "mask", promise, 3).to_plain()["count"] == 3


def test_the_table_ends_with_what_was_not_found() -> None:
    table = with_last_row((Row("face", "mask", Exact()),))
    assert (table[-1].finding, table[-1].guarantee.kind, len(table)) == ("everything not found", "nothing", 2)


@pytest.mark.parametrize(("value", "low", "high"), [(0.5, 0.2, 0.7), (math.inf, 3.0, math.inf), (math.nan, 0, 1)])
def test_measurement_comes_back(value, low, high) -> None:
    one = Measurement("p", "n", value, low, high, 9, "higher", chance=0.1, notes=("a",), independent=False)
    back = Measurement.from_plain(json.loads(json.dumps(one.to_plain(), allow_nan=False)))
    assert back == one or (math.isnan(value) and math.isnan(back.value))
    assert back.unfavourable == low
    assert one.in_group("g").group == "g"


def test_measurement_that_rests_on_nothing_takes_the_unfavourable_value() -> None:
    assert Measurement.proportion("p", "n", 0, 0, "lower").unfavourable == 1.0
    assert Measurement.proportion("p", "n", 0, 0, "higher").unfavourable == 0.0
    assert Measurement.proportion("p", "n", 2, 8, "lower").value == 0.25


def all_errors() -> list[type[errors.VeilsetError]]:
    found, queue = [], [errors.VeilsetError]
    while queue:
        queue += (kind := queue.pop()).__subclasses__()
        found.append(kind)
    return found


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_survives_the_way_back_from_a_worker(kind) -> None:
    back = pickle.loads(pickle.dumps(kind("what happened", "s1")))
    assert (type(back), str(back), back.sample) == (kind, "what happened", "s1")
    assert kind.exit_code in {1, 2, 3, 70}


@pytest.mark.parametrize(
    ("kind", "code"),
    [(errors.BadSetting, 2), (errors.Malformed, 3), (errors.WrongMedia, 1), (errors.BrokenContract, 70)],
)
def test_exit_codes_by_door(kind, code) -> None:
    assert kind.exit_code == code


def test_findings_hide_their_value_and_come_back() -> None:
    one = Finding("metadata", Box(1, 2, 3, 4), 0.5, "t", Risk.PLACE, "p1", {"a": 1}, "52.5 N")
    assert "52.5" not in repr(one)
    back = Finding.from_plain(json.loads(json.dumps(one.to_plain())))
    assert (back, back.value) == (one, "52.5 N")
    assert list(by_kind([one, Finding("face", Box(0, 0, 1, 1), 1, "t"), one])) == ["metadata", "face"]


class TestImage:
    def test_pixels_are_read_only(self) -> None:
        image = Image(np.zeros((2, 2, 3), np.uint8))
        with pytest.raises(ValueError, match="read-only"):
            image.pixels[0, 0] = 1

    def test_treat_merges_inside_and_remembers_the_region(self) -> None:
        rng = np.random.default_rng(0)
        pixels, other = (rng.integers(0, 256, (9, 11, 3), dtype=np.uint8) for _ in range(2))
        image, seen = Image(pixels, grid=Grid(8, 8)), np.zeros((9, 11), bool)
        for seed in range(4):
            region = np.random.default_rng(seed).random((9, 11)) < 0.1
            before = image.pixels
            image = image.treat(region, other)
            assert (image.pixels == np.where(region[:, :, None], other, before)).all()
            seen |= region
            assert (image.treated == seen).all()
            assert image.grid == Grid(8, 8)

    def test_treating_nothing_is_the_same_image(self) -> None:
        image = Image(np.zeros((2, 2, 3), np.uint8))
        assert image.treat(np.zeros((2, 2), bool), np.ones((2, 2, 3), np.uint8)) is image

    @pytest.mark.parametrize("reduce", [1, 2, 4, 8])
    def test_reduced_is_the_mean_of_blocks(self, reduce: int) -> None:
        pixels = np.random.default_rng(1).integers(0, 256, (16, 24, 3), dtype=np.uint8)
        expected = pixels.reshape(16 // reduce, reduce, 24 // reduce, reduce, 3).mean(axis=(1, 3))
        assert np.abs(Image(pixels).reduced(reduce) - expected).max() <= 0.5
        assert Image(pixels[:15, :23]).reduced(8).shape == (2, 3, 3)

    def test_decodes_when_first_asked(self) -> None:
        class Coded:
            format, count = "png", 0

            def read(self) -> bytes:
                return b""

            def decode(self, reduce: int = 1) -> np.ndarray:
                self.count += 1
                return np.full((4 // reduce, 6 // reduce, 3), reduce, np.uint8)

        coded = Coded()
        image = Image(coded=coded, size=(6, 4))
        assert (image.shape, coded.count) == ((4, 6), 0)
        assert image.reduced(2).shape == (2, 3, 3)
        assert image.pixels.shape == image.pixels.shape == (4, 6, 3)
        assert coded.count == 2
        assert image.reduced(1)[0, 0, 0] == 1

    def test_sample_with_other_media_keeps_the_rest(self) -> None:
        one = Sample("s", Image(np.zeros((2, 2, 3), np.uint8)), frozenset({"p"}), {"a": 1})
        two = one.with_media(Image(np.ones((2, 2, 3), np.uint8)))
        assert (two.id, two.subjects, two.labels) == ("s", {"p"}, {"a": 1})
        assert two.image.pixels[0, 0, 0] == 1


def test_a_finding_travels_with_everything_it_holds() -> None:
    told = Finding("face", Box(1, 2, 3, 4), 0.5, "face/x", Risk.PERSON, "somebody", {"bytes": 3}, ("private", 1.5))
    there = pickle.loads(pickle.dumps(told))
    assert there == told
    assert there.value == told.value
    assert [there.detail, there.subject] == [{"bytes": 3}, "somebody"]
