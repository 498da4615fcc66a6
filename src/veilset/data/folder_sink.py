"""Write samples into a folder: fresh containers, an allowlist of tags, and nothing half written."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import cast

import numpy as np

from veilset import containers
from veilset.containers import Keep
from veilset.containers.bmp import FOURTH
from veilset.containers.surplus import SEARCHED, searched
from veilset.core.errors import BadSetting, BrokenContract, Residue, Unsupported, Unwritable, WrongMedia
from veilset.core.roles import Written
from veilset.core.sample import BoolArray, Image, Pixels, Sample
from veilset.data import jpeg_blocks, lossless
from veilset.data.coded import EXTENSIONS, CodedFile, decode_bytes, open_coded, pillow
from veilset.data.jpeg_coefficients import read_coefficients, write_coefficients
from veilset.data.jpeg_header import without_stray_bytes
from veilset.data.orientation import as_stored, upright
from veilset.data.turned import UPRIGHT, turned

# 1 January 2000, UTC: when a file was written says something about who released it.
_MODIFIED = 946_684_800
_LOSSLESS = frozenset({"png", "webp", "tiff", "bmp"})
# Turned by boxes of the container; decoders disagree about an EXIF orientation beside them: pixels are written upright.
_TURNED_BY_BOXES = frozenset({"heif", "avif"})
# Texts of a kept colour profile, which a rebuild has already made neutral.
_PROFILE_TEXT = ("icc/", "png/iCCP/")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file that is ready to be placed: its bytes, its format, and what could not be carried over.

    `shown`: its pixels are stored upright, whatever the original's orientation was.
    """

    data: bytes
    format: str
    notes: tuple[str, ...] = ()
    shown: bool = False


