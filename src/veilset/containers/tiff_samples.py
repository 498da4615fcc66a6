"""What the samples of a TIFF hold that few programs show: further samples of a pixel, and words where codes should be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from veilset.containers.assembly import union
from veilset.containers.ifd import Header
from veilset.containers.pieces import Piece
from veilset.containers.tiff_fields import DEFLATE
from veilset.containers.tiff_packed import PACKED
from veilset.containers.tiff_pages import Page, every, number, numbers
from veilset.containers.verify import READABLE, says_words

UNSHOWN = "samples of each pixel that few programs show"
_EXTRA, _OPACITY = 0x0152, {1, 2}
# Samples of a colour, by what the page says that they are.
_COLOURED = {2: 3, 5: 4, 6: 3, 8: 3}
# Here samples may stand as they are, and read like words by chance; that they unpack is proven otherwise.
_PLAIN = {1, *DEFLATE, *PACKED}


def told_by_samples(data: memoryview, header: Header, pages: list[Page], pieces: Iterable[Piece]) -> tuple[str, ...]:
    """Residue for the samples of all pages, in public words; `pieces` say what of them goes out."""
    found = []
    shown = [page for page in every(pages) if not page.thumbnail]
    if any(_has_more(data, header, page) for page in shown):
        found.append(UNSHOWN)
    coded = union(
        span for page in shown if number(data, header, page, 0x0103, 1) not in _PLAIN for span in page.stretches
    )
    if any(says_words(bytes(data[start:stop])) for start, stop in _within(pieces, coded)):
        found.append(READABLE)
    return tuple(found)


def _within(pieces: Iterable[Piece], spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The copied pieces that begin in one of the spans, which are in order and apart."""
    for piece in pieces:
        if isinstance(piece, tuple):
            place = bisect_right(spans, (piece[0], 1 << 64)) - 1
            if place >= 0 and piece[0] < spans[place][1]:
                yield piece


def _has_more(data: memoryview, header: Header, page: Page) -> bool:
    """Whether pixels with a colour have samples beyond it that are no opacity."""
    usual = _COLOURED.get(number(data, header, page, 0x0106))
    more = number(data, header, page, 0x0115, 1) - usual if usual else 0
    entry = page.entries.get(_EXTRA)
    # In another type the tag goes.
    kinds = numbers(data, header, page, _EXTRA) if entry and entry.type in {1, 3, 4} else ()
    return more > sum(kind in _OPACITY for kind in kinds)
