"""A drawn folder, and a detector that knows where its faces were drawn: flows are tested without any network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box
from veilset.operators.mask import Mask
from veilset.operators.strip import Strip
from veilset.policy.schema import Named, Policy, ReleaseSettings, Rule
from veilset.testing.drawn import Drawn, drawn_folder


@dataclass(frozen=True)
class Known:
    """Finds what was drawn."""

    boxes: tuple[tuple[str, Box], ...] = ()
    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("face",)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """Boxes of this sample."""
        return tuple(
            Finding("face", box, 1.0, "known", Risk.PERSON) for name, box in self.boxes if name == sample.origin.name
        )


@dataclass(frozen=True)
class Set:
    """A drawn folder and what is in it."""

    path: Path
    drawn: tuple[Drawn, ...]

    def known(self) -> Known:
        """The detector that finds it all."""
        return Known(tuple((one.name, box) for one in self.drawn for box in one.faces))


@pytest.fixture
def photos(tmp_path: Path) -> Set:
    folder = tmp_path / "photos"
    return Set(folder, tuple(drawn_folder(folder, 8, seed=3)))


@pytest.fixture
def policy(photos: Set) -> Callable[..., Policy]:
    """A policy over the known faces; settings may be given."""

    def make(**settings: object) -> Policy:
        given = {
            "find": (Named("known", photos.known()),),
            "treat": {
                "metadata": Rule(operators=(Named("strip", Strip()),)),
                "face": Rule(operators=(Named("mask", Mask()),)),
            },
            "otherwise": Rule(verdict="refuse"),
            "release": ReleaseSettings(),
        }
        return Policy(**{**given, **settings})  # type: ignore[arg-type]

    return make