@dataclass(frozen=True)
class FolderSink:
    """Writes pictures below a folder, each in a container made anew.

    An untreated picture keeps its coded data, so its pixels are identical; what stands behind its last coded block goes.
    A treated JPEG keeps every coefficient outside the treated MCUs; other formats are written anew without loss (WebP and
    TIFF as such, the rest as PNG).

    **Guarantee**

    - Nothing of the original's container is copied but coded picture data; of its tags, what `keep` names.
    - Outside the treated region decoded pixels equal the original's, but for one pixel along the border of a JPEG with
      subsampled colour. Checked on every treated file before it gets its name.
    - The coded picture inside the region depends on the treated pixels alone.
    - A name appears only when its file is whole, read back, and listed again.

    Attributes:
        path: The folder; it is made when the first sample is written.
        keep: The allowlist of tags.
        rotate: Turn pictures upright where that loses no bit; the others keep their orientation as `keep` has it.

    Raises:
        UsageError: The folder cannot be written (no room, no permission).
        DataError: The original cannot be rebuilt; it belongs into quarantine.
        Residue: The written file still says something that `keep` does not allow.
    """

    path: str
    keep: Keep = Keep()  # noqa: RUF009 - Keep is frozen
    rotate: bool = False

    def write(self, sample: Sample, name: str) -> Written:
        """Write one sample under a fresh stem `name` (POSIX, may hold folders)."""
        _check_name(name)
        if not isinstance(sample.media, Image):
            raise WrongMedia(f"a folder of pictures cannot hold {type(sample.media).__name__}", sample.id)
        image = sample.media
        coded = image.coded
        if coded is None:
            encoded = Encoded(lossless.encode(image.pixels, "png", name), "png")
        elif not isinstance(coded, CodedFile):
            raise BrokenContract(f"sample {sample.id} comes from another source than a folder", sample.id)
        elif image.treated is None:
            encoded = self._rebuild(coded)
        else:
            encoded = self._encode(image, coded, image.treated)
        final = f"{name}.{EXTENSIONS[encoded.format]}"
        _place(Path(self.path), final, encoded, lambda path: self._check(path, encoded, image))
        return Written(final, hashlib.sha256(encoded.data).hexdigest(), len(encoded.data), encoded.notes)

    def _rebuild(self, coded: CodedFile) -> Encoded:
        out = io.BytesIO()
        rebuilt = containers.rebuild(coded.read(), out, self.keep)
        data, notes = out.getvalue(), rebuilt.residue
        if FOURTH in notes:
            # What no decoder here shows is no part of the picture that was looked at.
            data = lossless.encode(lossless.samples_of(data, coded)[:, :, :3], "bmp", coded.name)
            notes = (*(note for note in notes if note != FOURTH), "32 bits a pixel became 24")
        if coded.format in SEARCHED:
            data, notes = searched(data, notes)
        if not self.rotate:
            return Encoded(data, coded.format, notes)
        done = turned(data, self.keep, coded.name)
        told = () if done.how == UPRIGHT else (f"orientation: {done.how}",)
        return Encoded(done.data, coded.format, (*notes, *told), shown=done.lossless)

    def _encode(self, image: Image, coded: CodedFile, treated: BoolArray) -> Encoded:
        data = coded.read()
        region, pixels = as_stored(treated, coded.orientation), as_stored(image.pixels, coded.orientation)
        if coded.jpeg is not None and jpeg_blocks.editable(coded.jpeg):
            fresh = _edit_jpeg(data, coded, region, pixels)
            notes: tuple[str, ...] = ("progressive coding became sequential",) if coded.jpeg.progressive else ()
            if self.rotate and coded.orientation != 1:
                notes = (
                    *notes,
                    "orientation: tag kept: the rest of a treated JPEG is compared pixel by pixel, as it was stored",
                )
            return Encoded(containers.carry(data, fresh, self.keep), "jpeg", notes)
        samples = lossless.samples_of(data, coded)
        merged = lossless.merge(samples, region, pixels)
        notes = lossless.notes_on(samples, merged, data, coded)
        if coded.format == "bmp":
            return Encoded(lossless.encode(merged, "bmp", coded.name), "bmp", notes)
        keep = self._fitting(merged, data, coded)
        is_turned = self.rotate or coded.format in _TURNED_BY_BOXES
        if is_turned:
            merged = cast(lossless.Samples, upright(merged, coded.orientation))
            keep = replace(keep, orientation=False)
        if coded.format in _LOSSLESS:
            fresh = lossless.encode(merged, coded.format, coded.name)
            return Encoded(containers.carry(data, fresh, keep), coded.format, notes, shown=is_turned)
        notes = (f"{coded.format} was written as PNG, without loss", *notes)
        fresh = lossless.encode(merged, "png", coded.name)
        return Encoded(containers.carry(data, fresh, keep), "png", notes, shown=is_turned)

    def _check(self, path: Path, encoded: Encoded, image: Image) -> None:
        """Read a written file back: format, size, tags, and for a treated picture every pixel outside the region."""
        listing = containers.inspect(path)
        again = open_coded(str(path), path.name, max_pixels=image.width * image.height)
        meant = image.coded.orientation if isinstance(image.coded, CodedFile) and not encoded.shown else 1
        as_meant = again.size == (image.width, image.height) and again.orientation == meant
        if (self.keep.orientation and not as_meant) or again.format != encoded.format:
            raise BrokenContract("a written file does not show the picture that it was made from; it was removed")
        self._check_tags(listing, encoded)
        if image.treated is not None:
            stored = as_stored(decode_bytes(encoded.data, again), again.orientation)
            # In the original's orientation: whether the file still states it is the policy's choice.
            _check_outside(again, upright(stored, meant), image.pixels, image.treated)

    def _check_tags(self, listing: containers.Listing, encoded: Encoded) -> None:
        out = io.BytesIO()
        containers.rebuild(encoded.data, out, self.keep)
        left = {tag.path for tag in listing.tags if not tag.technical and not tag.path.startswith(_PROFILE_TEXT)}
        only_profile = replace(self.keep, orientation=True, icc=True) == Keep()
        if out.getvalue() != encoded.data or (left and only_profile):
            raise Residue(
                f"a written file still says what the allowlist does not name ({', '.join(sorted(left)) or 'bytes'}); "
                "it was removed. Please report this as a bug."
            )

    def _fitting(self, samples: lossless.Samples, data: bytes, coded: CodedFile) -> Keep:
        """What to keep of the tags: not a colour profile that was made for other colours than these samples have."""
        with pillow(data, coded.format, coded.name) as image:
            profile = image.info.get("icc_profile") or b""
        fits = profile[16:20] == (b"GRAY" if samples.ndim == 2 else b"RGB ")
        return self.keep if fits else replace(self.keep, icc=False)


