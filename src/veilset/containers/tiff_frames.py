"""Where the coded data of a TIFF strip end that say so themselves: LZMA, Zstandard, LERC."""

from __future__ import annotations

import lzma
import struct

from veilset.containers.tiff_codes import deflate_end
from veilset.core.errors import Malformed, Unsupported

LZMA, LERC, ZSTANDARD = 34925, 34887, 50000
_BROKEN = "a coded strip of the TIFF is damaged, so that where it ends cannot be told; save it anew"
_MORE = "a coded strip of the TIFF holds more than is shown"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_INSIDE = "what stands inside LERC strips of a TIFF is not walked"


def lzma_end(data: bytes, need: int) -> int:
    """How many bytes an LZMA stream takes that unpacks to `need` bytes.

    Raises:
        Malformed: It is damaged, or holds fewer.
        Unsupported: It holds more.
    """
    stream = lzma.LZMADecompressor(memlimit=1 << 28)
    try:
        made = len(stream.decompress(data, need + 1))
        while not stream.eof and not stream.needs_input and made <= need:
            more = len(stream.decompress(b"", need + 1 - made))
            if not more:
                break
            made += more
    except lzma.LZMAError:
        raise Malformed(_BROKEN) from None
    if made > need:
        raise Unsupported(_MORE)
    if made < need or not stream.eof:
        raise Malformed(_BROKEN)
    return len(data) - len(stream.unused_data)


def zstandard_end(data: bytes, need: int) -> int:
    """How many bytes a Zstandard frame takes that unpacks to `need` bytes: its blocks say how long they are.

    Raises:
        Malformed: It is damaged, or unpacks to another length.

    *Source*: RFC 8878, 3.1.1.
    """
    end = _frame_end(data)
    import pyarrow

    try:
        pyarrow.decompress(data[:end], decompressed_size=need, codec="zstd", asbytes=True)
    except (OSError, ValueError):
        raise Malformed(_BROKEN) from None
    return end


def _frame_end(data: bytes) -> int:
    if data[:4] != _ZSTANDARD or len(data) < 5:
        raise Malformed(_BROKEN)
    head = data[4]
    single, size = head >> 5 & 1, head >> 6
    if head & 0x18:
        raise Malformed(_BROKEN)
    at = 5 + (not single) + (0, 1, 2, 4)[head & 3] + (single, 2, 4, 8)[size]
    last = 0
    while not last:
        if at + 3 > len(data):
            raise Malformed(_BROKEN)
        block = int.from_bytes(data[at : at + 3], "little")
        last, kind, length = block & 1, block >> 1 & 3, block >> 3
        at += 3 + (1 if kind == 1 else length)
    at += 4 * (head >> 2 & 1)
    if at > len(data):
        raise Malformed(_BROKEN)
    return at


def lerc_end(data: bytes, rows: int, columns: int, samples: int, packed: int) -> tuple[int, str]:
    """How many bytes a LERC strip takes, and why no more is proven: its blob says how long it is, not what is in it.

    `packed`: what is around the blob (0 nothing, 1 Deflate, 2 Zstandard).

    Raises:
        Malformed: It is damaged, or of another size than the strip.
        Unsupported: It is of the first version, or holds more than is shown.
    """
    if packed == 1:
        end, _ = deflate_end(memoryview(data), 1 << 28)
        return end, _INSIDE
    if packed == 2:
        return _frame_end(data), _INSIDE
    if data[:6] != b"Lerc2 ":
        raise Unsupported("LERC of the first version in a TIFF is not walked")
    (version,) = struct.unpack_from("<i", data, 6)
    at = 14 if version >= 3 else 10
    high, wide, *depth = struct.unpack_from("<iii" if version >= 4 else "<ii", data, at)
    (size,) = struct.unpack_from("<i", data, at + (20 if version >= 4 else 16))
    if (high, wide, *(depth or [samples])) != (rows, columns, samples) or not at < size <= len(data):
        raise Malformed(_BROKEN)
    return size, _INSIDE
