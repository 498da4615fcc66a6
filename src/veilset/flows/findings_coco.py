"""Findings as a COCO detection file, as annotation tools and FiftyOne read it. Private."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from veilset.flows.workplace import writing

NAME = "findings_coco.json"


def write_coco(folder: Path, kinds: Iterable[str]) -> Path:
    """Write `findings_coco.json` from the `samples.csv` and `findings.parquet` of an audit, in bounded memory.

    Only findings with a place in the picture are in it; what was read stays out. Extra keys (`score`, `source`,
    `subject`) are kept by readers as attributes.
    """
    target = folder / NAME
    numbers = {kind: number for number, kind in enumerate(sorted(kinds), 1)}
    categories = [{"id": number, "name": kind, "supercategory": "veilset"} for kind, number in numbers.items()]
    images: dict[str, int] = {}
    with writing(target), target.open("w", encoding="utf-8") as out:
        out.write('{"info": {"description": "Veilset findings, private"}, "licenses": [], "categories": ')
        json.dump(categories, out)
        _list(out, "images", _images(folder, images))
        _list(out, "annotations", _annotations(folder, images, numbers))
        out.write("}\n")
    return target


def _list(out: Any, key: str, items: Iterator[dict[str, Any]]) -> None:
    out.write(f', "{key}": [')
    for number, item in enumerate(items):
        out.write(",\n" if number else "\n")
        json.dump(item, out)
    out.write("]")


def _images(folder: Path, images: dict[str, int]) -> Iterator[dict[str, Any]]:
    with (folder / "samples.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
        for number, row in enumerate(csv.DictReader(lines), 1):
            if not row["error"]:
                images[row["id"]] = number
                name = row["name"].encode("utf-8", "backslashreplace").decode()
                yield {"id": number, "file_name": name, "width": int(row["width"]), "height": int(row["height"])}


def _annotations(folder: Path, images: dict[str, int], numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    number = 0
    with pq.ParquetFile(folder / "findings.parquet") as file:
        for batch in file.iter_batches(batch_size=5_000):
            for row in batch.to_pylist():
                if row["x"] is None or row["id"] not in images:
                    continue
                number += 1
                where = json.loads(row["where"])
                outline = [[value for point in where["polygon"] for value in point]] if "polygon" in where else []
                yield {
                    "id": number,
                    "image_id": images[row["id"]],
                    "category_id": numbers[row["kind"]],
                    "bbox": [round(row[key], 3) for key in ("x", "y", "width", "height")],
                    "area": round(row["width"] * row["height"], 3),
                    "iscrowd": 0,
                    "segmentation": outline,
                    "score": round(row["score"], 6),
                    "source": row["source"],
                    "subject": row["subject"],
                }
