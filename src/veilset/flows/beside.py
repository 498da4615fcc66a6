"""A source whose samples also carry what lies beside their files: sidecars, films of live photographs, attributes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from veilset.containers import inspect
from veilset.containers.sidecars import SIDECARS, attributes, companions, names_in, sidecars_of
from veilset.core.errors import DataError
from veilset.core.roles import Ref, Source
from veilset.core.sample import FileOnly, Sample, TagValue
from veilset.detectors.sightings import DEVICES, OWNERS


@dataclass(frozen=True)
class Beside:
    """Samples of `source`, a folder at `path`, with the tags of what lies beside them.

    Names are the question of the detector `names`, and when a file was last written is said of any file on any disk;
    both are left out. A film beside a picture is a sample of its own: the picture names it, and the film is told whose
    camera made the picture, since a film of a live photograph names none.
    """

    source: Source
    path: str

    def refs(self) -> Sequence[Ref]:
        """As the source has them."""
        return self.source.refs()

    def others(self) -> Sequence[str]:
        """As the source has them, but for the sidecars, which are looked at with their pictures."""
        read = set(self.sidecars())
        return [name for name in self.source.others() if name not in read]

    def sidecars(self) -> tuple[str, ...]:
        """Relative names of the files that are read as a part of their pictures."""
        near = defaultdict(list)
        for name in self.source.others():
            if name.lower().endswith(SIDECARS):
                near[str(PurePosixPath(name).parent)].append(name)
        found = set()
        for ref in self.refs() if near else ():
            folder = PurePosixPath(ref.name).parent
            if str(folder) in near:
                full = Path(self.path) / ref.name
                names = _names(str(full.parent), os.stat(full.parent).st_mtime_ns)  # noqa: PTH116
                found |= {str(folder / name) for name in sidecars_of(full, names)}
        return tuple(name for listed in near.values() for name in listed if name in found)

    def load(self, ref: Ref) -> Sample:
        """As the source loads it, with more tags."""
        sample = self.source.load(ref)
        # Words, not paths: this is done for every picture of a set.
        folder, _, name = f"{self.path}/{ref.name}".rpartition("/")
        names = _names(folder, os.stat(folder).st_mtime_ns)  # noqa: PTH116
        more = attributes(f"{folder}/{name}")
        if names:
            more += companions(Path(folder, name), names, films=False)
        if isinstance(sample.media, FileOnly) and sample.format == "mp4":
            more += _camera(Path(folder, name))
        return replace(sample, tags=(*sample.tags, *more)) if more else sample


def is_beside(path: str) -> bool:
    """Whether a tag's path names something outside of the file.

    >>> is_beside("beside/json/geoData/position"), is_beside("exif/gps/GPSLatitude")
    (True, False)
    """
    return path.startswith(("beside/", "disk/xattr/"))


def _camera(film: Path) -> Iterator[TagValue]:
    """Serial number and owner that the picture of a live photograph names."""
    for suffix in (".heic", ".HEIC", ".jpg", ".JPG", ".jpeg", ".JPEG"):
        picture = film.with_suffix(suffix)
        try:
            tags = inspect(picture).tags if picture.is_file() and not picture.is_symlink() else ()
        except DataError:
            continue
        for tag in tags:
            if tag.path.rpartition("/")[2].rpartition(":")[2] in (*DEVICES, *OWNERS):
                yield tag._replace(path=f"beside/{suffix[1:].lower()}/{tag.path}")


@lru_cache(maxsize=8)
def _names(folder: str, modified: int) -> list[tuple[str, str]]:  # noqa: ARG001 - a changed folder is read again
    return names_in(Path(folder))
