"""Turn a TIFF of one page upright, sample by sample."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset import containers
from veilset.containers import Keep
from veilset.core.errors import BrokenContract
from veilset.data.orientation import upright

_LOSSY = frozenset({6, 7, 33003, 33005, 34712, 34887, 34892, 50002, 52546})
# Resolution, colours, and what describes strips and samples: all that is written anew, or stays true when turned.
_CARRIED = frozenset({
    254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296, 317, 320, 322, 323, 324, 325, 338, 339,
    700, 34675, 34665, 33432, 315,
})  # fmt: skip
_KINDS = {0: "miniswhite", 1: "minisblack", 2: "rgb", 3: "palette"}
_DEPTHS = frozenset({8, 16, 32, 64})


def turned_tiff(data: bytes, orientation: int, name: str) -> tuple[bytes, str]:
    """The TIFF upright and an empty string; or nothing, and why it cannot be turned.

    Raises:
        BrokenContract: What was written does not hold the same samples.
    """
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        why = _why_not(file)
        if why:
            return b"", why
        page: Any = file.pages[0]
        samples = _samples(data, page)
        if samples is None:
            return b"", "a TIFF whose coding is not read here"
        new = np.ascontiguousarray(upright(samples, orientation))
        colours = page.colormap if page.photometric == 3 else None
        resolution = page.get_resolution()
        out = io.BytesIO()
        tifffile.imwrite(
            out,
            new,
            bigtiff=file.is_bigtiff,
            byteorder=file.byteorder,
            photometric=_KINDS[page.photometric],
            planarconfig="contig" if page.samplesperpixel > 1 else None,
            extrasamples=[int(kind) for kind in page.extrasamples] or None,
            colormap=colours,
            compression=None if page.compression == 1 else "zlib",
            resolution=resolution[::-1] if orientation >= 5 else resolution,
            resolutionunit=page.resolutionunit,
            metadata=None,
            software=False,
        )
    with tifffile.TiffFile(io.BytesIO(out.getvalue())) as file:
        if not np.array_equal(file.pages[0].asarray(), new):
            raise BrokenContract(f"{name}: a turned TIFF does not hold the samples that it should; please report this")
    return out.getvalue(), ""


def _samples(data: bytes, page: Any) -> NDArray[Any] | None:
    """Samples as stored: by tifffile, or by OpenCV (libtiff), which reads more kinds of coding but not of pictures."""
    try:
        return np.asarray(page.asarray())
    except ValueError:
        if page.photometric not in {1, 2} or page.bitspersample not in {8, 16} or page.sampleformat != 1:
            return None
    import cv2

    # OpenCV turns whatever has the tag, so it gets a file without.
    plain = io.BytesIO()
    containers.rebuild(data, plain, Keep(orientation=False))
    found = cv2.imdecode(np.frombuffer(plain.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.shape != page.shape or found.dtype != page.dtype:
        return None
    return np.asarray(found if found.ndim == 2 else found[:, :, [2, 1, 0, 3][: found.shape[2]]])


def _why_not(file: Any) -> str:
    page = file.pages[0]
    if len(file.pages) > 1 or page.subifds or 50706 in page.tags:
        return "several pages, or a raw picture"
    if page.compression in _LOSSY:
        return "a TIFF whose strips are coded with loss"
    if page.photometric not in _KINDS or page.bitspersample not in _DEPTHS:
        return "a TIFF of an unusual kind"
    if page.samplesperpixel > 1 and page.planarconfig != 1:
        return "a TIFF in planes"
    if {tag.code for tag in page.tags} - _CARRIED:
        return "a TIFF with tags that belong to its rows and columns"
    return ""
