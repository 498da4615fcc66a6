"""Marker segments of a JPEG 2000 codestream, each cut to what its own counts call for."""

from __future__ import annotations

from dataclasses import dataclass

from veilset.containers.codec_units import reads_like_text
from veilset.core.errors import Malformed

NAME = "JPEG 2000"
CAP, SIZ, COD, COC, QCD, QCC, RGN = 0xFF50, 0xFF51, 0xFF52, 0xFF53, 0xFF5C, 0xFF5D, 0xFF5E
_MOST_LEVELS = 32


@dataclass
class Shape:
    """What the header has said so far: components, tiles, the most decomposition levels, height and width."""

    components: int = 0
    tiles: int = 0
    levels: int = -1
    size: tuple[int, int] = (0, 0)

    def read_size(self, body: bytes) -> None:
        """Note what SIZ says.

        Raises:
            Malformed: It stands there twice, or says nothing that can be.
        """
        if self.components or len(body) < 36:
            raise Malformed(f"{NAME}: the codestream says its size twice, or not whole")
        right, bottom, _, _, across, down, left, top = (
            int.from_bytes(body[at : at + 4], "big") for at in range(2, 34, 4)
        )
        self.components = int.from_bytes(body[34:36], "big")
        if any(0x20 <= body[at] < 0x7F for at in range(2, 34, 4)):
            raise Malformed(f"{NAME}: the codestream says a size that no picture has")
        if not across or not down or not self.components or right <= left or bottom <= top:
            raise Malformed(f"{NAME}: the codestream has no size")
        self.size = (bottom - top, right - left)
        self.tiles = -(-(right - left) // across) * -(-(bottom - top) // down)


def needed(marker: int, body: bytes, shape: Shape) -> bytes:
    """The body of a segment without surplus.

    Raises:
        Malformed: It is too short, is about a component that is not there, or reads like text.
    """
    if marker == SIZ:
        shape.read_size(body)
        size = 36 + 3 * shape.components
    elif marker == CAP:
        size = 4 + 2 * int.from_bytes(body[:4], "big").bit_count()
    elif marker in (COD, COC):
        at = 0 if marker == COD else _component(body, shape)
        lead = at + (5 if marker == COD else 1)
        levels = body[lead] if len(body) > lead else _MOST_LEVELS + 1
        shape.levels = max(shape.levels, levels)
        size = lead + 5 + (levels + 1 if body[at] & 1 else 0)
    elif marker in (QCD, QCC):
        at = 0 if marker == QCD else _component(body, shape)
        bands = 3 * (shape.levels if shape.levels >= 0 else _MOST_LEVELS) + 1
        whole = {0: bands, 1: 2, 2: 2 * bands}.get(body[at] & 31 if len(body) > at else 3, -1)
        # Fewer bands than levels call for are filled up by decoders.
        size = min(at + 1 + whole, len(body)) if whole > 0 else len(body) + 1
    elif marker == RGN:
        size = _component(body, shape) + 2
    else:
        size = len(body)
    if size > len(body) or reads_like_text(body[:size]):
        raise Malformed(f"{NAME}: a marker segment is shorter than it says, or holds readable text")
    return body[:size]


def _component(body: bytes, shape: Shape) -> int:
    """Bytes that the number of a component takes."""
    size = 1 if shape.components < 257 else 2
    if int.from_bytes(body[:size], "big") >= shape.components:
        raise Malformed(f"{NAME}: a marker segment is about a component that is not there")
    return size
