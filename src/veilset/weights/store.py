"""The store of network weights: found locally by content, pulled on demand, verified before every first use.

A run never opens a connection on its own: `path` looks only at the cache and at local folders. `pull` downloads.
The cache is `~/.cache/veilset/weights`, or `VEILSET_CACHE`; local folders are `VEILSET_WEIGHTS`, or `../shared/models`
beside the working directory or the checkout.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from veilset.core.errors import MissingWeights, UnknownName
from veilset.weights.table import TABLE, Source, SourceMember, Url, Weights, WheelMember

if TYPE_CHECKING:
    from veilset.weights.fetch import Progress

__all__ = ["Row", "cache_folder", "installed", "listing", "local_folders", "path", "pull", "record"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `veilset weights list`."""

    name: str
    task: str
    size: int
    licence: str
    sha256: str
    where: str
    sources: tuple[str, ...]


def record(name: str) -> Weights:
    """The table's entry.

    Raises:
        UnknownName: Nothing is known under the name.

    >>> record("centerface").licence
    'MIT'
    """
    if name not in TABLE:
        near = difflib.get_close_matches(name, TABLE, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise UnknownName(f"no weights are called {name!r}{hint} Known: {', '.join(TABLE)}")
    return TABLE[name]


def cache_folder() -> Path:
    """Where pulled files are kept."""
    named = os.environ.get("VEILSET_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "veilset" / "weights"


def local_folders() -> tuple[Path, ...]:
    """Folders that are searched for files of the table."""
    named = os.environ.get("VEILSET_WEIGHTS")
    if named is not None:
        return tuple(Path(part).expanduser() for part in named.split(os.pathsep) if part)
    checkout = Path(__file__).resolve().parents[3]
    return tuple(dict.fromkeys(base.parent / "shared" / "models" for base in (Path.cwd(), checkout)))


def path(name: str) -> Path:
    """The verified file of weights, from the cache or a local folder; never from the network.

    Raises:
        UnknownName: Nothing is known under the name.
        MissingWeights: It is nowhere, or a file in its place has another hash.
    """
    wanted = record(name)
    for candidate in _candidates(name, wanted):
        if _hash_of(candidate) == wanted.sha256:
            return candidate
    # Wherever a file of that name was put: to say that there is none would send its owner looking for the wrong thing.
    called = Path(wanted.file).name
    for place in (_cached(name), *(found for folder in local_folders() for found in sorted(folder.rglob(called)))):
        if place.is_file():
            raise MissingWeights(
                f"{place} is not the file known as {name}: its sha256 is {_hash_of(place)[:12]}..., "
                f"{wanted.sha256[:12]}... is pinned. It was not used; delete it and run `veilset weights pull {name}`"
            )
    raise MissingWeights(f"the weights {name} are not on this machine: {_how_to_get(name, wanted)}")


def installed(name: str) -> bool:
    """Whether the verified file is at hand without the network."""
    wanted = record(name)
    return any(_hash_of(candidate) == wanted.sha256 for candidate in _candidates(name, wanted))


def pull(name: str, *, progress: Progress = lambda _done, _size: None) -> Path:
    """The verified file, downloaded into the cache if it is not yet at hand.

    Args:
        name: Key of the table.
        progress: Called with (bytes so far, bytes in all).

    Raises:
        UnknownName: Nothing is known under the name.
        MissingWeights: No source gave a file with the pinned hash; every source is listed with its reason.
    """
    wanted = record(name)
    if installed(name):
        return path(name)
    from veilset.weights.fetch import CannotFetch

    reasons = []
    for source in wanted.sources:
        try:
            return _into_cache(name, wanted, source, progress)
        except CannotFetch as error:
            reasons.append(f"{describe(source)} ({error})")
    if reasons:
        raise MissingWeights(f"no source gave the weights {name}: {'; '.join(reasons)}. {_how_to_get(name, wanted)}")
    raise MissingWeights(f"the weights {name} cannot be downloaded: {_how_to_get(name, wanted)}")


def listing() -> tuple[Row, ...]:
    """Every known file, and where it is ("" when it is not installed)."""
    rows = []
    for name, wanted in TABLE.items():
        where = str(path(name)) if installed(name) else ""
        sources = tuple(describe(source) for source in wanted.sources) or (wanted.origin,)
        rows.append(Row(name, wanted.task, wanted.size, wanted.licence, wanted.sha256, where, sources))
    return tuple(rows)


def describe(source: Source) -> str:
    """A source in words."""
    match source:
        case Url(address):
            return address
        case WheelMember():
            return f"{source.member} in {source.wheel} on the package index"
        case SourceMember():
            return f"{source.member} in {source.archive} on the package index"


def _cached(name: str) -> Path:
    return cache_folder() / f"{name}-{record(name).sha256[:12]}{Path(record(name).file).suffix}"


def _candidates(name: str, wanted: Weights) -> Iterator[Path]:
    """Files that may be it: by place first, then any file of a local folder with its suffix and size."""
    places = [_cached(name), *(folder / wanted.file for folder in local_folders())]
    yield from (place for place in places if _has_size(place, wanted.size))
    for folder in local_folders():
        for found in sorted(folder.rglob(f"*{Path(wanted.file).suffix}")) if folder.is_dir() else ():
            if found not in places and _has_size(found, wanted.size):
                yield found


def _has_size(place: Path, size: int) -> bool:
    return place.is_file() and place.stat().st_size == size


def _hash_of(place: Path) -> str:
    facts = place.stat()
    return _hash_of_version(place, facts.st_size, facts.st_mtime_ns, facts.st_ino)


@lru_cache(maxsize=256)
def _hash_of_version(place: Path, _size: int, _modified: int, _inode: int) -> str:
    with place.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _into_cache(name: str, wanted: Weights, source: Source, progress: Progress) -> Path:
    """Fetch beside the final place, verify, then rename: a half or wrong file never stands in the cache."""
    from veilset.weights.fetch import CannotFetch, fetch

    target = _cached(name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary_name = tempfile.mkstemp(dir=target.parent, prefix=f".{name}-", suffix=".part")
    except OSError as error:
        raise MissingWeights(
            f"the cache {target.parent} cannot be written ({error.strerror}); set VEILSET_CACHE to a folder that can"
        ) from error
    os.close(handle)
    temporary = Path(temporary_name)
    try:
        fetch(source, temporary, size=wanted.size, progress=progress)
        found = _hash_of(temporary)
        if found != wanted.sha256:
            raise CannotFetch(f"its sha256 is {found[:12]}..., {wanted.sha256[:12]}... is pinned; it was thrown away")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _how_to_get(name: str, wanted: Weights) -> str:
    by_hand = f"or put {Path(wanted.file).name} into a folder and name the folder in VEILSET_WEIGHTS"
    if wanted.sources:
        return f"run `veilset weights pull {name}` once with a network, {by_hand}"
    return f"no public source has these bytes ({wanted.origin}); have the file given to you {by_hand}"
