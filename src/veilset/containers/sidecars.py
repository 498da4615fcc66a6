"""What lies beside a file, and what its name and its place on the disk give away. Listed only; cleaning copies none."""

from __future__ import annotations

import errno
import json
import os
import plistlib
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from veilset.containers.file_names import said_by_name
from veilset.containers.risks import risk_of
from veilset.containers.xmp import read_xmp
from veilset.core.errors import DataError
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

LARGEST = 16 << 20
SIDECARS = (".xmp", ".thm", ".aae", ".json")
FILMS = (".mov", ".mp4")
DEEPEST = 12
_NUMBERED = re.compile(r"(.+)(\(\d{1,4}\))(\.\w+)")
_NUMBER = re.compile(r"\(\d{1,4}\)$")
_EDITED = re.compile(r"-edited(?=\.\w+$)")

ATTRIBUTES: tuple[tuple[Risk, re.Pattern[str]], ...] = (
    (Risk.PERSON, re.compile(r"(?i)email|posix_acl|creator|author|sender")),
    (Risk.TIME, re.compile(r"(?i)date|time(?!lapse)|lastused")),
    (Risk.HISTORY, re.compile(r"(?i)origin|wherefrom|referr?er|quarantine|publisher|url|application")),
    (Risk.CONTENT, re.compile(r"(?i)usertags|finderinfo|comment|rating|tags|keywords")),
)


def names_in(folder: Path) -> list[tuple[str, str]]:
    """Names in a folder that may be sidecars or films of others, sorted without regard to case: (lower case, as it is)."""
    found = ((entry.name.lower(), entry.name) for entry in os.scandir(folder))
    return sorted(both for both in found if both[0].endswith((*SIDECARS, *FILMS)))


def outside(path: Path, names: Sequence[tuple[str, str]] | None = None) -> tuple[TagValue, ...]:
    """Everything about a file that is not in it: its name, its times, its extended attributes, and what lies beside it.

    Args:
        path: The file.
        names: `names_in` its folder, for who asks about many files of one folder.

    *Raises*: nothing for a sidecar that cannot be read; that it is there is listed all the same.
    """
    names = names_in(path.parent) if names is None else names
    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    modified = TagValue("disk/modified", moment.strftime("%Y:%m:%d %H:%M:%SZ"), Risk.TIME, 8)
    named = (
        TagValue(f"name/{part.kind.replace(' ', '_')}", part.text, part.risk, len(part.text))
        for part in said_by_name(path.name)
    )
    return *named, modified, *attributes(path), *companions(path, names)


def companions(path: Path, names: Sequence[tuple[str, str]], *, films: bool = True) -> Iterator[TagValue]:
    """What lies beside a file and belongs to it; without `films`, a film is named and not read."""
    for beside, read in _companions(path, names):
        word = f"beside/{beside.suffix.lower().lstrip('.') or 'file'}"
        yield TagValue(word, beside.name, Risk.HISTORY, beside.stat().st_size)
        if films or read != "film":
            for tag in _lenient(beside, read):
                yield TagValue(f"{word}/{tag.path}", tag.value, tag.risk, tag.size, tag.technical)


def sidecars_of(path: Path, names: Sequence[tuple[str, str]]) -> list[str]:
    """The names of the sidecars of a file: what `companions` reads, but for films."""
    return [beside.name for beside, read in _companions(path, names) if read != "film"]


def notes_of(names: Sequence[str]) -> list[str]:
    """Which names, of members of an archive, are sidecars of others beside them: words about pictures, and no pictures.

    >>> notes_of(["a/1.jpg", "a/1.jpg.json", "a/1.xmp", "b/1.xmp"])
    ['a/1.jpg.json', 'a/1.xmp']
    """
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(name.rpartition("/")[0], []).append(name.rpartition("/")[2].lower())
    found = []
    for name in names:
        folder, _, word = name.rpartition("/")
        word = word.lower()
        if word.endswith((".xmp", ".aae", ".json")):
            others = (one for one in folders[folder] if not one.endswith((".xmp", ".aae", ".json")))
            if any(_apple(one) & {word} or _kind(word, one.rpartition(".")[0], one) for one in others):
                found.append(name)
    return found


def _apple(name: str) -> set[str]:
    """How Apple calls what it notes of an edit of this picture."""
    edited = name.rpartition(".")[0].removeprefix("img_e").removeprefix("img_")
    return {f"img_o{edited}.aae", f"img_{edited}.aae"}


