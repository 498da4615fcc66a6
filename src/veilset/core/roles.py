"""The roles that the wings play. A class plays a role by having its methods; nothing is inherited.

Every detector, operator and probe is a frozen dataclass: its fields are public settings with defaults, and at once the
keys of the policy, the help of `veilset show` and the entry in the manifest. Arguments of the calls are secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np

from veilset.core.finding import Finding
from veilset.core.guarantee import Guarantee
from veilset.core.measurement import Measurement
from veilset.core.noise import Noise
from veilset.core.sample import Media, Sample

T = TypeVar("T")
R = TypeVar("R")

Touches = Literal["region", "whole", "tags", "sample"]


@dataclass(frozen=True, slots=True)
class Ref:
    """A cheap, picklable pointer to one sample of a source: what travels to worker processes."""

    id: str
    name: str


class Source(Protocol):
    """Turns a place into samples."""

    def refs(self) -> Sequence[Ref]:
        """Every sample, in an order that depends on the place alone."""

    def others(self) -> Sequence[str]:
        """Names of what lies in the place and is no sample: it is not treated, not released, and said."""

    def load(self, ref: Ref) -> Sample:
        """One sample; pixels are decoded when first asked for.

        Raises:
            DataError: It cannot be read; the caller quarantines it.
        """


@dataclass(frozen=True, slots=True)
class Written:
    """What a sink wrote for one sample.

    Attributes:
        name: Path of the written file relative to the sink's root, POSIX separators.
        sha256: Of the written file.
        size: In bytes.
        notes: What could not be carried over, in public words ("16 bits reduced to 8 in treated regions").
    """

    name: str
    sha256: str
    size: int
    notes: tuple[str, ...] = ()


class Sink(Protocol):
    """Writes samples into fresh containers with an allowlist of tags."""

    def write(self, sample: Sample, name: str) -> Written:
        """Write one sample under a fresh stem `name`; temporary file, re-opened, then renamed."""


@runtime_checkable
class Detector(Protocol):
    """Says what is there. Missing something is the failure that matters, so lean to recall."""

    takes: ClassVar[tuple[type[Media], ...]]
    finds: ClassVar[tuple[str, ...]]

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """What is there; in the same order every time."""


@runtime_checkable
class SetDetector(Protocol):
    """A detector that needs the whole set: it observes each sample alone, then concludes over all of them.

    `observe` runs in worker processes and returns something small and picklable; `conclude` runs once.
    """

    takes: ClassVar[tuple[type[Media], ...]]
    finds: ClassVar[tuple[str, ...]]

    def observe(self, sample: Sample) -> Any:
        """What the conclusion needs of this sample."""

    def conclude(self, observed: Mapping[str, Any]) -> Mapping[str, tuple[Finding, ...]]:
        """Findings by sample id, from what was observed by sample id."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operator did.

    Attributes:
        sample: The treated sample, or None when it was dropped.
        reason: Why it was dropped, in public words.
        secrets: What must go to the vault and never into the release.
    """

    sample: Sample | None
    reason: str = ""
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@runtime_checkable
class Operator(Protocol):
    """Treats what was found, and promises something for it."""

    takes: ClassVar[tuple[type[Media], ...]]
    touches: ClassVar[Touches]

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:
        """Treat `findings` of `sample`; no findings, same sample. Never changes its input.

        Raises:
            WrongMedia: The sample holds media that the operator does not take.
        """

    def guarantee(self) -> Guarantee:
        """What `apply` promises; depends on the fields alone."""


class Again(Protocol):
    """The whole treatment of one sample, as the release does it."""

    def __call__(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Sample | None:
        """The treated sample as its reader sees it; None when it is dropped.

        Raises:
            DataError: It cannot be treated; the release would have set it aside.
        """


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the adversary knows (Kerckhoffs: everything but the noise).

    Attributes:
        treatments: Kind of finding to operator, as the policy has them.
        sees_originals: The adversary holds some clean pictures of the same people.
        again: Treats a picture as the release did, from the first kind to the written file; None when all that is known
            are the treatments, which are then applied one after the other.
    """

    treatments: Mapping[str, Operator] = field(default_factory=dict)
    sees_originals: bool = True
    again: Again | None = None


@dataclass(frozen=True)
class Pair:
    """One sample before and after treatment, with what was found in it. `after` is None when it was dropped.

    `again`: what further releases made of the same original.
    """

    before: Sample
    after: Sample | None
    findings: tuple[Finding, ...] = ()
    again: tuple[Sample, ...] = ()


class Build(Protocol):
    """Hands a probe what it needs of another wing, as a value."""

    def __call__(self, role: str, name: str, settings: Mapping[str, Any] | None = None) -> Any:
        """An instance, for instance `build("detector", "face", {"model": "yunet"})`."""


@dataclass(frozen=True)
class Case:
    """What a probe looks at: pairs (loaded when indexed), what the adversary knows, and a way to other wings."""

    pairs: Sequence[Pair]
    knowledge: Knowledge = Knowledge()
    build: Build | None = None


@runtime_checkable
class Probe(Protocol):
    """Measures what an adversary still learns, or what the data is still worth.

    It can refute a claim, never prove it.
    """

    takes: ClassVar[tuple[type[Media], ...]]

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Compare before with after; each number with interval and chance level."""


class Engine(Protocol):
    """Runs one step over many items, on this machine or on a cluster."""

    def map(self, step: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Results in the order of the items, lazily and in bounded memory. An exception of `step` is raised here."""
