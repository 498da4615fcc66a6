"""What cleaning would do to a file, told without leaving one: the same rebuild and the same judge."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veilset.containers.clean import INHERENT
from veilset.containers.contract import Claim, Fate, Keep, Rebuilt
from veilset.containers.door import Door, content, open_source
from veilset.containers.pages import windows
from veilset.containers.verify import CODED, NESTING, READABLE, verify
from veilset.core.errors import Malformed, Unreadable

# Of these a clean file comes out byte by byte as it went in; others are laid out anew whatever they hold.
_BYTE_BY_BYTE = frozenset({"bmp", "gif", "jpeg", "png", "webp"})
_FILLING = b"\0\xff"
# Above, the result lies in a file without a name, so that memory stays small.
_IN_MEMORY = 1 << 24


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What cleaning would do.

    Attributes:
        same: The bytes would stay as they are.
        goes: What would go or be written anew although it says something, in the words of the ledger.
        residue: What would stay and is named; without what every picture says by being one.
    """

    same: bool
    goes: tuple[str, ...] = ()
    residue: tuple[str, ...] = ()


def foresee(path: Path, keep: Keep) -> Foreseen:
    """What `clean_file` would do to a file.

    Raises:
        DataError: It would be refused.

    *Shapes and units*: small files are rebuilt in memory, large ones in a file without a name.
    """
    with open_source(path) as door, _rebuilt(door, keep) as (rebuilt, made):
        door.check(rebuilt.claims)
        readable = _judged(door, made, rebuilt.copied)
        same = _equal(door.data, made)
        residue = (*rebuilt.residue, READABLE) if readable else rebuilt.residue
        goes = () if same else tuple(dict.fromkeys(_telling(door, rebuilt.claims)))
        return Foreseen(same, goes, tuple(one for one in residue if one not in INHERENT))


@contextmanager
def _rebuilt(door: Door, keep: Keep) -> Iterator[tuple[Rebuilt, memoryview]]:
    if len(door.data) <= _IN_MEMORY:
        out = io.BytesIO()
        rebuilt = door.container.rebuild(door.data, out, keep)
        yield rebuilt, out.getbuffer()
        return
    with tempfile.TemporaryFile() as file:
        try:
            rebuilt = door.container.rebuild(door.data, file, keep)
            file.flush()
        except OSError as error:
            raise Unreadable(
                f"{door.name} cannot be checked: {error.strerror} in {tempfile.gettempdir()}, where a large file is tried."
            ) from None
        with content(file.fileno()) as made:
            yield rebuilt, made


def _equal(one: memoryview, other: memoryview) -> bool:
    if len(one) != len(other):
        return False
    return all(one[start:stop] == other[start:stop] for start, stop in windows(one, 0, len(one)))


def _telling(door: Door, claims: Iterable[Claim]) -> Iterable[str]:
    """The claims by which something is lost that is more than filling."""
    for claim in claims:
        lost = claim.fate is Fate.DROPPED or (claim.fate is Fate.REWRITTEN and door.format in _BYTE_BY_BYTE)
        if lost and bytes(door.data[claim.start : claim.stop]).strip(_FILLING):
            yield claim.what


def _judged(door: Door, made: memoryview, copied: tuple[tuple[int, int, int], ...]) -> bool:
    """Whether coded data holds readable text.

    Raises:
        Malformed: The result would still hold what the file says, so that cleaning refuses it.
    """

    def said() -> Iterable[Any]:
        return [tag.value for tag in door.container.inspect(door.data).tags if not tag.technical]

    def stays() -> Iterable[Any]:
        return [tag.value for tag in door.container.inspect(made).tags]

    nested = door.format not in NESTING
    verdict = verify(made, copied, said, permitted=stays, source=door.data, nested=nested)
    if verdict.found:
        raise Malformed(f"{door.name}: cleaned, it would still hold {', '.join(verdict.found)}.")
    return verdict.readable and door.format in CODED
