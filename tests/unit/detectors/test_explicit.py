"""explicit: what is said follows from the scores, and each network is asked as its publisher asks it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from veilset.core.errors import BadSetting
from veilset.core.sample import Image, Sample
from veilset.core.where import Whole
from veilset.detectors.explicit import JUDGES, Explicit, judge_open
from veilset.weights import onnx, store

SAMPLE = Sample("1", Image(np.zeros((8, 8, 3), np.uint8)))


def test_explicit_adds_the_classes_that_count(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {"drawing": 0.1, "hentai": 0.1, "neutral": 0.3, "porn": 0.2, "sexy": 0.3}
    monkeypatch.setitem(JUDGES, "nsfwjs", lambda _pixels: scores)
    (found,) = Explicit(model="nsfwjs").find(SAMPLE)
    assert (found.kind, found.where, found.score) == ("explicit", Whole(), pytest.approx(0.6))
    assert found.detail == {"scores": scores}
    assert Explicit(model="nsfwjs", classes=("porn", "hentai")).find(SAMPLE) == ()
    assert len(Explicit(model="nsfwjs", classes=("porn", "hentai"), min_score=0.3).find(SAMPLE)) == 1


def test_of_two_networks_the_surer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    neutral = {"drawing": 0.0, "hentai": 0.0, "neutral": 0.9, "porn": 0.1, "sexy": 0.0}
    monkeypatch.setitem(JUDGES, "nsfwjs", lambda _pixels: neutral)
    monkeypatch.setitem(JUDGES, "open_nsfw", lambda _pixels: {"nsfw": 0.8})
    (found,) = Explicit(model="nsfwjs+open_nsfw").find(SAMPLE)
    assert (found.score, found.source) == (0.8, "explicit/nsfwjs+open_nsfw")
    assert found.detail == {"scores": neutral | {"nsfw": 0.8}}
    assert Explicit(model="nsfwjs").find(SAMPLE) == ()


@pytest.mark.parametrize(
    ("here", "wanted"),
    [
        ({"nsfw_mobilenet_v2", "open_nsfw"}, ("nsfw_mobilenet_v2", "open_nsfw")),
        ({"nsfw_mobilenet_v2"}, ("nsfw_mobilenet_v2",)),
        ({"open_nsfw"}, ("open_nsfw",)),
        (set(), ("open_nsfw",)),
    ],
)
def test_all_that_is_installed_looks_and_what_anybody_can_pull_is_asked_for(
    here: set[str], wanted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "installed", here.__contains__)
    assert Explicit().weights() == wanted
    assert store.record("open_nsfw").sources


@pytest.mark.parametrize("model", ["open", "nsfwjs+nsfwjs", "default+nsfwjs", ""])
def test_a_model_that_is_none_is_refused(model: str) -> None:
    with pytest.raises(BadSetting, match="model"):
        Explicit(model=model)


@pytest.mark.weights
def test_open_nsfw_sees_what_its_publisher_shows_it() -> None:
    """The publisher's steps done by Pillow, whose resampling alone differs."""
    folder = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "people_photos" / "images"
    if not store.installed("open_nsfw"):
        pytest.skip("the weights open_nsfw are not installed: run `veilset weights pull open_nsfw`")
    if not folder.is_dir():
        pytest.skip(f"NOT TESTED: {folder} is absent; set VEILSET_DATA")
    ours, theirs = [], []
    for path in sorted(folder.glob("*.jpg"))[:12]:
        whole = Pillow.open(path).convert("RGB")
        ours.append(judge_open(np.asarray(whole))["nsfw"])
        out = io.BytesIO()
        whole.resize((256, 256), Pillow.Resampling.BILINEAR).crop((16, 16, 240, 240)).save(out, "JPEG")
        planes = np.asarray(Pillow.open(out), np.float32)[None, :, :, ::-1] - np.array([104, 117, 123], np.float32)
        theirs.append(float(onnx.run("open_nsfw", {"input:0": planes})[0][0, 1]))
    assert max(theirs) > 2 * min(theirs)
    np.testing.assert_allclose(ours, theirs, atol=0.06)
