"""What every label format needs to know of a set: which pictures there were, which were released, and how large."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from veilset.core.errors import Malformed
from veilset.data.coded import CodedFile, open_coded, read_file

Sizes = tuple[tuple[int, int], tuple[int, int]]
_NO_LIMIT = 1 << 40


@dataclass
class LabelIndex:
    """The pictures of a source and of its release.

    Attributes:
        root: Folder of the originals.
        out: Folder of the release, the samples already written.
        names: Original relative name to released relative name, released samples only.
        pictures: Relative names of all originals, released or not.
        others: Relative names of everything else in `root`: the label files are among them.
        counts: What was carried and what was left out, in public words.
        used: Label files that were understood.
    """

    root: str
    out: str
    names: Mapping[str, str]
    pictures: tuple[str, ...]
    others: tuple[str, ...]
    counts: Counter[str] = field(default_factory=Counter)
    used: list[str] = field(default_factory=list)
    _by_tail: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _sizes: dict[str, Sizes] = field(default_factory=dict, repr=False)
    _turned: set[str] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        for name in self.pictures:
            self._by_tail.setdefault(PurePosixPath(name).name, []).append(name)

    def read(self, name: str) -> bytes:
        """A label file of the source."""
        return read_file(os.path.join(self.root, name), name)[0]  # noqa: PTH118 - keeps odd names

    def find(self, reference: str, beside: str) -> str | None:
        """The original that a label file `beside` means by `reference`; None when none or more than one fits.

        A path from the root or from the label file's folder wins; otherwise exactly one original may end in it.
        """
        wanted = PurePosixPath(reference.replace("\\", "/").removeprefix("./"))
        if wanted.is_absolute() or ".." in wanted.parts or not wanted.name:
            wanted = PurePosixPath(wanted.name)
        same_name = self._by_tail.get(wanted.name, [])
        for full in (PurePosixPath(beside).parent / wanted, wanted):
            if str(full) in same_name:
                return str(full)
        fitting = [name for name in same_name if PurePosixPath(name).parts[-len(wanted.parts) :] == wanted.parts]
        return fitting[0] if len(fitting) == 1 else None

    def sizes(self, name: str) -> Sizes:
        """(width, height) of an original's released file: as stored, and upright."""
        if name not in self._sizes:
            coded = self._open(self.out, self.names[name])
            self._sizes[name] = coded.stored, coded.size
            if coded.orientation != self._open(self.root, name).orientation:
                self._turned.add(name)
        return self._sizes[name]

    def fits(self, name: str, stated: tuple[int, int] | None) -> bool:
        """Whether labels hold for the released file; counts them if not.

        Args:
            name: The original.
            stated: The size that the labels state, which has to be that of the released file, as stored or upright. It
                tells which way up they were made where the two differ; without it nothing does, and then a picture that
                was turned on the way has no labels that can be trusted.
        """
        stored, shown = self.sizes(name)
        if stated not in (None, stored, shown):
            self.counts["labels left out: they state another size than the picture has"] += 1
            return False
        if name in self._turned:
            before = self._open(self.root, name)
            if stated is None or before.stored == before.size:
                self.counts[
                    "labels left out: their picture was turned, and they do not say which way up they were made"
                ] += 1
                return False
        return True

    def _open(self, folder: str, name: str) -> CodedFile:
        return open_coded(os.path.join(folder, name), name, max_pixels=_NO_LIMIT)  # noqa: PTH118 - keeps odd names


def clip(low: float, high: float, limit: float) -> tuple[float, float]:
    """[low, high] cut to [0, limit].

    >>> clip(-2.0, 7.0, 5.0)
    (0.0, 5.0)
    """
    return min(max(low, 0.0), limit), min(max(high, 0.0), limit)


def number(value: object, what: str, name: str) -> float:
    """A finite number, from JSON or from text.

    Raises:
        Malformed: It is something else.
    """
    found = float("nan")
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with suppress(ValueError):
            found = float(value)
    if not abs(found) < 1e12:
        raise Malformed(f"{name}: {what} is no number; correct the label file or take it out of the folder")
    return found
