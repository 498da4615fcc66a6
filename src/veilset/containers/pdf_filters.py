"""Filters of PDF that are no compression of pictures: text forms of bytes, and runs (ISO 32000-1, 7.4.2, 7.4.3, 7.4.5)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from veilset.core.errors import Malformed

NAME = "PDF"
_BLANKS = b"\0\t\n\f\r "
_MOST = 256 << 20


def hexadecimal(raw: bytes) -> bytes:
    """ASCIIHexDecode.

    >>> hexadecimal(b"41 6E 6>")
    b'An`'
    """
    digits = raw.partition(b">")[0].translate(None, _BLANKS)
    try:
        return binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except binascii.Error:
        raise Malformed(f"{NAME}: a stream holds what is no hexadecimal digit") from None


def base_85(raw: bytes) -> bytes:
    """ASCII85Decode.

    >>> base_85(b"6#L: ~>") == base_85(b"<~6#L:~>") == base64.a85decode(b"6#L:")
    True
    """
    digits = raw.translate(None, _BLANKS).removeprefix(b"<~").partition(b"~")[0]
    try:
        return base64.a85decode(digits)
    except ValueError:
        raise Malformed(f"{NAME}: a stream holds what is no digit of base 85") from None


def runs(raw: bytes) -> bytes:
    """RunLengthDecode.

    >>> runs(bytes([1]) + b"An" + bytes([254]) + b"a" + bytes([128]))
    b'Anaaa'
    """
    parts, at, size = [], 0, 0
    while at < len(raw) and raw[at] != 128:
        count = raw[at]
        if count < 128:
            parts.append(raw[at + 1 : at + 2 + count])
            if len(parts[-1]) <= count:
                raise Malformed(f"{NAME}: a stream of runs ends too early")
            at += 2 + count
        else:
            parts.append(raw[at + 1 : at + 2] * (257 - count))
            at += 2
        size += len(parts[-1])
        if size > _MOST:
            raise Malformed(f"{NAME}: a stream unpacks to more than {_MOST >> 20} MB")
    return b"".join(parts)


PLAIN: dict[bytes, Callable[[bytes], bytes]] = {
    b"ASCIIHexDecode": hexadecimal, b"AHx": hexadecimal, b"ASCII85Decode": base_85, b"A85": base_85,
    b"RunLengthDecode": runs, b"RL": runs,
}  # fmt: skip
