"""Content Credentials of a release: one sidecar for each released picture, made with the user's certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from veilset.core.errors import Tampered, UsageError
from veilset.core.manifest import Manifest
from veilset.flows.progress import Progress
from veilset.flows.workplace import Workplace, write_atomically
from veilset.records.content_credentials import FOLDER, MEDIA, SUFFIX, Signer, library, read


def signer_of(certificates: str | Path | None, key: str | Path | None, passphrase: str) -> Signer | None:
    """The signer that was asked for; None when nobody asked.

    Raises:
        UsageError: Only one of the two files was given.
        DataError: A file cannot be used.
        MissingExtra: The library of C2PA is not installed.
    """
    if not certificates and not key:
        return None
    if not certificates or not key:
        raise UsageError(
            "Content Credentials need both: a chain of certificates (--c2pa-cert) and its key (--c2pa-key)"
        )
    library()
    signer = Signer.load(Path(certificates), Path(key), passphrase)
    # A certificate that C2PA does not take is better known now than after the work.
    _, blank = cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))
    signer.sign(blank.tobytes(), "image/png", {"veilset": ""})
    return signer


def facts_of(manifest: Manifest) -> dict[str, Any]:
    """What each sidecar says: the same for every picture of the release, so that none says what was in it."""
    return {
        "release": manifest.release,
        "policy_sha256": manifest.policy_sha256,
        "veilset": manifest.software["veilset"],
        "treatments": sorted({f"{row['finding']}: {row['operator']}" for row in manifest.guarantees}),
    }


def write_credentials(place: Workplace, signer: Signer, manifest: Manifest, progress: Progress) -> int:
    """Write `credentials/NAME.c2pa` for every picture in staging whose format C2PA knows; how many these are."""
    facts, written = facts_of(manifest), 0
    pictures = sorted(path for path in place.samples.rglob("*") if path.suffix.lower() in MEDIA)
    for path in pictures:
        name = path.relative_to(place.samples).as_posix()
        signed = signer.sign(path.read_bytes(), MEDIA[path.suffix.lower()], facts)
        write_atomically(place.staging / FOLDER / f"{name}{SUFFIX}", signed)
        written += 1
        progress("signing Content Credentials", written, len(pictures))
    return written


def check_credentials(root: Path, manifest: Manifest, progress: Progress) -> list[str]:
    """Every sidecar belongs to a picture, binds its bytes and says what the manifest says; what was checked, in words.

    Raises:
        Tampered: One does not; names it.
        MissingExtra: There are some, and the library that reads them is not installed.
    """
    names = [entry.name for entry in manifest.files]
    sidecars = [name for name in names if name.startswith(f"{FOLDER}/")]
    if not sidecars:
        return []
    pairs = list(_pairs(sidecars, names))
    wanted: Mapping[str, Any] = facts_of(manifest)
    for number, (sidecar, picture) in enumerate(pairs, 1):
        media = MEDIA[PurePosixPath(picture).suffix.lower()]
        try:
            said = read((root / picture).read_bytes(), media, (root / sidecar).read_bytes())
        except Tampered as error:
            raise Tampered(f"{sidecar}: {error.message}") from error
        if said != wanted:
            raise Tampered(f"{sidecar} says something else of the treatment than the manifest")
        progress("reading Content Credentials", number, len(pairs))
    return [f"{len(pairs)} Content Credentials bind their pictures and say what the manifest says"]


def _pairs(sidecars: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each sidecar with its picture; all pictures of a format that C2PA knows have one, or none has."""
    wanted = {
        f"{FOLDER}/{name.removeprefix('samples/')}{SUFFIX}": name
        for name in names
        if name.startswith("samples/") and PurePosixPath(name).suffix.lower() in MEDIA
    }
    odd = sorted(wanted.keys() ^ set(sidecars))
    if odd:
        raise Tampered(f"{odd[0]}: a picture without its sidecar, or a sidecar without its picture")
    for sidecar in sorted(wanted):
        yield sidecar, wanted[sidecar]
