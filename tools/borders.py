"""Make src/veilset/flows/report/borders.bin, the lines of the offline map, from Natural Earth's countries (public domain).

    python tools/borders.py geopandas-0.14.4-py3-none-any.whl

The archive is one that the package index still has (`pip download --no-deps geopandas==0.14.4`); geopandas itself is not
needed. Natural Earth 1:110m, countries, with lakes and islands left as they are. Lines are kept to a hundredth of a degree.
"""

from __future__ import annotations

import itertools
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

SHAPES = "geopandas/datasets/naturalearth_lowres/naturalearth_lowres.shp"
TARGET = Path(__file__).parents[1] / "src/veilset/flows/report/borders.bin"
_HEADER, _POLYGON = 100, 5


def rings(shapes: bytes) -> Iterator[list[tuple[float, float]]]:
    """(longitude, latitude) of every ring of a shapefile of polygons."""
    at = _HEADER
    while at < len(shapes):
        (words,) = struct.unpack_from(">i", shapes, at + 4)
        kind, *_, parts, points = struct.unpack_from("<i4d2i", shapes, at + 8)
        if kind != _POLYGON:
            raise SystemExit(f"a shape of kind {kind} where polygons were expected")
        firsts = struct.unpack_from(f"<{parts}i", shapes, at + 52)
        values = struct.unpack_from(f"<{2 * points}d", shapes, at + 52 + 4 * parts)
        places = list(zip(values[::2], values[1::2], strict=True))
        for first, after in zip(firsts, (*firsts[1:], points), strict=True):
            yield places[first:after]
        at += 8 + 2 * words


def pieces(ring: list[tuple[float, float]]) -> Iterator[list[tuple[int, int]]]:
    """A ring in hundredths of a degree, without the edges of the map: the date line and the poles are no borders."""
    whole = [(round(100 * x), round(100 * y)) for x, y in ring]
    piece = whole[:1]
    for (x, y), (u, v) in itertools.pairwise(whole):
        if (x, y) == (u, v):
            continue
        if abs(x - u) > 9000 or abs(x) == abs(u) == 18000 or abs(y) == abs(v) == 9000:
            yield piece
            piece = []
        piece.append((u, v))
    yield piece


def packed(rings: Iterator[list[tuple[float, float]]]) -> bytes:
    """Each line: its number of points, the first, and the steps to the others, as 16-bit numbers; deflated."""
    out = []
    for ring in rings:
        for line in pieces(ring):
            if len(line) > 1:
                steps = [line[0], *((u - x, v - y) for (x, y), (u, v) in itertools.pairwise(line))]
                out.append(struct.pack(f"<H{2 * len(steps)}h", len(steps), *(part for step in steps for part in step)))
    return zlib.compress(b"".join(out), 9)


if __name__ == "__main__":
    with zipfile.ZipFile(sys.argv[1]) as archive:
        TARGET.write_bytes(packed(rings(archive.read(SHAPES))))
