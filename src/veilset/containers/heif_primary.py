"""A HEIF file that shows another of its pictures: for a look at thumbnails and second pictures, never for keeping."""

from __future__ import annotations

from veilset.containers.bmff import Box, boxes, children, full, only

_NAME = "the file"
# A decoder serves no item that is declared a thumbnail of another one.
_BINDING = frozenset((b"thmb",))


def showing(data: bytes, item: int) -> bytes:
    """The same file with `item` as its primary picture.

    Only the number of the primary item and the kind of some references change, so every other byte stays in its place.

    Raises:
        Malformed: There is no single meta box with a primary item, or its boxes do not fit.
        ValueError: `item` is larger than the file can name.
    """
    view, changed = memoryview(data), bytearray(data)
    top: dict[bytes, list[Box]] = {}
    for box in boxes(view, 0, len(view), _NAME, tail=True):
        top.setdefault(box.kind, []).append(box)
    found = children(view, only(top, b"meta", _NAME), _NAME, skip=4)
    primary = only(found, b"pitm", _NAME)
    width = 2 if full(view, primary, _NAME)[0] == 0 else 4
    if item >= 1 << 8 * width:
        raise ValueError("no such item")
    changed[primary.body + 4 : primary.body + 4 + width] = item.to_bytes(width, "big")
    for part in found.get(b"iref", []):
        for reference in boxes(view, part.body + 4, part.stop, _NAME):
            if reference.kind in _BINDING:
                changed[reference.start + 4 : reference.start + 8] = b"free"
    return bytes(changed)
