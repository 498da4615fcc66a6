"""Tombstones: what must never be released again, kept without keeping it.

Of each sample three things are kept: a keyed hash of its bytes, a keyed hash of its pixels, and a perceptual hash. The
keyed ones say nothing to who does not hold the key. The perceptual one cannot be keyed, since it is compared by
distance: 64 bits of coarse light and dark. The folder is private for that reason.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting, Malformed, Occupied, Unreadable
from veilset.core.sample import Sample
from veilset.records.perceptual import distances, perceptual_hash, perceptual_hashes

_HINT = "check the path, or let `veilset withdraw` make one"
WHY = ("erased", "opted_out", "withdrawn")


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One sample that must not come back.

    Attributes:
        bytes_hash: Keyed hash of the file, empty when there was none.
        pixels_hash: Keyed hash of the upright pixels and their size.
        perceptual: 64-bit perceptual hash in hex, empty for a picture without structure.
        when: Day of the decision, YYYY-MM-DD.
        why: One of `WHY`.
        name_hash: Keyed hash of the sample's path in its source.
    """

    bytes_hash: str
    pixels_hash: str
    perceptual: str
    when: str
    why: str
    name_hash: str = ""

    def __post_init__(self) -> None:
        if self.why not in WHY:
            raise BadSetting(f"why must be one of {', '.join(WHY)}; got {self.why!r}")
        dt.date.fromisoformat(self.when)


@dataclass(frozen=True, slots=True)
class Match:
    """A sample that a tombstone names: by `bytes`, by `pixels`, or by `likeness` with so many bits of distance."""

    how: str
    distance: int
    tombstone: Tombstone


def pixel_digest(pixels: NDArray[np.uint8]) -> bytes:
    """SHA-256 of a picture's size and upright RGB pixels: the same for every lossless file of the same picture."""
    head = f"{pixels.shape[1]}x{pixels.shape[0]}:".encode()
    return hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).digest()


def _keyed(key: bytes, what: bytes, content: bytes) -> str:
    return hmac.new(key, what + b"\0" + content, hashlib.sha256).hexdigest()


