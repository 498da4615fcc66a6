"""MP4 and QuickTime films with one unique string in every place that they can hold one; put together by hand."""

from __future__ import annotations

import struct

from veilset.testing.planted_media import Marks, Planted, box, exif_with, full, xmp_with

AVC = bytes.fromhex("0164000affe1001767640a0aacd9444284000003000400000300083c48965801000568ebec4b20fdf8f800")
SPEECH = bytes.fromhex("0380808022000100048080801440150000000001f4000001f40005808080021210068080800102")


def unit(body: bytes) -> bytes:
    """A slice of AVC behind its length."""
    return struct.pack(">I", len(body) + 1) + b"\x65" + body


def film(*, fragmented: bool = False, wide: bool = False) -> Planted:
    """A film with picture, sound, GoPro, CAMM, text, timecode and second picture tracks.

    With `fragmented`, picture and telemetry come in a moof box; with `wide`, chunk places are 64 bits.
    """
    marks = Marks("film")
    kinds = [(b"vide", b"avc1"), (b"soun", b"mp4a"), (b"meta", b"gpmd"), (b"camm", b"camm"), (b"text", b"tx3g"),
             (b"tmcd", b"tmcd"), (b"vide", b"avc1")]  # fmt: skip
    payload = [
        [unit(b"PICTURE%d" % n + bytes(5)) for n in range(3)], [b"SOUND%d" % n for n in range(2)],
        [_gopro(marks)], [struct.pack("<HH3d", 0, 5, 48.25, 11.5, 500.0)], [b"\0\x20" + marks("subtitle")],
        [marks("timecode")], [unit(marks("second_picture"))],
    ]  # fmt: skip
    first = box(b"ftyp", b"mp42", b"XMNR", b"isom", b"mp42", b"XQJZ") + box(b"free", marks("free"))
    marks.all += [b"XMNR", b"XQJZ"]
    body, chunks = marks("mdat_gap"), []
    for samples in payload:
        chunks.append((len(body), [len(sample) for sample in samples]))
        body += b"".join(samples) + marks("between_chunks")
    tracks = [_track(marks, n, *kind) for n, kind in enumerate(kinds, 1)]
    extra = _movie_boxes(marks)
    if fragmented:
        defaults = full(b"trex", struct.pack(">5I", 1, 1, 1, 0, 0))
        extra += box(b"mvex", defaults, box(b"zzzz", marks("mvex")))

    def moov(base: int) -> bytes:
        made = [track(base + start, sizes, wide) for track, (start, sizes) in zip(tracks, chunks, strict=True)]
        return box(b"moov", _clock(), *made, extra)

    base = len(first) + len(moov(0)) + 8
    data = first + moov(base) + box(b"mdat", body)
    if fragmented:
        data += _fragment(marks)
    tail = box(b"uuid", bytes(16), marks("uuid")) + box(b"skip", marks("skip")) + box(b"zzzz", marks("unknown"))
    return Planted(data + tail + marks("tail"), marks)


def _clock() -> bytes:
    matrix = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    stamps = struct.pack(">IIII", 3_700_000_001, 3_700_000_002, 1000, 3000)
    return full(
        b"mvhd", stamps, struct.pack(">IH", 65536, 256), b"XPRV", bytes(6), matrix, bytes(24), struct.pack(">I", 9)
    )


def _movie_boxes(marks: Marks) -> bytes:
    place = b"+48.1371+011.5754/"
    text = box(b"\xa9xyz", struct.pack(">HH", len(place), 0), place)
    day = marks("day")
    day_box = box(b"\xa9day", struct.pack(">HH", len(day), 0), day)
    title = box(b"\xa9nam", box(b"data", struct.pack(">II", 1, 0), marks("title")))
    handler = full(b"hdlr", bytes(4), b"mdir", marks("itunes"))
    keys = full(b"keys", struct.pack(">I", 1), box(b"mdta", marks("key")))
    marks.all += [place, b"XPRV"]
    return (
        box(b"udta", text, day_box, full(b"meta", handler, keys, box(b"ilst", title)), box(b"XMP_", xmp_with(marks)))
        + box(b"meta", full(b"hdlr", bytes(4), b"mdta", bytes(13)), box(b"ilst", title))
        + box(b"free", marks("moov_free")) + full(b"iods", marks("iods")) + box(b"zzzz", marks("moov_unknown"))
        + box(b"uuid", bytes(16), exif_with(marks))
    )  # fmt: skip


