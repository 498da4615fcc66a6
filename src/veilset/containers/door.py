"""Open a source once, tell its format, hand its bytes to the module that serves it, and turn crashes into refusals."""

from __future__ import annotations

import errno
import importlib
import mmap
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import cast

from veilset.containers import FORMATS
from veilset.containers.allowed import Allowed, allowed
from veilset.containers.contract import Claim, Container, Facts, Keep, Placed, Writable, check_claims
from veilset.containers.held import held
from veilset.containers.recognise import identify
from veilset.core.errors import Malformed, Unreadable, Unsupported

# What parsing hostile bytes may raise on the way; each means that the bytes contradict their format.
_CONTRADICTIONS = (struct.error, LookupError, ValueError, OverflowError, zlib.error, RecursionError, EOFError)
# Above, files are mapped, so that memory stays small. Below they are read: to map a photo saves a tenth of a millisecond,
# and ends the process when another program shortens the file meanwhile; large files are held against that where they can be.
_MAP_FROM = 1 << 24
_ROOM = 1 << 20


@dataclass(frozen=True, slots=True)
class Door:
    """One open source: its bytes, its format, the module that serves it and its name for messages."""

    data: memoryview
    format: str
    container: Container
    name: str
    descriptor: int = -1

    def check(self, claims: tuple[Claim, ...]) -> None:
        """Raise unless the claims cover every byte once."""
        check_claims(claims, len(self.data), self.name)


@cache
def container_of(name: str) -> Container:
    """The module that serves a format."""
    return cast(Container, importlib.import_module(f"veilset.containers.{FORMATS[name]}"))


@contextmanager
def open_source(source: Path | bytes) -> Iterator[Door]:
    """The bytes of a source, mapped rather than read when they are many.

    Raises:
        DataError: It cannot be opened, is of no served format, changed meanwhile, or whatever is done inside finds it
            malformed.
    """
    name = "the given bytes" if isinstance(source, bytes) else source.name
    descriptor = -1
    try:
        if isinstance(source, bytes):
            data = memoryview(source)
            yield Door(data, *_served(data, name), name)
        else:
            descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
            before = _version(descriptor)
            with content(descriptor) as data:
                yield Door(data, *_served(data, name), name, descriptor)
            if _version(descriptor) != before:
                raise Unreadable(f"{name} changed while it was being read; run again when nobody writes there.")
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror}.") from None
    except Malformed as error:
        message = error.message if name in error.message else f"{name}: {error.message}"
        raise Malformed(message, error.sample) from None
    except Unsupported as error:
        message = error.message if name in error.message else f"{name}: {error.message}"
        raise Unsupported(message, error.sample) from None
    except _CONTRADICTIONS as error:
        raise Malformed(
            f"{name} contradicts its own format ({type(error).__name__} while reading); "
            "open it in an editor and save it anew, or leave it out."
        ) from None
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _version(descriptor: int) -> tuple[int, int]:
    """Size and time of the last change: what is copied later has to be what was judged."""
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns


def _served(data: memoryview, name: str) -> tuple[str, Container]:
    # Nearly every format shows in its first bytes; only an SVG may hide behind comments.
    kind = identify(bytes(data[:4096])) or identify(bytes(data[:65536]))
    if kind is None or kind not in FORMATS:
        known = "of no known format" if kind is None else f"{kind}, which has no reader here"
        raise Unsupported(f"{name} is {known}; convert it to PNG or TIFF, or leave it out.")
    return kind, container_of(kind)


class Shelf(threading.local):
    """One buffer for each thread, used again for file after file: fresh memory costs more than reading into it."""

    buffer: bytearray | None = None


_shelf = Shelf()


@contextmanager
def content(descriptor: int) -> Iterator[memoryview]:
    """The bytes of an open file: read into this thread's buffer, or mapped when they are many."""
    size = os.fstat(descriptor).st_size
    if size > _MAP_FROM:
        with held(descriptor):
            yield memoryview(mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ))
        return
    shelf = _shelf
    # Whoever opens a second file meanwhile finds the shelf empty, and gets a buffer of its own.
    buffer, shelf.buffer = shelf.buffer, None
    if buffer is None or len(buffer) < size:
        buffer = bytearray(size + _ROOM)
    read = 0
    while read < size:
        done = os.preadv(descriptor, [memoryview(buffer)[read:size]], read)
        if not done:
            break
        read += done
    try:
        yield memoryview(buffer)[:read].toreadonly()
    finally:
        shelf.buffer = buffer


@dataclass(frozen=True, slots=True)
class Stored:
    """An open file of which few bytes are looked at: each slice is read for itself."""

    descriptor: int
    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, where: slice) -> bytes:
        start, stop, _ = where.indices(self.size)
        raw = os.pread(self.descriptor, max(stop - start, 0), start)
        if len(raw) != max(stop - start, 0):
            raise OSError(errno.EIO, "it was cut off meanwhile")
        return raw


def allowed_of(source: Path | bytes, keep: Keep) -> tuple[Facts, Allowed]:
    """What `keep` allows of a source's tags, ready to be written into any format."""
    with open_source(source) as door:
        listing = door.container.inspect(door.data)
        door.check(listing.claims)
        what = allowed(listing.tags, listing.facts.orientation, keep)
        if keep.georeference and isinstance(door.container, Placed):
            what = replace(what, georeference=door.container.georeference_of(door.data, keep))
        return listing.facts, what


def carry(original: Path | bytes, encoded: bytes, keep: Keep) -> bytes:
    """See `veilset.containers.carry`."""
    _, what = allowed_of(original, keep)
    with open_source(encoded) as door:
        container = door.container
        if not isinstance(container, Writable):
            raise Unsupported(f"tags cannot be carried into {door.format}; encode to JPEG, PNG, WebP or TIFF.")
        out = BytesIO()
        rebuilt = container.write_with(door.data, out, what)
        door.check(rebuilt.claims)
        return out.getvalue()
