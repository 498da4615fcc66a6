"""Boxes that say how to decode and show a picture or a track, each cut to what its own fields call for.

HEIF and MP4 share them. A box that is not here goes; surplus bytes inside one go.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from veilset.containers.bmff import Box, Reader, boxes, build, build_full, full
from veilset.containers.codec_units import check_set, kind_of, reads_like_text
from veilset.containers.contract import Keep
from veilset.containers.icc import sanitise
from veilset.containers.mp4_frames import is_encoder
from veilset.containers.mp4_sound import vorbis_settings
from veilset.containers.png_fields import graded_on
from veilset.core.errors import Malformed, Unsupported

NAME = "ISO media"
ALPHA = frozenset(
    (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:avc:2015:auxid:1")
)
# Boxes of one exact size, without inner structure.
EXACT = {
    b"irot": 1, b"imir": 1, b"clli": 4, b"a1op": 1, b"lsel": 2, b"fiel": 2, b"gama": 4, b"dac3": 3,
    b"st3d": 5, b"frma": 4, b"enda": 2,
}  # fmt: skip
# From here on, a number of 32 bits can be four letters.
LETTERS = 0x20000000
ESDS_LENGTHS = {0x03: 3, 0x04: 13}
VORBIS, LARGEST_SETTINGS = 0xDD, 1 << 16


def rewrite(data: memoryview, box: Box, keep: Keep) -> bytes | None:
    """The box with nothing but what is needed; None when it goes.

    Raises:
        Malformed: It contradicts itself.
    """
    if box.kind in EXACT:
        raw = Reader(data, box.body, box.stop, NAME).take(EXACT[box.kind])
        return build(box.kind, raw) if _is_number(box.kind, raw) else None
    if box.kind in REWRITES:
        return REWRITES[box.kind](data, box, keep)
    return None


def _is_number(kind: bytes, raw: bytes) -> bool:
    """Whether a box that is one number holds one that occurs: no gamma is four letters."""
    return kind != b"gama" or raw[0] < 0x20


def _size(data: memoryview, box: Box, keep: Keep) -> bytes:
    del keep
    raw = full(data, box, NAME)[2].take(8)
    if raw[0] >= 0x20 or raw[4] >= 0x20:
        raise Malformed(f"{NAME}: a picture larger than pictures are")
    return build_full(b"ispe", 0, 0, raw)


def _constraints(data: memoryview, box: Box, keep: Keep) -> bytes:
    """Three bits of how an animated picture is coded, and how many frames back it looks; the rest is reserved."""
    del keep
    raw = full(data, box, NAME)[2].take(4)
    return build_full(b"ccst", 0, 0, raw[:1], bytes([raw[1] & 0xFC]), bytes(2))


def known(kind: bytes) -> bool:
    """Whether `rewrite` understands the kind."""
    return kind in EXACT or kind in REWRITES


def _pixi(data: memoryview, box: Box, keep: Keep) -> bytes:
    del keep
    reader = full(data, box, NAME)[2]
    count = reader.u(1)
    depths = reader.take(count)
    if count > 5 or any(depth > 16 for depth in depths):
        raise Malformed(f"{NAME}: a picture has more channels or bits than pictures have")
    return build_full(b"pixi", 0, 0, bytes([count]), depths)


def _small(data: memoryview, box: Box, keep: Keep) -> bytes | None:
    """Numbers of 32 bits, none so large that it could be four letters; a box with such goes."""
    del keep
    count = {b"pasp": 2, b"clap": 8, b"btrt": 3}[box.kind]
    raw = Reader(data, box.body, box.stop, NAME).take(4 * count)
    if any(
        not -LETTERS < int.from_bytes(raw[at : at + 4], "big", signed=True) < LETTERS for at in range(0, 4 * count, 4)
    ):
        if box.kind == b"clap":
            raise Malformed(f"{NAME}: a clean aperture that no picture has")
        return None
    return build(box.kind, raw)


def _mastering(data: memoryview, box: Box, keep: Keep) -> bytes | None:
    """The display that a film was graded on, where it is one of those that are used for it."""
    del keep
    raw = Reader(data, box.body, box.stop, NAME).take(24)
    green, blue, red, white = (struct.unpack_from(">HH", raw, at) for at in (0, 4, 8, 12))
    lights = struct.unpack_from(">II", raw, 16)
    return build(b"mdcv", raw) if graded_on((*red, *green, *blue, *white)) and max(lights) < LETTERS else None


def _dolby(data: memoryview, box: Box, keep: Keep) -> bytes:
    """Version, profile, level and layers; the rest is reserved."""
    del keep
    return build(box.kind, Reader(data, box.body, box.stop, NAME).take(5), bytes(19))


def _layers(data: memoryview, box: Box, keep: Keep) -> bytes:
    del keep
    reader = Reader(data, box.body, box.stop, NAME)
    wide = reader.u(1) & 1
    sizes = reader.take(12 if wide else 6)
    if wide and any(sizes[at] >= 0x20 for at in (0, 4, 8)):
        raise Malformed(f"{NAME}: layers of a picture larger than pictures are")
    return build(box.kind, bytes([wide]), sizes)


def _auxiliary(data: memoryview, box: Box, keep: Keep) -> bytes | None:
    del keep
    word = full(data, box, NAME)[2].text()
    return build_full(box.kind, 0, 0, word, b"\0") if word in ALPHA else None


def _colour(data: memoryview, box: Box, keep: Keep) -> bytes | None:
    reader = Reader(data, box.body, box.stop, NAME)
    kind = reader.take(4)
    if kind in (b"nclx", b"nclc"):
        codes = reader.take(7 if kind == b"nclx" else 6)
        if codes[0] or codes[2] or codes[4] or max(codes[1], codes[3], codes[5]) > 22:
            raise Malformed(f"{NAME}: colours that no standard names")
        return build(b"colr", kind, codes[:6], bytes([codes[6] & 0x80]) if kind == b"nclx" else b"")
    if kind not in (b"prof", b"rICC"):
        raise Unsupported(f"{NAME}: colour information of an unknown kind")
    return build(b"colr", kind, sanitise(reader.rest())) if keep.icc else None


def _hevc(data: memoryview, box: Box, keep: Keep) -> bytes:
    """Parameter sets stay; SEI messages, where encoders sign, go."""
    del keep
    reader = Reader(data, box.body, box.stop, NAME)
    fixed, arrays, profile = reader.take(22), [], b""
    for _ in range(reader.u(1)):
        kind, units = reader.u(1), []
        for _ in range(reader.u(2)):
            length = reader.take(2)
            unit = reader.take(int.from_bytes(length, "big"))
            check_set(unit, b"hvc1", kind & 63)
            if unit and kind_of(b"hvc1", unit[0]) == kind & 63:
                units.append(length + unit)
                if kind & 63 == 33:
                    profile = profile or unit.replace(b"\0\0\3", b"\0\0")[3:15]
        if kind & 63 in (32, 33, 34):
            arrays.append(bytes([kind]) + len(units).to_bytes(2, "big") + b"".join(units))
    # Profile and level stand in the first sequence set as well; reserved bits are ones.
    fixed = fixed[:1] + (profile if len(profile) == 12 else fixed[1:13]) + fixed[13:]
    ones = bytes(byte | mask for byte, mask in zip(fixed[13:19], (0xF0, 0, 0xFC, 0xFC, 0xF8, 0xF8), strict=True))
    return build(box.kind, fixed[:13] + ones + fixed[19:], bytes([len(arrays)]), *arrays)


def _avc(data: memoryview, box: Box, keep: Keep) -> bytes:
    del keep
    reader = Reader(data, box.body, box.stop, NAME)
    fixed = reader.take(5)
    parts = [fixed]

    def sets(mask: int) -> None:
        count = reader.u(1)
        parts.append(bytes([count]))
        for _ in range(count & mask):
            length = reader.take(2)
            unit = reader.take(int.from_bytes(length, "big"))
            check_set(unit, b"avc1", 7)
            parts.append(length + unit)

    sets(31)
    sets(255)
    if fixed[1] in (100, 110, 122, 144) and reader.left >= 4:
        extension = reader.take(3)
        # Reserved bits are ones; where they are not, somebody wrote something else behind the parameter sets.
        if extension[0] >= 0xFC and extension[1] >= 0xF8 and extension[2] >= 0xF8:
            parts.append(extension)
            sets(255)
    return build(b"avcC", *parts)


def _av1(data: memoryview, box: Box, keep: Keep) -> bytes:
    """The fixed fields and the sequence header; metadata units (OBU type 5) and padding go."""
    del keep
    reader = Reader(data, box.body, box.stop, NAME)
    parts = [reader.take(4)]
    while reader.left:
        first = reader.at
        head = reader.u(1)
        if head & 4:
            reader.u(1)
        length = _leb128(reader) if head & 2 else reader.left
        reader.take(length)
        if head >> 3 & 15 == 1 and len(parts) == 1:
            if reads_like_text(data[first : reader.at]):
                raise Malformed(f"{NAME}: a sequence header holds readable text; code the picture anew")
            parts.append(bytes(data[first : reader.at]))
    return build(b"av1C", *parts)


def _leb128(reader: Reader) -> int:
    value = 0
    for shift in range(0, 56, 7):
        byte = reader.u(1)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
    raise Malformed(f"{NAME}: a length inside an AV1 configuration does not end")


def _vp9(data: memoryview, box: Box, keep: Keep) -> bytes:
    del keep
    version, flags, reader = full(data, box, NAME)
    del flags
    return build_full(b"vpcC", version, 0, reader.take(6), bytes(2))


def _opus(data: memoryview, box: Box, keep: Keep) -> bytes:
    del keep
    reader = Reader(data, box.body, box.stop, NAME)
    fixed = reader.take(11)
    # At which rate the sound was recorded changes nothing of how it is decoded.
    rate = fixed[4:8] if int.from_bytes(fixed[4:8], "big") < 1 << 20 else (48000).to_bytes(4, "big")
    fixed = b"\0" + fixed[1:4] + rate + fixed[8:]
    return build(b"dOps", fixed, reader.take(2 + fixed[1]) if fixed[10] else b"")


def _flac(data: memoryview, box: Box, keep: Keep) -> bytes:
    """The stream information block alone: tags and pictures of FLAC go."""
    del keep
    reader = full(data, box, NAME)[2]
    head = reader.take(4)
    if head[0] & 127 or head[1:] != b"\0\0\x22":
        raise Malformed(f"{NAME}: a FLAC configuration does not begin with its stream information")
    # Sizes of the smallest and largest frame, how many samples there are, and the fingerprint of the sound may be left open.
    blocks, _, rest = reader.take(4), reader.take(6), reader.take(8)
    return build_full(b"dfLa", 0, 0, b"\x80", head[1:], blocks, bytes(6), rest[:3], bytes([rest[3] & 0xF0]), bytes(20))


def _alac(data: memoryview, box: Box, keep: Keep) -> bytes:
    del keep
    raw = full(data, box, NAME)[2].take(24)
    if raw[0] >= 0x20 or raw[20] >= 0x20 or raw[5] not in (16, 20, 24, 32) or raw[9] > 8:
        raise Malformed(f"{NAME}: sound in packets that no codec has")
    # The largest packet and the mean rate may be left open.
    return build_full(b"alac", 0, 0, raw[:12], bytes(8), raw[20:])


def _amr(data: memoryview, box: Box, keep: Keep) -> bytes:
    """Without the vendor's four letters."""
    del keep
    reader = Reader(data, box.body, box.stop, NAME)
    vendor = reader.take(5)
    return build(box.kind, bytes(len(vendor)), reader.take(4 if box.kind == b"damr" else 2))


