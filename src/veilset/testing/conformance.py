"""Suites that any detector, operator, probe or source must pass, ours and third parties'.

Each takes an instance, uses it on drawn data, and raises `AssertionError` with a sentence at the first broken promise:

>>> from veilset.testing.conformance import check_operator  # doctest: +SKIP
>>> check_operator(MyOperator())  # doctest: +SKIP
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from veilset.core.errors import DataError, WrongMedia
from veilset.core.finding import Finding, Risk
from veilset.core.guarantee import Guarantee
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise, SystemNoise
from veilset.core.region import regions_of, union
from veilset.core.registry import Entry
from veilset.core.roles import Case, Detector, Knowledge, Operator, Outcome, Pair, Probe, SetDetector, Source
from veilset.core.sample import FileOnly, Image, Media, Sample, Signal, TagValue, Video
from veilset.core.where import Box, Mask, Polygon, Tag, Where, Whole
from veilset.testing.drawn import picture

FACES = (Box(20, 16, 60, 75), Box(110, 40, 24, 30), Box(140, -10, 30, 38))
PLAIN = (bool, int, float, str)
SECTIONS = ("*Source*", ">>>")


def samples_of(kind: type[Media]) -> tuple[Sample, ...]:
    """Drawn samples of one kind of media, small ones among them."""
    if kind is Image:
        tags = (
            TagValue("exif/gps/GPSLatitude", 52.5, Risk.PLACE),
            TagValue("exif/ifd0/Orientation", 1, technical=True),
            TagValue("made/up", b"?", Risk.HIDDEN),
        )
        large = Image(picture(160, 120, faces=FACES, seed=5))
        return (
            Sample("large", large, frozenset({"p1"}), {"class": "drawn"}, tags),
            Sample("small", Image(picture(7, 5, seed=6))),
            Sample("pixel", Image(picture(1, 1, seed=7))),
        )
    if kind is Video:
        frames = np.stack([picture(48, 32, faces=[Box(4 + i, 4, 16, 20)], seed=8) for i in range(4)])
        return (Sample("video", Video(frames, np.arange(4) / 25)),)
    if kind is FileOnly:
        said = (TagValue("mp4/udta/©xyz/position", (48.1, 11.6), Risk.PLACE), TagValue("mp4/track/2", b"", Risk.HIDDEN))
        return (Sample("file", FileOnly("mp4", 90), tags=said),)
    rng = np.random.default_rng(9)
    return (Sample("signal", Signal(rng.normal(size=(200, 3)).cumsum(axis=0), 50.0, ("x", "y", "z"))),)


def findings_of(sample: Sample, touches: str) -> tuple[tuple[Finding, ...], ...]:
    """Sets of findings that an operator with this reach must cope with, places of every shape among them."""
    if touches == "tags":
        return ((Finding("metadata", Tag("exif/gps/GPSLatitude"), 1.0, "conformance", Risk.PLACE),),)
    if touches != "region" or not isinstance(sample.media, Image):
        return ((Finding("face", Whole(), 1.0, "conformance"),),)
    height, width = sample.media.shape
    oval = np.hypot(*np.ogrid[-1:1:9j, -1:1:7j]) <= 1
    places: tuple[list[Where], ...] = (
        [Box(-2, -2, 5, 4)],
        list(FACES),
        [Box(width - 3, height - 3, 40, 40), Box(width / 3, height / 3, 2.5, 2.5)],
        [Polygon(((1, 1), (width * 0.8, 2), (width / 2, height * 0.9)))],
        [Mask(width // 2, height // 2, oval), Box(0, 0, width / 2, height / 2)],
        [Whole()],
    )
    return tuple(tuple(Finding("face", where, 1.0, "conformance") for where in group) for group in places)


def check_schema(part: Any) -> None:
    """A frozen dataclass with typed and defaulted fields; its settings rebuild it."""
    kind: Any = type(part)
    assert hasattr(kind, "__dataclass_fields__"), f"{kind.__name__} is not a dataclass"
    assert kind.__dataclass_params__.frozen, f"{kind.__name__} is not frozen"
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(part):
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        assert has_default, f"{kind.__name__}.{field.name} has no default"
        assert _plain(hints[field.name]), f"{kind.__name__}.{field.name}: {hints[field.name]} is not a plain type"
    settings = dataclasses.asdict(part)
    assert kind(**settings) == part, f"{kind.__name__} does not survive its own settings"
    json.dumps(settings, allow_nan=False)
    taken = sorted({"min", "max", "of"} & settings.keys()) if hasattr(part, "run") else []
    assert not taken, f"{kind.__name__}: {taken} are keys of a gate, so that no policy could set these fields"
    assert isinstance(kind.takes, tuple), f"{kind.__name__}.takes is not a tuple"
    assert kind.takes, f"{kind.__name__}.takes is empty"


def check_documented(part: Any) -> None:
    """The docstring has every section that the reference page is made of, and says what each field is."""
    kind: Any = type(part)
    text = kind.__doc__ or ""
    own = ("*Measurements*",) if hasattr(part, "run") and "*Adversary*" in text else ("*Shapes and units*",)
    for section in SECTIONS + own + (("**Guarantee**",) if hasattr(part, "guarantee") else ()):
        assert section in text, f"the docstring of {kind.__name__} has no {section}"
    for field in dataclasses.fields(part):
        assert f"{field.name}:" in text, f"the docstring of {kind.__name__} does not say what {field.name} is"


def check_named(name: str, entry: Entry) -> None:
    """Name, file and class say the same word; the summary is one sentence."""
    module, _, attribute = entry.path.partition(":")
    assert module.rsplit(".", 1)[-1] == name, f"{name} lives in {module}, not in a file of its name"
    assert attribute.lower() == name.replace("_", "").lower(), f"{name} is the class {attribute}"
    assert entry.summary.endswith("."), f"the summary of {name} is no sentence"
    assert "\n" not in entry.summary, f"the summary of {name} has several lines"


def check_operator(operator: Operator) -> None:
    """Everything that the role of an operator promises.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    check_schema(operator)
    assert isinstance(operator, Operator), "apply, guarantee, takes or touches is missing"
    _check_guarantee(operator)
    assert FileOnly not in operator.takes, "takes files that nobody decoded; what is not looked at cannot be treated"
    for kind in (Image, Video, Signal, FileOnly):
        for sample in samples_of(kind):
            groups = findings_of(sample, operator.touches)
            if kind not in operator.takes:
                _must_refuse(operator, sample, groups[0], may_drop=kind is FileOnly)
                continue
            _check_untouched_without_findings(operator, sample)
            for findings in groups:
                _check_apply(operator, sample, findings)
    if operator.touches == "region" and Image in operator.takes:
        tag = (Finding("metadata", Tag("exif/gps/GPSLatitude"), 1.0, "conformance"),)
        _must_refuse(operator, samples_of(Image)[0], tag)


