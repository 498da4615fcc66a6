"""COCO labels (one JSON for many pictures), carried over field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from veilset.core.errors import Malformed
from veilset.data.label_index import LabelIndex, clip, number

_CATEGORY = ("name", "supercategory", "keypoints", "skeleton")


def carry(index: LabelIndex) -> Iterator[tuple[str, bytes]]:
    """(name, content) of one fresh COCO file for each one in the source.

    Kept: of images id, file name and size; of annotations id, image, category, box, area, outline, crowd flag and key
    points; of categories id, name, supercategory and key points. Ids are new. Everything else goes: addresses, dates,
    captions, licences, owners, unknown fields.

    Raises:
        Malformed: A file that is meant as COCO cannot be used; the message names it.

    *Source*: COCO data format (object detection, key points), cocodataset.org.
    """
    for name in index.others:
        if not name.lower().endswith(".json"):
            continue
        plain = _parse(index.read(name), name)
        if plain is None:
            continue
        index.used.append(name)
        try:
            fresh = _carry_one(plain, name, index)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise Malformed(
                f"{name} is not well-formed COCO ({type(error).__name__} on the way); correct it or take it away"
            ) from error
        number_of = sum(used.lower().endswith(".json") for used in index.used)
        yield f"labels/coco/{number_of:03d}.json", (json.dumps(fresh, indent=1, ensure_ascii=False) + "\n").encode()


def _parse(data: bytes, name: str) -> dict[str, Any] | None:
    """The JSON of a COCO file; None for a file that is about something else."""
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as error:
        if b'"images"' in data or b'"annotations"' in data:
            raise Malformed(f"{name} looks like COCO labels, but is no JSON; correct it or take it away") from error
        return None
    if not isinstance(plain, dict) or not isinstance(plain.get("images"), list) or "annotations" not in plain:
        return None
    return plain


def _carry_one(plain: Mapping[str, Any], name: str, index: LabelIndex) -> dict[str, Any]:
    categories = {entry["id"]: at for at, entry in enumerate(plain.get("categories", []), 1)}
    images: list[dict[str, Any]] = []
    new_ids: dict[Any, int] = {}
    frames: dict[Any, tuple[int, int]] = {}
    for entry in plain["images"]:
        original = index.find(entry["file_name"], name)
        if original is None or original not in index.names:
            index.counts["labels left out: their picture was not released, or is not to be told from another"] += 1
            continue
        stored, _ = index.sizes(original)
        stated = (int(entry["width"]), int(entry["height"])) if {"width", "height"} <= entry.keys() else None
        if not index.fits(original, stated):
            continue
        frame = stated or stored
        if entry["id"] in new_ids:
            raise Malformed(f"{name}: two images have the same id; correct it or take it away")
        new_ids[entry["id"]], frames[entry["id"]] = len(images) + 1, frame
        released = {"id": len(images) + 1, "file_name": index.names[original], "width": frame[0], "height": frame[1]}
        images.append(released)
    annotations: list[dict[str, Any]] = []
    for entry in plain["annotations"]:
        if entry["image_id"] in new_ids:
            fresh = _annotation(entry, frames[entry["image_id"]], categories, name, index)
            if fresh is not None:
                fresh = {"id": len(annotations) + 1, "image_id": new_ids[entry["image_id"]], **fresh}
                annotations.append(fresh)
    index.counts["COCO images carried over"] += len(images)
    index.counts["COCO annotations carried over"] += len(annotations)
    kept = [
        {"id": categories[entry["id"]], **{key: entry[key] for key in _CATEGORY if key in entry}}
        for entry in plain.get("categories", [])
    ]
    return {"images": images, "annotations": annotations, "categories": kept}


def _annotation(
    entry: Mapping[str, Any], frame: tuple[int, int], categories: Mapping[Any, int], name: str, index: LabelIndex
) -> dict[str, Any] | None:
    """One annotation with allowed fields only, its box inside the picture; None when nothing of it is left."""
    fresh: dict[str, Any] = {}
    if "category_id" in entry:
        if entry["category_id"] not in categories:
            raise Malformed(f"{name}: an annotation names a category that the file does not have; correct the file")
        fresh["category_id"] = categories[entry["category_id"]]
    if "bbox" in entry:
        x, y, width, height = (number(value, "a bbox value", name) for value in entry["bbox"])
        left, right = clip(x, x + width, frame[0])
        top, bottom = clip(y, y + height, frame[1])
        if right <= left or bottom <= top:
            index.counts["labels left out: their box lies outside the picture or is empty"] += 1
            return None
        inside = (left, top, right, bottom) == (x, y, x + width, y + height)
        index.counts["boxes cut to the picture"] += not inside
        fresh["bbox"] = entry["bbox"] if inside else [left, top, right - left, bottom - top]
    for key in ("area", "num_keypoints", "iscrowd"):
        if key in entry:
            number(entry[key], key, name)
            fresh[key] = entry[key]
    for key in ("segmentation", "keypoints"):
        if key in entry:
            fresh[key] = _numbers_only(entry[key], key, name)
    return fresh if "bbox" in fresh or "segmentation" in fresh or "keypoints" in fresh else None


def _numbers_only(value: Any, key: str, name: str) -> Any:
    """Lists of numbers, lists of such lists, or run lengths with their size: no other text passes."""
    if isinstance(value, list):
        return [_numbers_only(item, key, name) if isinstance(item, list) else _one(item, key, name) for item in value]
    if isinstance(value, dict) and set(value) == {"counts", "size"}:
        counts = value["counts"]
        if isinstance(counts, str) and not all("0" <= letter <= "o" for letter in counts):
            raise Malformed(f"{name}: {key} holds text that is no run-length code; correct the label file")
        fresh = counts if isinstance(counts, str) else _numbers_only(counts, key, name)
        return {"counts": fresh, "size": _numbers_only(value["size"], key, name)}
    raise Malformed(f"{name}: {key} is neither points nor run lengths; correct the label file")


def _one(value: Any, key: str, name: str) -> Any:
    if isinstance(value, str):
        raise Malformed(f"{name}: {key} holds text; correct the label file")
    number(value, key, name)
    return value
