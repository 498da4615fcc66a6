"""Tell a format by its first bytes. Nothing here is imported but the standard library's `re`."""

from __future__ import annotations

import re

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0\x08\0\0\0", "tiff"),
    (b"MM\0+\0\x08\0\0", "tiff"),
    (b"\xff\x0a", "jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"8BPS\0", "psd"),
    (b"\x1f\x8b", "gzip"),
)
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2"}
_AVIF = {b"avif", b"avis"}
_MOVIE_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_KIND = re.compile(rb"AE|AS|AT|CS|DA|DS|DT|IS|LO|LT|OB|PN|SH|SQ|ST|TM|UI|UL|UN|US|UT")
_WIDE = (b"\xff\xfe", b"\xfe\xff")
# What may stand before a drawing, one piece at a time: in one expression, a file full of comments would be tried in every
# combination (and possessive quantifiers, which forbid that, are wrong in Python before 3.11.4).
_BEFORE = re.compile(rb"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>)", re.DOTALL)
_DRAWING = re.compile(rb"\s*<(?:\w+:)?svg[\s>]")


def identify(head: bytes) -> str | None:
    """Format name by content, from at least the first 4 KiB of a file; None when it is none that we know.

    >>> identify(b"RIFF\\x10\\0\\0\\0WEBPVP8 "), identify(b"\\0\\0\\0\\x18ftypheic\\0\\0\\0\\0mif1heic")
    ('webp', 'heif')
    """
    head = bytes(head[:65536])
    # First, since the 128 bytes before it are anybody's: some writers put the head of a TIFF there.
    if head[128:134] == b"DICM\x02\0":
        return "dicom"
    for magic, name in _MAGIC:
        if head.startswith(magic) and (name != "bmp" or _is_bmp(head)):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[4:8] in _MOVIE_BOXES:
        return "mp4"
    if head[257:262] == b"ustar":
        return "tar"
    if _is_bare_dicom(head):
        return "dicom"
    wide = head.decode("utf-16", "ignore").encode("utf-8", "ignore") if head[:2] in _WIDE else b""
    if _is_svg(wide or head):
        return "svg"
    if b"%PDF-" in head[:1024]:
        return "pdf"
    return None


def _is_bare_dicom(head: bytes) -> bool:
    """Whether it begins with elements of DICOM, without the head of its files: two of the first group, one after another."""
    order, group = ("little", head[:2]) if head[:2] in (b"\x08\0", b"\2\0") else ("big", b"\0\x08")
    tags: list[int] = []
    at = 0
    while len(tags) < 2 and head[at : at + 2] == group and len(head) >= at + 8:
        explicit = _KIND.fullmatch(head[at + 4 : at + 6])
        long = explicit and head[at + 4 : at + 6] in (b"OB", b"UN", b"SQ", b"UT")
        where = slice(at + 8, at + 12) if long else slice(at + 6, at + 8) if explicit else slice(at + 4, at + 8)
        tags.append(int.from_bytes(head[at + 2 : at + 4], order))  # type: ignore[arg-type]
        at = where.stop + int.from_bytes(head[where], order)  # type: ignore[arg-type]
    return len(tags) == 2 and tags[0] < tags[1] < 0x1000 and (group != b"\2\0" or tags == [0, 1])


def _is_svg(head: bytes) -> bool:
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    while before := _BEFORE.match(head, at):
        at = before.end()
    return _DRAWING.match(head, at) is not None


def _is_bmp(head: bytes) -> bool:
    return len(head) >= 26 and int.from_bytes(head[14:18], "little") in {12, 40, 52, 56, 64, 108, 124}


def _by_brand(head: bytes) -> str:
    size = min(int.from_bytes(head[:4], "big"), 1024)
    major, brands = head[8:12], {head[at : at + 4] for at in range(16, max(size, 16), 4)}
    if major in _AVIF or (major not in _HEIF and brands & _AVIF):
        return "avif"
    if major in _HEIF:
        return "avif" if brands & _AVIF and not brands & {b"heic", b"heix", b"hevc"} else "heif"
    return "mp4"