def check_detector(detector: Detector | SetDetector, samples: Sequence[Sample] = ()) -> None:
    """Everything that the role of a detector promises, on drawn data and on `samples`.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    check_schema(detector)
    assert detector.finds, "finds names no kind of finding"
    assert all(isinstance(kind, str) for kind in detector.finds), "finds holds something else than names"
    mine = [*samples, *(sample for kind in detector.takes for sample in samples_of(kind))]
    if isinstance(detector, SetDetector):
        concluded = [detector.conclude({s.id: detector.observe(s) for s in mine}) for _ in range(2)]
        assert concluded[0] == concluded[1], "two looks at the same set find different things"
        for found in concluded[0].values():
            _check_findings(detector, found)
        return
    assert isinstance(detector, Detector), "find, takes or finds is missing"
    for sample in mine:
        before = _content(sample)
        found = detector.find(sample)
        assert isinstance(found, tuple), "find does not give a tuple"
        _check_findings(detector, found)
        assert _content(sample) == before, "find changed its sample"
        again = detector.find(sample)
        assert _plain_findings(found) == _plain_findings(again), "two looks at one sample find different things"


def check_probe(probe: Probe, case: Case | None = None) -> None:
    """Everything that the role of a probe promises, on a drawn case and on `case`.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    check_schema(probe)
    assert isinstance(probe, Probe), "run or takes is missing"
    for looked_at in (drawn_case(), *((case,) if case else ())):
        try:
            one = probe.run(looked_at, rng=np.random.default_rng(3))
            two = probe.run(looked_at, rng=np.random.default_rng(3))
        except WrongMedia:
            assert Image not in probe.takes, "refuses pictures, which it says it takes"
            continue
        except DataError:
            # Saying that these data cannot be measured is an answer; a number would not be.
            continue
        assert isinstance(one, tuple), "run does not give a tuple"
        assert all(isinstance(m, Measurement) for m in one), "run gives something else than measurements"
        assert str([m.to_plain() for m in one]) == str([m.to_plain() for m in two]), "the same rng, other numbers"
        for measurement in one:
            json.dumps(measurement.to_plain(), allow_nan=False)


def check_source(source: Source) -> None:
    """Everything that the role of a source promises.

    Raises:
        AssertionError: A promise is broken; the message says which.
    """
    refs = list(source.refs())
    assert refs == list(source.refs()), "refs come in another order the second time"
    assert len({ref.id for ref in refs}) == len(refs), "two refs have one id"
    for ref in refs:
        try:
            sample = source.load(ref)
        except DataError:
            continue
        assert sample.id == ref.id, f"the sample of {ref.id} has another id"
        again = source.load(ref)
        assert _content(sample) == _content(again), f"{ref.id} reads differently the second time"


def drawn_case() -> Case:
    """A small case: drawn pictures whose faces were covered with black, and what was found in them."""
    pairs = []
    for seed in range(6):
        boxes = (Box(16 + seed, 20, 60, 75), Box(110, 40 + seed, 24, 30))
        before = Sample(f"drawn-{seed}", Image(picture(160, 120, faces=boxes, seed=seed)), frozenset({f"p{seed}"}))
        findings = tuple(Finding("face", box, 1.0, "conformance") for box in boxes)
        region = union(regions_of(before.image, findings), before.image.shape)
        after = before.with_media(before.image.treat(region, np.zeros((120, 160, 3), np.uint8)))
        pairs.append(Pair(before, after, findings))
    return Case(tuple(pairs), Knowledge())


