"""Read JUMBF boxes (C2PA manifests) down to their labels and contents."""

from __future__ import annotations

from collections.abc import Sequence

from veilset.containers.risks import risk_of
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

_MOST_DEPTH = 8


def join_parts(parts: Sequence[tuple[int, int, bytes]]) -> list[bytes]:
    """Boxes put together from APP11 parts (instance, number, body); parts after the first repeat the box header."""
    boxes = []
    for instance in dict.fromkeys(part[0] for part in parts):
        whole = b""
        for _, number, body in sorted(part for part in parts if part[0] == instance):
            # Every part repeats the length and type of the box (16 bytes when the length is a long one).
            header = 16 if body[:4] == b"\0\0\0\x01" else 8
            whole += body if not whole or number == 1 else body[header:]
        boxes.append(whole)
    return boxes


def read_jumbf(box: bytes) -> tuple[TagValue, ...]:
    """Every content box as `c2pa/<labels>/<type>`."""
    tags: list[TagValue] = []
    _walk(box, "", tags, 0)
    if not tags:
        tags.append(TagValue("c2pa/unreadable", box, Risk.HISTORY, len(box)))
    return tuple(tags)


def _walk(block: bytes, label: str, tags: list[TagValue], depth: int) -> None:
    at = 0
    while at + 8 <= len(block) and depth <= _MOST_DEPTH:
        size, kind, header = int.from_bytes(block[at : at + 4], "big"), block[at + 4 : at + 8], 8
        if size == 1:
            size, header = int.from_bytes(block[at + 8 : at + 16], "big"), 16
        if size == 0:
            size = len(block) - at
        if size < header:
            break
        body = block[at + header : at + size]
        at += size
        if kind == b"jumb":
            _walk(body, label, tags, depth + 1)
        elif kind == b"jumd":
            label = f"{label}/{_label(body)}" if label else _label(body)
        else:
            path = f"c2pa/{label}/{kind.decode('ascii', 'replace')}"
            risk = Risk.HIDDEN if "thumbnail" in label else max_risk(label)
            tags.append(TagValue(path, body, risk, len(body)))
    rest = block[at:]
    if rest.strip(b"\0"):
        tags.append(TagValue(f"c2pa/{label}/rest", rest, Risk.CONTENT, len(rest)))


def max_risk(label: str) -> Risk:
    """Rights for training and mining assertions, history for the rest of a manifest."""
    return Risk.RIGHTS if risk_of(label) is Risk.RIGHTS else Risk.HISTORY


def _label(body: bytes) -> str:
    if len(body) < 17 or not body[16] & 2:
        return "unnamed"
    return body[17:].split(b"\0")[0].decode("utf-8", "replace")
