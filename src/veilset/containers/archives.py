"""tar and zip: every member cleaned in turn, under a number for a name, without dates, owners, comments or order."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from veilset.containers.contract import Claim, Facts, Fate, Keep, Listing, Rebuilt
from veilset.containers.inner import clean_inner
from veilset.containers.sidecars import notes_of
from veilset.containers.view import View
from veilset.core.errors import DataError, Malformed, Residue, Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

NAME = "archive"
formats = ("tar", "zip")
MOST_MEMBERS = 65_000
LARGEST_MEMBER = 2 << 30
# Beyond this no picture compresses, and no set of them; what claims more is there to fill the memory.
MOST_RATIO, MOST_IN_ALL = 1000, 200
ROOM = 64 << 20
# How a member may be compressed, and bytes to be read at a time: what is said of its size may be a lie, and of bzip2 each
# piece is unpacked whole.
STEPS = {zipfile.ZIP_STORED: 1 << 20, zipfile.ZIP_DEFLATED: 1 << 20, zipfile.ZIP_BZIP2: 4096}
DEEPEST = 2
# AppleDouble, which the Mac writes beside files of others; and how folders were looked at.
APPLE_NOTES = frozenset((b"\0\5\x16\7\0\2\0\0", b"\0\5\x16\0\0\2\0\0"))
SYSTEM_NOTES = frozenset((".DS_Store", "Thumbs.db", "desktop.ini", "Desktop.ini"))
_ADVICE = (
    "Nothing of an archive is skipped: take that member out and pack anew, or unpack the archive and clean its files one by "
    "one."
)
SUFFIXES = {"jpeg": "jpg", "tiff": "tif", "heif": "heic", "dicom": "dcm"}
_depth: ContextVar[int] = ContextVar("depth", default=0)


@dataclass(frozen=True)
class Member:
    """One file of an archive: what the archive says about it, and a way to its bytes."""

    name: str
    size: int
    said: tuple[tuple[str, Any, Risk], ...]
    read: Callable[[], bytes]


def inspect(data: memoryview) -> Listing:
    """List the archive: names, dates, owners, comments, and everything that its members say.

    Raises:
        Malformed: It is damaged, or a member leads outside it.
        Unsupported: A member is no picture, film or archive that can be cleaned; nothing is skipped.
    """
    from veilset.containers import inspect as look

    tags: list[TagValue] = []
    with _members(data) as members:
        beside = set(notes_of([member.name for member in members]))
        for number, member in enumerate(members, 1):
            tags.append(TagValue(f"archive/{number}/name", member.name, Risk.PERSON, len(member.name)))
            tags += [TagValue(f"archive/{number}/{word}", value, risk) for word, value, risk in member.said]
            raw = member.read()
            if _goes(member.name, raw, beside):
                tags.append(TagValue(f"archive/{number}/note", raw, Risk.HISTORY, len(raw)))
                continue
            with _named(member.name):
                inner = look(raw).tags
            tags += [TagValue(f"archive/{number}/{t.path}", t.value, t.risk, t.size, t.technical) for t in inner]
    return Listing(Facts(_word(data), 0, 0, frames=max(len(members), 1)), tuple(tags), _claims(data))


@contextmanager
def _named(name: str) -> Iterator[None]:
    """What is said of bytes inside is said of the member of this name."""
    try:
        yield
    except (DataError, Residue) as error:
        told = error.message.removeprefix("the given bytes").removeprefix(":").removeprefix(" ")
        raise type(error)(_told(name, told.partition(_ADVICE)[0])) from None


def _told(name: str, what: str) -> str:
    return f"{NAME}: member {name!r}: {what.rstrip('. ')}. {_ADVICE}"


def _goes(name: str, raw: bytes, beside: Collection[str]) -> bool:
    """Whether a member is no picture of its own: what a system or a program noted about the others."""
    last = PurePosixPath(name).name
    by_system = raw[:8] in APPLE_NOTES if last.startswith("._") else last in SYSTEM_NOTES
    return by_system or name in beside


def files(data: memoryview) -> Iterator[tuple[str, bytes]]:
    """The members, each under its number in the order of names.

    Raises:
        DataError: As `inspect`.
    """
    with _members(data) as members:
        beside = set(notes_of([member.name for member in members]))
        for number, member in enumerate(members, 1):
            raw = member.read()
            if not _goes(member.name, raw, beside):
                yield f"archive/{number}", raw


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the archive anew.

    **Guarantee**
    - Members stand in the order of their old names, cleaned by the module of their own format, as `000001.jpg`, ...;
      dates, owners, rights, comments, extra fields and bytes between members go.
    - What a system noted beside the others (AppleDouble files, folder views), and sidecars of pictures, go.
    """
    counter = _Counter(out)
    residue: list[str] = []
    with _members(data) as members:
        write = _write_zip if _word(data) == "zip" else _write_tar
        write(counter, _cleaned(members, keep, residue))
    return Rebuilt(counter.size, _claims(data), (), tuple(dict.fromkeys(residue)))


