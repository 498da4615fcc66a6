import numpy as np
import pytest

from veilset.core.errors import BadSetting, WrongMedia
from veilset.core.finding import Finding, Risk
from veilset.core.noise import SystemNoise
from veilset.core.roles import Outcome
from veilset.core.sample import Image, Sample, Signal, TagValue
from veilset.core.where import Box, Tag, Whole
from veilset.operators.drop import Drop
from veilset.operators.strip import Strip

TAGS = (
    TagValue("exif/ifd0/Orientation", 6, technical=True),
    TagValue("icc/profile", b"icc", technical=True),
    TagValue("exif/ifd0/Copyright", "c", Risk.RIGHTS),
    TagValue("exif/exif/ExposureTime", 0.01, Risk.DEVICE),
    TagValue("exif/exif/DateTimeOriginal", "2020", Risk.TIME),
    TagValue("exif/gps/GPSLatitude", 52.5, Risk.PLACE),
    TagValue("exif/exif/MakerNote", b"?", Risk.HIDDEN),
    TagValue("never/heard/of", b"?"),
    TagValue("exif/gps/Orientation", 3, Risk.PLACE),
)
SAMPLE = Sample("s", Image(np.zeros((2, 2, 3), np.uint8)), frozenset({"p"}), {"a": 1}, TAGS)
FOUND = [Finding("metadata", Tag("exif/gps/GPSLatitude"), 1, "metadata")]


def left(strip: Strip) -> list[str]:
    return [tag.path.rsplit("/", 1)[-1] for tag in strip.apply(SAMPLE, FOUND, noise=SystemNoise()).sample.tags]


@pytest.mark.parametrize(
    ("strip", "names"),
    [
        (Strip(), ["Orientation", "profile"]),
        (Strip(keep=()), []),
        (Strip(keep=("rights",)), ["Copyright"]),
        (Strip(keep=("exposure", "orientation")), ["Orientation", "ExposureTime"]),
        (Strip(keep=(), dates="keep"), ["DateTimeOriginal"]),
        (Strip(keep=(), dates="month", gps_grid=0.1), []),
    ],
)
def test_only_the_allowlist_stays(strip: Strip, names: list[str]) -> None:
    assert left(strip) == names


def test_the_rest_of_the_sample_is_kept() -> None:
    out = Strip().apply(SAMPLE, FOUND, noise=SystemNoise()).sample
    assert (out.id, out.media, out.subjects, out.labels) == (SAMPLE.id, SAMPLE.media, SAMPLE.subjects, SAMPLE.labels)


def test_allowlist_for_the_sink() -> None:
    keep = Strip(keep=("rights",), gps_grid=0.1, dates="month").keep_of()
    assert (keep.orientation, keep.icc, keep.rights, keep.exposure) == (False, False, True, False)
    assert (keep.gps_grid, keep.dates) == (0.1, "month")
    assert Strip().keep_of().gps_grid is None


def test_refusals() -> None:
    with pytest.raises(WrongMedia, match="face"):
        Strip().apply(SAMPLE, [Finding("face", Box(0, 0, 1, 1), 1, "t")], noise=SystemNoise())
    with pytest.raises(WrongMedia, match="Signal"):
        Strip().apply(Sample("s", Signal(np.zeros((2, 1)), 1.0)), FOUND, noise=SystemNoise())


@pytest.mark.parametrize("bad", [{"keep": ("gps",)}, {"gps_grid": -1}, {"dates": "year"}])
def test_bad_settings(bad: dict) -> None:
    with pytest.raises(BadSetting, match=next(iter(bad))):
        Strip(**bad)


def test_guarantee_names_what_stays() -> None:
    words = Strip(keep=("rights",), gps_grid=0.5, dates="month").guarantee().in_words()
    assert all(word in words for word in ("rights", "grid", "dates"))
    assert "any tag." in Strip(keep=()).guarantee().in_words()


def test_drop() -> None:
    two = [Finding("rights", Whole(), 1, "t"), Finding("optout", Whole(), 1, "t")]
    assert Drop().apply(SAMPLE, two, noise=SystemNoise()) == Outcome(None, "optout, rights found")
    assert Drop().apply(SAMPLE, [], noise=SystemNoise()).sample is SAMPLE


@pytest.mark.parametrize("wrong", [{"gps_grid": 0.0005}, {"gps_grid": -1.0}, {"rotate": True, "keep": ("icc",)}])
def test_what_no_container_can_serve_is_said_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        Strip(**wrong)
