"""Face embeddings of a set, kept for later look-ups: encrypted, in one file that says nothing without its key.

The file is a line that names the format, 16 bytes of salt, 12 bytes of nonce, and AES-256-GCM over the content, which
authenticates the bytes before it too. Each writing has a key of its own, derived from the key file and the salt.

The key lies in a file of its own, outside of the release. Destroying the key makes every copy of the store unreadable, also
those in backups, in the journal of a file system or in worn cells of a disk, as long as no copy of the *key* exists.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from veilset.core.errors import Malformed, Tampered, Unreadable, UsageError
from veilset.core.where import Box

MAGIC = b"VEILSET-IDENTITIES-1\n"
NAME = "identities.veilset"
DELETED = "identities.deleted.json"
_KEY = "veilset-identity-key:"
_SALT, _NONCE, _TAG = 16, 12, 16
_PADDED = 4096


@dataclass(frozen=True, slots=True)
class KeptFace:
    """One face: where, how sure, its embedding in half precision, and its person's pseudonym in the run that kept it."""

    box: Box
    score: float
    vector: bytes = field(repr=False)
    person: str


@dataclass(frozen=True, slots=True)
class KeptSample:
    """The faces of one sample, with the size and time of the file that they were seen in."""

    size: int
    modified_ns: int
    faces: tuple[KeptFace, ...] = ()


@dataclass(frozen=True)
class Identities:
    """What a store holds.

    Attributes:
        settings: Settings of the detector that saw the faces.
        weights: Network to its SHA-256: embeddings of another network cannot be compared with these.
        samples: Path in the set to what was seen.
    """

    settings: Mapping[str, Any]
    weights: Mapping[str, str]
    samples: Mapping[str, KeptSample] = field(repr=False)

    def people(self) -> dict[str, int]:
        """Pseudonym to the number of samples that show the person."""
        counts: dict[str, int] = {}
        for kept in self.samples.values():
            for person in sorted({face.person for face in kept.faces}):
                counts[person] = counts.get(person, 0) + 1
        return dict(sorted(counts.items()))

    def without_person(self, person: str) -> Identities:
        """The same without one person's faces; samples stay, so that they need not be looked at again."""
        samples = {
            name: replace(kept, faces=tuple(face for face in kept.faces if face.person != person))
            for name, kept in self.samples.items()
        }
        return replace(self, samples=samples)

    def without_samples(self, names: Iterable[str]) -> Identities:
        """The same without all faces of some samples, and without the names of these."""
        gone = frozenset(names)
        return replace(self, samples={name: kept for name, kept in self.samples.items() if name not in gone})


class IdentityStore:
    """A file of identities and the file of its key.

    **Guarantee**

    - Neither names, nor embeddings, nor how many there are to a few kilobytes stand readable in the file.
    - A changed, cut or exchanged file is an error; so is a wrong key.
    - Whatever interrupts a rewrite, the old or the new content is there whole, and the key file opens it.

    Args:
        path: The store.
        key: Its key file. A file that holds any other key is refused, so that none is destroyed by mistake.
    """

    def __init__(self, path: Path, key: Path) -> None:
        self.path, self.key = path, key

    def write(self, identities: Identities) -> None:
        """Replace the content; a key is made when there is none.

        Raises:
            UsageError: Others may read the key file.
            Unreadable: The key file holds something else.
        """
        if not self.key.exists():
            _write(self.key, _coded([secrets.token_bytes(32)]))
        _write(self.path, _sealed(identities, self._keys()[-1]))
        with suppress(FileNotFoundError):
            (self.path.parent / DELETED).unlink()

    def read(self) -> Identities:
        """What is kept.

        Raises:
            Unreadable: There is no store or no key, or the store was deleted.
            Malformed: The file is no store.
            Tampered: The key is not the store's, or the file was changed.
        """
        if not self.path.exists():
            with suppress(OSError, ValueError, KeyError):
                when = json.loads((self.path.parent / DELETED).read_text("ascii"))["deleted"]
                raise Unreadable(
                    f"{self.path}: the kept identities were deleted on {when}; faces can be compared afresh"
                )
            raise Unreadable(f"{self.path}: there are no kept identities; an audit with --keep-identities makes them")
        return _from_plain(json.loads(self._open()[1]))

    def rewrite(self, identities: Identities) -> None:
        """Replace the content under a new key and destroy the old one: what was left out is gone from old copies too.

        The key file holds both keys while the store is exchanged, so that a crash at any moment loses nothing.
        """
        old, new = self._open()[0], secrets.token_bytes(32)
        _write(self.key, _coded([old, new]))
        _overwritten_by(self.path, _sealed(identities, new))
        _overwritten_by(self.key, _coded([new]))

    def delete(self, when: dt.date) -> None:
        """Destroy the key, then the store; a note of the day stays, so that a later look-up can say so.

        Both files are overwritten before they are removed. On a disk that never writes in place (flash, copy-on-write,
        snapshots, network folders) the old blocks may live on: then it is the destroyed key that makes the store
        unreadable, unless an old block still holds the key itself. Keep the key on a medium that overwrites, or encrypt it.

        Raises:
            Unreadable: There is neither store nor key, or the key file holds something else; nothing was deleted.
        """
        if not self.path.exists() and not self.key.exists():
            raise Unreadable(f"{self.path}: there are no kept identities and no key; nothing was deleted")
        if self.key.exists():
            self._keys()
        if self.path.exists() and not self.path.read_bytes().startswith(MAGIC):
            raise Malformed(f"{self.path} is not a store of identities; nothing was deleted")
        for path in (self.key, self.path):
            _destroy(path)
        _write(self.path.parent / DELETED, json.dumps({"deleted": when.isoformat()}).encode())

    def _open(self) -> tuple[bytes, bytes]:
        """The key that opens the store, and what is in it."""
        keys, content = self._keys(), self.path.read_bytes()
        if not content.startswith(MAGIC) or len(content) < len(MAGIC) + _SALT + _NONCE + _TAG:
            raise Malformed(f"{self.path} is not a store of identities, or was cut short; restore a backup")
        for key in reversed(keys):
            with suppress(InvalidTag):
                return key, _opened(content, key)
        raise Tampered(
            f"{self.path}: {self.key} is not its key, or the file was changed; name its key, or restore a backup"
        )

    def _keys(self) -> list[bytes]:
        """The keys in the key file: one, or two when a rewrite was interrupted."""
        try:
            mode = self.key.stat().st_mode
            lines = self.key.read_text("ascii").split()
        except OSError as error:
            raise Unreadable(f"{self.key}: the key of the identities cannot be read ({error.strerror})") from error
        except UnicodeDecodeError:
            lines = []
        if mode & 0o077:
            raise UsageError(f"{self.key} can be read by others; run `chmod 600` on it, and ask who has seen it")
        try:
            keys = [bytes.fromhex(line.removeprefix(_KEY)) for line in lines if line.startswith(_KEY)]
        except ValueError:
            keys = []
        if len(keys) != len(lines) or len(keys) not in (1, 2) or any(len(key) != 32 for key in keys):
            raise Unreadable(f"{self.key} holds no key of identities; name a new file, and one is made")
        return keys


