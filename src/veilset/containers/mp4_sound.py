"""Frames of sound: notes and filling at the beginning of AAC and ALAC frames, padding of Opus, what stands behind MP3."""

from __future__ import annotations

from veilset.core.errors import Malformed

Note = tuple[int, int, bytes]
_NOTES, _FILLING = 4, 6
# Extensions of a filling element that decoders use: what loudness is to be limited to, and bands that are made up.
_USED = frozenset((0xB, 0xC, 0xD, 0xE))
# Decoders know files of this encoder by its name, and cut their beginning elsewhere.
_KNOWN = b"libfaac"
_MOST = 4096
_RATES = ((44100, 48000, 32000), (22050, 24000, 16000), (11025, 12000, 8000))
# Vendor, comments, the end.
_NO_COMMENTS = b"\3vorbis" + bytes(8) + b"\1"
_BITS = {
    (0, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (0, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (0, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (1, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (1, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (1, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def quiet_elements(frame: bytes, *, extended: bool = True) -> list[Note]:
    """Zeros for what notes and filling hold before the first coded channel of an AAC or ALAC frame.

    Behind a channel nobody can tell where one begins without decoding it; bands that are made up stand there as well.

    *Source*: ISO/IEC 14496-3, 4.4.2 (data_stream_element, fill_element).

    >>> [new[2:] == bytes(4) for _, _, new in quiet_elements(bytes([0b10000001, 0b00000100]) + b"Anna" + bytes(8))]
    [True]
    """
    size = min(len(frame), _MOST)
    bits, value, at, mask = 8 * size, int.from_bytes(frame[:size], "big"), 0, 0

    def u(count: int) -> int:
        nonlocal at
        at += count
        return value >> (bits - at) & ((1 << count) - 1) if at <= bits else 0

    while at + 3 <= bits and (kind := u(3)) in (_NOTES, _FILLING):
        if kind == _NOTES:
            u(4)
            aligned, count = u(1), u(8)
            count += u(8) if count == 255 else 0
            at = -(-at // 8) * 8 if aligned else at
        else:
            count = u(4)
            count += u(8) - 1 if count == 15 else 0
            if extended and count and at + 4 <= bits and value >> (bits - at - 4) & 15 in _USED:
                break
        if at + 8 * count > bits:
            break
        mask |= ((1 << 8 * count) - 1) << (bits - at - 8 * count)
        at += 8 * count
    new = (value & ~mask).to_bytes(size, "big")
    held = (value & mask).to_bytes(size, "big")
    if new == frame[:size] or _is_filling(held) or (_KNOWN in _shifted(value, mask, bits)):
        return []
    last = max(place for place in range(size) if new[place] != frame[place]) + 1
    return [(0, last, new[:last])]


def _is_filling(held: bytes) -> bool:
    """Whether a frame is filled up with one byte again and again."""
    return len(set(held.strip(b"\0"))) <= 1 and len(held.strip(b"\0")) != 1


def _shifted(value: int, mask: int, bits: int) -> bytes:
    """What is held, at each of eight alignments."""
    return b"".join((value << shift).to_bytes(bits // 8 + 2, "big") for shift in range(8)) if mask else b""


def quiet_padding(packet: bytes) -> list[Note]:
    """Zeros for the padding of an Opus packet.

    *Source*: RFC 6716, 3.2.5: encoders have to write zeros, decoders have to take anything.

    >>> quiet_padding(bytes([3, 0x41, 4, 1, 2]) + b"Anna")
    [(5, 9, b'\\x00\\x00\\x00\\x00')]
    """
    if len(packet) < 3 or packet[0] & 3 != 3 or not packet[1] & 0x40:
        return []
    at, size = 2, 0
    while at < len(packet):
        size += min(packet[at], 254)
        at += 1
        if packet[at - 1] != 255:
            break
    start = len(packet) - size
    return [(start, len(packet), bytes(size))] if start >= at and any(packet[start:]) else []


def quiet_frame(sample: bytes) -> list[Note]:
    """Zeros for what stands behind the one frame of MPEG audio that a sample is.

    *Source*: ISO/IEC 11172-3, 2.4.2.3; ISO/IEC 13818-3.
    """
    if len(sample) < 4 or sample[0] != 255 or sample[1] >> 5 != 7:
        return []
    version, layer = {3: 0, 2: 1, 0: 2}.get(sample[1] >> 3 & 3), 4 - (sample[1] >> 1 & 3)
    rate, speed, pad = sample[2] >> 4, sample[2] >> 2 & 3, sample[2] >> 1 & 1
    if version is None or layer == 4 or rate in {0, 15} or speed == 3:
        return []
    bits = 1000 * _BITS[min(version, 1), layer][rate]
    hertz = _RATES[version][speed]
    slots = 72 if layer == 3 and version else 144
    size = (12 * bits // hertz + pad) * 4 if layer == 1 else slots * bits // hertz + pad
    # Several frames may stand in one sample.
    if size >= len(sample) or sample[size : size + 1] == b"\xff" or not any(sample[size:]):
        return []
    return [(size, len(sample), bytes(len(sample) - size))]


def vorbis_settings(raw: bytes) -> bytes:
    """The three headers of Vorbis, the one of comments empty.

    *Source*: Vorbis I, 4.2 and 5; the lengths stand before them as in Matroska.

    Raises:
        Malformed: They are not three.
    """
    sizes, at = [], 1
    if raw[:1] == b"\2":
        for _ in range(2):
            size = 0
            while at < len(raw) and raw[at] == 255:
                size, at = size + 255, at + 1
            size, at = size + (raw[at] if at < len(raw) else 0), at + 1
            sizes.append(size)
        first, setup = raw[at : at + sizes[0]], raw[at + sum(sizes) :]
    else:
        parts, at = [], 0
        for _ in range(3):
            size = int.from_bytes(raw[at : at + 2], "big")
            parts.append(raw[at + 2 : at + 2 + size])
            at += 2 + size
        first, setup = parts[0], parts[2]
    if len(first) != 30 or first[:7] != b"\1vorbis" or setup[:7] != b"\5vorbis":
        raise Malformed("MP4: sound of Vorbis without the headers that it needs")
    return bytes([2, len(first), len(_NO_COMMENTS)]) + first + _NO_COMMENTS + setup