def _plain(hint: Any) -> bool:
    """Whether a policy written as YAML can hold values of this type."""
    if hint in PLAIN or hint is type(None):
        return True
    parts = [part for part in typing.get_args(hint) if part is not Ellipsis]
    if typing.get_origin(hint) is typing.Literal:
        return all(isinstance(part, PLAIN) for part in parts)
    if typing.get_origin(hint) is Mapping:
        # Settings of another part: that part checks their values, and check_schema that the defaults are JSON.
        return parts[0] is str and (parts[1] is Any or _plain(parts[1]))
    return bool(parts) and all(_plain(part) for part in parts)


def _content(sample: Sample) -> tuple[Any, ...]:
    media = sample.media
    if isinstance(media, Image):
        data: Any = media.pixels.tobytes()
    elif isinstance(media, Video):
        data = media.frames.tobytes(), media.times.tobytes(), media.audio
    elif isinstance(media, FileOnly):
        data = media
    else:
        data = media.values.tobytes(), media.rate, media.channels
    tags = tuple((tag.path, repr(tag.value)) for tag in sample.tags)
    return sample.id, data, sample.subjects, json.dumps(dict(sample.labels), sort_keys=True, default=str), tags


def _must_refuse(operator: Operator, sample: Sample, findings: tuple[Finding, ...], *, may_drop: bool = False) -> None:
    try:
        outcome = operator.apply(sample, findings, noise=SystemNoise())
    except WrongMedia:
        return
    if may_drop and outcome.sample is None:
        return
    raise AssertionError(f"{type(operator).__name__} let {sample.id} with {findings[0].where!r} pass; raise WrongMedia")


def _check_guarantee(operator: Operator) -> None:
    first, second = operator.guarantee(), operator.guarantee()
    assert isinstance(first, Guarantee), "guarantee() gives something else than a Guarantee"
    assert type(first) is not Guarantee, "guarantee() names none of the five kinds"
    assert first == second, "guarantee() depends on something else than the fields"
    json.dumps(first.to_plain(), allow_nan=False)
    if operator.touches in {"region", "whole"} and first.kind != "nothing":
        assert first.given, "a guarantee for findings leans at least on their having been found; name it in `given`"


def _check_untouched_without_findings(operator: Operator, sample: Sample) -> None:
    outcome = operator.apply(sample, (), noise=SystemNoise())
    assert outcome.sample is not None, "dropped a sample in which nothing was found"
    assert _content(outcome.sample) == _content(sample), "changed a sample in which nothing was found"


def _check_apply(operator: Operator, sample: Sample, findings: tuple[Finding, ...]) -> None:
    before = _content(sample)
    outcome = operator.apply(sample, findings, noise=SeededNoise(1))
    again = operator.apply(sample, findings, noise=SeededNoise(1))
    assert isinstance(outcome, Outcome), "apply gives something else than an Outcome"
    assert _content(sample) == before, "apply changed its input"
    assert (outcome.sample is None) == (again.sample is None), "the same noise, another outcome"
    if outcome.sample is None:
        assert outcome.reason, "dropped without a reason"
        return
    treated = outcome.sample
    assert again.sample is not None
    assert _content(treated) == _content(again.sample), "the same noise, another output"
    assert (treated.id, treated.subjects) == (sample.id, sample.subjects), "id or subjects were lost"
    if not isinstance(sample.media, Image):
        return
    assert treated.image.shape == sample.image.shape, "the picture has another size"
    assert treated.image.pixels.dtype == np.uint8, "the picture has another type"
    if operator.touches == "tags":
        assert (treated.image.pixels == sample.image.pixels).all(), "touches tags, but changed pixels"
    if operator.touches == "region":
        _check_region(operator, sample, treated, findings)


def _check_region(operator: Operator, sample: Sample, treated: Sample, findings: tuple[Finding, ...]) -> None:
    grow = float(getattr(operator, "grow", 0.0))
    region = union(regions_of(sample.image, findings, grow=grow), sample.image.shape)
    changed = (treated.image.pixels != sample.image.pixels).any(axis=2)
    assert not (changed & ~region).any(), "changed pixels outside the region; is its growth the field `grow`?"
    assert [tag.path for tag in treated.tags] == [tag.path for tag in sample.tags], "touches a region, but changed tags"
    if region.any():
        assert treated.image.treated is not None, "made new pixels without Image.treat"
        assert not (region & ~treated.image.treated).any(), "left part of the region out of what was treated"


def _check_findings(detector: Detector | SetDetector, found: Sequence[Finding]) -> None:
    for finding in found:
        assert isinstance(finding, Finding), "found something else than a Finding"
        assert finding.kind in detector.finds, f"found {finding.kind}, which `finds` does not name"
        assert finding.source, "a finding without a source"
        json.dumps(dict(finding.detail))


def _plain_findings(found: Sequence[Finding]) -> list[str]:
    return [repr(finding.to_plain()) for finding in found]
