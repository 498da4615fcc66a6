"""Putting a release together: private papers, public README and manifest, and the rename that makes it a release."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import veilset
from veilset.core.errors import CountsDoNotAdd, Tampered
from veilset.core.guarantee import Row
from veilset.core.manifest import Counts, FileEntry, Manifest
from veilset.core.measurement import Measurement, titled
from veilset.flows.tally import Tally
from veilset.flows.workplace import Workplace, write_atomically, writing
from veilset.policy.gate import GateResult
from veilset.policy.schema import Policy
from veilset.records.signature import SIGNATURE

_FLUSHES, _BATCH = 16, 1024
PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "Pillow", "jpeglib", "simplejpeg")


def software() -> dict[str, str]:
    """Versions of what touched the pixels."""
    versions = {"veilset": veilset.__version__}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "unknown"
    return versions


def write_private(place: Workplace, tally: Tally, others: Sequence[str]) -> None:
    """`mapping.csv` (original to released name), `quarantine.csv` (set aside, and why), `others.csv` (no pictures)."""
    mapping, aside, besides = io.StringIO(), io.StringIO(), io.StringIO()
    rows, left = csv.writer(mapping), csv.writer(aside)
    csv.writer(besides).writerows([["name"], *([name] for name in others)])
    rows.writerow(["id", "original", "released", "sha256"])
    left.writerow(["id", "original", "result", "reason"])
    for done in sorted(tally.done.values(), key=lambda one: one.ref.name):
        if done.written:
            rows.writerow([done.ref.id, done.ref.name, f"samples/{done.written.name}", done.written.sha256])
        else:
            left.writerow([done.ref.id, done.ref.name, done.result, done.reason])
    write_atomically(place.private / "mapping.csv", mapping.getvalue().encode("utf-8", "surrogateescape"))
    write_atomically(place.private / "others.csv", besides.getvalue().encode("utf-8", "surrogateescape"))
    write_atomically(place.private / "quarantine.csv", aside.getvalue().encode("utf-8", "surrogateescape"))


def keep_only(place: Workplace, written: Collection[str]) -> None:
    """Take everything out of staging but the samples in `written`, empty folders too.

    A run that was killed may have left pictures whose originals were changed or taken away since, and half of a file.
    """
    for folder, _, names in os.walk(place.staging, topdown=False):
        here = Path(folder)
        with writing(here):
            for name in names:
                if os.path.relpath(here / name, place.samples) not in written:
                    (here / name).unlink()
            if here != place.staging and not any(here.iterdir()):
                here.rmdir()


def write_refusal(place: Workplace, reason: str, gates: Sequence[GateResult], measured: Sequence[Measurement]) -> None:
    """Why there is no release, with the numbers."""
    plain = {
        "refused": reason,
        "gates": [{"probe": gate.probe, "held": gate.held, "words": gate.words} for gate in gates],
        "measurements": [one.to_plain() for one in measured],
    }
    write_atomically(place.private / "refusal.json", json.dumps(plain, indent=2).encode())


def entries_of(folder: Path) -> tuple[FileEntry, ...]:
    """Every file below a folder, by name, with hash and size.

    Raises:
        Tampered: Something that is not a plain file lies there.
    """
    entries = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Tampered(f"{path}: not a plain file; nothing but files belongs into a release")
        if path.is_file():
            entries.append(FileEntry(path.relative_to(folder).as_posix(), sha256_of(path), path.stat().st_size))
    return tuple(entries)


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def make_manifest(
    state: Mapping[str, Any],
    policy: Policy,
    counts: Counts,
    table: Sequence[Row],
    measured: Sequence[Measurement],
    weights: Mapping[str, str],
    notes: Sequence[str],
) -> Manifest:
    """The manifest without its files."""
    return Manifest(
        release=state["release"],
        created=datetime.now(UTC).replace(microsecond=0).isoformat(),
        policy=policy.to_plain(),
        policy_sha256=policy.sha256(),
        software=software(),
        weights=dict(weights),
        counts=counts,
        guarantees=tuple(row.to_plain() for row in table),
        measurements=tuple(one.to_plain() for one in measured),
        files=(),
        notes=tuple(notes),
    )


def readme(manifest: Manifest, gates: Sequence[GateResult]) -> str:
    """What a recipient reads first; every number comes from the manifest."""
    counts = manifest.counts
    lines = [
        "# A Veilset release",
        "",
        f"{counts.released} samples, made {manifest.created} with Veilset {manifest.software['veilset']}.",
        f"{counts.read} went in, {counts.dropped} were dropped and {counts.quarantined} set aside.",
        "",
        "## What is promised",
        "",
        "| finding | treatment | findings treated | promise |",
        "|---|---|---|---|",
    ]
    lines += [f"| {r['finding']} | {r['operator']} | {r['count']} | {r['in_words']} |" for r in manifest.guarantees]
    lines += ["", "These promises lean on:", ""]
    given = dict.fromkeys(given for row in manifest.guarantees for given in row["given"])
    lines += [f"- {assumption}" for assumption in given] or ["- nothing further"]
    lines += [
        "",
        "## What was measured",
        "",
        "| probe | measure | value | interval | n | chance |",
        "|---|---|---|---|---|---|",
    ]
    for one in manifest.measurements:
        chance = "" if one["chance"] is None else f"{float(one['chance']):.3g}"
        interval = f"{float(one['low']):.4g} to {float(one['high']):.4g}"
        name = one["name"] + (f" ({one['group']})" if one["group"] else "")
        probe = titled(one["probe"], one["settings"])
        lines.append(f"| {probe} | {name} | {float(one['value']):.4g} | {interval} | {one['n']} | {chance} |")
    lines += ["", *(f"- {gate.words}" for gate in gates)]
    lines += ["", *(f"- {note}" for note in manifest.notes)] if manifest.notes else []
    lines += [
        "",
        "## Check it",
        "",
        "`pip install veilset && veilset verify .` in this folder checks every file against `manifest.json`.",
        f"Policy hash: `{manifest.policy_sha256}`.",
    ]
    return "\n".join(lines) + "\n"


def publish(place: Workplace, manifest: Manifest, signature: Callable[[bytes], str] | None = None) -> Manifest:
    """List the files, write manifest and signature last, and rename staging to public: from now on it is a release."""
    unseal(place)
    _settle(place.staging)
    complete = Manifest(**{**_shallow(manifest), "files": entries_of(place.staging)})
    listed = sum(entry.name.startswith("samples/") for entry in complete.files)
    if listed != complete.counts.released:
        raise CountsDoNotAdd(
            f"{complete.counts.released} samples were released, but {listed} files lie in {place.samples}; nothing is "
            "released. Please report this as a bug."
        )
    text = complete.to_json()
    write_atomically(place.staging / "manifest.json", text.encode())
    if signature:
        write_atomically(place.staging / SIGNATURE, signature(text.encode()).encode())
    _sync(place.staging)
    place.staging.rename(place.public)
    _sync(place.root)
    return Manifest.from_json(text)


def unseal(place: Workplace) -> None:
    """Take away the manifest and signature that a run left in staging when it was killed just before the end."""
    for name in ("manifest.json", SIGNATURE):
        (place.staging / name).unlink(missing_ok=True)


def _shallow(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}


def _settle(folder: Path) -> None:
    """Everything in a folder down to the disk, many files at once: a flush waits for the disk, not for the processor."""
    with ThreadPoolExecutor(_FLUSHES) as pool:
        for place, _, names in os.walk(folder):
            with writing(Path(place)):
                for start in range(0, len(names), _BATCH):
                    list(pool.map(_sync, [Path(place, name) for name in names[start : start + _BATCH]]))
                _sync(Path(place))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
