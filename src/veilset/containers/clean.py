"""Clean one file: rebuild beside the target, judge the result independently, and only then give it its name."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from veilset.containers.contract import Claim, Fate, Keep, Rebuilt, Showing
from veilset.containers.door import Door, Stored, content, open_source
from veilset.containers.jpeg_segments import UNSEARCHED
from veilset.containers.pages import windows
from veilset.containers.pieces import RangeWriter
from veilset.containers.verify import CODED, NESTING, READABLE, verify
from veilset.core.errors import DataError, Occupied, Residue

# What every picture says by being one; counted and named, and no reason to call a file unclean.
INHERENT = frozenset(
    {
        "quantisation and entropy tables", "entropy tables and coding choices", "palette and coding choices",
        "coding choices", "pixel size", "sensor noise", UNSEARCHED,
    }
)  # fmt: skip
BACKUP = ".original"
_NO_LINKS = frozenset((errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV))


@dataclass(frozen=True, slots=True)
class Sameness:
    """Proof that the picture is the same: stretches of coded data that were copied untouched.

    Attributes:
        stretches: How many.
        size: Their bytes.
        compared: Whether input and output were read again and compared byte for byte.
    """

    stretches: int
    size: int
    compared: bool


@dataclass(frozen=True)
class Cleaned:
    """The one state that a file ended in.

    Attributes:
        state: `clean`, `residue` (clean, and what is named stays) or `refused`.
        format: What the file is, by content.
        before: Its size in bytes.
        after: The size of what was written; 0 when nothing was.
        dropped: Bytes of the input that went.
        residue: What stays, in public words.
        reason: Why it was refused.
        sameness: Proof that the picture is the same.
        claims: The byte ledger.
        turned: How it came to stand upright, or why it does not; empty when nobody asked.
    """

    state: str
    format: str = ""
    before: int = 0
    after: int = 0
    dropped: int = 0
    residue: tuple[str, ...] = ()
    reason: str = ""
    sameness: Sameness | None = None
    claims: tuple[Claim, ...] = field(default=(), repr=False)
    turned: str = ""


def clean_file(path: Path, target: Path, keep: Keep | None = None, *, thorough: bool = False) -> Cleaned:
    """Write a clean copy of `path` at `target`.

    The copy is made under a temporary name in the target's folder, opened again, judged by `verify`, and renamed.
    `thorough` compares the copied picture data byte for byte and searches all of the output for every value.

    **Guarantee**
    - One state: `clean`, `residue` or `refused`; a refused file leaves nothing at `target`.
    - Cleaning what was cleaned gives the same bytes.
    - Coded picture data is copied, never coded anew, but where it holds more than it declares.

    Raises:
        Occupied: `target` is `path`; use `clean_in_place`.
    """
    if _is_same(path, target):
        raise Occupied(f"{path.name} would be overwritten by its own clean copy; clean it in place instead.")
    temporary = _beside(target)
    try:
        cleaned = _made(path, temporary, keep or Keep(), thorough)
        os.replace(temporary, target)  # noqa: PTH105 - pathlib costs as much as the call
    except (DataError, Residue, OSError) as error:
        _discard(temporary)
        return Cleaned("refused", reason=_reason(error, path))
    except BaseException:
        _discard(temporary)
        raise
    return cleaned


def clean_in_place(path: Path, keep: Keep | None = None, *, backup: bool = True, thorough: bool = False) -> Cleaned:
    """Put a clean copy in the place of `path`, in one step; the original stays beside it as `<name>.original`.

    **Guarantee**
    - At every moment `path` is either the original or the finished clean copy.

    Raises:
        Occupied: A backup is already there.
    """
    temporary = _beside(path)
    try:
        cleaned = _made(path, temporary, keep or Keep(), thorough)
        if backup:
            _keep_original(path)
        _as_before(temporary, os.stat(path))  # noqa: PTH116
        os.replace(temporary, path)  # noqa: PTH105
    except (DataError, Residue, OSError) as error:
        _discard(temporary)
        return Cleaned("refused", reason=_reason(error, path))
    except BaseException:
        _discard(temporary)
        raise
    return cleaned


def _is_same(path: Path, target: Path) -> bool:
    try:
        there = os.stat(target)  # noqa: PTH116
    except OSError:
        return False
    return os.path.samestat(there, os.stat(path))  # noqa: PTH116


def _reason(error: DataError | Residue | OSError, path: Path) -> str:
    if not isinstance(error, OSError):
        return error.message
    return (
        f"{path.name} cannot be replaced or copied: {error.strerror}; see to space and permissions where its copy goes."
    )


def _beside(target: Path) -> str:
    # Not the target's own name with more letters: that may be as long as the file system allows.
    return os.path.join(os.path.split(target)[0], f".veilset-{os.urandom(8).hex()}.part")  # noqa: PTH118


def _discard(temporary: str) -> None:
    with suppress(OSError):
        os.unlink(temporary)  # noqa: PTH108


def _as_before(temporary: str, before: os.stat_result) -> None:
    """The rights of the file that is replaced, and its owner where that is allowed."""
    now = os.stat(temporary)  # noqa: PTH116
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        with suppress(PermissionError):
            os.chown(temporary, before.st_uid, before.st_gid)
    os.chmod(temporary, before.st_mode & 0o777)  # noqa: PTH101


def _keep_original(path: Path) -> None:
    kept = path.with_name(path.name + BACKUP)
    try:
        try:
            os.link(path, kept)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _copy_original(path, kept)
    except FileExistsError:
        raise Occupied(f"{kept.name} is already there; move it away, or clean without a backup.") from None


def _copy_original(path: Path, kept: Path) -> None:
    """Cards and sticks know no second name for a file."""
    with path.open("rb") as source, kept.open("xb") as target:
        try:
            shutil.copyfileobj(source, target)
        except BaseException:
            _discard(str(kept))
            raise
    shutil.copystat(path, kept)


def _made(path: Path, temporary: str, keep: Keep, thorough: bool) -> Cleaned:
    with open_source(path) as door:
        try:
            with RangeWriter(temporary, "xb+", opener=_as_private_as(door.descriptor)) as out:
                out.source = door.descriptor
                rebuilt = door.container.rebuild(door.data, out, keep)
                door.check(rebuilt.claims)
                readable = _judge(door, out, rebuilt, thorough)
        except OSError as error:
            # The door would call this a file that cannot be read.
            raise DataError(_reason(error, path)) from None
        residue = (*rebuilt.residue, READABLE) if readable else rebuilt.residue
        left = tuple(one for one in residue if one not in INHERENT)
        return Cleaned(
            "residue" if left else "clean",
            door.format,
            len(door.data),
            rebuilt.size,
            sum(claim.stop - claim.start for claim in rebuilt.claims if claim.fate is Fate.DROPPED),
            residue,
            "",
            Sameness(len(rebuilt.copied), sum(size for _, _, size in rebuilt.copied), thorough),
            rebuilt.claims,
        )


def _as_private_as(source: int) -> Callable[[str, int], int]:
    """Open with the rights of the source, less the umask, as `cp` does: who may not read one may not read the other."""
    return partial(os.open, mode=os.fstat(source).st_mode & 0o666)


def _judge(door: Door, out: RangeWriter, rebuilt: Rebuilt, thorough: bool) -> bool:
    """Raise unless the result is what it should be; gives whether coded data holds readable text."""
    size = out.seek(0, os.SEEK_END)
    if size != rebuilt.size:
        raise Residue(f"{door.name}: {size} bytes were written and {rebuilt.size} were meant to be; nothing was kept.")
    if not thorough:
        return _compare(door, Stored(out.fileno(), size), rebuilt, out.fileno())
    with content(out.fileno()) as output:
        for start, at, length in rebuilt.copied:
            pairs = zip(windows(door.data, start, start + length), windows(output, at, at + length), strict=True)
            if any(door.data[a:b] != output[c:d] for (a, b), (c, d) in pairs):
                raise Residue(f"{door.name}: picture data was changed on its way; nothing was kept.")
        return _compare(door, output, rebuilt, out.fileno())


def _compare(door: Door, output: Stored | memoryview, rebuilt: Rebuilt, descriptor: int) -> bool:
    def said() -> Iterable[Any]:
        return [tag.value for tag in door.container.inspect(door.data).tags if not tag.technical]

    def stays() -> Iterable[Any]:
        with content(descriptor) as written:
            return [tag.value for tag in door.container.inspect(written).tags]

    def shown() -> bytes:
        if not isinstance(door.container, Showing):
            return b""
        with content(descriptor) as written:
            return door.container.words_of(written)

    thorough = isinstance(output, memoryview)
    source = None if thorough else door.data
    nested = door.format not in NESTING
    verdict = verify(
        output, rebuilt.copied, said, permitted=stays, shown=shown, source=source, thorough=thorough, nested=nested
    )
    if verdict.found:
        raise Residue(f"{door.name}: the result still holds {', '.join(verdict.found)}; nothing was kept.")
    return verdict.readable and door.format in CODED
