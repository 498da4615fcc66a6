"""Drawn pictures: faces, plates, words and textures for tests, demonstrations and measurements of memory.

No person stands behind any of them. The same seed draws the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from veilset.core.sample import Pixels
from veilset.core.where import Box

PATCH = (320, 256)
SKINS = ((255, 224, 196), (234, 192, 160), (198, 146, 108), (150, 100, 70), (104, 68, 48), (72, 48, 36))
HAIRS = ((30, 24, 20), (84, 56, 34), (150, 110, 60), (120, 40, 24), (168, 164, 160))
FOLDERS = ("", "trip", "trip/day two", "Füße 東京")
FORMATS = ("jpeg", "jpeg", "png", "jpeg", "webp", "jpeg", "tiff")
SUFFIX = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tif"}
TURNS = {1: 0, 3: 2, 6: 1, 8: 3}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn file.

    Attributes:
        name: Path relative to the folder, POSIX separators.
        format: `jpeg`, `png`, `webp` or `tiff`.
        orientation: EXIF orientation of the file, 1 when it says none.
        faces: Where faces were drawn, in pixels of the upright picture.
        located: Whether the file holds GPS coordinates.
    """

    name: str
    format: str
    orientation: int
    faces: tuple[Box, ...]
    located: bool


def texture(width: int, height: int, *, seed: int = 0) -> Pixels:
    """A natural-looking background (height, width, 3): coarse and fine structure, half as strong at twice the fineness.

    >>> texture(40, 30, seed=1).shape
    (30, 40, 3)
    """
    rng = np.random.default_rng(seed)
    total = np.empty((height, width, 3), np.float32)
    total[:] = rng.uniform(70, 170, 3)
    cells, strength = 2, 48.0
    while strength >= 3:
        shape = min(cells, height), min(cells, width), 1
        coarse = rng.normal(0, strength, shape) + rng.normal(0, strength / 4, (*shape[:2], 3))
        coarse = coarse.astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, strength = cells * 3, strength / 2
    return np.clip(total, 0, 255).astype(np.uint8)


