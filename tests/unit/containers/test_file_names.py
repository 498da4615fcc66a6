"""What names of files give away, and that everybody who looks at them sees the same."""

from __future__ import annotations

import numpy as np
import pytest

from veilset.containers.file_names import said_by_name
from veilset.containers.sidecars import outside
from veilset.core.sample import Image, Origin, Sample
from veilset.detectors.names import Names

NAMES = [
    ("IMG_20210506_070809.jpg", {"date and time", "camera numbering"}),
    ("IMG20230514102233.jpg", {"date and time"}),
    ("VID-20210506-WA0001.mp4", {"messenger file", "date and time"}),
    ("WhatsApp Image 2023-05-14 at 10.22.33.jpeg", {"messenger file", "date and time"}),
    ("+49 170 1234567.jpg", {"phone number"}),
    ("01701234567.jpg", {"phone number"}),
    ("0170-1234567.jpg", {"phone number"}),
    ("555.123.4567.jpg", {"phone number"}),
    ("anna.b@example.org.png", {"mail address"}),
    ("48.13712, 11.57540.jpg", {"position"}),
    ("1620284889.jpg", {"time stamp"}),
    ("party 15.03.2024.jpg", {"date and time"}),
    ("party 03-15-2024.jpg", {"date and time"}),
    ("14. Mai 2023.jpg", {"date and time"}),
    ("May 14, 2023.jpg", {"date and time"}),
    ("GX010123.MP4", {"camera numbering"}),
    ("SN-AB1234567.jpg", {"serial number"}),
    ("5F3A2B1C-0D1E-4F2A-8B3C-01A34B67C9AB.heic", {"unique identifier"}),
    ("Jürgen Müller.jpg", {"two capitalised words"}),
    ("Анна Петрова.jpg", {"two capitalised words"}),
    ("Anna.Muster.jpg", {"two capitalised words"}),
    ("Anna's iPhone.jpg", {"owner's device"}),
    ("000001.jpg", set()),
    ("product.jpg", set()),
    ("New Photo.jpg", set()),
    ("Holiday.Jpg", set()),
    ("marble 12x2023.jpg", set()),
]


@pytest.mark.parametrize(("name", "kinds"), NAMES)
def test_names_give_away(name: str, kinds: set[str]) -> None:
    assert {part.kind for part in said_by_name(name)} == kinds


@pytest.mark.parametrize(("name", "kinds"), NAMES)
def test_the_audit_and_the_list_of_what_lies_outside_find_the_same(tmp_path, name: str, kinds: set[str]) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    listed = {tag.path for tag in outside(path) if tag.path.startswith("name/")}
    sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), origin=Origin(name))
    found = {finding.where.path for finding in Names().find(sample)}  # type: ignore[union-attr]
    assert listed == found == {f"name/{kind.replace(' ', '_')}" for kind in kinds}
