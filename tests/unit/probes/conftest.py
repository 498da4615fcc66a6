"""Drawn people, and the smallest possible treatments: weak ones that must fall, and two that must hold."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import cv2
import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.core.guarantee import Nothing
from veilset.core.noise import generator
from veilset.core.roles import Case, Knowledge, Outcome, Pair
from veilset.core.sample import Image, Origin, Sample
from veilset.core.where import Box


@dataclass(frozen=True)
class Treatment:
    """Each `way` treats the bounding boxes of the findings."""

    way: str = "mosaic"
    strength: float = 8

    takes: ClassVar[tuple[type, ...]] = (Image,)
    touches: ClassVar[str] = "region"

    def apply(self, sample, findings, *, noise):
        pixels, region = sample.image.pixels.copy(), np.zeros(sample.image.shape, dtype=bool)
        for finding in findings:
            box = finding.where.bounds()
            y, x = slice(int(box.y), int(box.y + box.height)), slice(int(box.x), int(box.x + box.width))
            pixels[y, x] = self.treat(pixels[y, x], generator(noise))
            region[y, x] = True
        return Outcome(sample.with_media(sample.image.treat(region, pixels)))

    def treat(self, inside, rng):
        h, w = inside.shape[:2]
        if self.way == "mosaic":
            small = cv2.resize(inside, (int(w // self.strength), int(h // self.strength)), interpolation=cv2.INTER_AREA)
            return cv2.resize(small, (w, h), interpolation=cv2.INTER_NEAREST)
        if self.way == "blur":
            return cv2.GaussianBlur(inside, (0, 0), self.strength)
        if self.way == "static":
            return rng.integers(0, 256, inside.shape, dtype=np.uint8)
        if self.way == "snow":
            return np.where(rng.random((h, w, 1)) < self.strength, 127, inside).astype(np.uint8)
        if self.way == "grain":
            return np.clip(inside + rng.normal(0, self.strength, inside.shape), 0, 255).astype(np.uint8)
        return np.zeros_like(inside)

    def guarantee(self):
        return Nothing("a test")


def face(person, rng, size):
    """A drawn person: eyes, mouth, hair and skin by the person; light, shift and grain by the picture."""
    own = np.random.default_rng(person)
    y, x = np.mgrid[0:size, 0:size] / size
    dx, dy = rng.normal(0, 0.01, 2)
    skin = own.uniform(90, 200)
    out = np.full((size, size), skin)
    for _ in range(7):
        cx, cy, s, depth = own.uniform(0.15, 0.85), own.uniform(0.15, 0.85), own.uniform(0.06, 0.18), own.normal(0, 55)
        out += depth * np.exp(-((x - cx - dx) ** 2 + (y - cy - dy) ** 2) / (2 * s * s))
    out += rng.normal(0, 8) + rng.normal(0, 12) * (x - 0.5)
    out = out[:, :, None] * np.array([1.0, 0.9, 0.8]) + rng.normal(0, 3, (size, size, 3))
    return np.clip(out, 0, 255).astype(np.uint8)


def crowd(people=12, each=6, size=48, treatment=None, seed=0, named=True, known=True, labels=None, around=0):
    """A case: `people` drawn, `each` pictured so often, treated; `labels` gives labels by person number."""
    rng = np.random.default_rng(seed)
    treatment = treatment or Treatment()
    pairs = []
    for person in range(people):
        for shot in range(each):
            pixels = face(person, rng, size)
            if around:
                framed = rng.integers(0, 255, (1, 1, 3)) * np.ones((size + 2 * around, size + 2 * around, 1))
                framed = np.clip(framed + rng.normal(0, 20, framed.shape), 0, 255).astype(np.uint8)
                framed[around : around + size, around : around + size] = pixels
                pixels = framed
            name = f"{person:03}_{shot:03}"
            sample = Sample(
                name,
                Image(pixels),
                subjects=frozenset([f"p{person}"]) if named else frozenset(),
                labels=(labels or (lambda p: {}))(person),
                origin=Origin(name + ".png", modified_ns=10**9 * (person * each + shot)),
            )
            found = (Finding("face", Box(around, around, size, size), 1.0, "drawn"),)
            from veilset.core.noise import SeededNoise

            after = treatment.apply(sample, found, noise=SeededNoise(rng.bytes(8))).sample
            pairs.append(Pair(sample, after, found))
    knowledge = Knowledge({"face": treatment} if known else {})
    return Case(pairs, knowledge)


@pytest.fixture(scope="session")
def drawn():
    """`drawn.crowd(...)` and `drawn.Treatment(...)`."""
    return SimpleNamespace(crowd=crowd, Treatment=Treatment, face=face)


def by_name(measurements):
    return {m.name: m for m in measurements}


@pytest.fixture(scope="session")
def named():
    """Measurements by name."""
    return by_name
