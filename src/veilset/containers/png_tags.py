"""What the chunks of a PNG say."""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Iterable, Sequence

from veilset.containers.exif import read_exif
from veilset.containers.icc import read_icc
from veilset.containers.png_chunks import Chunk
from veilset.containers.recognise import identify
from veilset.containers.risks import risk_of
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

_SILENT = frozenset(b"IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT".split())
_TECHNICAL = frozenset(b"gAMA cHRM sRGB cICP sBIT pHYs bKGD mDCV cLLI".split())
_MOST_INFLATED = 1 << 24


def inflate(packed: bytes) -> bytes:
    """At most 16 MiB of an inflated stream; what cannot be inflated comes back as it is."""
    try:
        return zlib.decompressobj().decompress(packed, _MOST_INFLATED)
    except zlib.error:
        return packed


def tags_of(data: memoryview, found: Sequence[Chunk], end: int) -> tuple[TagValue, ...]:
    """Every tag of every chunk, and of the bytes after the end."""
    tags: list[TagValue] = []
    for chunk in found:
        if chunk.name not in _SILENT:
            tags += _chunk_tags(chunk.name, data[chunk.body])
    if end < len(data):
        tail = bytes(data[end : end + 65536])
        kind = identify(tail)
        path = f"png/tail/{kind}" if kind else "png/tail"
        tags.append(TagValue(path, tail, Risk.HIDDEN if kind else Risk.CONTENT, len(data) - end))
    return tuple(tags)


def surplus_tags(surplus: Iterable[tuple[str, bytes, bytes]]) -> tuple[TagValue, ...]:
    """Tags for pixels beyond the declared size, and for bytes behind a compressed stream."""
    tags = []
    for name, pixels, behind in surplus:
        if pixels:
            tags.append(TagValue(f"png/{name}/surplus", pixels, Risk.HIDDEN, len(pixels)))
        if behind:
            tags.append(TagValue(f"png/{name}/behind", behind, Risk.CONTENT, len(behind)))
    return tuple(tags)


def _chunk_tags(name: bytes, view: memoryview) -> tuple[TagValue, ...]:
    body = bytes(view)
    label = name.decode("ascii")
    if name in _TECHNICAL:
        return (TagValue(f"png/{label}", body, Risk.TECHNICAL, len(body), technical=True),)
    if name == b"eXIf":
        return read_exif(view)
    if name == b"iCCP":
        title, _, rest = body.partition(b"\0")
        named = () if title == b"profile" else (TagValue("png/iCCP/name", title, Risk.CONTENT, len(title)),)
        return (*read_icc(inflate(rest[1:])), *named)
    if name == b"caBX":
        from veilset.containers.jumbf import read_jumbf

        return read_jumbf(body)
    if name == b"tIME":
        return (TagValue("png/tIME", tuple(body), Risk.TIME, len(body)),)
    if name in {b"tEXt", b"zTXt", b"iTXt"}:
        return _text(label, body)
    return (TagValue(f"png/{label}", body, Risk.CONTENT, len(body)),)


def _text(label: str, body: bytes) -> tuple[TagValue, ...]:
    key, _, rest = body.partition(b"\0")
    if label == "zTXt":
        rest = inflate(rest[1:])
    elif label == "iTXt" and len(rest) >= 2:
        packed = rest[0]
        parts = rest[2:].split(b"\0", 2)
        rest = inflate(parts[-1]) if packed else parts[-1]
        if key == b"XML:com.adobe.xmp":
            from veilset.containers.xmp import read_xmp

            return read_xmp(rest)
        more = [part for part in parts[:-1] if part]
        rest = b"\n".join([*more, rest]) if more else rest
    if key.startswith(b"Raw profile type "):
        return _raw_profile(key[17:].decode("latin-1"), rest)
    text = rest.decode("latin-1" if label != "iTXt" else "utf-8", "replace")
    name = key.decode("latin-1")
    return (TagValue(f"png/{label}/{name}", text, risk_of(name), len(body)),)


def _raw_profile(kind: str, text: bytes) -> tuple[TagValue, ...]:
    """Profiles that ImageMagick and exiv2 write as hexadecimal text."""
    lines = text.strip().split(b"\n")
    try:
        raw = binascii.unhexlify(b"".join(lines[2:]).replace(b" ", b""))
    except (ValueError, IndexError):
        return (TagValue(f"png/raw/{kind}", text, Risk.CONTENT, len(text)),)
    if kind in {"exif", "APP1"} and raw.startswith(b"Exif\0\0"):
        return read_exif(memoryview(raw)[6:])
    if kind in {"xmp", "APP1"}:
        from veilset.containers.xmp import read_xmp

        return read_xmp(raw.removeprefix(b"http://ns.adobe.com/xap/1.0/\0"))
    if kind in {"iptc", "8bim"}:
        from veilset.containers.iptc import read_photoshop

        return read_photoshop(raw)
    return (TagValue(f"png/raw/{kind}", raw, Risk.CONTENT, len(raw)),)
