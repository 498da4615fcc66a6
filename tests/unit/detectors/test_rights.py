"""Rights signals: each outcome is its own, and the most restrictive wins."""

from __future__ import annotations

import numpy as np
import pytest

from veilset.core.finding import Risk
from veilset.core.sample import Image, Origin, Sample, TagValue
from veilset.detectors.names import Names
from veilset.detectors.rights import Rights, read_signals, spdx_of

CC = "https://creativecommons.org/licenses/"


def _sample(*tags: TagValue) -> Sample:
    return Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), tags=tags)


@pytest.mark.parametrize(
    ("path", "value", "outcome"),
    [
        ("xmp/cc:license", f"{CC}by/4.0/", "attribution"),
        ("xmp/xmpRights:WebStatement", f"{CC}by-sa/3.0/de/", "share_alike"),
        ("xmp/cc:license", f"{CC}by-nd/4.0/", "no_derivatives"),
        ("xmp/xmpRights:UsageTerms", "CC BY-NC-ND 4.0", "no_derivatives"),
        ("exif/ifd0/Copyright", f"somebody, {CC}by-nc/4.0/", "non_commercial"),
        ("xmp/cc:license", "http://creativecommons.org/publicdomain/zero/1.0/", "public_domain"),
        ("iptc/2:116", "(c) somebody. All rights reserved", "rights_reserved"),
        ("xmp/plus:DataMining", "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING", "mining_prohibited"),
        ("xmp/tdm:reservation", "1", "mining_prohibited"),
        (
            "c2pa/cawg.training-mining/cbor",
            b"\xa1gentries\xa1pcawg.ai_training\xa1cusejnotAllowed",
            "mining_prohibited",
        ),
        (
            "c2pa/c2pa.training-mining/cbor",
            b"\xa1gentries\xa1pc2pa.data_mining\xa1cusekconstrained",
            "mining_prohibited",
        ),
    ],
)
def test_each_signal_has_its_outcome(path: str, value: str | bytes, outcome: str) -> None:
    (finding,) = Rights().find(_sample(TagValue(path, value, Risk.RIGHTS)))
    assert finding.detail["outcome"] == outcome
    assert path in finding.detail["tags"]


def test_allowed_mining_is_no_reservation() -> None:
    value = b"\xa1gentries\xa1pcawg.ai_training\xa1cusegallowed"
    assert "mining_prohibited" not in read_signals([TagValue("c2pa/cawg.training-mining/cbor", value)]).outcomes


@pytest.mark.parametrize("kind", ["by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"])
@pytest.mark.parametrize("version", ["1.0", "2.0", "2.5", "3.0", "4.0"])
def test_every_licence_has_its_spdx_name(kind: str, version: str) -> None:
    assert spdx_of(f"http://creativecommons.org/licenses/{kind}/{version}/") == (f"CC-{kind.upper()}-{version}",)


def test_two_licences_contradict_and_that_wins() -> None:
    tags = (
        TagValue("xmp/cc:license", f"{CC}by/4.0/", Risk.RIGHTS),
        TagValue("exif/ifd0/Copyright", f"{CC}by-nd/4.0/", Risk.RIGHTS),
    )
    (finding,) = Rights().find(_sample(*tags))
    assert finding.detail["outcome"] == "contradiction"
    assert "no_derivatives" in finding.detail["outcomes"]


def test_silence_is_reported_only_when_asked() -> None:
    assert Rights().find(_sample()) == ()
    assert Rights(absence=True).find(_sample())[0].detail["outcome"] == "no_licence"


def test_values_stay_out_of_the_detail() -> None:
    (finding,) = Rights().find(_sample(TagValue("exif/ifd0/Copyright", "(c) Zq99 somebody", Risk.RIGHTS)))
    assert "Zq99" not in str(finding.detail)
    assert "Zq99" not in repr(finding)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("2023/IMG-20230514-WA0007.jpg", {"date_and_time", "messenger_file"}),
        ("DSC_0042.jpg", {"camera_numbering"}),
        ("photo +49 170 1234567.jpg", {"phone_number"}),
        ("Screenshot 12.png", {"screenshot"}),
        ("a/000017.jpg", set()),
    ],
)
def test_names_give_away(name: str, kinds: set[str]) -> None:
    sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), origin=Origin(name))
    assert {finding.where.path.partition("/")[2] for finding in Names().find(sample)} == kinds
