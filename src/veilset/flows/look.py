"""Looking at one sample: what every flow does first, in a worker process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from veilset.core.errors import BadSetting, BrokenContract, DataError, Refusal, VeilsetError
from veilset.core.finding import Finding
from veilset.core.roles import Detector, Ref, SetDetector, Source
from veilset.core.sample import FileOnly, Image, Sample
from veilset.flows.vetoes import apply_vetoes

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in one sample.

    Attributes:
        ref: Which sample.
        error: Why it cannot be used, empty when it can.
        width: Upright, in pixels; 0 when unknown.
        height: Upright, in pixels; 0 when unknown.
        format: By content; empty when unknown.
        size: In bytes.
        modified_ns: When the original was last written.
        labels: What the set says about it.
        subjects: Who is in it, as far as known.
        findings: In order of detectors.
        observed: For set detectors, by name.
        unsearched: Frames or pages that were not decoded, so that nothing was searched for in them; 0 for a picture.
    """

    ref: Ref
    error: str = ""
    width: int = 0
    height: int = 0
    format: str = ""
    size: int = 0
    modified_ns: int = 0
    labels: dict[str, Any] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    observed: dict[str, Any] = field(default_factory=dict)
    unsearched: int = 0


def guarded(who: str, ref: Ref, call: Callable[..., R], *args: Any, **named: Any) -> R:
    """The result of a call; anything that is not one of our errors becomes `BrokenContract`, naming who raised it."""
    try:
        return call(*args, **named)
    except BadSetting as error:
        raise BadSetting(f"{who} on {ref.name}: {error.message}", ref.id) from error
    except VeilsetError:
        raise
    except MemoryError:
        raise
    except Exception as error:
        raise BrokenContract(
            f"{who} failed on {ref.name}: {type(error).__name__}: {error}. Nothing was released. This is a bug of "
            f"{who}, not of your data; leave it out of the policy or report it.",
            ref.id,
        ) from error


def each_is(kind: type[R], who: str, ref: Ref, given: Iterable[Any]) -> tuple[R, ...]:
    """What a plug-in gave back, if all of it is of the kind that its role names.

    Raises:
        BrokenContract: It is not; names who gave it.
    """
    wanted = kind.__name__
    things = given if isinstance(given, Iterable) else (given,)
    checked = []
    for one in things:
        if not isinstance(one, kind):
            raise BrokenContract(
                f"{who} gave a {type(one).__name__} on {ref.name} where its role gives {wanted}s. Nothing was released. "
                f"This is a bug of {who}, not of your data; leave it out of the policy or report it.",
                ref.id,
            )
        checked.append(one)
    return tuple(checked)


def notes_of(detectors: Iterable[Any]) -> tuple[str, ...]:
    """What detectors say a reader has to know of how they looked: a network that was not there, a part left out."""
    return tuple(note for one in detectors if hasattr(one, "notes") for note in one.notes())


def check_all(detectors: Iterable[Any]) -> None:
    """Let detectors that read files of their own read them before any picture.

    Raises:
        UsageError: One of them says what the policy does not allow.
        DataError: One of them cannot be read.
    """
    for one in detectors:
        if hasattr(one, "check"):
            one.check()


def look(sample: Sample, ref: Ref, detectors: Sequence[tuple[str, Detector]]) -> tuple[Finding, ...]:
    """Findings of all detectors that take this kind of media, united; reviewers' vetoes stand in them as `vetoed`."""
    found: list[Finding] = []
    vetoes: list[Finding] = []
    for name, detector in detectors:
        if isinstance(sample.media, detector.takes):
            who = f"detector {name}"
            found += each_is(Finding, who, ref, guarded(who, ref, detector.find, sample))
            if hasattr(detector, "vetoes"):
                vetoes += guarded(f"detector {name}", ref, detector.vetoes, sample)
    return apply_vetoes(found, vetoes)


@dataclass(frozen=True)
class Look:
    """One audit step: picklable, since it travels to worker processes."""

    source: Source
    detectors: tuple[tuple[str, Detector], ...]
    set_detectors: tuple[tuple[str, SetDetector], ...] = ()

    def __call__(self, ref: Ref) -> Seen:
        """What is in one sample; a sample that cannot be read is seen with its error."""
        try:
            sample = self.source.load(ref)
            findings = look(sample, ref, self.detectors)
            observed = {
                name: guarded(f"detector {name}", ref, detector.observe, sample)
                for name, detector in self.set_detectors
                if isinstance(sample.media, detector.takes)
            }
        except (DataError, Refusal) as error:
            return Seen(ref, error=error.message)
        return seen(sample, ref, findings, observed)


def seen(
    sample: Sample, ref: Ref, findings: tuple[Finding, ...], observed: dict[str, Any] | None = None, error: str = ""
) -> Seen:
    """The facts of a sample that was read."""
    image = sample.media if isinstance(sample.media, Image) else None
    return Seen(
        ref,
        error,
        image.width if image else 0,
        image.height if image else 0,
        "" if sample.format == "unknown" else sample.format,
        sample.origin.size,
        sample.origin.modified_ns,
        dict(sample.labels),
        tuple(sorted(sample.subjects)),
        findings,
        observed or {},
        sample.media.frames if isinstance(sample.media, FileOnly) else 0,
    )