def face(identity: int, *, variation: int = 0) -> tuple[Pixels, NDArray[np.float32]]:
    """A cartoon face (320, 256, 3) and its opacity (320, 256) in [0, 1].

    `identity` sets skin, hair, shape and spacing; `variation` moves gaze, mouth and light, as between two photographs.
    """
    who, now = np.random.default_rng(identity), np.random.default_rng((identity, variation))
    skin = np.array(SKINS[who.integers(len(SKINS))], float)
    hair = tuple(int(v) for v in HAIRS[who.integers(len(HAIRS))])
    width, gap, eye = int(who.integers(92, 112)), int(who.integers(40, 54)), int(who.integers(13, 19))
    brow, nose, mouth = int(who.integers(4, 10)), int(who.integers(10, 20)), int(who.integers(28, 46))
    iris = tuple(int(v) for v in who.integers(20, 140, 3))
    look, smile, light = now.integers(-4, 5, 2), int(now.integers(4, 16)), now.uniform(0.85, 1.1)

    def tone(share: float) -> tuple[int, int, int]:
        red, green, blue = (int(v) for v in np.clip(skin * share, 0, 255))
        return red, green, blue

    canvas = np.zeros((*PATCH, 3), np.uint8)
    alpha = np.zeros(PATCH, np.uint8)
    for target, colour in ((canvas, hair), (alpha, 255)):
        cv2.ellipse(target, (128, 150), (width + 14, 142), 0, 0, 360, colour, -1)
    cv2.ellipse(canvas, (128, 172), (width, 136), 0, 0, 360, tone(1.0), -1)
    cv2.ellipse(canvas, (128, 240), (width - 26, 66), 0, 0, 180, tone(0.9), -1)
    for side in (-1, 1):
        x = 128 + side * gap
        cv2.ellipse(canvas, (x, 150), (eye + 9, eye + 3), 0, 0, 360, tone(0.72), -1)
        cv2.ellipse(canvas, (x, 150), (eye + 5, eye - 3), 0, 0, 360, (244, 242, 240), -1)
        centre = (x + int(look[0]), 150 + int(look[1]) // 2)
        cv2.circle(canvas, centre, eye - 4, iris, -1)
        cv2.circle(canvas, centre, max(3, eye // 3), (8, 8, 8), -1)
        cv2.ellipse(canvas, (x, 122), (eye + 14, 8), 0, 190, 350, hair, brow)
    cv2.line(canvas, (128, 160), (128 - nose // 3, 202), tone(0.78), 6)
    cv2.ellipse(canvas, (128, 206), (nose, 9), 0, 0, 180, tone(0.6), -1)
    cv2.ellipse(canvas, (128, 248), (mouth, smile), 0, 0, 360, (150, 52, 56), -1)
    cv2.line(canvas, (128 - mouth, 248), (128 + mouth, 248), (84, 24, 28), 3)
    shade = np.linspace(1.12, 0.82, PATCH[1])[None, :, None] * light
    soft = cv2.GaussianBlur(canvas.astype(np.float32) * shade.astype(np.float32), (0, 0), 2.5)
    opacity = cv2.GaussianBlur(alpha.astype(np.float32) / 255, (0, 0), 2.0)
    return np.clip(soft, 0, 255).astype(np.uint8), opacity


def put_face(pixels: Pixels, box: Box, *, identity: int = 0, variation: int = 0) -> None:
    """Draw a face into `pixels` so that it fills `box`, in place; what lies outside the picture is cut off."""
    width, height = max(1, round(box.width)), max(1, round(box.height))
    drawn, opacity = face(identity, variation=variation)
    drawn = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
    opacity = cv2.resize(opacity, (width, height), interpolation=cv2.INTER_AREA)[:, :, None]
    top, left = round(box.y), round(box.x)
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(pixels.shape[0], top + height), min(pixels.shape[1], left + width)
    if y1 <= y0 or x1 <= x0:
        return
    inner = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    under = pixels[y0:y1, x0:x1].astype(np.float32)
    mixed = under + (drawn[inner].astype(np.float32) - under) * opacity[inner]
    pixels[y0:y1, x0:x1] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def put_words(pixels: Pixels, box: Box, words: str, *, plate: bool = False) -> None:
    """Write dark `words` into `box`, in place; with `plate`, on a white plate with a rim."""
    top_left = round(box.x), round(box.y)
    bottom_right = round(box.x + box.width) - 1, round(box.y + box.height) - 1
    if plate:
        cv2.rectangle(pixels, top_left, bottom_right, (245, 245, 240), -1)
        cv2.rectangle(pixels, top_left, bottom_right, (20, 40, 120), max(1, round(box.height / 16)))
    thickness = max(1, round(box.height / 14))
    (width, height), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, 1.0, thickness)
    scale = 0.8 * min(box.width / max(1, width), box.height / max(1, height))
    foot = round(box.x + 0.1 * box.width), round(box.y + 0.5 * (box.height + scale * height))
    cv2.putText(pixels, words, foot, cv2.FONT_HERSHEY_SIMPLEX, scale, (16, 16, 20), thickness, cv2.LINE_AA)


def picture(
    width: int = 320,
    height: int = 240,
    *,
    faces: Sequence[Box] = (),
    plates: Sequence[Box] = (),
    words: Sequence[tuple[Box, str]] = (),
    seed: int = 0,
) -> Pixels:
    """A texture with faces, plates and words at the given boxes; (height, width, 3) uint8.

    >>> bool((picture(64, 64, faces=[Box(8, 8, 40, 50)]) != picture(64, 64)).any())
    True
    """
    pixels = texture(width, height, seed=seed)
    for number, box in enumerate(faces):
        put_face(pixels, box, identity=1000 * seed + number)
    for number, box in enumerate(plates):
        put_words(pixels, box, f"VS {1000 + (seed * 7 + number) % 9000}", plate=True)
    for box, text in words:
        put_words(pixels, box, text)
    return pixels


def drawn_folder(
    path: Path, count: int, *, seed: int = 0, size: tuple[int, int] = (640, 480), faces: tuple[int, int] = (0, 3)
) -> tuple[Drawn, ...]:
    """Write `count` pictures of `size` (width, height) in several formats, folders and orientations below `path`.

    Two in three carry EXIF with camera, owner and date, and half of these (TIFF aside) GPS coordinates,
    all invented.

    Args:
        path: Folder to write to; made when absent.
        count: How many pictures.
        seed: The same seed writes the same pictures.
        size: Upright width and height.
        faces: Fewest and most faces per picture.
    """
    drawn = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        boxes = _scatter(rng, size, int(rng.integers(faces[0], faces[1] + 1)))
        kind = FORMATS[number % len(FORMATS)]
        tagged = number % 3 != 2
        orientation = (1, 6, 1, 8, 3)[number % 5] if tagged and kind == "jpeg" else 1
        stored = np.rot90(picture(*size, faces=boxes, seed=seed * 100_003 + number), TURNS[orientation])
        name = Path(FOLDERS[number % len(FOLDERS)]) / f"IMG {number:05d}{SUFFIX[kind]}"
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        located = tagged and number % 2 == 0 and kind != "tiff"
        options = {"exif": _exif(rng, orientation, located=located)} if tagged else {}
        Image.fromarray(np.ascontiguousarray(stored)).save(path / name, kind, **options)
        drawn.append(Drawn(name.as_posix(), kind, orientation, boxes, located))
    return tuple(drawn)


def _scatter(rng: np.random.Generator, size: tuple[int, int], count: int) -> tuple[Box, ...]:
    """Boxes of many sizes that do not overlap; fewer than `count` when there is no room."""
    boxes: list[Box] = []
    for _ in range(20 * count):
        if len(boxes) == count:
            break
        width = float(round(np.exp(rng.uniform(np.log(12), np.log(max(13.0, min(size) / 2.5))))))
        height = float(round(1.25 * width))
        if width >= size[0] or height >= size[1]:
            continue
        box = Box(np.floor(rng.uniform(0, size[0] - width)), np.floor(rng.uniform(0, size[1] - height)), width, height)
        if all(box.grow(0.2).iou(other.grow(0.2)) == 0 for other in boxes):
            boxes.append(box)
    return tuple(boxes)


def _exif(rng: np.random.Generator, orientation: int, *, located: bool) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Veilset", "Drawn 1"
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "Nobody At All"
    exif[ExifTags.Base.DateTime] = "2021:06:05 12:34:56"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = f"VS{int(rng.integers(10**8)):08d}"
    if located:
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLongitudeRef] = "N", "E"
        place[ExifTags.GPS.GPSLatitude] = tuple(float(v) for v in rng.integers(0, 60, 3))
        place[ExifTags.GPS.GPSLongitude] = tuple(float(v) for v in rng.integers(0, 60, 3))
    return exif
