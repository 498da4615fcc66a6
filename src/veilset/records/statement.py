"""A public statement on what a release was made from, readable only for who holds the photograph in question.

For every original the statement holds one slow, salted hash of its pixels and one of its file, sorted and padded to a
multiple of `PAD` with random values. Who holds a photograph computes the same two hashes and looks them up.

*What it does not give away*: no list of names, no order, the number of originals only to within `PAD`; and since the
salt is new in every release, two statements do not tell which originals they share.

*What it cannot hide*: membership of a photograph that somebody already holds: that is its purpose. Who holds a
collection of a million photographs can try them all; scrypt makes every try cost tens of milliseconds of a processor
at the default (hours of one core for a million), which slows it, and does not prevent it.
A photograph has far more entropy than can be guessed, so nobody who does not hold it can learn anything by trying.
Offer the statement only where the question "is this photo in it?" serves the people more than those who collect them.

*What it cannot find*: a photograph that was re-encoded or resized since; only the same file or the same pixels match.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass

from veilset.core.check import in_range
from veilset.core.errors import Malformed
from veilset.core.sample import Sample
from veilset.records.tombstones import pixel_digest

SCHEMA = "veilset-statement/1"
PAD = 64


@dataclass(frozen=True, slots=True)
class Statement:
    """The hashes of one release.

    Attributes:
        release: Its id.
        salt: 16 random bytes in hex, new for each release.
        cost: log2 of scrypt's N; each step doubles the time of one look-up and of one guess.
        hashes: Hex, sorted.
    """

    release: str
    salt: str
    cost: int
    hashes: tuple[str, ...]

    def __post_init__(self) -> None:
        in_range(4, 20, cost=self.cost)

    def to_json(self) -> str:
        """Readable JSON."""
        plain = {
            "schema": SCHEMA,
            "release": self.release,
            "salt": self.salt,
            "cost": self.cost,
            "hashes": self.hashes,
        }
        return json.dumps(plain, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Statement:
        """The statement that `to_json` wrote.

        Raises:
            Malformed: It is not one.
        """
        try:
            plain = json.loads(text)
            if plain.pop("schema") != SCHEMA:
                raise Malformed(f"the statement is not of the form {SCHEMA}")
            return cls(**{**plain, "hashes": tuple(plain["hashes"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Malformed("this is not a statement of a release") from error

    def holds(self, sample: Sample) -> bool:
        """Whether the photograph, untreated, is among those the release was made from."""
        known = set(self.hashes)
        return any(_slow(digest, self.salt, self.cost) in known for digest in digests(sample))


def digests(sample: Sample) -> tuple[bytes, ...]:
    """What a statement knows a photograph by: its pixels, and its file when there is one."""
    found = [b"pixels" + pixel_digest(sample.image.pixels)]
    if sample.image.coded is not None:
        found.append(b"file" + hashlib.sha256(sample.image.coded.read()).digest())
    return tuple(found)


def make_statement(release: str, originals: Iterable[tuple[bytes, ...]], cost: int = 14) -> Statement:
    """The statement of a release, from the `digests` of every original that went into it."""
    salt = os.urandom(16).hex()
    hashes = {_slow(digest, salt, cost) for some in originals for digest in some}
    while len(hashes) % PAD or not hashes:
        hashes.add(os.urandom(32).hex())
    return Statement(release, salt, cost, tuple(sorted(hashes)))


def _slow(digest: bytes, salt: str, cost: int) -> str:
    # 128 * r * N bytes are needed; the limit leaves room for the highest cost allowed.
    return hashlib.scrypt(digest, salt=bytes.fromhex(salt), n=2**cost, r=8, p=1, maxmem=2**31 - 1, dklen=32).hex()
