import hashlib
import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from veilset.core.errors import Malformed, Occupied, Tampered, Unreadable
from veilset.core.manifest import Counts, FileEntry, Manifest
from veilset.records.signature import (
    CONTEXT,
    check_signature,
    key_id,
    load_private,
    load_public,
    make_keys,
    problems,
    sign,
)

FILES = {"images/0.png": b"zero", "images/1.png": b"one", "README.md": b"card"}


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return make_keys(tmp_path / "keys")


@pytest.fixture
def public(tmp_path: Path, keys: tuple[Path, Path]) -> Path:
    folder = tmp_path / "public"
    (folder / "images").mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    entries = tuple(FileEntry(n, hashlib.sha256(c).hexdigest(), len(c)) for n, c in FILES.items())
    manifest = Manifest("r", "2025-01-01T00:00:00Z", {}, "", {}, {}, Counts(2, 2, 0, 0), (), (), entries)
    (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    (folder / "manifest.sig").write_text(sign((folder / "manifest.json").read_bytes(), load_private(keys[0])))
    return folder


def test_an_untouched_release_has_no_problems(public: Path, keys: tuple[Path, Path]) -> None:
    assert problems(public) == ()
    assert problems(public, load_public(keys[1])) == ()


@pytest.mark.parametrize("name", [*FILES, "manifest.json", "manifest.sig"])
def test_a_changed_byte_anywhere_is_found_and_named(public: Path, keys: tuple[Path, Path], name: str) -> None:
    trusted = load_public(keys[1])
    original = (public / name).read_bytes()
    for position in range(0, len(original), max(1, len(original) // 40)):
        for flip in (1, 0x20, 0x80):
            changed = bytearray(original)
            changed[position] ^= flip
            (public / name).write_bytes(changed)
            found = problems(public, trusted)
            if not found:
                # Only white space in the signature's own envelope may differ without meaning anything else.
                assert name == "manifest.sig"
                assert json.loads(changed) == json.loads(original)
            else:
                assert any(name in line for line in found)


def test_missing_added_shortened_and_linked_files_are_named(public: Path) -> None:
    (public / "images" / "0.png").unlink()
    (public / "extra.txt").write_text("x")
    (public / "README.md").write_bytes(b"car")
    (public / "images" / "1.png").unlink()
    (public / "images" / "1.png").symlink_to(public / "README.md")
    found = problems(public)
    for name in ("images/0.png is missing", "extra.txt is not", "README.md has 3 bytes", "images/1.png points outside"):
        assert any(name in line for line in found)


def test_somebody_elses_signature_is_not_the_trusted_one(public: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    other, _ = make_keys(tmp_path / "other")
    (public / "manifest.sig").write_text(sign((public / "manifest.json").read_bytes(), load_private(other)))
    assert problems(public) == ()
    assert (
        "another" in problems(public, load_public(keys[1]))[0] or "trusted" in problems(public, load_public(keys[1]))[0]
    )
    (public / "manifest.sig").unlink()
    assert "missing" in problems(public)[0]
    assert problems(public, signed=False) == ()


def test_a_signature_over_other_bytes_or_without_the_context_is_none(keys: tuple[Path, Path]) -> None:
    import base64

    private, trusted = load_private(keys[0]), load_public(keys[1])
    assert check_signature(b"m", sign(b"m", private), trusted) == key_id(trusted)
    with pytest.raises(Tampered):
        check_signature(b"n", sign(b"m", private), trusted)
    bare = json.loads(sign(b"m", private))
    bare["signature"] = base64.b64encode(private.sign(b"m")).decode()
    with pytest.raises(Tampered):
        check_signature(b"m", json.dumps(bare), trusted)
    for wrong in ("", "[]", "{}", '{"algorithm": "none", "public_key": "", "signature": ""}'):
        with pytest.raises(Tampered):
            check_signature(b"m", wrong, trusted)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_accepts_the_signature(keys: tuple[Path, Path], tmp_path: Path) -> None:
    import base64

    (tmp_path / "m").write_bytes(CONTEXT + b"manifest")
    signed = base64.b64decode(json.loads(sign(b"manifest", load_private(keys[0])))["signature"])
    (tmp_path / "s").write_bytes(signed)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", keys[1], "-rawin", "-in", tmp_path / "m", "-sigfile",
         tmp_path / "s"], check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_keys_are_private_and_never_overwritten(keys: tuple[Path, Path], tmp_path: Path) -> None:
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    before = keys[0].read_bytes()
    with pytest.raises(Occupied):
        make_keys(keys[0].parent)
    assert keys[0].read_bytes() == before
    assert load_public(keys[1]).public_bytes_raw() == load_private(keys[0]).public_key().public_bytes_raw()
    locked, _ = make_keys(tmp_path / "locked", "open sesame")
    assert load_private(locked, "open sesame")
    for passphrase in ("", "wrong"):
        with pytest.raises(Unreadable):
            load_private(locked, passphrase)
    with pytest.raises(Unreadable):
        load_private(keys[0], "needless")
    with pytest.raises(Malformed):
        load_public(keys[0])