def _eac3(data: memoryview, box: Box, keep: Keep) -> bytes:
    del keep
    reader = Reader(data, box.body, box.stop, NAME)
    parts = [head := reader.take(2)]
    for _ in range((head[1] & 7) + 1):
        part = reader.take(3)
        parts += [part, reader.take(1) if part[2] >> 1 & 15 else b""]
    return build(b"dec3", *parts)


def _streams(data: memoryview, box: Box, keep: Keep) -> bytes:
    """MPEG-4 elementary stream descriptors: stream, decoder and sync layer; names and rights go."""
    del keep
    return build_full(b"esds", 0, 0, _descriptor(full(data, box, NAME)[2], 0x03))


def _descriptor(reader: Reader, wanted: int, codec: int = 0) -> bytes:
    kind, length = reader.u(1), 0
    for _ in range(4):
        byte = reader.u(1)
        length = length << 7 | byte & 127
        if byte < 128:
            break
    inside = Reader(reader.data, reader.at, min(reader.at + length, reader.stop), reader.name)
    reader.take(inside.left)
    if kind != wanted:
        return b""
    if kind in ESDS_LENGTHS:
        body = inside.take(ESDS_LENGTHS[kind])
    else:
        raw = inside.take(min(inside.left, LARGEST_SETTINGS))
        body = vorbis_settings(raw) if codec == VORBIS else _settings(raw)
    if kind == 0x03:
        if body[2] & 0xE0:
            raise Unsupported(f"{NAME}: an audio or video stream that points elsewhere is not served")
        body = bytes(2) + body[2:] + _descriptor(inside, 0x04) + b"\x06\x01\x02"
    elif kind == 0x04:
        rates = (body[at : at + 4] if body[at] < 0x20 else bytes(4) for at in (5, 9))
        body = body[:5] + b"".join(rates)
        if inside.left:
            body += _descriptor(inside, 0x05, body[0])
    size = len(body)
    return bytes([kind, size >> 21 & 127 | 128, size >> 14 & 127 | 128, size >> 7 & 127 | 128, size & 127]) + body


