"""dlib's serialised values, read strictly: nothing is executed, and whatever is not as expected is an error.

*Source*: `dlib/serialize.h`, `dlib/float_details.h` and `dlib/cuda/tensor.h` of dlib 19 and 20.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import MissingWeights

Array = NDArray[np.float32]


class DlibFile:
    """The values of one file, from front to back.

    Args:
        content: The bytes.
        name: How messages call the file.

    Every method raises MissingWeights when the bytes are not such a value, or not the one that is expected.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self._content, self._name, self._at = content, name, 0

    def integer(self) -> int:
        """A control byte (its low half the length, its highest bit the sign), then so many bytes, lowest first."""
        control = self._take(1)[0]
        length = control & 0x0F
        if control & 0x70 or not 1 <= length <= 8:
            raise self._wrong(f"{control:#04x} starts no integer")
        value = int.from_bytes(self._take(length), "little")
        return -value if control & 0x80 else value

    def integers(self, wanted: Sequence[int], what: str) -> None:
        """Exactly these integers."""
        found = [self.integer() for _ in wanted]
        if found != list(wanted):
            raise self._wrong(f"{what}: {found} instead of {list(wanted)}")

    def real(self) -> float:
        """A mantissa and an exponent of two, both integers; infinity and what is no number are refused."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(mantissa) > 1 << 62 or abs(exponent) > 1000:
            raise self._wrong(f"{mantissa} x 2^{exponent} is no setting of a network")
        return math.ldexp(mantissa, exponent)

    def flags(self, count: int) -> None:
        """So many characters that are 0 or 1."""
        found = self._take(count)
        if set(found) - set(b"01"):
            raise self._wrong(f"{found!r} are no flags")

    def text(self, wanted: str) -> None:
        """Exactly this text."""
        length = self.integer()
        found = self._take(length) if length == len(wanted) else b""
        if found != wanted.encode():
            raise self._wrong(f"there is no {wanted!r}")

    def tensor(self, *shape: int) -> Array:
        """A tensor of finite numbers, flat: version, samples, channels, rows, columns, then 32-bit floats."""
        self.integers((2, *shape), "version and shape of a tensor")
        values: Array = np.frombuffer(self._take(4 * math.prod(shape)), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise self._wrong("a tensor holds values that are not finite")
        return values

    def part(self, shape: Sequence[int]) -> None:
        """The shape of a part of a tensor, as dlib keeps it beside the tensor."""
        self.integers((1, *shape), "version and shape of a part")

    def end(self) -> None:
        """Nothing is left."""
        if self._at != len(self._content):
            raise self._wrong(f"{len(self._content) - self._at} bytes follow the network")

    def _take(self, count: int) -> bytes:
        part = self._content[self._at : self._at + count]
        if len(part) != count:
            raise self._wrong("the file ends too early")
        self._at += count
        return part

    def _wrong(self, what: str) -> MissingWeights:
        return MissingWeights(
            f"{self._name} is not the network of dlib that it should be, near byte {self._at}: {what}; it was not used"
        )
