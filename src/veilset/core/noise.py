"""Where randomness comes from: the operating system where noise protects; seeded noise knows that it is seeded."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import BadSetting


class Noise(Protocol):
    """A source of uniform random bytes. Everything random in Veilset is made from these."""

    @property
    def seeded(self) -> bool:
        """True when somebody who knows the seed could repeat the bytes: such noise protects nobody."""

    def bytes(self, count: int) -> bytes:
        """`count` uniform bytes."""


class SystemNoise:
    """The operating system's entropy: unpredictable, never repeated, safe across forks since nothing is buffered.

    >>> len(SystemNoise().bytes(8)), SystemNoise().seeded
    (8, False)
    """

    seeded = False

    def bytes(self, count: int) -> bytes:
        """`count` bytes from the kernel's generator."""
        return os.urandom(count)


class SeededNoise:
    """Repeatable bytes for tests and for choices that protect nobody; a release refuses to be made with it.

    The stream is SHAKE-256 of the key and a running number, so two parts of one run are kept apart with `child`.

    >>> SeededNoise(b"test").bytes(4) == SeededNoise(b"test").bytes(4)
    True
    """

    seeded = True

    def __init__(self, seed: bytes | int) -> None:
        self._key = seed if isinstance(seed, bytes) else str(seed).encode()
        self._count = 0

    def bytes(self, count: int) -> bytes:
        """The next `count` bytes of the stream."""
        self._count += 1
        return hashlib.shake_256(self._key + b"/" + str(self._count).encode()).digest(count)

    def child(self, name: str) -> SeededNoise:
        """An independent stream, told apart by its name."""
        return SeededNoise(hashlib.sha256(self._key + b"|" + name.encode()).digest())


def uniform_integers(noise: Noise, below: int, count: int) -> NDArray[np.int64]:
    """`count` exactly uniform integers in [0, below), by rejection.

    >>> sorted(set(uniform_integers(SeededNoise(1), 3, 100).tolist()))
    [0, 1, 2]
    """
    if not 0 < below <= 2**62:
        raise BadSetting(f"below must be between 1 and 2**62, got {below}")
    limit = np.uint64((2**64 // below) * below - 1)
    kept = np.empty(0, dtype=np.uint64)
    while len(kept) < count:
        drawn = np.frombuffer(noise.bytes(8 * (count - len(kept))), dtype=np.uint64)
        kept = np.concatenate((kept, drawn[drawn <= limit]))
    return (kept % np.uint64(below)).astype(np.int64)


def generator(noise: Noise) -> np.random.Generator:
    """A numpy generator keyed with 128 bits of `noise`: for sampling and training, never for noise that protects."""
    return np.random.default_rng(int.from_bytes(noise.bytes(16), "big"))
