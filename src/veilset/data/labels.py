"""Sidecar labels that point at the pictures of a set: carried over to a release, rebuilt from an allowlist."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from veilset.core.errors import Unwritable
from veilset.core.roles import Written
from veilset.data import coco, voc, yolo
from veilset.data.folder import Folder
from veilset.data.folder_sink import write_whole
from veilset.data.label_index import LabelIndex


@dataclass(frozen=True)
class Carried:
    """What became of the labels.

    Attributes:
        written: The label files of the release.
        counts: What was carried over and what was left out, in public words.
        used: Label files of the source that were understood, relative names. Private.
    """

    written: tuple[Written, ...]
    counts: Mapping[str, int]
    used: tuple[str, ...]


def carry_labels(root: str, names: Mapping[str, str], out: str) -> Carried:
    """Carry COCO, YOLO and Pascal VOC labels below `root` over to the release in `out`, under `labels/`.

    Nothing is copied: each file is parsed, and written anew from the fields that its format's allowlist names, with new
    names and ids, for released pictures only. Labels stay in the frame they were made in. A written file keeps its
    stored orientation, as the original had it; where the policy turned it upright, or let its orientation go, labels are
    carried over only if the size that they state tells which way up they were made.

    Args:
        root: Folder of the originals.
        names: Original relative name to released relative name, released samples only.
        out: Folder of the release; the released pictures are already there.

    Raises:
        Malformed: A label file cannot be used; the message names it.
        UsageError: The release cannot be written.
    """
    source = Folder(root)
    pictures = tuple(ref.name for ref in source.refs())
    others = tuple(name for name in source.others() if _may_hold_labels(root, name))
    index = LabelIndex(root, out, names, pictures, others)
    written = []
    for carry in (coco.carry, yolo.carry, voc.carry):
        for name, content in carry(index):
            _place(Path(out) / name, content)
            written.append(Written(name, hashlib.sha256(content).hexdigest(), len(content)))
    counts = {words: count for words, count in sorted(index.counts.items()) if count}
    return Carried(tuple(written), counts, tuple(sorted(index.used)))


def _may_hold_labels(root: str, name: str) -> bool:
    """Whether it is an ordinary, visible file; links are never followed."""
    full = os.path.join(root, name)  # noqa: PTH118 - keeps odd names
    return not any(part.startswith(".") for part in name.split("/")) and stat.S_ISREG(os.lstat(full).st_mode)


def _place(final: Path, content: bytes) -> None:
    part = final.with_name(f".{final.name}.part")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        write_whole(part, content)
        part.replace(final)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Unwritable(
            f"{final} cannot be written: {error.strerror}; make room or correct its permissions, and run again"
        ) from error
