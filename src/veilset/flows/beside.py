"""A source whose samples also carry what lies beside their files: sidecars, films of live photographs, attributes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from veilset.containers.sidecars import attributes, names_in, outside
from veilset.core.roles import Ref, Source
from veilset.core.sample import Sample


@dataclass(frozen=True)
class Beside:
    """Samples of `source`, a folder at `path`, with the tags of what lies beside them.

    Names are the question of the detector `names`, and when a file was last written is said of any file on any disk;
    both are left out. Without `sidecars`, only the attributes that the file system keeps.
    """

    source: Source
    path: str
    sidecars: bool = True

    def refs(self) -> Sequence[Ref]:
        """As the source has them."""
        return self.source.refs()

    def others(self) -> Sequence[str]:
        """As the source has them."""
        return self.source.others()

    def load(self, ref: Ref) -> Sample:
        """As the source loads it, with more tags."""
        sample, full = self.source.load(ref), Path(self.path) / ref.name
        if not self.sidecars:
            kept = attributes(full)
            # Tags are read when they are asked for, so nothing asks where there is nothing to add.
            return replace(sample, tags=(*sample.tags, *kept)) if kept else sample
        more = outside(full, _names(full.parent, os.stat(full.parent).st_mtime_ns))  # noqa: PTH116
        return replace(sample, tags=(*sample.tags, *(tag for tag in more if is_beside(tag.path))))


def is_beside(path: str) -> bool:
    """Whether a tag's path names something outside of the file.

    >>> is_beside("beside/json/geoData/position"), is_beside("exif/gps/GPSLatitude")
    (True, False)
    """
    return path.startswith(("beside/", "disk/xattr/"))


@lru_cache(maxsize=8)
def _names(folder: Path, modified: int) -> list[tuple[str, str]]:  # noqa: ARG001 - a changed folder is read again
    return names_in(folder)
