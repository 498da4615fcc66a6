"""Objects of the COCO classes in a picture of any size: networks, windows and suppression in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from veilset.core.sample import Image
from veilset.detectors import fastestdet, yolox
from veilset.detectors.fusion import Floats, groups
from veilset.detectors.shared import COARSE, copy_of, shared
from veilset.detectors.windows import look_through

# fmt: off
CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic_light",
    "fire_hydrant", "stop_sign", "parking_meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports_ball", "kite", "baseball_bat", "baseball_glove", "skateboard", "surfboard",
    "tennis_racket", "bottle", "wine_glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot_dog", "pizza", "donut", "cake", "chair", "couch",
    "potted_plant", "bed", "dining_table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell_phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy_bear",
    "hair_drier", "toothbrush",
)
# fmt: on
PERSON = CLASSES.index("person")
VEHICLES = tuple(map(CLASSES.index, ("car", "motorcycle", "bus", "truck")))
SMALLEST = 300
# Scores below are seldom asked for; what is above is seen once for every detector that asks.
FAINT = 0.05
WEIGHTS = {"fastestdet": fastestdet.WEIGHTS, "yolox": yolox.WEIGHTS}
NETWORKS = {"fastestdet": fastestdet.detect, "yolox": yolox.detect}
_LONGEST = max(fastestdet.SIDE, yolox.SIDE)


def see(image: Image, classes: Sequence[int], min_scores: Mapping[str, float], levels: int) -> list[Floats]:
    """One array (n, 7) for each object, best box first: corners, score, class number, number of the network.

    `min_scores` names the networks and the lowest score of each. A network looks once at a picture, whoever asks.
    """
    rows = []
    for number, (name, least) in enumerate(min_scores.items()):
        found = np.concatenate([_every(image, name, level, min(least, FAINT)) for level in range(levels)])
        found = found[(found[:, 4] > least) & np.isin(found[:, 5], classes)]
        rows.append(np.column_stack([found, np.full(len(found), number)]))
    every = np.concatenate(rows)
    objects = []
    for kind in classes:
        same = every[every[:, 5] == kind]
        objects += [same[group] for group in groups(same[:, :5], 0.5)]
    ranked = sorted(objects, key=lambda members: (-members[0, 4], *members[0, :4]))
    return [members for number, members in enumerate(ranked) if not _part_of(members[0], ranked[:number])]


def _every(image: Image, name: str, level: int, least: float) -> Floats:
    """Rows (n, 6) of every class above a score that one network sees at one level, in pixels of the picture."""
    reduced = copy_of(image, max(COARSE, _LONGEST * 2**level))

    def seen() -> Floats:
        detect = partial(NETWORKS[name], classes=range(len(CLASSES)), min_score=least)
        found = look_through(reduced, detect, levels=(level,), smallest=SMALLEST)
        height, width = reduced.shape[:2]
        boxes: Floats = found * [*(image.width / width, image.height / height) * 2, 1, 1]
        return boxes

    return shared(image, ("objects", name, level, reduced.shape, least), seen)


def _part_of(box: Floats, surer: Sequence[Floats]) -> bool:
    """Whether a surer box of the same class holds nine tenths of this one and is less than ten times as large.

    Windows cut people into halves that look like people; what is dropped is covered by the box that holds it.
    """
    area = (box[2] - box[0]) * (box[3] - box[1])
    for other in (members[0] for members in surer if members[0, 5] == box[5]):
        wide = min(box[2], other[2]) - max(box[0], other[0])
        high = min(box[3], other[3]) - max(box[1], other[1])
        whole = (other[2] - other[0]) * (other[3] - other[1])
        if wide > 0 and high > 0 and wide * high >= 0.9 * area and area <= whole <= 10 * area:
            return True
    return False