def _settings(raw: bytes) -> bytes:
    """What a decoder of MPEG-4 picture or sound is set to: without notes, and without what stands behind it."""
    if raw[:3] == b"\0\0\1":
        # Units that start with a code each; the one of user data is where encoders sign.
        units = raw.split(b"\0\0\1")[1:]
        return b"".join(b"\0\0\1" + unit for unit in units if unit[:1] != b"\xb2" or is_encoder(unit[1:]))
    bits = int.from_bytes(raw[:2].ljust(2, b"\0"), "big")
    kind, rate, channels = bits >> 11, bits >> 7 & 15, bits >> 3 & 15
    if kind < 31 and channels:
        # The longest that extensions can make of it, with a rate written out or without.
        raw = raw[: 13 if rate == 15 or kind in {5, 29} else 7]
    if len(raw) > 64 or reads_like_text(raw):
        raise Malformed(f"{NAME}: settings of a decoder that hold readable text, or more than settings are")
    return raw


def _nested(data: memoryview, box: Box, keep: Keep) -> bytes:
    """QuickTime's list of sound settings."""
    allowed = (b"frma", b"enda", b"esds", b"alac")
    inner = [rewrite(data, part, keep) for part in boxes(data, box.body, box.stop, NAME) if part.kind in allowed]
    return build(b"wave", *(part for part in inner if part), build(bytes(4)))


