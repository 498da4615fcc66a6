"""A folder of pictures, with everything below it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import overload

from veilset.containers import FORMATS, identify, inspect
from veilset.containers.surplus_inside import said_behind
from veilset.core.check import one_of, positive
from veilset.core.errors import Unreadable, Unsupported
from veilset.core.roles import Ref
from veilset.core.sample import FileOnly, Image, Origin, Sample, TagValue
from veilset.data.coded import EXTENSIONS, open_coded, read_file

PICTURE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"),
        *(".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".psd", ".dng", ".cr2", ".nef", ".arw", ".svg"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".exr", ".hdr"),
    }
)
# Told by content, whatever their names say; those that no reader here serves are refused by name, not passed over.
PICTURE_FORMATS = frozenset({*EXTENSIONS, "jxl", "jp2", "psd"})
# Files that hold pictures and are none; looked at for what they say, where that was asked for.
HOLDER_SUFFIXES = frozenset(
    {
        *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".dcm", ".dicom", ".pdf", ".zip", ".tar", ".svgz", ".j2k"),
        *(".avi", ".mkv", ".webm", ".mts", ".m2ts", ".wmv", ".insv", ".360", ".lrv"),
    }
)


def sample_id(name: str) -> str:
    """16 hex digits that name a sample inside a run: the start of the SHA-256 of its relative name.

    >>> sample_id("holiday/beach.jpg")
    '3bf2efcd8743f374'
    """
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


@dataclass(frozen=True)
class Folder:
    """Every picture below a folder, told by content or by extension; pixels are decoded when first looked at.

    A file with a picture's extension *or* a picture's content is a sample, so that what cannot be read is counted and
    not passed over; so is a folder that cannot be opened. Everything else is named by `others`. Hidden files and folders
    (`.git`, `.thumbnails`) count as others too; symbolic links are never followed.

    *Shapes and units*: images are upright RGB uint8 (height, width, 3); `max_pixels` counts width x height.

    Attributes:
        path: The folder.
        subjects: Where pseudonyms of people come from: empty for nowhere, `folder` for the name of the parent folder.
        classes: Where the label `class` comes from: empty for nowhere, `folder` for the name of the parent folder.
        max_pixels: A header that states more is refused before anything is decoded.
        metadata_only: Give also what holds pictures that are not decoded here (films, DICOM, PDF, archives, animations,
            raw files, ...), as `FileOnly` with all that it says. For looking alone: no operator and no sink takes these.

    Raises:
        Unreadable: The folder is missing or is no folder; or, from `load`, a file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     Folder(empty).refs()
    ()
    """

    path: str
    subjects: str = ""
    classes: str = ""
    max_pixels: int = 200_000_000
    metadata_only: bool = False

    def __post_init__(self) -> None:
        one_of(("", "folder"), subjects=self.subjects)
        one_of(("", "folder"), classes=self.classes)
        positive(max_pixels=self.max_pixels)

    def refs(self) -> tuple[Ref, ...]:
        """Every sample, ordered by the bytes of its relative name."""
        return tuple(Ref(sample_id(name), name) for name, picture in self._listing if picture)

    def others(self) -> tuple[str, ...]:
        """Relative names of what was left aside: no pictures, hidden files, links, special files."""
        return tuple(name for name, picture in self._listing if not picture)

    def load(self, ref: Ref) -> Sample:
        """One sample. Its header has been read; its pixels have not.

        Raises:
            DataError: It is unreadable, damaged, too large, animated, or no picture that Veilset reads.
        """
        full = os.path.join(self.path, ref.name)  # noqa: PTH118 - pathlib would normalise odd names
        try:
            coded = open_coded(full, ref.name, max_pixels=self.max_pixels)
        except Unsupported as error:
            if not self.metadata_only:
                raise
            return self._listed(ref, full, error)
        except Unreadable as error:
            if os.path.isdir(full):  # noqa: PTH112
                closed = f"{ref.name}: this folder cannot be opened; correct its permissions, or take it away"
                raise Unreadable(closed) from error
            raise
        media = Image(coded=coded, size=coded.size, grid=coded.grid)
        return self._sample(ref, media, LazyTags(full), coded.stamp)

    def _listed(self, ref: Ref, full: str, error: Unsupported) -> Sample:
        """What a file says whose pixels are not decoded here; refused when its format cannot be listed either."""
        head, stamp = read_file(full, ref.name, 1 << 16)
        if identify(head) not in FORMATS:
            raise error
        listing = inspect(Path(full))
        # Nobody decodes it later, so what stands behind the coded pictures in it is looked for now.
        tags = (*listing.tags, *said_behind(Path(full)))
        return self._sample(ref, FileOnly(listing.facts.format, max(1, listing.facts.frames)), tags, stamp)

    def _sample(self, ref: Ref, media: Image | FileOnly, tags: Sequence[TagValue], stamp: tuple[int, int]) -> Sample:
        parent = PurePosixPath(ref.name).parent.name
        return Sample(
            ref.id,
            media,
            subjects=frozenset({parent}) if self.subjects == "folder" and parent else frozenset(),
            labels={"class": parent} if self.classes == "folder" and parent else {},
            tags=tags,
            origin=Origin(ref.name, *stamp),
        )

    @cached_property
    def _listing(self) -> tuple[tuple[str, bool], ...]:
        root = os.fspath(self.path)
        if not Path(root).is_dir():
            raise Unreadable(f"{root} is no folder; give the folder that holds the pictures")
        suffixes = PICTURE_SUFFIXES | HOLDER_SUFFIXES if self.metadata_only else PICTURE_SUFFIXES
        formats = PICTURE_FORMATS | FORMATS.keys() if self.metadata_only else PICTURE_FORMATS
        found = _walk(root, "", suffixes, formats)
        return tuple(sorted(found, key=lambda entry: os.fsencode(entry[0])))


def _walk(root: str, below: str, suffixes: Set[str], formats: Set[str]) -> Iterator[tuple[str, bool]]:
    """(relative name, is a sample) of everything in one folder and the folders in it; no link is followed."""
    try:
        with os.scandir(os.path.join(root, below) if below else root) as entries:  # noqa: PTH118
            found = list(entries)
    except OSError as error:
        if not below:
            raise Unreadable(f"{root} cannot be listed: {error.strerror}; check its permissions") from error
        yield below, True  # nobody knows what is in it: it is counted, and cannot be read
        return
    for entry in found:
        name = f"{below}/{entry.name}" if below else entry.name
        if entry.name.startswith(".") or entry.is_symlink():
            yield (f"{name}/" if entry.is_dir(follow_symlinks=False) else name), False
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(root, name, suffixes, formats)
        else:
            yield name, entry.is_file(follow_symlinks=False) and _is_sample(entry, suffixes, formats)


def _is_sample(entry: os.DirEntry[str], suffixes: Set[str], formats: Set[str]) -> bool:
    if os.path.splitext(entry.name)[1].lower() in suffixes:  # noqa: PTH122 - keeps undecodable names
        return True
    try:
        with open(entry.path, "rb") as file:  # noqa: PTH123
            return identify(file.read(4096)) in formats
    except OSError:
        return False


@dataclass(eq=False)
class LazyTags(Sequence[TagValue]):
    """Everything that a file says besides its pixels, read at the first look."""

    path: str
    _tags: tuple[TagValue, ...] | None = field(default=None, repr=False)

    def _read(self) -> tuple[TagValue, ...]:
        if self._tags is None:
            self._tags = inspect(Path(self.path)).tags
        return self._tags

    @overload
    def __getitem__(self, index: int) -> TagValue: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TagValue]: ...
    def __getitem__(self, index: int | slice) -> TagValue | Sequence[TagValue]:
        return self._read()[index]

    def __iter__(self) -> Iterator[TagValue]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())
