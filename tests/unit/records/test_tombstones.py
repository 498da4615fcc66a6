import datetime as dt
import fcntl
import json
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.errors import Malformed, Occupied, Unreadable
from veilset.core.sample import Image, Sample
from veilset.records.tombstones import Tombstones, opened

DAY = dt.date(2025, 3, 1)


class File:
    """A coded file for tests."""

    format = "png"

    def __init__(self, content: bytes, pixels: np.ndarray) -> None:
        self._content, self._pixels = content, pixels

    def read(self) -> bytes:
        return self._content

    def decode(self, reduce: int = 1) -> np.ndarray:
        return self._pixels[::reduce, ::reduce].copy()


def sample(seed: int, content: bytes | None = None, pixels: np.ndarray | None = None) -> Sample:
    if pixels is None:
        rng = np.random.default_rng(seed)
        pixels = cv2.resize(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8), (240, 180), interpolation=cv2.INTER_CUBIC)
    if content is None:
        return Sample(f"s{seed}", Image(pixels))
    return Sample(f"s{seed}", Image(coded=File(content, pixels), size=(pixels.shape[1], pixels.shape[0])))


@pytest.fixture
def stones(tmp_path: Path) -> Tombstones:
    made = Tombstones.create(tmp_path / "optout")
    made.add([made.of(sample(1, b"file one"), DAY, "withdrawn"), made.of(sample(2), DAY, "opted_out")])
    return made


def test_the_file_the_pixels_and_the_likeness_are_found(stones: Tombstones) -> None:
    pixels = sample(1).image.pixels
    assert stones.match(sample(9, b"file one", sample(9).image.pixels), 0).how == "bytes"
    assert stones.match(sample(1, b"another file"), 0).how == "pixels"
    half = cv2.resize(pixels, (120, 90), interpolation=cv2.INTER_AREA)
    assert stones.match(sample(0, None, half), 6).how == "likeness"
    mirrored = np.ascontiguousarray(half[:, ::-1])
    assert stones.match(sample(0, None, mirrored), 6).tombstone.why == "withdrawn"
    assert stones.match(sample(0, None, np.ascontiguousarray(np.rot90(half))), 6).how == "likeness"


def test_strangers_are_not(stones: Tombstones) -> None:
    assert not any(stones.match(sample(seed), 8) for seed in range(10, 60))


def test_a_picture_without_structure_is_known_by_its_pixels_alone(stones: Tombstones) -> None:
    grey = np.full((40, 40, 3), 128, np.uint8)
    stones.add([stones.of(sample(0, None, grey), DAY, "withdrawn")])
    assert stones.match(sample(0, None, grey), 8).how == "pixels"
    assert stones.match(sample(0, None, grey + np.uint8(1)), 8) is None


def test_the_list_survives_and_says_nothing_without_its_key(stones: Tombstones, tmp_path: Path) -> None:
    again = opened(str(stones.folder))
    assert again.all == stones.all
    assert opened(str(stones.folder)) is again
    stones.add([stones.of(sample(3), DAY, "erased")])
    assert len(opened(str(stones.folder)).all) == 3
    assert stat.S_IMODE((stones.folder / "key").stat().st_mode) == 0o600
    other = Tombstones.create(tmp_path / "other")
    one, two = stones.of(sample(1, b"x"), DAY, "erased"), other.of(sample(1, b"x"), DAY, "erased")
    assert one.bytes_hash != two.bytes_hash
    assert one.pixels_hash != two.pixels_hash
    assert Tombstones.create(stones.folder).all == opened(str(stones.folder)).all


def test_no_line_can_be_removed_changed_or_reordered(stones: Tombstones) -> None:
    path = stones.folder / "tombstones.jsonl"
    lines = path.read_text().splitlines()
    changed = json.loads(lines[0])
    changed["pixels_hash"] = "0" * 64
    for broken in ([lines[0]], [lines[1]], lines[::-1], [], [json.dumps(changed), lines[1]], [lines[0], lines[1][:-9]]):
        path.write_text("".join(line + "\n" for line in broken))
        with pytest.raises(Malformed):
            Tombstones(stones.folder)
    path.write_text("".join(line + "\n" for line in lines))
    (stones.folder / "key").write_text("00" * 32)
    with pytest.raises(Malformed):
        Tombstones(stones.folder)


def test_two_writers_cannot_fork_the_list(stones: Tombstones) -> None:
    other = Tombstones(stones.folder)
    stones.add([stones.of(sample(4), DAY, "erased")])
    with pytest.raises(Occupied):
        other.add([other.of(sample(5), DAY, "erased")])
    assert len(Tombstones(stones.folder).all) == 3
    with (stones.folder / "tombstones.jsonl").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Occupied):
            stones.add([stones.of(sample(6), DAY, "erased")])


def test_no_list_is_not_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        opened(str(tmp_path))
    with pytest.raises(Unreadable):
        Tombstones(tmp_path)
