"""The few parts of the protobuf wire format that an ONNX model needs: read field by field, written front to back."""

from __future__ import annotations

from collections.abc import Iterator


def fields(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(field number, start of the key, start of the content, end) of each field."""
    at = 0
    while at < len(message):
        start = at
        key, at = read_varint(message, at)
        content = at
        match key & 7:
            case 0:
                _, at = read_varint(message, at)
            case 1:
                at += 8
            case 2:
                length, content = read_varint(message, at)
                at = content + length
            case 5:
                at += 4
            case other:
                raise ValueError(f"not a protobuf message: wire type {other}")
        yield key >> 3, start, content, at


def read_varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that starts at `at`, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def varint(value: int) -> bytes:
    """A number of at least 0.

    >>> varint(300).hex()
    'ac02'
    """
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def block(number: int, content: bytes) -> bytes:
    """A field of bytes, text or a message.

    >>> block(1, b"x").hex()
    '0a0178'
    """
    return varint(number << 3 | 2) + varint(len(content)) + content


def whole(number: int, value: int) -> bytes:
    """A field that is a number of at least 0.

    >>> whole(2, 7).hex()
    '1007'
    """
    return varint(number << 3) + varint(value)
