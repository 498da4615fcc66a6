"""Where the coded rows of a fax picture in TIFF end: ITU-T T.4 in one and two dimensions, T.6, and the form of TIFF 6.0."""

from __future__ import annotations

from dataclasses import dataclass

from veilset.containers.fax_codes import ACROSS, BITS, PASS, tables
from veilset.core.errors import Malformed, Unsupported

PLAIN_ROWS, T4, T6, WORD_ROWS = 2, 3, 4, 32771
SCHEMES = frozenset((PLAIN_ROWS, T4, T6, WORD_ROWS))
_BROKEN = "a fax-coded strip of the TIFF is damaged, or coded in another way than it says; where it ends cannot be told"
_MOST_PIXELS = 1 << 28
_MIRRORED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_ZEROS = 11


@dataclass(frozen=True)
class Fax:
    """How a strip is coded.

    Attributes:
        scheme: TIFF's number of it.
        columns: Pixels of a row.
        rows: Rows.
        options: T4Options or T6Options.
        mirrored: Whether bits run from the lowest of each byte (FillOrder 2).
    """

    scheme: int
    columns: int
    rows: int
    options: int = 0
    mirrored: bool = False


def fax_end(data: bytes, fax: Fax) -> int:
    """How many bytes it takes to draw all rows, with the codes that close them where such follow.

    Up to seven bits that fill the last byte stay unread.

    Raises:
        Malformed: There are fewer, or a code that stands for nothing; or something else than zeros stands before the mark of
            a row, where readers pass over whatever they find.
        Unsupported: Rows may hold uncompressed stretches.

    *Source*: ITU-T T.4, 4.1 and 4.2; T.6, 2.2; TIFF 6.0, sections 10 and 11.
    """
    if fax.options & 2:
        raise Unsupported("fax-coded strips of a TIFF with uncompressed stretches are not walked")
    if fax.columns < 1:
        raise Malformed(_BROKEN)
    if fax.columns * fax.rows > _MOST_PIXELS:
        raise Unsupported("a fax-coded strip of so many pixels is not walked")
    return _Walk(data.translate(_MIRRORED) if fax.mirrored else data, fax).end()


class _Walk:
    """Goes over the codes, row by row; a row is where its colours change, white first."""

    def __init__(self, data: bytes, fax: Fax) -> None:
        self.fax, self.at, self.size = fax, 0, 8 * len(data)
        self.data = data + bytes(8)
        self.white, self.black, self.modes = tables()

    def end(self) -> int:
        above: list[int] = []
        for _ in range(self.fax.rows):
            flat = self.fax.scheme != T6
            if self.fax.scheme == T4:
                self._mark()
                if self.fax.options & 1:
                    flat = bool(self._bits(1))
                    self.at += 1
            elif self.fax.scheme != T6:
                self._align(16 if self.fax.scheme == WORD_ROWS else 8)
            above = self._flat() if flat else self._followed(above)
            if self.at > self.size:
                raise Malformed(_BROKEN)
        self._close()
        return -(-self.at // 8)

    def _bits(self, count: int) -> int:
        first = self.at >> 3
        return int.from_bytes(self.data[first : first + 4], "big") >> (32 - (self.at & 7) - count) & ((1 << count) - 1)

    def _zeros(self) -> int:
        """How many zeros come next; whole bytes of them are passed at once."""
        at = self.at
        while at < self.size and not self.data[at >> 3] >> (7 - (at & 7)) & 1:
            step = 8 if at & 7 == 0 and self.data[at >> 3] == 0 else 1
            at += step
        return at - self.at

    def _align(self, unit: int) -> None:
        """Go to the next whole byte or word; bits of every row come to a whole message."""
        over = -self.at % unit
        if self._bits(over):
            raise Malformed(_BROKEN)
        self.at += over

    def _mark(self) -> None:
        """Pass the mark of a row: eleven zeros or more, and a one. Readers look for it, and show no row without."""
        zeros = self._zeros()
        if zeros < _ZEROS or self.at + zeros >= self.size:
            raise Malformed(_BROKEN)
        self.at += zeros + 1

    def _close(self) -> None:
        """Pass what closes all rows: the mark of a row twice (T.6) or six times (T.4), each with its tag."""
        most = {T6: 2, T4: 6}.get(self.fax.scheme, 0)
        tag = 1 if self.fax.scheme == T4 and self.fax.options & 1 else 0
        at, found = self.at, 0
        while found < most:
            zeros = self._zeros()
            stop = self.at + zeros + 1 + tag
            # Zeros may fill up the first mark; between the others there are none.
            if zeros < _ZEROS or (found and zeros > _ZEROS) or stop > self.size:
                break
            self.at, found = stop, found + 1
        if found < most:
            self.at = at

    def _run(self, colour: int) -> int:
        table, length = (self.black if colour else self.white), 0
        while True:
            used, value = table[self._bits(BITS)]
            if not used or self.at > self.size:
                raise Malformed(_BROKEN)
            self.at += used
            length += value
            if value < 64:
                return length

    def _flat(self) -> list[int]:
        """A row of runs."""
        changes, place, colour = [], 0, 0
        while place < self.fax.columns:
            place += self._run(colour)
            changes.append(place)
            colour ^= 1
        if place > self.fax.columns:
            raise Malformed(_BROKEN)
        return changes

    def _followed(self, above: list[int]) -> list[int]:
        """A row as it differs from the one above."""
        columns, changes, place, colour, index = self.fax.columns, [], -1, 0, 0
        while place < columns:
            used, mode = self.modes[self._bits(BITS)]
            if not used or self.at > self.size:
                raise Malformed(_BROKEN)
            self.at += used
            # The first change above to the right of here, to the other colour.
            index = max(index - 2, 0)
            while index < len(above) and (above[index] <= place or index & 1 != colour):
                index += 1
            one, before = above[index] if index < len(above) else columns, max(place, 0)
            if mode == PASS:
                place = above[index + 1] if index + 1 < len(above) else columns
            elif mode == ACROSS:
                first = max(place, 0) + self._run(colour)
                place = first + self._run(colour ^ 1)
                changes += [first, place]
            else:
                place = one + mode
                changes.append(place)
                colour ^= 1
            if not before <= place <= columns:
                raise Malformed(_BROKEN)
        return changes