class Tombstones:
    """A folder with a key and a list that only grows. Look-ups take time linear in the number of tombstones.

    A removed or damaged line is an error, never a shorter list: each line carries a keyed hash over the one before.

    Args:
        folder: Where `key` and `tombstones.jsonl` lie.

    Raises:
        Unreadable: There is none; `create` makes one.
        Malformed: A line is damaged, missing, or was not written with this key.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._key = bytes.fromhex((folder / "key").read_text(encoding="ascii"))
            lines = (folder / "tombstones.jsonl").read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise Unreadable(f"{folder} holds no list of tombstones; {_HINT}") from error
        except ValueError as error:
            raise Malformed(f"{folder / 'key'} is not a key of tombstones") from error
        self._last = ""
        self.all: list[Tombstone] = [self._parse(line, number) for number, line in enumerate(lines, start=1)]
        self._check_count()
        self._index()

    @classmethod
    def create(cls, folder: Path) -> Tombstones:
        """The list in this folder, made with a new key when there is none."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "key").exists():
            (folder / "tombstones.jsonl").touch(mode=0o600)
            _write_private(folder / "head", "0 \n")
            _write_private(folder / "key", os.urandom(32).hex())
        return cls(folder)

    def _parse(self, line: str, number: int) -> Tombstone:
        try:
            plain = json.loads(line)
            mac = plain.pop("mac")
            stone = Tombstone(**plain)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Malformed(f"{self.folder}/tombstones.jsonl: line {number} is damaged; restore a backup") from error
        if not hmac.compare_digest(mac, self._mac(stone)):
            raise Malformed(
                f"{self.folder / 'tombstones.jsonl'}: line {number} or the one before was changed; restore a backup"
            )
        self._last = mac
        return stone

    def _mac(self, stone: Tombstone) -> str:
        return _keyed(self._key, b"line", self._last.encode() + json.dumps(asdict(stone), sort_keys=True).encode())

    def _check_count(self) -> None:
        try:
            count, _, last = (self.folder / "head").read_text(encoding="ascii").strip("\n").partition(" ")
        except OSError as error:
            raise Malformed(f"{self.folder / 'head'} is missing; restore a backup of the tombstones") from error
        # The list is written before its head, so one batch more than the head knows is a crash, fewer is a loss.
        if not count.isdigit() or len(self.all) < int(count) or (len(self.all) == int(count) and last != self._last):
            raise Malformed(f"{self.folder / 'tombstones.jsonl'}: lines at its end are missing; restore a backup")

    def _index(self) -> None:
        self._bytes = {stone.bytes_hash: stone for stone in self.all if stone.bytes_hash}
        self._pixels = {stone.pixels_hash: stone for stone in self.all}
        self._alike = [stone for stone in self.all if stone.perceptual]
        self._hashes = np.array([int(stone.perceptual, 16) for stone in self._alike], dtype=np.uint64)

    def of(self, sample: Sample, when: dt.date, why: str) -> Tombstone:
        """The tombstone of a sample; nothing is written."""
        pixels = sample.image.pixels
        alike = perceptual_hash(pixels)
        return Tombstone(
            self._bytes_hash(sample),
            _keyed(self._key, b"pixels", pixel_digest(pixels)),
            "" if alike is None else f"{alike:016x}",
            when.isoformat(),
            why,
            self._name_hash(sample.origin.name or sample.id),
        )

    def named(self, name: str) -> Tombstone | None:
        """The newest tombstone of the sample at this path of its source."""
        wanted = self._name_hash(name)
        return next((stone for stone in reversed(self.all) if stone.name_hash == wanted), None)

    def _name_hash(self, name: str) -> str:
        return _keyed(self._key, b"name", name.encode("utf-8", "surrogateescape"))

    def _bytes_hash(self, sample: Sample) -> str:
        coded = sample.image.coded
        return "" if coded is None else _keyed(self._key, b"bytes", coded.read())

    def add(self, stones: Iterable[Tombstone]) -> None:
        """Append to the list; on the disk when this returns.

        Raises:
            Occupied: Somebody else is adding, or has added since the list was read.
        """
        with (self.folder / "tombstones.jsonl").open("a", encoding="utf-8") as stream:
            self._claim(stream)
            for stone in stones:
                self._last = self._mac(stone)
                stream.write(json.dumps({**asdict(stone), "mac": self._last}, sort_keys=True) + "\n")
                self.all.append(stone)
            stream.flush()
            os.fsync(stream.fileno())
        _write_private(self.folder / "head", f"{len(self.all)} {self._last}\n")
        self._index()

    def _claim(self, stream: IO[str]) -> None:
        """Hold the list for this process, and make sure that it is still the one that was read."""
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Occupied(f"{self.folder}: somebody else is adding tombstones; wait, and try again") from error
        lines = (self.folder / "tombstones.jsonl").read_text(encoding="utf-8").splitlines()
        if len(lines) != len(self.all):
            raise Occupied(f"{self.folder}: tombstones were added meanwhile; try again")

    def match(self, sample: Sample, distance: int) -> Match | None:
        """The tombstone that names this sample, the surest first; None when none does.

        Args:
            sample: A picture.
            distance: Bits in which the perceptual hash may differ, over all mirrorings and quarter turns.
        """
        pixels = sample.image.pixels
        if stone := self._bytes.get(self._bytes_hash(sample)):
            return Match("bytes", 0, stone)
        if stone := self._pixels.get(_keyed(self._key, b"pixels", pixel_digest(pixels))):
            return Match("pixels", 0, stone)
        if not len(self._hashes):
            return None
        best: tuple[int, int] | None = None
        for query in perceptual_hashes(pixels):
            far = distances(query, self._hashes)
            nearest = int(far.argmin())
            best = min(best or (65, 0), (int(far[nearest]), nearest))
        if best is None or best[0] > distance:
            return None
        return Match("likeness", best[0], self._alike[best[1]])


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


@lru_cache(maxsize=4)
def _opened(folder: str, _stamp: tuple[int, int]) -> Tombstones:
    return Tombstones(Path(folder))


def opened(folder: str) -> Tombstones:
    """The list in a folder, read again only when it has changed."""
    try:
        status = (Path(folder) / "tombstones.jsonl").stat()
    except OSError as error:
        raise Unreadable(f"{folder} holds no list of tombstones; {_HINT}") from error
    return _opened(folder, (status.st_mtime_ns, status.st_size))
