import pytest

from veilset.core.sample import TagValue
from veilset.records.preferences import reservations


@pytest.mark.parametrize(
    ("path", "value", "reserved"),
    [
        ("xmp/plus:DataMining", "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING", True),
        ("xmp/plus/DataMining", b"http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-SEECONSTRAINT", True),
        ("xmp/plus/DataMining", "http://ns.useplus.org/ldf/vocab/DMI-NEW-WORD", True),
        ("xmp/plus/DataMining", "http://ns.useplus.org/ldf/vocab/DMI-ALLOWED", False),
        ("xmp/plus/DataMining", "http://ns.useplus.org/ldf/vocab/DMI-UNSPECIFIED", False),
        ("jumbf/c2pa/cawg.training-mining", {"entries": {"cawg.ai_training": {"use": "notAllowed"}}}, True),
        ("jumbf/c2pa/c2pa.training-mining", {"entries": {"c2pa.ai_training": {"use": "constrained"}}}, True),
        ("jumbf/c2pa/cawg.training-mining", {"entries": {"cawg.ai_training": {"use": "allowed"}}}, False),
        ("xmp/tdm-reservation", 1, True),
        ("xmp/tdm-reservation", "0", False),
        ("exif/ifd0/Artist", "notAllowed", False),
    ],
)
def test_the_most_restrictive_reading_wins(path: str, value: object, reserved: bool) -> None:
    assert bool(reservations([TagValue(path, value)])) is reserved
