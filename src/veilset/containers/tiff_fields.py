"""The allowlist of TIFF: which tags a page needs to be shown, and how many values each may have."""

from __future__ import annotations

MANY = 1 << 20
SAMPLES = 64

# Tag to the most values that it may hold. What is not here goes; of what kind and how large values may be, `tiff_values`
# says. Smallest and largest samples, ranges of dots and grey curves are for presses, and say nothing to a screen.
SHOWN: dict[int, int] = {
    0x00FE: 1, 0x00FF: 1, 0x0100: 1, 0x0101: 1, 0x0102: SAMPLES, 0x0103: 1, 0x0106: 1, 0x010A: 1, 0x0112: 1, 0x0115: 1,
    0x0116: 1, 0x011A: 1, 0x011B: 1, 0x011C: 1, 0x0124: 1, 0x0125: 1, 0x0128: 1, 0x0129: 2, 0x012D: 3 * 65536,
    0x013D: 1, 0x013E: 2, 0x013F: 6, 0x0140: 3 * 65536, 0x0142: 1, 0x0143: 1, 0x014C: 1, 0x014E: 1, 0x0152: SAMPLES,
    0x0153: SAMPLES, 0x0211: 3, 0x0212: 2, 0x0213: 1, 0x0214: 6, 0xC5F2: 4,
}  # fmt: skip
COLOURS_OF = 0x0140

# Without these, or with them broken, the strips of a page mean something else.
NEEDED = frozenset({0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0115, 0x0116, 0x011C, 0x013D, 0x0142, 0x0143})

# A raw picture in DNG form is developed with these.
RAW: dict[int, int] = {
    0x828D: 2, 0x828E: 256, 0xC612: 4, 0xC613: 4, 0xC616: SAMPLES, 0xC617: 1, 0xC618: 65536, 0xC619: 2, 0xC61A: 4096,
    0xC61B: 65536, 0xC61C: 65536, 0xC61D: SAMPLES, 0xC61E: 2, 0xC61F: 2, 0xC620: 2, 0xC621: 12, 0xC622: 12,
    0xC623: 12, 0xC624: 12, 0xC625: 12, 0xC626: 12, 0xC627: 4, 0xC628: 4, 0xC629: 2, 0xC62A: 1, 0xC62B: 1,
    0xC62C: 1, 0xC62D: 1, 0xC62E: 1, 0xC632: 1, 0xC633: 1, 0xC635: 1, 0xC65A: 1, 0xC65B: 1, 0xC65C: 1, 0xC68D: 4,
    0xC68E: 4096, 0xC6BF: 1, 0xC6F9: 3, 0xC6FA: 196608, 0xC6FB: 196608, 0xC6FC: 65536, 0xC6FD: 1, 0xC714: 12,
    0xC715: 12, 0xC71E: 1, 0xC725: 3, 0xC726: 196608, 0xC740: MANY, 0xC741: MANY, 0xC74E: MANY, 0xC761: 2 * SAMPLES,
    0xC71F: 1, 0xC764: 1, 0xC7A3: 1, 0xC7A4: 1, 0xC7A5: 1, 0xC7A6: 1, 0xC7AA: 1, 0xC7B5: 4, 0xCD2D: MANY, 0xCD31: 1,
    0xCD32: 12, 0xCD33: 12, 0xCD34: 12, 0xCD35: 18, 0xCD36: 18, 0xCD37: 18, 0xCD38: 4, 0xCD39: 196608, 0xCD3A: 12,
    0xCD40: MANY, 0xCD43: 1, 0xCD45: 1, 0xCD47: 8,
}  # fmt: skip
DNG_VERSION, DNG_MODEL = 0xC612, 0xC614
# Head of a gain table map, before its table: the older one is of floats, the newer one says of what.
GAIN_MAPS = {0xCD2D: 64, 0xCD40: 80}

# Where on the earth the raster lies: only when the policy keeps it.
GEO: dict[int, int] = {
    0x830E: 3, 0x8480: 17, 0x8482: 65536, 0x85D8: 16, 0x87AF: 65536, 0x87B0: 65536, 0x87B1: 65536,
}  # fmt: skip

NODATA = 0xA481
STRIP_OFFSETS, STRIP_COUNTS, TILE_OFFSETS, TILE_COUNTS = 0x0111, 0x0117, 0x0144, 0x0145
SUB_IFDS, JPEG_TABLES, ICC, XMP = 0x014A, 0x015B, 0x8773, 0x02BC
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
# Written anew with every page.
LAID_OUT = frozenset({ICC, JPEG_TABLES, STRIP_OFFSETS, STRIP_COUNTS, TILE_OFFSETS, TILE_COUNTS, SUB_IFDS})

# Compression schemes whose coded picture can be copied. Old-style JPEG points outside its strips.
OLD_JPEG = 6
COPIED = {1, 2, 3, 4, 5, 7, 8, 32771, 32773, 32946, 33003, 33005, 34661, 34676, 34677, 34712, 34887, 34892, 34925,
          50000, 50001, 50002, 52546}  # fmt: skip
DEFLATE = {8, 32946}
JPEG = {7, 34892}
# Copying these strips finds where they end.
EXACT = {1} | DEFLATE
# Each strip is a picture file of its own.
FILES = {33003: "jp2", 33005: "jp2", 34712: "jp2", 50001: "webp", 50002: "jxl", 52546: "jxl"}
COLOURS = {0: "grey", 1: "grey", 2: "rgb", 3: "palette", 4: "mask", 5: "cmyk", 6: "ycc", 8: "lab", 32803: "cfa",
           34892: "raw"}  # fmt: skip
