"""Documents and screens drawn, turned in space, lit, and laid into real photographs: where they stand is known."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

PAPER = ("sheet", "card", "receipt", "whiteboard")
WORDS = [
    "statement",
    "account",
    "number",
    "invoice",
    "total",
    "date",
    "name",
    "address",
    "patient",
    "result",
    "hospital",
    "bank",
    "transfer",
    "reference",
    "signed",
    "insurance",
    "birth",
    "valid",
    "until",
    "issued",
    "customer",
    "payment",
    "amount",
    "due",
    "notice",
    "office",
    "department",
    "phone",
    "city",
    "street",
]
LABELLED = ("book", "tv", "laptop", "cell phone")


def is_for_fitting(name: str) -> bool:
    """One half of the backgrounds, by the hash of the file's name; the other half is only ever reported on."""
    return hashlib.sha256(b"documents" + name.encode()).digest()[0] % 2 == 0


def backgrounds(*, fitting: bool) -> list[Path]:
    """Photographs of COCO in which no book or screen is labelled."""
    folder = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "coco128_train"
    if not (folder / "boxes.csv").is_file():
        sys.exit(f"no photographs: {folder}/boxes.csv is missing; name the folder in VEILSET_DATA")
    rows = [line.split(",") for line in (folder / "boxes.csv").read_text().splitlines()[1:]]
    shown = {row[0] for row in rows if row[4] in LABELLED}
    names = sorted({row[0] for row in rows} - shown)
    return [folder / "images" / name for name in names if is_for_fitting(name) == fitting]


