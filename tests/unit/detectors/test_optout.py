import datetime as dt
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.errors import BadSetting, Unreadable
from veilset.core.roles import Detector
from veilset.core.sample import Image, Sample, TagValue
from veilset.detectors.optout import Optout
from veilset.records.tombstones import Tombstones


def picture(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    return cv2.resize(small, (240, 180), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def store(tmp_path: Path) -> str:
    stones = Tombstones.create(tmp_path / "optout")
    stones.add([stones.of(Sample("x", Image(picture(1))), dt.date(2025, 1, 1), "withdrawn")])
    return str(tmp_path / "optout")


def test_a_withdrawn_picture_is_found_in_every_disguise_promised(store: str) -> None:
    detector = Optout(store=store)
    assert isinstance(detector, Detector)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", picture(1), [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)
    smaller = cv2.resize(jpeg, (120, 90), interpolation=cv2.INTER_AREA)
    for pixels in (picture(1), jpeg, smaller, np.ascontiguousarray(smaller[:, ::-1])):
        (found,) = detector.find(Sample("y", Image(pixels)))
        assert found.kind == "opted_out"
        assert "withdrew" in found.detail["words"]
    assert detector.find(Sample("y", Image(picture(2)))) == ()


def test_reservations_in_the_file_count_unless_switched_off(store: str) -> None:
    tags = (TagValue("xmp/plus:DataMining", "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"),)
    reserved = Sample("y", Image(picture(2)), tags=tags)
    assert Optout(store=store).find(reserved)[0].source == "optout/signals"
    assert Optout(store=store, signals=False).find(reserved) == ()


def test_without_the_list_nothing_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Optout(store=str(tmp_path)).find(Sample("y", Image(picture(2))))
    with pytest.raises(BadSetting):
        Optout(distance=40)