def attributes(path: str | Path) -> list[TagValue]:
    """The extended attributes that the file system keeps beside a file: where it came from, who marked it, and how.

    What the system itself writes beside every file (security labels) is technical. A file system without attributes has
    none to tell.
    """
    found: list[TagValue] = []
    try:
        for name in sorted(os.listxattr(path)) if hasattr(os, "listxattr") else ():
            value = os.getxattr(path, name)
            technical = name.startswith("security.")
            risk = Risk.TECHNICAL if technical else _risk_of_attribute(name)
            found.append(TagValue(f"disk/xattr/{name}", value, risk, len(value), technical))
    except OSError as error:
        if error.errno not in {errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES}:
            raise
    return found


def _risk_of_attribute(name: str) -> Risk:
    return next((risk for risk, words in ATTRIBUTES if words.search(name)), risk_of(name))


def _companions(path: Path, names: Sequence[tuple[str, str]]) -> list[tuple[Path, str]]:
    """Files of the same folder that belong to this one, and how each is read; in order of their names."""
    stem, name = path.stem.lower(), path.name.lower()
    apple = _apple(name)
    # Google shortens long names, so that the first forty letters are all that is sure to be shared.
    starts = {stem[:40], *apple}
    if numbered := _NUMBERED.fullmatch(name):
        starts.add(numbered[1][:40])
    starts.add(_EDITED.sub("", name).rpartition(".")[0][:40])
    found = {}
    for start in starts:
        for word, real in names[bisect_left(names, (start, "")) :]:
            if not word.startswith(start):
                break
            how = "aae" if word in apple else _kind(word, stem, name)
            if how and real != path.name and (path.parent / real).is_file():
                found[real] = how
    return [(path.parent / real, found[real]) for real in sorted(found)]


def _kind(word: str, stem: str, name: str) -> str:
    """How a file called `word` is read that lies beside the one called `name`; empty when it does not belong to it."""
    other, kind = os.path.splitext(word)  # noqa: PTH122 - a name, not a path
    same = other in (stem, name)
    if kind in SIDECARS[:3] and same:
        return kind[1:]
    if kind == ".json" and _is_takeout(word, name):
        return "json"
    return "film" if kind in FILMS and same and not name.endswith(FILMS) else ""


def _is_takeout(word: str, name: str) -> bool:
    """Whether Google's export calls the JSON file of `name` so.

    Of two pictures of one name the second is `a(1).jpg`, and its file `a.jpg(1).json`, or with more words before the
    number; an edited picture shares the file of the one that it was made from.
    """
    numbered, edited = _NUMBERED.fullmatch(name), _EDITED.sub("", name)
    if numbered:
        plain, number = numbered[1] + numbered[3], numbered[2]
        return word.startswith(name) or (word.startswith(plain[:40]) and word.endswith(f"{number}.json"))
    if _NUMBER.search(word[:-5]):
        return False
    starts = word.startswith((name, edited))
    return starts or (len(word) >= 45 and (name.startswith(word[:-5]) or edited.startswith(word[:-5])))


def _lenient(path: Path, how: str) -> tuple[TagValue, ...]:
    if path.stat().st_size > LARGEST and how != "film":
        return (TagValue("unreadable", path.name, Risk.CONTENT),)
    try:
        match how:
            case "xmp":
                return tuple(read_xmp(path.read_bytes()))
            case "aae":
                return tuple(_flat(plistlib.loads(path.read_bytes()), "aae", 0))
            case "json":
                return tuple(_takeout(json.loads(path.read_text("utf-8"))))
            case _:
                from veilset.containers import inspect

                inner = inspect(path).tags
                # A film is only named: it may be larger than the memory.
                shown = path.read_bytes() if how == "thm" else path.name
                return (TagValue("picture", shown, Risk.HIDDEN, path.stat().st_size), *inner)
    except (DataError, ValueError, OSError, RecursionError, plistlib.InvalidFileException, ExpatError):
        return (TagValue("unreadable", path.name, Risk.CONTENT),)


def _takeout(plain: Any) -> Iterator[TagValue]:
    """A JSON file of Google's export, with its position joined into one value."""
    if isinstance(plain, dict):
        for key in ("geoData", "geoDataExif"):
            place = plain.get(key)
            if isinstance(place, dict) and place.get("latitude") and place.get("longitude"):
                yield TagValue(f"{key}/position", (place["latitude"], place["longitude"]), Risk.PLACE)
    yield from _flat(plain, "takeout", 0)


def _flat(value: Any, path: str, depth: int) -> Iterator[TagValue]:
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}/{key}", depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item, path, depth + 1)
    elif value not in (None, "", b""):
        # What Apple calls adjustments says how the picture was cropped, so that the rest may be asked for.
        risk = Risk.HISTORY if path.startswith("aae") else Risk.PERSON if "/people" in path else risk_of(path)
        yield TagValue(path, value, risk, len(str(value)))