def _track(marks: Marks, number: int, handler: bytes, codec: bytes):  # type: ignore[no-untyped-def]
    """A maker of the track box, given where its one chunk begins and its samples' sizes."""
    name, outer, inner, deep, table = (marks(f"{p}{number}") for p in ("handler", "trak", "mdia", "minf", "stbl"))
    description = _description(marks, handler, codec)
    surplus = marks(f"stts{number}")
    udta = box(b"udta", box(b"name", marks(f"name{number}")))

    def made(start: int, sizes: list[int], wide: bool) -> bytes:
        matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
        head = struct.pack(">IIIII", 3_700_000_003, 3_700_000_004, number, 0, 3000) + bytes(16)
        tkhd = full(b"tkhd", head, matrix, struct.pack(">II", 64 << 16, 48 << 16), flags=7)
        mdhd = full(b"mdhd", struct.pack(">IIIIHH", 3_700_000_005, 3_700_000_006, 1000, 3000, 0x1DAB, 0))
        hdlr = full(b"hdlr", b"mhlr", handler, b"XMNF", bytes(8), name, b"\0")
        home = box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1)))
        places = full(b"co64", struct.pack(">IQ", 1, start)) if wide else full(b"stco", struct.pack(">II", 1, start))
        stbl = box(
            b"stbl", description, full(b"stts", struct.pack(">III", 1, len(sizes), 1000), surplus),
            full(b"stsc", struct.pack(">IIII", 1, 1, len(sizes), 1)),
            full(b"stsz", struct.pack(f">II{len(sizes)}I", 0, len(sizes), *sizes)), places, box(b"zzzz", table),
        )  # fmt: skip
        minf = box(b"minf", full(b"vmhd", bytes(8), flags=1), home, stbl, box(b"zzzz", deep))
        edits = box(b"edts", full(b"elst", struct.pack(">IIiI", 1, 3000, 0, 65536), b"XEDT"))
        return box(b"trak", tkhd, edits, box(b"mdia", mdhd, hdlr, minf, box(b"zzzz", inner)), udta, box(b"zzzz", outer))

    if number == 1:
        marks.all += [b"XMNF", b"XEDT"]
    return made


def _description(marks: Marks, handler: bytes, codec: bytes) -> bytes:
    if codec == b"avc1":
        name = marks("compressor")[:31]
        fixed = (
            bytes(6)
            + b"\0\1"
            + bytes(4)
            + b"XVND"
            + bytes(8)
            + struct.pack(">HHIIIH", 64, 48, 72 << 16, 72 << 16, 0, 1)
        )
        fixed += bytes([len(name)]) + name.ljust(31, b"\0") + b"\0\x18\xff\xff"
        entry = box(
            codec,
            fixed,
            box(b"avcC", AVC, marks("avc_surplus")),
            box(b"pasp", bytes(7) + b"\1"),
            box(b"zzzz", marks("avc1")),
        )
    elif codec == b"mp4a":
        fixed = bytes(6) + b"\0\1" + bytes(4) + b"XVNS" + struct.pack(">HHHHI", 2, 16, 0, 0, 48000 << 16)
        entry = box(codec, fixed, full(b"esds", SPEECH, marks("esds_surplus")), box(b"zzzz", marks("mp4a")))
    else:
        entry = box(codec, bytes(6) + b"\0\1", marks("description"))
    marks.all += [word for word in (b"XVND", b"XVNS") if word in entry and word not in marks.all]
    del handler
    return full(b"stsd", struct.pack(">I", 1), entry)


def _gopro(marks: Marks) -> bytes:
    """A device with its name, its serial number and one position."""

    def klv(key: bytes, kind: bytes, size: int, rows: int, body: bytes) -> bytes:
        return key + kind + struct.pack(">BH", size, rows) + body + bytes(-len(body) % 4)

    name = marks("gopro_serial")
    scale = klv(b"SCAL", b"l", 4, 5, struct.pack(">5i", 10_000_000, 10_000_000, 1000, 1000, 100))
    place = klv(b"GPS5", b"l", 20, 1, struct.pack(">5i", 481_371_000, 115_754_000, 5000, 0, 0))
    stream = scale + place
    inner = klv(b"DVNM", b"c", 1, len(name), name) + klv(b"STRM", b"\0", 1, len(stream), stream)
    return klv(b"DEVC", b"\0", 1, len(inner), inner)


def _fragment(marks: Marks) -> bytes:
    """Two moof boxes, each with two picture samples and one telemetry sample."""
    whole = b""
    for number in (1, 2):
        pictures, telemetry = [unit(b"FRAME%dA" % number), unit(b"FRAME%dBB" % number)], marks(f"fragment{number}")

        def moof(
            offset: int, pictures: list[bytes] = pictures, telemetry: bytes = telemetry, number: int = number
        ) -> bytes:
            sizes = struct.pack(">II", *map(len, pictures))
            first = box(
                b"traf", full(b"tfhd", struct.pack(">I", 1), flags=0x20000), full(b"tfdt", struct.pack(">I", number * 10)),
                full(b"trun", struct.pack(">Ii", 2, offset), sizes, flags=0x201), box(b"zzzz", telemetry),
            )  # fmt: skip
            second = box(
                b"traf", full(b"tfhd", struct.pack(">I", 3), flags=0x20000),
                full(b"trun", struct.pack(">IiI", 1, offset + sum(map(len, pictures)), len(telemetry)), flags=0x201),
            )  # fmt: skip
            return box(
                b"moof", full(b"mfhd", struct.pack(">I", number)), first, second, box(b"uuid", bytes(16), telemetry)
            )

        whole += box(b"prft", marks(f"clock{number}")) + moof(len(moof(0)) + 8)
        whole += box(b"mdat", *pictures, telemetry, marks(f"fragment_gap{number}"))
    return whole + full(b"sidx", marks("sidx")) + box(b"mfra", marks("mfra"))