def _sealed(identities: Identities, key: bytes) -> bytes:
    plain = json.dumps(_to_plain(identities), sort_keys=True).encode()
    # Trailing blanks hide the exact number of faces.
    plain += b" " * (-len(plain) % _PADDED)
    head = MAGIC + secrets.token_bytes(_SALT) + secrets.token_bytes(_NONCE)
    return head + AESGCM(_derived(key, head)).encrypt(head[-_NONCE:], plain, head)


def _opened(content: bytes, key: bytes) -> bytes:
    head, sealed = content[: len(MAGIC) + _SALT + _NONCE], content[len(MAGIC) + _SALT + _NONCE :]
    return AESGCM(_derived(key, head)).decrypt(head[-_NONCE:], sealed, head)


def _derived(key: bytes, head: bytes) -> bytes:
    """A key for this one writing, so that no pair of key and nonce is ever used twice."""
    salt = head[len(MAGIC) : len(MAGIC) + _SALT]
    return HKDF(SHA256(), 32, salt, b"veilset identities v1").derive(key)


def _coded(keys: Iterable[bytes]) -> bytes:
    return "".join(f"{_KEY}{key.hex()}\n" for key in keys).encode()


def _to_plain(identities: Identities) -> dict[str, Any]:
    return {
        "settings": dict(identities.settings),
        "weights": dict(identities.weights),
        "samples": {
            name: [
                kept.size,
                kept.modified_ns,
                [
                    [*_sides(face.box), face.score, base64.b64encode(face.vector).decode(), face.person]
                    for face in kept.faces
                ],
            ]
            for name, kept in identities.samples.items()
        },
    }


def _sides(box: Box) -> tuple[float, ...]:
    return box.x, box.y, box.width, box.height


def _from_plain(plain: Mapping[str, Any]) -> Identities:
    samples = {
        name: KeptSample(
            size,
            modified_ns,
            tuple(
                KeptFace(Box(*sides), score, base64.b64decode(vector), person)
                for *sides, score, vector, person in faces
            ),
        )
        for name, (size, modified_ns, faces) in plain["samples"].items()
    }
    return Identities(plain["settings"], plain["weights"], samples)


def _write(path: Path, content: bytes) -> None:
    """All of a file or nothing of it, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".veilset-{secrets.token_hex(4)}-{path.name[-40:]}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _overwritten_by(path: Path, content: bytes) -> None:
    """`_write`, and the bytes that stood there before are overwritten as well as a file system allows."""
    with path.open("r+b") as old:
        _write(path, content)
        _scribble(old.fileno())


def _destroy(path: Path) -> None:
    with suppress(FileNotFoundError):
        with path.open("r+b") as old:
            _scribble(old.fileno())
        path.unlink()
        _sync(path.parent)


def _scribble(descriptor: int) -> None:
    size, at = os.fstat(descriptor).st_size, 0
    while at < size:
        at += os.pwrite(descriptor, secrets.token_bytes(min(1 << 20, size - at)), at)
    os.fsync(descriptor)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
