"""The manifest of a release: what was done, promised and measured, as one serialisable value. Public."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from veilset.core.errors import CountsDoNotAdd, Malformed

SCHEMA = "veilset-manifest/1"


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the samples went. `read` = `released` + `dropped` + `quarantined`, or there is no release."""

    read: int
    released: int
    dropped: int
    quarantined: int

    def check(self) -> None:
        """Raise `CountsDoNotAdd` unless every sample that went in is accounted for."""
        if self.read != self.released + self.dropped + self.quarantined:
            raise CountsDoNotAdd(
                f"{self.read} samples went in, but {self.released} released + {self.dropped} dropped + "
                f"{self.quarantined} quarantined is another number; nothing is released. Please report this as a bug."
            )


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of `public/`: POSIX path relative to it, SHA-256 and size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a recipient may know about a release, and nothing about the originals.

    Attributes:
        release: Random id of this release.
        created: UTC time, ISO 8601, to the second.
        policy: The normalised policy.
        policy_sha256: Hash of its canonical JSON: names the treatment.
        software: Package versions.
        weights: Network file to its SHA-256.
        counts: Where the samples went.
        guarantees: The guarantee table, rows as plain values.
        measurements: What the probes found, as plain values.
        files: Every file of `public/` but the manifest.
        notes: What a recipient has to know.
        papers: Further documents' facts, by document.
    """

    release: str
    created: str
    policy: Mapping[str, Any]
    policy_sha256: str
    software: Mapping[str, str]
    weights: Mapping[str, str]
    counts: Counts
    guarantees: tuple[Mapping[str, Any], ...]
    measurements: tuple[Mapping[str, Any], ...]
    files: tuple[FileEntry, ...]
    notes: tuple[str, ...] = ()
    papers: Mapping[str, Any] = field(default_factory=dict)
    schema: str = SCHEMA

    def to_json(self) -> str:
        """Readable JSON, the same text for the same manifest."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str = "manifest.json") -> Manifest:
        """The manifest that `to_json` wrote.

        Raises:
            Malformed: It is not one; the message says what is wrong.
        """
        try:
            plain = json.loads(text)
            if plain.get("schema") != SCHEMA:
                raise Malformed(f"{name}: schema is {plain.get('schema')!r}, this Veilset reads {SCHEMA!r}")
            plain["counts"] = Counts(**plain["counts"])
            plain["files"] = tuple(FileEntry(**entry) for entry in plain["files"])
            for key in ("guarantees", "measurements", "notes"):
                plain[key] = tuple(plain[key])
            return cls(**plain)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Malformed(f"{name} is not a manifest of a Veilset release: {error}") from error


def canonical(plain: object) -> bytes:
    """One byte string for one JSON value: sorted keys, no spaces, UTF-8.

    >>> canonical({"b": 1, "a": [2]})
    b'{"a":[2],"b":1}'
    """
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def fingerprint(plain: object) -> str:
    """SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(plain)).hexdigest()