def _edit_jpeg(data: bytes, coded: CodedFile, region: BoolArray, pixels: Pixels) -> bytes:
    header = coded.jpeg
    if header is None:
        raise BrokenContract(f"{coded.name} is no JPEG")
    units = jpeg_blocks.treated_units(region, header.unit)
    planes, tables = read_coefficients(without_stray_bytes(data, coded.name), header, coded.name)
    jpeg_blocks.replace_units(planes, tables, header, pixels, units)
    return write_coefficients(planes, tables, header, coded.name)


def as_written(image: Image) -> Image:
    """The picture as whoever opens the written file sees it: a treated JPEG is coded anew where it was treated.

    Every other format is written without loss, and an untreated picture keeps its coded data: both come back as they
    are.
    """
    coded = image.coded
    if image.treated is None or not isinstance(coded, CodedFile) or coded.jpeg is None:
        return image
    if not jpeg_blocks.editable(coded.jpeg):
        return image
    region, pixels = as_stored(image.treated, coded.orientation), as_stored(image.pixels, coded.orientation)
    return Image(decode_bytes(_edit_jpeg(coded.read(), coded, region, pixels), coded), grid=image.grid)


def _check_outside(again: CodedFile, shown: Pixels, pixels: Pixels, treated: BoolArray) -> None:
    import cv2

    reach = treated.astype(np.uint8)
    if again.jpeg is not None and again.jpeg.unit != (8, 8):
        reach = cv2.dilate(reach, np.ones((3, 3), np.uint8))
    same = cv2.inRange(cv2.absdiff(np.ascontiguousarray(shown), pixels), (0, 0, 0), (0, 0, 0))
    if cv2.countNonZero(cv2.bitwise_or(same, reach)) != same.size:
        raise Unsupported(
            "a picture decodes to other pixels outside the treated region once it is written anew; save the original "
            "anew as an ordinary JPEG or PNG"
        )


def _check_name(name: str) -> None:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in {"..", "."} or part.startswith(".") for part in parts):
        raise BadSetting(f"a sample cannot be written under the name {name!r}")
    if any(0xD800 <= ord(one) <= 0xDFFF for one in name):
        raise Unsupported(
            "its name is no UTF-8 and cannot be kept; rename it, or let names and folders be fresh and flat"
        )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise Unsupported(
                "its name is too long to be kept; give it a shorter one, or let names be fresh"
            ) from error
        raise Unwritable(
            f"{path} cannot be written: {error.strerror}; make room or correct its permissions, and run again"
        ) from error


def _place(root: Path, name: str, encoded: Encoded, check: Callable[[Path], None]) -> None:
    """Write beside the final place, read back, check, rename. Whatever fails, nothing is left but whole files."""
    final = root / name
    part = final.with_name(part_name(final.name))
    with _writing(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_whole(part, encoded.data)
            check(part)
            part.replace(final)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def part_name(name: str) -> str:
    """What a file is called while it is written; short, since `name` may be as long as a name can be.

    >>> part_name("a.jpg")
    '.veilset-509b0d4641a7c3ba'
    """
    return f".veilset-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def write_whole(part: Path, data: bytes) -> None:
    """Write bytes to a new or left-over temporary file, and read them back.

    The disk is not waited for: a release flushes all its files together, before its manifest says that they are there.

    Raises:
        OSError: It cannot be written, or holds something else afterwards.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(part, flags, 0o666), "r+b", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
        left = memoryview(data)
        while left:
            left = left[file.write(left) or 0 :]
        file.seek(0)
        if file.read() != data:
            raise OSError(errno.EIO, "what was read back differs from what was written")
        os.utime(file.fileno(), (_MODIFIED, _MODIFIED))
