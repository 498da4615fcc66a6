"""A drawn marketplace: sellers' photographs of goods, and where the sellers live, which their files should not tell.

Some sellers own a camera that writes its serial number, some write their name, and some have a telephone that writes
neither. Goods are photographed at home in the evening, now and then at work, and half of the files tell no place.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

METRE = 1 / 111_195
MONDAY = datetime(2024, 3, 4)  # noqa: DTZ001 - a clock on a wall
# Escaped wherever it is shown, or the report is broken.
HOSTILE = '<script>alert("1")</script>'


@dataclass(frozen=True)
class Seller:
    """Who sells, where from, and which files are theirs.

    Attributes:
        mark: What joins the files: a serial number, a name, or nothing.
        home: (latitude, longitude) in degrees.
        work: As home.
        files: Relative names of the files.
    """

    mark: str
    home: tuple[float, float]
    work: tuple[float, float]
    files: tuple[str, ...]


def draw_marketplace(folder: Path, sellers: int = 6, *, each: int = 12, seed: int = 0) -> tuple[Seller, ...]:
    """Draw the photographs below `folder`, all in one heap, and say the truth about them."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for number in range(sellers):
        home = np.array([rng.uniform(-60, 60), rng.uniform(-170, 170)])
        work = home + rng.uniform(0.02, 0.1, 2) * rng.choice([-1, 1], 2)
        mark = ("serial", "owner", "")[number % 3]
        word = {"serial": f"SN-{number:05d}", "owner": f"Seller {number} {HOSTILE}", "": ""}[mark]
        files = []
        for index in range(each):
            at_work = index % 3 == 2
            day = MONDAY + timedelta(days=7 * (index // 5) + index % 5)
            moment = day + timedelta(hours=float(rng.uniform(9, 16.5) if at_work else rng.uniform(19, 23)))
            here = (work if at_work else home) + rng.normal(0, 8, 2) * METRE
            # A file without mark and place cannot be joined with anything.
            placed = index % 2 == 0 or not mark or at_work
            name = f"{rng.integers(10**9, 10**10):d}.jpg"
            place = (float(here[0]), float(here[1])) if placed else None
            (folder / name).write_bytes(photograph(rng, place, moment, **{mark: word} if mark else {}))
            files.append(name)
        drawn.append(Seller(word, (float(home[0]), float(home[1])), (float(work[0]), float(work[1])), tuple(files)))
    return tuple(drawn)


def photograph(
    rng: np.random.Generator,
    place: tuple[float, float] | None,
    moment: datetime,
    *,
    serial: str = "",
    owner: str = "",
) -> bytes:
    """A drawn JPEG with tags as a camera writes them."""
    exif = Image.Exif()
    if owner:
        exif[0x013B] = owner
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = f"{moment:%Y:%m:%d %H:%M:%S}"
    inner[0x9011] = "+01:00"
    if serial:
        inner[0xA431] = serial
    if place is not None:
        exif.get_ifd(0x8825).update(_position(place))
    pixels = np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", exif=exif)
    return out.getvalue()


def _position(place: tuple[float, float]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for tag, value, signs in ((1, place[0], "NS"), (3, place[1], "EW")):
        whole, rest = divmod(abs(value) * 3600, 3600)
        found[tag] = signs[value < 0]
        found[tag + 1] = (float(whole), float(rest // 60), round(float(rest % 60), 4))
    return found


def takeout(place: tuple[float, float], person: str) -> str:
    """The JSON file that Google's export lays beside a picture."""
    where = {"latitude": place[0], "longitude": place[1]}
    return json.dumps({"geoData": where, "people": [{"name": person}]})