def drawn(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A document or a screen seen straight on, (height, width, 3) RGB."""
    width, height = {
        "sheet": (560, 792), "card": (640, 404), "receipt": (320, 800), "whiteboard": (800, 560), "screen": (800, 500),
    }[kind]  # fmt: skip
    paper = tuple(int(v) for v in rng.integers(225, 256) - rng.integers(0, 12, 3))
    if kind == "card":
        paper = tuple(int(v) for v in rng.integers(170, 250, 3))
    page = PillowImage.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(page)
    {"card": _card, "whiteboard": _strokes, "screen": _windows}.get(kind, _lines)(draw, width, height, rng)
    return np.asarray(page).copy()


def _words(rng: np.random.Generator, most: int) -> str:
    chosen = [str(rng.choice(WORDS)) if rng.random() < 0.8 else str(rng.integers(10, 99999)) for _ in range(most)]
    return " ".join(chosen)


def _lines(draw: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    size, margin = int(rng.integers(14, 24)), int(0.08 * width)
    draw.text((margin, margin), _words(rng, 2).upper(), (20, 20, 60), font=ImageFont.load_default(int(1.6 * size)))
    y = margin + 3 * size
    while y < height - margin - size:
        if rng.random() < 0.85:
            text, font = _words(rng, 14), ImageFont.load_default(size)
            room = (width - 2 * margin) * rng.uniform(0.5, 1.0)
            while draw.textlength(text, font) > room and " " in text:
                text = text.rpartition(" ")[0]
            draw.text((margin, y), text, (30, 30, 30), font=font)
        y += int(1.5 * size)


def _card(draw: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    head = tuple(int(v) for v in rng.integers(20, 160, 3))
    draw.rectangle((0, 0, width, int(0.17 * height)), fill=head)
    draw.text((20, 16), _words(rng, 2).upper(), (245, 245, 245), font=ImageFont.load_default(34))
    face = tuple(int(v) for v in rng.integers(90, 200, 3))
    draw.rectangle((24, 100, 210, 340), fill=face)
    draw.ellipse((70, 130, 164, 250), fill=tuple(int(v) for v in rng.integers(60, 230, 3)))
    for number in range(6):
        text = _words(rng, int(rng.integers(1, 4)))
        draw.text((240, 100 + 42 * number), text, (30, 30, 30), font=ImageFont.load_default(26))


def _strokes(draw: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    draw.rectangle((0, 0, width - 1, height - 1), outline=tuple(int(v) for v in rng.integers(60, 190, 3)), width=12)
    for _ in range(rng.integers(3, 9)):
        ink = tuple(int(v) for v in rng.choice([[20, 20, 20], [20, 40, 160], [180, 20, 20], [20, 120, 40]]))
        at = (int(rng.integers(30, width // 2)), int(rng.integers(30, height - 80)))
        draw.text(at, _words(rng, int(rng.integers(1, 4))), ink, font=ImageFont.load_default(int(rng.integers(24, 48))))


def _windows(draw: ImageDraw.ImageDraw, width: int, height: int, rng: np.random.Generator) -> None:
    back = tuple(int(v) for v in rng.integers(10, 250, 3))
    draw.rectangle((0, 0, width, height), fill=(15, 15, 18))
    draw.rectangle((16, 16, width - 17, height - 17), fill=back)
    for _ in range(rng.integers(1, 4)):
        x, y = int(rng.integers(20, width // 2)), int(rng.integers(20, height // 2))
        right, bottom = int(rng.integers(x + 200, width - 16)), int(rng.integers(y + 120, height - 16))
        tone = int(rng.choice([250, 240, 35]))
        draw.rectangle((x, y, right, bottom), fill=(tone, tone, tone))
        draw.rectangle((x, y, right, y + 26), fill=tuple(int(v) for v in rng.integers(40, 220, 3)))
        ink = (25, 25, 25) if tone > 100 else (210, 210, 210)
        for line in range(y + 36, bottom - 22, 26):
            draw.text((x + 12, line), _words(rng, 3)[: (right - x) // 10], ink, font=ImageFont.load_default(18))


def laid(kind: str, photograph: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The photograph (height, width, 3) RGB with a drawing in it, and the drawing's corners (4, 2).

    The drawing takes 2 to 40 % of the picture's area, is turned by up to 25 degrees and seen from a slant; light falls off
    across it, the picture's own tone colours it, and all of it is blurred, grained and saved as JPEG.
    """
    drawing = drawn(kind, rng)
    height, width = photograph.shape[:2]
    high, wide = drawing.shape[:2]
    scale = (rng.uniform(0.15, 0.62) ** 2 * height * width / (high * wide)) ** 0.5
    scale = min(scale, 0.95 * width / wide, 0.95 * height / high)
    turn = np.deg2rad(rng.uniform(-25, 25))
    corners = (np.array([[0, 0], [wide, 0], [wide, high], [0, high]]) - [wide / 2, high / 2]) * scale
    corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners *= 1 + rng.uniform(-0.14, 0.14, (4, 1))
    least, most = -corners.min(axis=0), np.array([width, height]) - corners.max(axis=0)
    middle = np.where(most > least, rng.uniform(least, np.maximum(most, least + 1e-6)), np.array([width, height]) / 2)
    corners = np.clip(corners + middle, 0, [width - 1, height - 1])
    onto = cv2.getPerspectiveTransform(
        np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32), corners.astype(np.float32)
    )
    light = np.linspace(rng.uniform(0.6, 1.0), rng.uniform(0.6, 1.0), wide)[None, :, None]
    cast = (photograph.reshape(-1, 3).mean(axis=0) + 128) / (photograph.mean() + 128)
    dimmed = drawing * light * cast * (1.0 if kind == "screen" else np.clip(photograph.mean() / 150, 0.55, 1.0))
    smaller = cv2.GaussianBlur(np.clip(dimmed, 0, 255).astype(np.float32), (0, 0), max(0.3, 0.4 / scale))
    shown = cv2.warpPerspective(smaller, onto, (width, height), flags=cv2.INTER_LINEAR)
    cover = cv2.warpPerspective(np.ones((high, wide), np.float32), onto, (width, height), flags=cv2.INTER_LINEAR)
    shade = cv2.GaussianBlur(np.roll(cover, 4, axis=(0, 1)), (0, 0), 5)[:, :, None] * 0.35
    merged = photograph * (1 - shade) * (1 - cover[:, :, None]) + shown * cover[:, :, None]
    merged = cv2.GaussianBlur(merged, (0, 0), rng.uniform(0.3, 0.9)) + rng.normal(0, 3, merged.shape)
    coded = cv2.imencode(
        ".jpg",
        np.clip(merged[:, :, ::-1], 0, 255).astype(np.uint8),
        [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 95))],
    )[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1].copy(), corners


def composites(
    kinds: Sequence[str], *, fitting: bool, turns: int = 1, every: int = 1
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Kind, pixels and corners: one drawing in each background, kinds in turn, `turns` times, the same in every run."""
    paths = backgrounds(fitting=fitting)[::every]
    for number, path in enumerate(paths * turns):
        kind = kinds[(number + number // len(paths)) % len(kinds)]
        rng = np.random.default_rng([2026, number, int(fitting), len(kinds)])
        photograph = cv2.imread(str(path))[:, :, ::-1]
        yield kind, *laid(kind, photograph, rng)