class _Counter(io.RawIOBase):
    """Passes bytes on and counts them: archives are written without looking back."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__()
        self.out, self.size = out, 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.out.write(piece)
        self.size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self.size


def _word(data: memoryview) -> str:
    return "zip" if bytes(data[:2]) == b"PK" else "tar"


def _claims(data: memoryview) -> tuple[Claim, ...]:
    return (Claim(0, len(data), Fate.REWRITTEN, "archive"),)


@contextmanager
def _members(data: memoryview) -> Iterator[list[Member]]:
    """Members by name.

    Raises:
        Unsupported: Archives are nested deeper than `DEEPEST`.
    """
    depth = _depth.get()
    if depth >= DEEPEST:
        raise Unsupported(f"{NAME}: archives inside archives inside archives are not served; unpack the inner ones")
    token = _depth.set(depth + 1)
    try:
        members = sorted(_zip(data) if _word(data) == "zip" else _tar(data), key=lambda member: member.name)
        if len({member.name for member in members}) != len(members):
            raise Malformed(f"{NAME}: two members share a name, of which programs show one or the other")
        yield members
    except NotImplementedError:
        raise Unsupported(f"{NAME}: a member is compressed in a way that is not served; pack it anew") from None
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError):
        raise Malformed(f"{NAME}: damaged or truncated") from None
    finally:
        _depth.reset(token)


def _check(name: str, size: int) -> None:
    # Old packers of Windows part folders by backslashes.
    path = PurePosixPath(name.replace("\\", "/"))
    drive = name[1:2] == ":" and name[:1].isalpha()
    if not name or path.is_absolute() or ".." in path.parts or drive or "\0" in name:
        raise Malformed(_told(name, "it leads outside the archive; somebody built it to do harm"))
    if size > LARGEST_MEMBER:
        raise Unsupported(_told(name, "it is larger than 2 GB"))


def _zip(data: memoryview) -> list[Member]:
    archive = zipfile.ZipFile(View(data))
    comment = (("comment", archive.comment, Risk.CONTENT),) if archive.comment else ()
    members = []
    if len(archive.filelist) > MOST_MEMBERS:
        raise Unsupported(f"{NAME}: more than {MOST_MEMBERS} members; unpack the archive first")
    packed, whole = (sum(getattr(info, size) for info in archive.filelist) for size in ("compress_size", "file_size"))
    if packed > len(data) or whole > MOST_IN_ALL * len(data) + ROOM:
        raise Malformed(f"{NAME}: its members unpack to far more than it holds; somebody built it to do harm")
    for info in archive.infolist():
        if info.is_dir():
            continue
        _check(info.filename, info.file_size)
        if info.flag_bits & 1 or (info.external_attr >> 16 & 0o170000) == 0o120000:
            raise Unsupported(_told(info.filename, "it is encrypted, or a link, and cannot be cleaned"))
        if info.file_size > MOST_RATIO * max(info.compress_size, 1):
            raise Malformed(_told(info.filename, f"it unpacks to more than {MOST_RATIO} times its size"))
        said: list[tuple[str, Any, Risk]] = [("date", str(info.date_time), Risk.TIME)]
        said += [("comment", info.comment, Risk.CONTENT)] if info.comment else []
        said += [("extra", info.extra, Risk.HISTORY)] if info.extra else []
        members.append(Member(info.filename, info.file_size, (*said, *comment), _reader(archive, info)))
        comment = ()
    return members


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    if info.compress_type not in STEPS:
        raise NotImplementedError

    def read() -> bytes:
        with archive.open(info) as stream:
            return b"".join(iter(lambda: stream.read(STEPS[info.compress_type]), b""))

    return read


def _tar(data: memoryview) -> list[Member]:
    archive = tarfile.open(fileobj=View(data), mode="r:")  # noqa: SIM115 - lives as long as its members
    members: list[Member] = []
    for info in archive:
        if info.isdir():
            continue
        _check(info.name, info.size)
        if len(members) >= MOST_MEMBERS:
            raise Unsupported(f"{NAME}: more than {MOST_MEMBERS} members; unpack the archive first")
        if not info.isreg() or info.issparse():
            raise Unsupported(_told(info.name, "it is a link, a device or a sparse file, and is not served"))
        said: list[tuple[str, Any, Risk]] = [("date", int(info.mtime), Risk.TIME)] if info.mtime else []
        said += [("owner", f"{info.uname}:{info.gname}", Risk.PERSON)] if info.uname or info.gname else []
        said += [("owner_id", (info.uid, info.gid), Risk.PERSON)] if info.uid or info.gid else []
        said += [(f"header/{key}", value, Risk.CONTENT) for key, value in info.pax_headers.items()]
        members.append(Member(info.name, info.size, tuple(said), _tar_reader(archive, info)))
    return members


def _tar_reader(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        stream = archive.extractfile(info)
        raw = stream.read() if stream else b""
        if len(raw) != info.size:
            raise Malformed(f"{NAME}: damaged or truncated")
        return raw

    return read


def _cleaned(members: list[Member], keep: Keep, residue: list[str]) -> Iterator[tuple[str, bytes]]:
    from veilset.containers import identify

    beside, number = set(notes_of([member.name for member in members])), 0
    for member in members:
        raw = member.read()
        if _goes(member.name, raw, beside):
            continue
        number += 1
        with _named(member.name):
            new, left = clean_inner(raw, keep)
        residue += left
        kind = identify(raw[:65536]) or ""
        yield f"{number:06d}.{SUFFIXES.get(kind, kind)}", new


def _write_zip(out: _Counter, files: Iterator[tuple[str, bytes]]) -> None:
    """Stored, since pictures are compressed already: the same bytes on every machine."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, raw in files:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, raw)


def _write_tar(out: _Counter, files: Iterator[tuple[str, bytes]]) -> None:
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.USTAR_FORMAT) as archive:
        for name, raw in files:
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