def _sphere(data: memoryview, box: Box, keep: Keep) -> bytes:
    """A spherical projection without the name of the stitching software."""
    del keep
    sizes = {b"prhd": 16, b"equi": 20, b"cbmp": 12}
    parts = [build_full(b"svhd", 0, 0, b"\0")]
    for outer in boxes(data, box.body, box.stop, NAME):
        if outer.kind == b"proj":
            inner = [part for part in boxes(data, outer.body, outer.stop, NAME) if part.kind in sizes]
            cut = [
                build(part.kind, _view(Reader(data, part.body, part.stop, NAME), sizes[part.kind])) for part in inner
            ]
            parts.append(build(b"proj", *cut))
    return build(b"sv3d", *parts)


def _view(reader: Reader, size: int) -> bytes:
    """How a sphere is turned, and how much of it there is; a millionth of it is finer than any screen."""
    raw = bytes(4) + reader.take(size)[4:]
    if size == 16 and any(abs(angle) > 360 << 16 for angle in struct.unpack_from(">3i", raw, 4)):
        raise Malformed(f"{NAME}: a sphere turned by more than a circle")
    if size == 20:
        return struct.pack(">5I", 0, *(value & 0xFFFFF000 for value in struct.unpack_from(">4I", raw, 4)))
    return raw


def _channels(data: memoryview, box: Box, keep: Keep) -> bytes:
    """A channel layout by tag or bit map; described channels go with their labels."""
    del keep
    tag, places = struct.unpack(">II", full(data, box, NAME)[2].take(8))
    if not (tag < LETTERS or tag >> 16 == 0xFFFF) or places >= LETTERS:
        raise Malformed(f"{NAME}: a layout of channels that no sound has")
    return build_full(b"chan", 0, 0, struct.pack(">II", tag, places if tag == 1 << 16 else 0), bytes(4))


REWRITES: dict[bytes, Callable[[memoryview, Box, Keep], bytes | None]] = {
    b"ispe": _size, b"ccst": _constraints,
    b"pixi": _pixi, b"pasp": _small, b"clap": _small, b"btrt": _small, b"mdcv": _mastering, b"dvcC": _dolby,
    b"dvvC": _dolby, b"a1lx": _layers, b"auxC": _auxiliary, b"auxi": _auxiliary, b"colr": _colour, b"hvcC": _hevc,
    b"avcC": _avc, b"av1C": _av1, b"vpcC": _vp9, b"dOps": _opus, b"dfLa": _flac, b"alac": _alac, b"damr": _amr,
    b"d263": _amr, b"dec3": _eac3, b"esds": _streams, b"wave": _nested, b"chan": _channels,
    b"sv3d": _sphere,
}  # fmt: skip
