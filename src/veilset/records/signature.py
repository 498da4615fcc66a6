"""Signatures over releases: Ed25519, over the manifest's bytes; the manifest holds the hash of every other file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from veilset.core.errors import Malformed, Occupied, Tampered, Unreadable
from veilset.core.manifest import Manifest

ALGORITHM = "Ed25519"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
# What is signed begins with this, so that a signature over a manifest can never pass for one over something else.
CONTEXT = b"veilset release manifest v1\0"


def make_keys(folder: Path, passphrase: str = "") -> tuple[Path, Path]:
    """A new pair of keys: `signing.pem` (private, for its owner's eyes alone) and `signing.pub.pem` (to be published).

    Raises:
        Occupied: There is one already; overwriting it would orphan every signature made with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    private, public = folder / "signing.pem", folder / "signing.pub.pem"
    key = Ed25519PrivateKey.generate()
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Occupied(f"{private} is there already; keys are never overwritten, name another folder") from error
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def load_private(path: Path, passphrase: str = "") -> Ed25519PrivateKey:
    """The key of `signing.pem`.

    Raises:
        Unreadable: It cannot be opened, or the passphrase is missing or wrong.
        Malformed: It is no Ed25519 key.
    """
    try:
        key = serialization.load_pem_private_key(_read(path), passphrase.encode() if passphrase else None)
    except TypeError as error:
        raise Unreadable(f"{path}: the key asks for a passphrase, or has none; give what fits") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unreadable(f"{path} is not a key, or the passphrase is wrong") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed(f"{path} is not an {ALGORITHM} key; make one with `veilset keys`")
    return key


def load_public(path: Path) -> Ed25519PublicKey:
    """The key of `signing.pub.pem`.

    Raises:
        Unreadable: It cannot be opened.
        Malformed: It is no Ed25519 key.
    """
    try:
        key = serialization.load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed(f"{path} is not a public key in PEM form") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Malformed(f"{path} is not an {ALGORITHM} key")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror})") from error


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key in hex: what to compare over the telephone."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def sign(manifest: bytes, key: Ed25519PrivateKey) -> str:
    """The text of `manifest.sig` for the bytes of `manifest.json`."""
    plain = {
        "algorithm": ALGORITHM,
        "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "signature": base64.b64encode(key.sign(CONTEXT + manifest)).decode(),
    }
    return json.dumps(plain, indent=2, sort_keys=True) + "\n"


def check_signature(manifest: bytes, signature: str, trusted: Ed25519PublicKey | None = None) -> str:
    """Raise unless the signature is over these bytes; the id of the key that made it.

    Args:
        manifest: The bytes of `manifest.json`.
        signature: The text of `manifest.sig`.
        trusted: The key that must have signed. Without it the signature shows only that nothing changed since somebody
            signed it, not who that was.

    Raises:
        Tampered: The signature does not fit, or another key made it.
    """
    try:
        plain = json.loads(signature)
        if plain["algorithm"] != ALGORITHM:
            raise Tampered(f"{SIGNATURE} names the algorithm {plain['algorithm']!r}; only {ALGORITHM} is accepted")
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(plain["public_key"], validate=True))
        signed = base64.b64decode(plain["signature"], validate=True)
    except (ValueError, TypeError, KeyError) as error:
        raise Tampered(f"{SIGNATURE} is damaged: {type(error).__name__}") from error
    if trusted is not None and trusted.public_bytes_raw() != key.public_bytes_raw():
        raise Tampered(
            f"{SIGNATURE} was made with another key ({key_id(key)}) than the trusted one ({key_id(trusted)})"
        )
    try:
        key.verify(signed, CONTEXT + manifest)
    except InvalidSignature as error:
        raise Tampered(f"{MANIFEST} was changed after it was signed, or {SIGNATURE} belongs to another one") from error
    return key_id(key)


def problems(public: Path, trusted: Ed25519PublicKey | None = None, *, signed: bool = True) -> tuple[str, ...]:
    """Everything about a release that does not fit its manifest and signature, each with the name of the file.

    Args:
        public: The folder of the release.
        trusted: As for `check_signature`.
        signed: A missing signature is a problem.

    Raises:
        Unreadable: There is no manifest.
        Malformed: The manifest cannot be read.
    """
    text = _read(public / MANIFEST)
    found = []
    if signed or (public / SIGNATURE).exists() or trusted:
        if not (public / SIGNATURE).is_file():
            found.append(f"{SIGNATURE} is missing: nobody vouches for this release")
        else:
            try:
                check_signature(text, (public / SIGNATURE).read_text(encoding="utf-8", errors="replace"), trusted)
            except Tampered as error:
                found.append(error.message)
    try:
        manifest = Manifest.from_json(text.decode())
    except (Malformed, UnicodeDecodeError) as error:
        return (*found, f"{MANIFEST} cannot be read: {error}")
    return (*found, *_file_problems(public, manifest))


def _file_problems(public: Path, manifest: Manifest) -> list[str]:
    found = []
    for entry in manifest.files:
        path = public / entry.name
        if not path.resolve().is_relative_to(public.resolve()) or path.is_symlink():
            found.append(f"{entry.name} points outside the release")
        elif not path.is_file():
            found.append(f"{entry.name} is missing")
        elif path.stat().st_size != entry.size:
            found.append(f"{entry.name} has {path.stat().st_size} bytes instead of {entry.size}")
        elif _sha256(path) != entry.sha256:
            found.append(f"{entry.name} was changed: its SHA-256 is not that of the manifest")
    listed = {entry.name for entry in manifest.files} | {MANIFEST, SIGNATURE}
    there = {
        path.relative_to(public).as_posix() for path in public.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    return [*found, *(f"{name} is not in the manifest" for name in sorted(there - listed))]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
