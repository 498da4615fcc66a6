"""Images inside PDF: dictionaries by allowlist, colour spaces without text, coded data cut to what is shown."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from veilset.containers.bmp_rows import used_entries
from veilset.containers.contract import Keep
from veilset.containers.icc import sanitise
from veilset.containers.inner import clean_inner
from veilset.containers.pdf_filters import PLAIN
from veilset.containers.pdf_objects import Document, Name, Ref, Stream, Word, inflate
from veilset.core.errors import Malformed, Unsupported

NAME = "PDF"
DEVICE = {b"DeviceGray": 1, b"DeviceRGB": 3, b"DeviceCMYK": 4, b"G": 1, b"RGB": 3, b"CMYK": 4}
FAX = frozenset((b"K", b"Columns", b"Rows", b"BlackIs1", b"EncodedByteAlign", b"EndOfLine", b"EndOfBlock"))
PREDICTOR = frozenset((b"Predictor", b"Colors", b"BitsPerComponent", b"Columns"))
ORIGINAL = (b"JPEG", b"JPXDecode")


@dataclass
class Body:
    """A stream to be written: new bytes, and the stretch of input that they are, where they were copied whole."""

    entries: dict[bytes, Any]
    raw: bytes = field(repr=False)
    span: tuple[int, int] | None = None


@dataclass
class Images:
    """Writes images anew, each once, as numbered objects from `first` on."""

    document: Document
    keep: Keep
    first: int
    bodies: list[Body] = field(default_factory=list)
    numbers: dict[int, Ref] = field(default_factory=dict)
    residue: list[str] = field(default_factory=list)

    def add(self, body: Body) -> Ref:
        """Number one more stream."""
        self.bodies.append(body)
        return Ref(self.first + len(self.bodies) - 1)

    def image(self, pointer: Any, depth: int = 0) -> Ref:
        """An image by its pointer.

        Raises:
            Unsupported: It is no image, or is coded in a way that cannot be cleaned.
        """
        get = self.document.get
        if isinstance(pointer, Ref) and pointer.number in self.numbers:
            return self.numbers[pointer.number]
        stream = get(pointer)
        if not isinstance(stream, Stream) or get(stream.entries.get(b"Subtype")) != b"Image" or depth > 1:
            raise Unsupported(f"{NAME}: pages draw something else than photographs; only scans and photos are served")
        old = {key: get(value) for key, value in stream.entries.items()}
        if {b"OPI", b"OC", b"Alternates"} & old.keys():
            raise Unsupported(f"{NAME}: an image has alternatives or is optional; print the document to a new file")
        new: dict[bytes, Any] = {b"Type": Name(b"XObject"), b"Subtype": Name(b"Image")}
        new |= {k: old[k] for k in (b"Width", b"Height", b"BitsPerComponent") if isinstance(old.get(k), int)}
        new |= {k: True for k in (b"ImageMask", b"Interpolate") if old.get(k) is True}
        channels = 1
        if b"ColorSpace" in old:
            new[b"ColorSpace"], channels = self.colour(old[b"ColorSpace"])
        new |= {key: numbers(get, old[key]) for key in (b"Decode", b"Matte") if key in old}
        body = self._data(stream, new, channels)
        _cut_palette(new, body)
        # Where there is a soft mask, no reader looks at the other one.
        soft = isinstance(old.get(b"SMask"), Stream)
        if isinstance(old.get(b"Mask"), list) and not soft:
            new[b"Mask"] = numbers(get, old[b"Mask"])
        key = b"SMask" if soft else b"Mask"
        if isinstance(old.get(key), Stream):
            new[key] = self.image(stream.entries[key], depth + 1)
        made = self.add(body)
        if isinstance(pointer, Ref):
            self.numbers[pointer.number] = made
        return made

    def colour(self, value: Any, depth: int = 0) -> tuple[Any, int]:
        """A colour space and its number of channels."""
        get = self.document.get
        value = get(value)
        if isinstance(value, Name) and value in DEVICE:
            return value, DEVICE[value]
        parts = [get(part) for part in value] if isinstance(value, list) else []
        if depth > 1 or not parts:
            raise Unsupported(f"{NAME}: an image has a colour space that is not served")
        match bytes(parts[0]), len(parts):
            case (b"DeviceGray" | b"DeviceRGB" | b"DeviceCMYK") as word, 1:
                return Name(word), DEVICE[word]
            case b"ICCBased", 2 if isinstance(parts[1], Stream):
                channels = get(parts[1].entries.get(b"N"))
                device = {1: b"DeviceGray", 3: b"DeviceRGB", 4: b"DeviceCMYK"}.get(channels)
                if device is None:
                    raise Malformed(f"{NAME}: a colour profile has no number of channels")
                if not self.keep.icc:
                    return Name(device), channels
                profile = sanitise(self.document.decoded(parts[1]))
                made = self.add(Body({b"N": channels, b"Alternate": Name(device)}, profile))
                return [Name(b"ICCBased"), made], channels
            case (b"CalRGB" | b"CalGray" | b"Lab") as word, 2 if isinstance(parts[1], dict):
                kept = (b"WhitePoint", b"BlackPoint", b"Gamma", b"Matrix", b"Range")
                given = {k: get(v) for k, v in parts[1].items() if k in kept}
                settings = {k: numbers(get, [v] if isinstance(v, int | float) else v) for k, v in given.items()}
                if word == b"CalGray" and b"Gamma" in settings:
                    settings[b"Gamma"] = settings[b"Gamma"][0]
                return [Name(word), settings], 1 if word == b"CalGray" else 3
            case ((b"Indexed" | b"I"), 4) if isinstance(parts[2], int):
                base, channels = self.colour(parts[1], depth + 1)
                table = self.document.decoded(parts[3]) if isinstance(parts[3], Stream) else parts[3]
                return [Name(b"Indexed"), base, parts[2], bytes(table)[: (parts[2] + 1) * channels]], 1
        raise Unsupported(f"{NAME}: an image has a colour space that is not served")

    def _data(self, stream: Stream, new: dict[bytes, Any], channels: int) -> Body:
        kinds, settings = self.document.filters(stream)
        raw = self.document.raw[stream.start : stream.stop]
        span: tuple[int, int] | None = (stream.start, stream.stop)
        while kinds and (kinds[0] in PLAIN or (len(kinds) > 1 and kinds[0] == b"FlateDecode")):
            if settings[0].get(b"Predictor", 1) != 1:
                break
            raw, span = PLAIN[bytes(kinds[0])](raw) if kinds[0] in PLAIN else inflate(raw)[0], None
            kinds, settings = kinds[1:], settings[1:]
        kind = bytes(kinds[0]) if len(kinds) == 1 else b""
        if not kinds:
            return Body(new, *_exact(raw, _rows(new, channels, 1), span))
        if kind not in (b"FlateDecode", b"DCTDecode", b"JPXDecode", b"CCITTFaxDecode"):
            raise Unsupported(f"{NAME}: an image is coded in a way that cannot be cleaned; print to a new file")
        new[b"Filter"] = Name(kind)
        if kind == b"FlateDecode":
            allowed = {k: v for k, v in settings[0].items() if k in PREDICTOR and isinstance(v, int)}
            if allowed.get(b"Predictor", 1) > 1:
                new[b"DecodeParms"] = allowed
            return Body(new, *_deflated(raw, _rows(new, channels, allowed.get(b"Predictor", 1)), span))
        if kind == b"CCITTFaxDecode":
            new[b"DecodeParms"] = {k: v for k, v in settings[0].items() if k in FAX and isinstance(v, int)}
            self.residue.append("surplus bytes inside fax-coded images, which only a full decoder can tell apart")
            return Body(new, raw, span)
        return Body(new, self._coded(raw, kind), None)

    def _coded(self, raw: bytes, kind: bytes) -> bytes:
        """A JPEG or JPEG 2000 file, cleaned by the module of its own format; readers of PDF ignore its tags."""
        from veilset.containers import identify

        if identify(raw[:65536]) != ("jpeg" if kind == b"DCTDecode" else "jp2"):
            raise Malformed(f"{NAME}: an embedded picture is not what it is said to be")
        new, left = clean_inner(raw, Keep(orientation=False, icc=kind != b"DCTDecode"))
        self.residue += left
        return new


def _cut_palette(new: dict[bytes, Any], body: Body) -> None:
    """Zeros for palette entries that no sample has, where the samples can be read here."""
    space = new.get(b"ColorSpace")
    bits = new.get(b"BitsPerComponent", 8)
    if not isinstance(space, list) or space[0] != b"Indexed" or bits not in (1, 2, 4, 8):
        return
    used = np.zeros(256, dtype=np.bool_)
    used[: 1 << bits] = True
    kind, width = new.get(b"Filter"), int(new[b"Width"])
    if kind in (None, b"FlateDecode") and b"DecodeParms" not in new:
        raw = inflate(body.raw)[0] if kind else body.raw
        rows = np.frombuffer(raw, dtype=np.uint8).reshape(-1, (width * bits + 7) // 8)
        used = used_entries(rows, bits, width)
    table = bytes(space[3])
    each = max(len(table) // (space[2] + 1), 1)
    space[3] = b"".join(
        table[at : at + each] if used[min(at // each, 255)] else bytes(len(table[at : at + each]))
        for at in range(0, len(table), each)
    )


def numbers(get: Any, value: Any) -> list[Any]:
    """A list of numbers and nothing else.

    Raises:
        Malformed: It holds something else.
    """
    found = [get(item) for item in get(value)] if isinstance(get(value), list) else [None]
    if not all(isinstance(item, int | float) for item in found) or len(found) > 64:
        raise Malformed(f"{NAME}: something else stands where numbers have to")
    return found


def _rows(new: dict[bytes, Any], channels: int, predictor: int) -> int:
    """Bytes of the samples that an image shows."""
    bits = 1 if new.get(b"ImageMask") else new.get(b"BitsPerComponent", 8)
    try:
        return int(new[b"Height"]) * ((int(new[b"Width"]) * channels * bits + 7) // 8 + (predictor >= 10))
    except KeyError:
        raise Malformed(f"{NAME}: an image has no size") from None


def _exact(raw: bytes, size: int, span: tuple[int, int] | None) -> tuple[bytes, tuple[int, int] | None]:
    if len(raw) < size:
        raise Malformed(f"{NAME}: an image has fewer samples than it says")
    return raw[:size], (span[0], span[0] + size) if span else None


def _deflated(raw: bytes, size: int, span: tuple[int, int] | None) -> tuple[bytes, tuple[int, int] | None]:
    """Compressed samples up to their end; compressed anew only where more is packed than shown."""
    samples, _ = inflate(raw, size + 1)
    if len(samples) < size:
        raise Malformed(f"{NAME}: an image has fewer samples than it says")
    if len(samples) > size:
        return zlib.compress(samples[:size], 9), None
    # The checksum at the end is read only once output has come to its end, so let the engine finish.
    engine = zlib.decompressobj()
    engine.decompress(raw)
    used = len(raw) - len(engine.unused_data)
    return raw[:used], (span[0], span[0] + used) if span else None


def is_number(value: Any) -> bool:
    """Whether a content stream's operand is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not isinstance(value, Word)
