"""The conformance suites catch what they are there to catch."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from veilset.core.errors import WrongMedia
from veilset.core.finding import Finding
from veilset.core.guarantee import FOUND, Exact
from veilset.core.measurement import Measurement
from veilset.core.region import regions_of, union
from veilset.core.registry import Entry
from veilset.core.roles import Outcome
from veilset.core.sample import Image
from veilset.core.where import Box
from veilset.testing.conformance import check_detector, check_named, check_operator, check_probe, check_schema


@dataclass(frozen=True)
class Cover:
    """Cover with grey. *Shapes and units* **Guarantee** *Source* >>> 1.

    level: grey value.
    """

    level: int = 7
    takes = (Image,)
    touches = "region"

    def apply(self, sample, findings, *, noise):
        if not isinstance(sample.media, Image):
            raise WrongMedia("pictures only")
        region = union(regions_of(sample.image, findings), sample.image.shape)
        return Outcome(sample.with_media(sample.image.treat(region, np.full_like(sample.image.pixels, self.level))))

    def guarantee(self):
        return Exact(given=(FOUND,))


class TakesAnything(Cover):
    def apply(self, sample, findings, *, noise):
        return super().apply(sample, findings, noise=noise) if isinstance(sample.media, Image) else Outcome(sample)


class LeaksOut(Cover):
    def apply(self, sample, findings, *, noise):
        sample = super().apply(sample, findings, noise=noise).sample
        where = np.ones(sample.image.shape, bool)
        return Outcome(
            sample.with_media(sample.image.treat(where, np.zeros_like(sample.image.pixels))) if findings else sample
        )


class Random(Cover):
    def apply(self, sample, findings, *, noise):
        level = int(np.random.default_rng().integers(256))
        return Cover(level).apply(sample, findings, noise=noise)


class Forgets(Cover):
    def apply(self, sample, findings, *, noise):
        treated = super().apply(sample, findings, noise=noise).sample
        return Outcome(replace(treated, subjects=frozenset()) if findings else treated)


class DropsAll(Cover):
    def apply(self, sample, findings, *, noise):
        super().apply(sample, findings, noise=noise)
        return Outcome(None, "why not")


class PromisesNothing(Cover):
    def guarantee(self):
        return None


class Skips(Cover):
    def apply(self, sample, findings, *, noise):
        return super().apply(sample, findings[:1], noise=noise)


def test_a_good_operator_passes() -> None:
    check_operator(Cover())


@pytest.mark.parametrize(
    ("operator", "said"),
    [
        (TakesAnything(), "WrongMedia"), (LeaksOut(), "outside"), (Random(), "same noise"), (Forgets(), "subjects"),
        (DropsAll(), "nothing was found"), (PromisesNothing(), "Guarantee"), (Skips(), "left part"),
    ],
)  # fmt: skip
def test_a_broken_operator_is_caught(operator, said) -> None:
    with pytest.raises(AssertionError, match=said):
        check_operator(operator)


@dataclass(frozen=True)
class Finder:
    """Finds something everywhere."""

    kind: str = "face"
    takes = (Image,)
    finds = ("face",)

    def find(self, sample):
        return (Finding(self.kind, Box(0, 0, 1, 1), 1.0, "t"),)


class Fickle(Finder):
    def find(self, sample):
        return (Finding("face", Box(0, 0, np.random.default_rng().random(), 1), 1.0, "t"),)


def test_detectors() -> None:
    check_detector(Finder())
    with pytest.raises(AssertionError, match="plate"):
        check_detector(Finder("plate"))
    with pytest.raises(AssertionError, match="different things"):
        check_detector(Fickle())


@dataclass(frozen=True)
class Ruler:
    """Measures one."""

    fixed: bool = True
    takes = (Image,)

    def run(self, case, *, rng):
        value = 1.0 if self.fixed else float(np.random.default_rng().random())
        return (Measurement("ruler", "one", value, 0.0, 1.0, len(case.pairs), "lower"),)


def test_probes() -> None:
    check_probe(Ruler())
    with pytest.raises(AssertionError, match="same rng"):
        check_probe(Ruler(fixed=False))


def test_names() -> None:
    check_named("dp_pix", Entry("veilset.operators.dp_pix:DpPix", "One line."))
    for entry in (
        Entry("veilset.operators.pix:DpPix", "One line."), Entry("veilset.operators.dp_pix:Pix", "One line."),
        Entry("veilset.operators.dp_pix:DpPix", "No sentence"),
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            check_named("dp_pix", entry)


@dataclass(frozen=True)
class Sees:
    settings: Mapping[str, Any] = field(default_factory=dict)
    takes = (Image,)

    def run(self, case, *, rng):
        return ()


@dataclass(frozen=True)
class Holds(Sees):
    settings: Mapping[str, Any] = field(default_factory=lambda: {"x": b"?"})


@dataclass(frozen=True)
class Keyed(Sees):
    settings: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Gated(Sees):
    of: str = ""


def test_settings_of_another_part_are_plain() -> None:
    check_schema(Sees())
    with pytest.raises(TypeError, match="JSON"):
        check_schema(Holds())
    with pytest.raises(AssertionError, match="not a plain type"):
        check_schema(Keyed())


def test_no_field_of_a_probe_is_a_key_of_its_gate() -> None:
    with pytest.raises(AssertionError, match="keys of a gate"):
        check_schema(Gated())
