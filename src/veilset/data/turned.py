"""Turn a picture upright without losing a bit, so that it needs no orientation tag; or say why that cannot be."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset import containers
from veilset.containers import Keep
from veilset.containers.jpeg_segments import segments, starts
from veilset.containers.png_chunks import SIGNATURE, chunks, make_chunk, read_head
from veilset.containers.webp import cut_chunks
from veilset.core.errors import BrokenContract, DataError, VeilsetError
from veilset.data.jpeg_blocks import Coefficients, editable
from veilset.data.jpeg_coefficients import read_coefficients, write_coefficients
from veilset.data.jpeg_header import JpegHeader, read_header, without_stray_bytes
from veilset.data.orientation import upright, upright_size

COEFFICIENTS = "coefficients turned, nothing coded anew"
SAMPLES = "samples turned, coded anew without loss"
UPRIGHT = "upright already"
# What Pillow decodes without calling it an attack; a header may claim anything.
_MOST_PIXELS = 89_000_000
_SWAPPED, _FLIPPED_X, _FLIPPED_Y = frozenset({5, 6, 7, 8}), frozenset({2, 3, 6, 7}), frozenset({3, 4, 7, 8})


@dataclass(frozen=True, slots=True)
class Turned:
    """A picture, and how it came to stand upright.

    Attributes:
        data: The file; the one that was given where `how` starts with `tag kept`.
        how: In public words.
        lossless: Whether it stands upright now.
    """

    data: bytes
    how: str
    lossless: bool


def turned(data: bytes, keep: Keep, name: str) -> Turned:
    """The picture upright, with what `keep` allows of its tags, and without an orientation.

    Give a file that was cleaned: only its picture and what `keep` allows are taken along.

    **Guarantee**
    - JPEG: quantised coefficients are moved and negated, never computed anew; checked by reading them back. A decoder may
      round by a level differently, since it works along rows and columns in turn.
    - PNG, lossless WebP, TIFF: every sample is the same number; checked by decoding both.
    - What cannot be turned so (blocks that are not whole at an edge that would have to move, lossy WebP, several pages
      or frames, films, what its own container turns) comes back untouched, and says why.

    Raises:
        DataError: The file cannot be read.
        BrokenContract: What was written does not hold the same picture.

    *Source*: ITU-T T.81, A.3.3 for the symmetries of the cosine transform; as `jpegtran -perfect` does it.

    >>> from veilset.data.lossless import encode
    >>> plain = encode(np.zeros((2, 3, 3), np.uint8), "png", "a.png")
    >>> turned(plain, Keep(), "a.png").how
    'upright already'
    """
    facts = containers.inspect(data).facts
    if facts.orientation == 1:
        return Turned(data, UPRIGHT, True)
    way = _WAYS.get(facts.format)
    if way is None:
        return Turned(data, f"tag kept: {facts.format} is turned by its own container", False)
    if facts.width * facts.height > _MOST_PIXELS:
        return Turned(data, "tag kept: more than 89 megapixels", False)
    try:
        fresh = way(data, facts.orientation, name)
    except _Stays as why:
        return Turned(data, f"tag kept: {why}", False)
    except VeilsetError:
        raise
    except Exception:  # noqa: BLE001 - decoders die of damaged data in as many ways as there are
        return Turned(data, "tag kept: the coded data is damaged, or of a kind that is not decoded here", False)
    made = containers.carry(data, fresh, replace(keep, orientation=False))
    after = containers.inspect(made).facts
    if after.orientation != 1 or (after.width, after.height) != upright_size(
        facts.width, facts.height, facts.orientation
    ):
        raise BrokenContract(f"{name}: a turned picture does not have the size that it should; please report this")
    return Turned(made, COEFFICIENTS if facts.format == "jpeg" else SAMPLES, True)


class _Stays(Exception):
    """Why a picture cannot be turned without loss."""


def _jpeg(data: bytes, orientation: int, name: str) -> bytes:
    try:
        header = read_header(data, name)
    except DataError:
        raise _Stays("12-bit, lossless or unusual JPEG") from None
    if header.colour not in {"grey", "rgb", "ycc"} or header.arithmetic or not editable(header):
        raise _Stays("JPEG with four planes, arithmetic coding or unusual sampling")
    shown = upright_size(header.width, header.height, orientation)
    unit = upright_size(*header.unit, orientation)
    if (orientation in _FLIPPED_X and shown[0] % unit[0]) or (orientation in _FLIPPED_Y and shown[1] % unit[1]):
        raise _Stays("blocks at an edge that would move are not whole")
    _check_undamaged(data)
    whole = without_stray_bytes(data, name)
    planes, tables = read_coefficients(whole, header, name)
    new = [turned_coefficients(plane, orientation) for plane in planes]
    steps = [np.ascontiguousarray(table.T) if orientation in _SWAPPED else table for table in tables]
    turned_header = _turned_header(header, orientation)
    fresh = write_coefficients(new, steps, turned_header, name)
    again, again_steps = read_coefficients(fresh, read_header(fresh, name), name)
    pairs = [*zip(new, again, strict=True), *zip(steps, again_steps, strict=True)]
    if not all(np.array_equal(one, other) for one, other in pairs):
        raise BrokenContract(f"{name}: a turned JPEG does not hold the coefficients that it should; please report this")
    return _with_density(fresh, data, orientation)


def turned_coefficients(plane: Coefficients, orientation: int) -> Coefficients:
    """Coefficients (block rows, block columns, 8, 8) of a picture as those of the same picture upright.

    >>> plane = np.zeros((1, 2, 8, 8), np.int16)
    >>> plane[0, 0, 0, 1] = 5
    >>> int(turned_coefficients(plane, 2)[0, 1, 0, 1])
    -5
    """
    if orientation in _SWAPPED:
        plane = plane.transpose(1, 0, 3, 2)
    signs = np.where(np.arange(8) % 2, -1, 1).astype(np.int16)
    if orientation in _FLIPPED_X:
        plane = plane[:, ::-1] * signs
    if orientation in _FLIPPED_Y:
        plane = plane[::-1] * signs[:, None]
    return np.ascontiguousarray(plane)


def _turned_header(header: JpegHeader, orientation: int) -> JpegHeader:
    if orientation not in _SWAPPED:
        return replace(header, orientation=1)
    components = tuple(replace(one, across=one.down, down=one.across) for one in header.components)
    return replace(header, width=header.height, height=header.width, components=components, orientation=1)


def _check_undamaged(data: bytes) -> None:
    """A decoder fills in what a damaged file lacks; that is not to become part of the picture."""
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1)
    except ValueError:
        raise _Stays("the coded data is damaged, or sampled unusually") from None


def _with_density(fresh: bytes, data: bytes, orientation: int) -> bytes:
    """The fresh JPEG with the density of the given one, in its new directions."""
    places = []
    for raw in (data, fresh):
        view = memoryview(raw)
        places.append(
            next((p.payload for p in segments(view) if p.marker == 0xE0 and starts(view, p.payload, b"JFIF\0")), 0)
        )
    if not all(places):
        return fresh
    head = data[places[0] + 5 : places[0] + 12]
    if orientation in _SWAPPED:
        head = head[:3] + head[5:7] + head[3:5]
    return fresh[: places[1] + 5] + head + fresh[places[1] + 12 :]


def _png(data: bytes, orientation: int, name: str) -> bytes:
    view = memoryview(data)
    found, _ = chunks(view)
    head = read_head(view, found)
    if any(chunk.name == b"acTL" for chunk in found):
        raise _Stays("several frames")
    samples = _png_samples(data, head.kind, head.depth)
    new = upright(samples, orientation)
    fresh = _encoded_png(new)
    parts, _ = chunks(memoryview(fresh))
    coded = [chunk for chunk in parts if chunk.name == b"IDAT"]
    depth = fresh[24]
    size = struct.pack(">II", new.shape[1], new.shape[0])
    made = [SIGNATURE, make_chunk(b"IHDR", size + bytes([depth, head.kind, 0, 0, 0]))]
    placed = False
    for chunk in found:
        if chunk.name == b"IDAT" and not placed:
            made += [fresh[one.start : one.stop] for one in coded]
            placed = True
        elif chunk.name == b"pHYs" and orientation in _SWAPPED:
            body = data[chunk.body]
            made.append(make_chunk(b"pHYs", body[4:8] + body[:4] + body[8:]))
        elif chunk.name not in {b"IHDR", b"IDAT", b"eXIf", b"iCCP", b"iTXt"}:
            made.append(data[chunk.start : chunk.stop])
    whole = b"".join(made)
    if not np.array_equal(_png_samples(whole, head.kind, depth), new):
        raise BrokenContract(f"{name}: a turned PNG does not hold the samples that it should; please report this")
    return whole


def _png_samples(data: bytes, kind: int, depth: int) -> NDArray[Any]:
    """The samples as numbers; of a palette its indices. *Shapes*: (height, width) or (height, width, samples)."""
    if depth == 16:
        import cv2

        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        wanted = {0: 2, 2: 3, 6: 3}.get(kind)
        if found is None or found.dtype != np.uint16 or found.ndim != wanted or (kind == 2 and found.shape[2] != 3):
            raise _Stays("16-bit PNG of an unusual kind")
        return np.asarray(found)
    from PIL import Image as PillowImage

    modes = {0: {8: "L", 1: "1"}, 2: {8: "RGB"}, 4: {8: "LA"}, 6: {8: "RGBA"}, 3: dict.fromkeys((1, 2, 4, 8), "P")}
    with PillowImage.open(io.BytesIO(data), formats=["PNG"]) as image:
        image.load()
        if image.mode != modes[kind].get(depth):
            raise _Stays(f"PNG of {depth} bits")
        return np.asarray(image)


def _encoded_png(samples: NDArray[Any]) -> bytes:
    if samples.dtype == np.uint16:
        import cv2

        # In the order in which it was decoded: OpenCV turns blue and red twice.
        return bytes(cv2.imencode(".png", np.ascontiguousarray(samples))[1].tobytes())
    from PIL import Image as PillowImage

    out = io.BytesIO()
    PillowImage.fromarray(np.ascontiguousarray(samples)).save(out, "PNG")
    return out.getvalue()


def _webp(data: bytes, orientation: int, name: str) -> bytes:
    from PIL import Image as PillowImage

    names = {chunk.name for chunk in cut_chunks(memoryview(data), 12, len(data))}
    if b"ANMF" in names:
        raise _Stays("several frames")
    if b"VP8L" not in names:
        raise _Stays("lossy WebP")
    with PillowImage.open(io.BytesIO(data), formats=["WEBP"]) as image:
        new = np.ascontiguousarray(upright(np.asarray(image), orientation))
    out = io.BytesIO()
    PillowImage.fromarray(new).save(out, "WEBP", lossless=True, exact=True, method=4, quality=60)
    with PillowImage.open(io.BytesIO(out.getvalue()), formats=["WEBP"]) as image:
        if not np.array_equal(np.asarray(image), new):
            raise BrokenContract(f"{name}: a turned WebP does not hold the samples that it should; please report this")
    return out.getvalue()


def _tiff(data: bytes, orientation: int, name: str) -> bytes:
    from veilset.data.turned_tiff import turned_tiff

    made, why = turned_tiff(data, orientation, name)
    if why:
        raise _Stays(why)
    return made


_WAYS = {"jpeg": _jpeg, "png": _png, "webp": _webp, "tiff": _tiff}
