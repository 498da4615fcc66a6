import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from PIL import ImageOps

from veilset.core.errors import Malformed, Unreadable, Unsupported
from veilset.data.coded import open_coded

LIMIT = 1_000_000


def place(tmp_path, data, name="a.jpg"):
    (tmp_path / name).write_bytes(data)
    return str(tmp_path / name)


def save(pixels, kind, mode=None, **options):
    out = io.BytesIO()
    PillowImage.fromarray(pixels, mode).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_jpeg_upright_like_pillow(tmp_path, draw, jpeg, orientation, subsampling):
    data = jpeg(draw(), subsampling, orientation)
    coded = open_coded(place(tmp_path, data), "a.jpg", max_pixels=LIMIT)
    reference = np.asarray(ImageOps.exif_transpose(PillowImage.open(io.BytesIO(data))))
    assert coded.size == (reference.shape[1], reference.shape[0])
    assert np.array_equal(coded.decode(), reference)
    for reduce in (2, 4, 8):
        small = coded.decode(reduce)
        assert small.shape[:2] == (-(-reference.shape[0] // reduce), -(-reference.shape[1] // reduce))
        assert abs(small.mean() - reference.mean()) < 4


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("BMP", {})])
def test_lossless_formats_by_content_whatever_the_name_says(tmp_path, draw, kind, options):
    coded = open_coded(place(tmp_path, save(draw(), kind, **options), "a.heic"), "a.heic", max_pixels=LIMIT)
    assert coded.format == kind.lower()
    assert np.array_equal(coded.decode(), draw())


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [3, 6, 7])
def test_orientation_of_other_formats(tmp_path, draw, kind, orientation):
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    data = save(draw(), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    coded = open_coded(place(tmp_path, data), "a", max_pixels=LIMIT)
    assert coded.orientation == orientation
    assert np.array_equal(coded.decode(), np.asarray(ImageOps.exif_transpose(PillowImage.open(io.BytesIO(data)))))


@pytest.mark.parametrize("brand", ["heif", "avif"])
def test_heif_and_avif(tmp_path, draw, brand):
    if brand == "heif":
        pillow_heif = pytest.importorskip("pillow_heif")
        out = io.BytesIO()
        pillow_heif.from_pillow(PillowImage.fromarray(draw())).save(out, quality=90)
        data = out.getvalue()
    else:
        data = save(draw(), "AVIF", quality=90)
    coded = open_coded(place(tmp_path, data), "a", max_pixels=LIMIT)
    assert (coded.format, coded.size) == (brand, (121, 93))
    assert np.abs(coded.decode().astype(int) - draw()).mean() < 10


def test_sixteen_bits_palette_grey_alpha_and_cmyk(tmp_path, draw):
    deep = draw().astype(np.uint16) * 256 + 77
    cases = {
        "deep.png": bytes(cv2.imencode(".png", deep[:, :, ::-1])[1]),
        "deep.tif": bytes(cv2.imencode(".tiff", deep[:, :, ::-1])[1]),
        "alpha.png": save(np.dstack([draw(), np.zeros((93, 121), np.uint8)]), "PNG"),
    }
    for name, data in cases.items():
        coded = open_coded(place(tmp_path, data, name), name, max_pixels=LIMIT)
        assert np.array_equal(coded.decode(), draw()), name
    grey = open_coded(place(tmp_path, bytes(cv2.imencode(".png", deep[:, :, 0])[1])), "g", max_pixels=LIMIT)
    assert np.array_equal(grey.decode()[:, :, 2], draw()[:, :, 0])
    palette = PillowImage.fromarray(draw()).quantize(17)
    out = io.BytesIO()
    palette.save(out, "GIF")
    coded = open_coded(place(tmp_path, out.getvalue()), "p", max_pixels=LIMIT)
    assert np.array_equal(coded.decode(), np.asarray(palette.convert("RGB")))
    ink = io.BytesIO()
    PillowImage.fromarray(draw()).convert("CMYK").save(ink, "JPEG", quality=95)
    coded = open_coded(place(tmp_path, ink.getvalue()), "c", max_pixels=LIMIT)
    assert np.array_equal(coded.decode(), np.asarray(PillowImage.open(ink).convert("RGB")))
    assert np.abs(coded.decode().astype(int) - draw()).mean() < 6


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("kind", ["jpeg", "progressive", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_a_truncated_file_is_malformed_and_never_half_decoded(tmp_path, draw, jpeg, kind, share):
    data = jpeg(draw(), progressive=kind == "progressive") if "e" in kind else save(draw(), kind)
    path = place(tmp_path, data[: max(12, int(len(data) * share))], "cut")
    with pytest.raises((Malformed, Unsupported), match="cut"):
        open_coded(path, "cut", max_pixels=LIMIT).decode()


def test_zero_bytes_no_picture_and_garbage(tmp_path):
    for data, error, words in (
        (b"", Malformed, "empty"),
        (b"hello, this is text", Unsupported, "no picture"),
        (b"\xff\xd8\xff\xe0" + bytes(100), Malformed, "a.jpg"),
        (b"\x89PNG\r\n\x1a\n" + b"garbage" * 9, Malformed, "a.jpg"),
    ):
        with pytest.raises(error, match=words):
            open_coded(place(tmp_path, data), "a.jpg", max_pixels=LIMIT)


def bomb():
    """A PNG of 30,000 x 30,000 pixels in a few hundred bytes of headers; its data would never be looked at."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_from_its_header(tmp_path, jpeg, draw):
    with pytest.raises(Unsupported, match=r"30000 x 30000.*max_pixels"):
        open_coded(place(tmp_path, bomb(), "bomb.png"), "bomb.png", max_pixels=200_000_000)
    data = jpeg(draw())
    start = data.index(b"\xff\xc0") + 5
    big = data[:start] + struct.pack(">HH", 30_000, 30_000) + data[start + 4 :]
    with pytest.raises(Unsupported, match="max_pixels"):
        open_coded(place(tmp_path, big), "a.jpg", max_pixels=200_000_000)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_frames_are_unsupported(tmp_path, draw, kind):
    frames = [PillowImage.fromarray(draw(seed=s)) for s in range(3)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    with pytest.raises(Unsupported, match=r"3 frames or pages"):
        open_coded(place(tmp_path, out.getvalue()), "a", max_pixels=LIMIT)


def test_a_tiff_with_pictures_inside_is_unsupported(tmp_path, draw):
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as tiff:
        tiff.write(draw(), subifds=1)
        tiff.write(draw(20, 20))
    with pytest.raises(Unsupported, match="further pictures"):
        open_coded(place(tmp_path, out.getvalue()), "raw.dng", max_pixels=LIMIT)


def test_unreadable_and_changed(tmp_path, draw, jpeg):
    with pytest.raises(Unreadable, match=r"gone\.jpg"):
        open_coded(str(tmp_path / "gone.jpg"), "gone.jpg", max_pixels=LIMIT)
    coded = open_coded(place(tmp_path, jpeg(draw())), "a.jpg", max_pixels=LIMIT)
    place(tmp_path, jpeg(draw(seed=3)))
    with pytest.raises(Unreadable, match="changed"):
        coded.decode()


def test_twelve_bits_and_five_planes_are_unsupported(tmp_path, draw, jpeg):
    data = jpeg(draw())
    at = data.index(b"\xff\xc0") + 4
    with pytest.raises(Unsupported, match="12 bits"):
        open_coded(place(tmp_path, data[:at] + b"\x0c" + data[at + 1 :]), "a", max_pixels=LIMIT)
    with pytest.raises((Malformed, Unsupported)):
        open_coded(place(tmp_path, data[: at + 5] + b"\x05" + data[at + 6 :]), "a", max_pixels=LIMIT)


def test_stray_bytes_before_the_end_are_forgiven_but_not_a_hole(tmp_path, draw, jpeg):
    data = jpeg(draw())
    stray = open_coded(place(tmp_path, data[:-2] + b"\x00\x11\x22" * 9 + data[-2:]), "a", max_pixels=LIMIT)
    whole = np.asarray(PillowImage.open(io.BytesIO(data)))
    assert np.array_equal(stray.decode(), whole)
    tables = data.index(b"\xff\xdb")
    between = data[:tables] + bytes(14) + data[tables:]
    assert np.array_equal(open_coded(place(tmp_path, between), "a", max_pixels=LIMIT).decode(), whole)
    with pytest.raises(Malformed, match="cut"):
        open_coded(place(tmp_path, between[: -len(data) // 3]), "cut", max_pixels=LIMIT).decode()
    middle = len(data) // 2
    holed = open_coded(place(tmp_path, data[:middle] + b"\xff\xd9" + data[middle + 400 :]), "hole", max_pixels=LIMIT)
    with pytest.raises(Malformed, match="hole"):
        holed.decode()


def test_a_jpeg_whose_header_is_longer_than_what_is_read_first(tmp_path, draw, jpeg):
    data = jpeg(draw(), "420", 6)
    comments = b"".join(b"\xff\xfe" + struct.pack(">H", 60_002) + bytes(60_000) for _ in range(3))
    short = open_coded(place(tmp_path, data), "a.jpg", max_pixels=LIMIT)
    long = open_coded(place(tmp_path, data[:2] + comments + data[2:], "b.jpg"), "b.jpg", max_pixels=LIMIT)
    assert (long.size, long.orientation, long.jpeg) == (short.size, short.orientation, short.jpeg)
    with pytest.raises(Malformed):
        open_coded(place(tmp_path, (data[:2] + comments)[:150_000], "c.jpg"), "c.jpg", max_pixels=LIMIT)


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'


def png_with(chunk, *, last=False):
    """A drawn PNG with one more chunk before its picture, or behind it."""
    whole = save(np.zeros((8, 12, 3), np.uint8), "PNG")
    at = whole.index(b"IEND" if last else b"IDAT") - 4
    name, body = chunk
    made = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return whole[:at] + made + whole[at:]


def turned_block(value=6):
    exif = PillowImage.Exif()
    exif[0x0112] = value
    return exif.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_an_orientation_in_xmp_turns_nothing(tmp_path, kind):
    if kind == "PNG":
        data = png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))
    elif kind == "WEBP":
        data = save(np.zeros((8, 12, 3), np.uint8), kind, xmp=XMP)
    else:
        out = io.BytesIO()
        tifffile.imwrite(out, np.zeros((8, 12, 3), np.uint8), extratags=[(700, "B", len(XMP), XMP, True)])
        data = out.getvalue()
    assert PillowImage.open(io.BytesIO(data)).getexif().get(0x0112) == 6
    coded = open_coded(place(tmp_path, data, "a"), "a", max_pixels=LIMIT)
    assert (coded.orientation, coded.size) == (1, (12, 8))


@pytest.mark.parametrize("last", [False, True])
def test_an_orientation_in_exif_turns_a_png_wherever_it_stands(tmp_path, last):
    data = png_with((b"eXIf", turned_block()), last=last)
    coded = open_coded(place(tmp_path, data, "a.png"), "a.png", max_pixels=LIMIT)
    assert (coded.orientation, coded.size) == (6, (8, 12))


def test_a_frame_that_is_larger_than_its_picture_is_no_fault_of_ours(tmp_path):
    whole = bytearray(save(np.zeros((4, 4), np.uint8), "GIF"))
    at = whole.index(b"\x2c", 13)
    whole[at + 5 : at + 9] = struct.pack("<HH", 65535, 65535)
    with pytest.raises(Unsupported, match=r"bomb\.gif: .* too large"):
        open_coded(place(tmp_path, bytes(whole), "bomb.gif"), "bomb.gif", max_pixels=LIMIT)
