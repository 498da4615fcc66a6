"""Where the coded data of a TIFF strip end: LZW, PackBits and Deflate, up to the byte that fills the strip."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from veilset.core.errors import Malformed, Unsupported

_BROKEN = "a coded strip of the TIFF is damaged, so that where it ends cannot be told; save it anew"
_CLEAR, _END, _FIRST = 256, 257, 258
_TABLE = 4096
_STEP, _MOST = 1 << 20, 1 << 31
# Bits of the n-th code behind a clear code, and of all before it: wider by one a code early, as TIFF has it.
_WIDTHS = np.array([9 if n < 254 else 10 if n < 766 else 11 if n < 1790 else 12 for n in range(_TABLE)], dtype=np.int64)
_BEFORE = np.concatenate([[0], np.cumsum(_WIDTHS)[:-1]])


def packbits_end(data: bytes, need: int) -> int:
    """How many bytes it takes to unpack `need` bytes (TIFF 6.0, section 9).

    Raises:
        Malformed: There are fewer.
        Unsupported: The last stretch of them goes on, and may say something there.

    >>> packbits_end(b"\\xfea\\1bc!!", 5)
    5
    """
    at = made = 0
    try:
        while made < need:
            count = data[at]
            if count < 128:
                made, at = made + count + 1, at + count + 2
            elif count > 128:
                made, at = made + 257 - count, at + 2
            else:
                at += 1
    except IndexError:
        raise Malformed(_BROKEN) from None
    if at > len(data):
        raise Malformed(_BROKEN)
    if made > need:
        raise Unsupported("a strip holds more than is shown, in one piece with what is")
    return at


def lzw_end(data: bytes, need: int) -> int:
    """How many bytes of codes it takes to unpack `need` bytes, with the end code where one follows (TIFF 6.0, section 13).

    Codes between two clear codes are read at once: their widths are known from their number alone.

    Raises:
        Malformed: There are fewer, or a code comes before what it stands for.
        Unsupported: Bits run in the order of the first writers, which swapped them.
    """
    if data[:1] == b"\0" and data[1:2] and data[1] & 1:
        raise Unsupported("LZW in the bit order of the first TIFF writers is not walked")
    padded = np.frombuffer(data + bytes(4), dtype=np.uint8).astype(np.int64)
    place = 9 if _bits(padded, 0, 9) == _CLEAR else 0
    size = 8 * len(data)
    while need > 0:
        count = int(np.searchsorted(_BEFORE + _WIDTHS, size - place, side="right"))
        codes = _codes(padded, place, count)
        marks = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        stop = int(marks[0]) if len(marks) else count
        # Whatever stands behind the last code that is needed may be no codes at all.
        wrong = np.flatnonzero(codes[:stop] >= _FIRST + np.arange(stop))
        made = np.cumsum(_lengths(codes[: int(wrong[0]) if len(wrong) else stop]))
        enough = int(np.searchsorted(made, need))
        if enough < len(made):
            return _closed(padded, place, enough + 1, size)
        if len(wrong) or stop == count or codes[stop] == _END:
            raise Malformed(_BROKEN)
        need -= int(made[-1]) if stop else 0
        place += int(_BEFORE[stop] + _WIDTHS[stop])
    return -(-place // 8)


def _codes(padded: NDArray[np.int64], place: int, count: int) -> NDArray[np.int64]:
    """Codes behind a clear code whose last bit stands before bit `place`."""
    at = place + _BEFORE[:count]
    byte = at >> 3
    three = padded[byte] << 16 | padded[byte + 1] << 8 | padded[byte + 2]
    wanted: NDArray[np.int64] = three >> (24 - (at & 7) - _WIDTHS[:count]) & ((1 << _WIDTHS[:count]) - 1)
    return wanted


def _lengths(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes that each code stands for: one, or one more than the code that its entry was made from."""
    length = np.ones(len(codes), dtype=np.int64)
    older = np.where(codes >= _FIRST, codes - _FIRST, -1)
    while np.any(open_ := older >= 0):
        length = np.where(open_, length + length[older], length)
        older = np.where(open_, older[older], -1)
    return length


def _closed(padded: NDArray[np.int64], place: int, used: int, size: int) -> int:
    """Bytes up to and with the end code, behind `used` codes.

    Some writers clear the table before it, and some are a bit off where codes grow wider: no decoder reads that far.
    """
    end = place + int(_BEFORE[used - 1] + _WIDTHS[used - 1])
    for width in (9, 10, 11, 12):
        for code, more in ((_END, 0), (_CLEAR, 9)):
            last = end + width + more
            closed = not more or _bits(padded, end + width, 9) == _END
            if last <= size and _bits(padded, end, width) == code and closed:
                return -(-last // 8)
    return -(-end // 8)


def _bits(padded: NDArray[np.int64], place: int, count: int) -> int:
    three = padded[place >> 3 : (place >> 3) + 3].tolist()
    return int.from_bytes(bytes(three).ljust(3, b"\0"), "big") >> (24 - (place & 7) - count) & ((1 << count) - 1)


def deflate_end(data: memoryview, need: int) -> tuple[int, bytes]:
    """How many bytes a Deflate stream takes; where it holds more than `need` bytes, all of them, and some of what is more.

    Raises:
        Malformed: It is cut off.
        Unsupported: It takes 2 GiB, and nobody said how many were meant.
        zlib.error: It is damaged.
    """
    stream, made = zlib.decompressobj(), 0
    left: memoryview | bytes = data
    while len(left) and not stream.eof:
        out = stream.decompress(left, _STEP)
        left = stream.unconsumed_tail
        made += len(out)
        if made > need:
            return len(data), out[need - made :]
        if made > _MOST:
            raise Unsupported("a strip of more than 2 GiB of pixels is not served")
        if not out and not left:
            break
    if not stream.eof:
        raise Malformed("a compressed strip is cut off")
    return len(data) - len(stream.unused_data), b""
