"""Rights signals: each outcome is its own, and the most restrictive wins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from veilset.containers.risks import risk_of
from veilset.core.finding import Risk
from veilset.core.sample import Image, Origin, Sample, TagValue
from veilset.detectors.licence import Licence
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
    ("text", "licence", "outcome"),
    [
        (f"{CC}by-nd-nc/1.0/", "CC-BY-NC-ND-1.0", "no_derivatives"),
        (f"{CC}by-nc-nd", "LicenseRef-CC-BY-NC-ND", "no_derivatives"),
        (f"{CC}sa/1.0/", "LicenseRef-CC-SA-1.0", "share_alike"),
        ("HTTPS://CREATIVECOMMONS.ORG/LICENSES/BY-NC/2.5/SCOTLAND/", "CC-BY-NC-2.5", "non_commercial"),
        ("CC BY-ND", "LicenseRef-CC-BY-ND", "no_derivatives"),
        ("CC BY NC ND 4.0", "CC-BY-NC-ND-4.0", "no_derivatives"),
        ("cc_by_sa_v4", "CC-BY-SA-4.0", "share_alike"),
        ("CC BY‑NC‑ND\u00a04.0", "CC-BY-NC-ND-4.0", "no_derivatives"),
        ("(CC) BY–SA 3.0 DE", "CC-BY-SA-3.0", "share_alike"),
        ("Creative Commons Attribution-NoDerivatives 4.0 International", "CC-BY-ND-4.0", "no_derivatives"),
        ("Attribution-NonCommercial-NoDerivs 2.0 Generic (CC BY-NC-ND 2.0)", "CC-BY-NC-ND-2.0", "no_derivatives"),
        ("Creative Commons Namensnennung – Nicht kommerziell 4.0", "CC-BY-NC-4.0", "non_commercial"),
        ("Creative Commons Attribution - Pas de Modification 3.0 France", "CC-BY-ND-3.0", "no_derivatives"),
        ("Creative Commons Reconocimiento-CompartirIgual 4.0", "CC-BY-SA-4.0", "share_alike"),
        ("クリエイティブ Creative Commons 表示 - 改変禁止 4.0 国際", "CC-BY-ND-4.0", "no_derivatives"),
        ("CC Zero", "CC0-1.0", "public_domain"),
        ("Public Domain Mark 1.0", "CC-PDM-1.0", "public_domain"),
        ("no derivative works, please", "NOASSERTION", "no_derivatives"),
        ("Alle Rechte vorbehalten", "NOASSERTION", "rights_reserved"),
        ("Tous droits réservés", "NOASSERTION", "rights_reserved"),
        ("may not be used for machine learning", "NOASSERTION", "mining_prohibited"),
        ("AI training is not permitted", "NOASSERTION", "mining_prohibited"),
        ("(c) Noam Airey, no aid needed, no air mail", "NOASSERTION", "rights_claimed"),
        ("(c) somebody, write to cc by mail", "LicenseRef-CC-BY", "attribution"),
        (f"{CC}by/4.0/, all rights reserved", "CC-BY-4.0", "contradiction"),
    ],
)
def test_licences_are_read_however_they_are_spelled(text: str, licence: str, outcome: str) -> None:
    (finding,) = Rights().find(_sample(TagValue("exif/ifd0/Copyright", text, Risk.RIGHTS)))
    listed = [one for one in finding.detail["outcomes"] if one != "rights_claimed"] or ["rights_claimed"]
    assert (finding.detail["licence"], listed[0] if outcome != "rights_claimed" else outcome) == (licence, outcome)


@pytest.mark.parametrize("path", ["jpeg/com", "png/tEXt/Comment", "exif/ifd0/ImageDescription", "xmp/dc:description"])
def test_a_licence_in_a_description_counts_when_it_is_sure(path: str) -> None:
    def outcomes(text: str) -> tuple[str, ...]:
        return read_signals([TagValue(path, text, Risk.CONTENT)]).outcomes

    assert outcomes("my cat, CC BY-ND 4.0")[0] == "no_derivatives"
    assert outcomes("my cat, all rights reserved") == ("rights_reserved",)
    assert outcomes("sent cc by mail, no AI, no derivatives") == ("no_licence",)


@pytest.mark.parametrize(
    ("tags", "outcomes"),
    [
        ({"xmp/xmpRights:Marked": "True"}, ("rights_reserved",)),
        ({"xmp/xmpRights:Marked": "True", "xmp/cc:license": f"{CC}by/4.0/"}, ("attribution", "rights_claimed")),
        ({"xmp/xmpRights:Marked": "False"}, ("public_domain",)),
        (
            {"xmp/xmpRights:Marked": "False", "xmp/dc:rights": "All rights reserved"},
            ("contradiction", "rights_reserved", "public_domain"),
        ),
        ({"xmp/cc:prohibits": "http://creativecommons.org/ns#DerivativeWorks"}, ("no_derivatives",)),
        ({"xmp/cc:requires": "http://creativecommons.org/ns#ShareAlike"}, ("share_alike",)),
        ({"exif/ifd0/Artist": "somebody"}, ("rights_claimed", "no_licence")),
        ({"exif/ifd0/Copyright": "\0 "}, ("no_licence",)),
        ({"xmp/tdm:reservation": " 1 "}, ("mining_prohibited",)),
        ({"xmp/tdmrep:reservation": "true"}, ("mining_prohibited",)),
        ({"xmp/tdm:reservation": "0"}, ("no_licence",)),
    ],
)
def test_marks_and_fields_say_what_they_mean(tags: dict[str, str], outcomes: tuple[str, ...]) -> None:
    said = [TagValue(path, text, risk_of(path)) for path, text in tags.items()]
    assert read_signals(said).outcomes == outcomes


def test_an_assertion_in_words_is_read_whatever_its_spaces() -> None:
    raw = b'{"c2pa.ai_training": {"use" : "allowed"}, "c2pa.data_mining": {"use"   :  "notAllowed"}}'
    assert read_signals([TagValue("c2pa/c2pa.training-mining", raw)]).outcomes[0] == "mining_prohibited"


def test_the_licence_file_of_a_folder_counts_and_contradicts(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "LICENSE").write_text("Creative Commons Attribution-NoDerivatives 4.0 International\n")
    (tmp_path / "a" / "LICENCE.txt").write_text("All rights reserved.\n")
    (tmp_path / "a" / "b" / "LICENSE").write_text("MIT\n")
    (tmp_path / "a" / "b" / "LICENSE.md").write_text("CC-BY-SA-4.0\n")

    def outcomes(name: str, *tags: TagValue) -> list[str]:
        sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), tags=tags, origin=Origin(name))
        return list(Rights(folder=str(tmp_path)).find(sample)[0].detail["outcomes"])

    assert outcomes("1.jpg") == ["no_derivatives", "attribution"]
    assert outcomes("a/1.jpg") == ["rights_reserved"]
    assert outcomes("a/b/1.jpg") == ["contradiction", "share_alike", "attribution"]
    free = TagValue("xmp/cc:license", "http://creativecommons.org/publicdomain/zero/1.0/", Risk.RIGHTS)
    assert outcomes("1.jpg", free)[:2] == ["contradiction", "no_derivatives"]


def test_a_licence_file_that_came_while_the_program_ran_is_seen(tmp_path: Path) -> None:
    sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), origin=Origin("1.jpg"))
    assert Rights(folder=str(tmp_path)).find(sample) == ()
    assert Licence(folder=str(tmp_path)).claims(sample) == ()
    (tmp_path / "LICENSE").write_text("CC-BY-ND-4.0\n")
    assert Rights(folder=str(tmp_path)).find(sample)[0].detail["outcome"] == "no_derivatives"
    assert [claim.spdx for claim in Licence(folder=str(tmp_path)).claims(sample)] == ["CC-BY-ND-4.0"]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("2023/IMG-20230514-WA0007.jpg", {"date_and_time", "messenger_file"}),
        ("DSC_0042.jpg", {"camera_numbering"}),
        ("photo +49 170 1234567.jpg", {"phone_number"}),
        ("Screenshot 12.png", {"screenshot"}),
        ("a/000017.jpg", set()),
        ("a/00001-00234.jpg", set()),
        ("batch 012-345-67.png", set()),
        ("0170-1234567.jpg", {"phone_number"}),
        ("(089) 1234567.jpg", {"phone_number"}),
        ("call 555-123-4567.jpg", {"phone_number"}),
        ("15.03.2024.jpg", {"date_and_time"}),
    ],
)
def test_names_give_away(name: str, kinds: set[str]) -> None:
    sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), origin=Origin(name))
    assert {finding.where.path.partition("/")[2] for finding in Names().find(sample)} == kinds
