"""Kept identities: nothing readable at rest, tampering noticed, crashes survived, deletion final."""

from __future__ import annotations

import datetime as dt
import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import Malformed, Tampered, Unreadable, UsageError
from veilset.core.where import Box
from veilset.records import identity_store
from veilset.records.identity_store import DELETED, Identities, IdentityStore, KeptFace, KeptSample

VECTORS = [np.random.default_rng(n).normal(size=256).astype(np.float16) for n in range(3)]
NAMES = ("holiday/Erika Mustermann.jpg", "b.jpg")


def identities() -> Identities:
    faces = [KeptFace(Box(1.5, 2, 30, 40), 0.9, one.tobytes(), f"person-0000{n % 2}") for n, one in enumerate(VECTORS)]
    return Identities(
        {"min_alike": 0.35},
        {"mobileface_v2": "ab" * 32},
        {NAMES[0]: KeptSample(10, 20, tuple(faces[:2])), NAMES[1]: KeptSample(11, 21, (faces[2],))},
    )


@pytest.fixture
def store(tmp_path: Path) -> IdentityStore:
    made = IdentityStore(tmp_path / "private" / "identities.veilset", tmp_path / "key")
    made.write(identities())
    return made


def test_round_trip(store: IdentityStore) -> None:
    assert store.read() == identities()
    assert identities().people() == {"person-00000": 2, "person-00001": 1}
    assert identities().without_person("person-00000").people() == {"person-00001": 1}
    assert identities().without_samples([NAMES[0]]).samples.keys() == {NAMES[1]}


def test_nothing_is_readable_at_rest(store: IdentityStore) -> None:
    content = store.path.read_bytes()
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert store.key.stat().st_mode & 0o777 == 0o600
    needles = [b"Mustermann", b"holiday", b"b.jpg", b"person-", b"mobileface", b"min_alike", b"samples"]
    for vector in VECTORS:
        for kind in (np.float16, np.float32, np.float64):
            whole = vector.astype(kind).tobytes()
            needles += [whole[at : at + 8] for at in range(0, 64, 8)]
        needles.append(__import__("base64").b64encode(vector.tobytes())[:12])
    assert not any(needle in content for needle in needles)
    sealed = content[len(identity_store.MAGIC) :]
    assert len(zlib.compress(sealed)) >= len(sealed), "the content has structure"
    assert bytes.fromhex(store.key.read_text().split(":")[1]) not in content
    assert not [path for path in store.path.parent.iterdir() if path != store.path]


def test_the_size_tells_the_number_of_faces_only_coarsely(store: IdentityStore) -> None:
    before = store.path.stat().st_size
    store.write(identities().without_person("person-00001"))
    assert store.path.stat().st_size == before


def test_two_writings_share_nothing(store: IdentityStore) -> None:
    before = store.path.read_bytes()
    store.write(identities())
    after = store.path.read_bytes()
    head = len(identity_store.MAGIC)
    assert sum(a == b for a, b in zip(before[head:], after[head:], strict=True)) < len(after) / 64


@pytest.mark.parametrize("place", [0, 5, 25, 45, 60, -20, -1])
def test_tampering_is_noticed(store: IdentityStore, place: int) -> None:
    content = bytearray(store.path.read_bytes())
    content[place] ^= 1
    store.path.write_bytes(content)
    with pytest.raises((Tampered, Malformed)):
        store.read()


def test_cut_exchanged_and_foreign_files_are_noticed(store: IdentityStore, tmp_path: Path) -> None:
    whole = store.path.read_bytes()
    for short in (whole[:-1], whole[:40], b""):
        store.path.write_bytes(short)
        with pytest.raises((Tampered, Malformed)):
            store.read()
    store.path.write_bytes(whole)
    other = IdentityStore(store.path, tmp_path / "other")
    with pytest.raises(Unreadable, match="other"):
        other.read()
    IdentityStore(tmp_path / "elsewhere", tmp_path / "other").write(identities())
    with pytest.raises(Tampered, match="is not its key"):
        other.read()


def test_keys_that_are_none_or_lie_open_are_refused_and_never_destroyed(store: IdentityStore, tmp_path: Path) -> None:
    foreign = tmp_path / "pseudonyms.key"
    foreign.write_text("ab" * 32 + "\n")
    foreign.chmod(0o600)
    wrong = IdentityStore(store.path, foreign)
    for act in (wrong.read, lambda: wrong.write(identities()), lambda: wrong.delete(dt.date(2025, 1, 1))):
        with pytest.raises(Unreadable, match="holds no key of identities"):
            act()
    assert foreign.read_text() == "ab" * 32 + "\n"
    assert store.read() == identities()
    store.key.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        store.read()


def test_forgetting_changes_the_key_so_that_old_copies_stay_shut(store: IdentityStore, tmp_path: Path) -> None:
    copy = tmp_path / "backup"
    copy.write_bytes(store.path.read_bytes())
    old_key = store.key.read_bytes()
    store.rewrite(identities().without_person("person-00000"))
    assert store.read().people() == {"person-00001": 1}
    assert store.key.read_bytes() != old_key
    with pytest.raises(Tampered):
        IdentityStore(copy, store.key).read()


class Crash(BaseException):
    """Not an error that anybody catches."""


@pytest.mark.parametrize("calls", range(1, 30))
def test_a_crash_in_a_rewrite_leaves_old_or_new_whole(
    store: IdentityStore, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Every call to the operating system that writes may be the last one."""
    left = [calls]

    def counted(real):
        def call(*args, **named):
            left[0] -= 1
            if left[0] <= 0:
                raise Crash
            return real(*args, **named)

        return call

    new = identities().without_person("person-00000")
    with monkeypatch.context() as patched:
        for name in ("open", "fsync", "pwrite"):
            patched.setattr(identity_store.os, name, counted(getattr(os, name)))
        patched.setattr(Path, "replace", counted(Path.replace))
        try:
            store.rewrite(new)
            crashed = False
        except Crash:
            crashed = True
    assert store.read() in ((identities(), new) if crashed else (new,))
    # A second attempt ends well, from whatever state the first one left.
    store.rewrite(new)
    assert store.read() == new
    assert len(store.key.read_text().split()) == 1


def test_deleting_is_final_and_said(store: IdentityStore) -> None:
    copy = store.path.read_bytes()
    descriptor = os.open(store.key, os.O_RDONLY)
    key = store.key.read_bytes()
    store.delete(dt.date(2025, 3, 1))
    assert os.pread(descriptor, 200, 0) != key
    os.close(descriptor)
    assert not store.key.exists()
    assert not store.path.exists()
    with pytest.raises(Unreadable, match="deleted on 2025-03-01"):
        store.read()
    store.path.write_bytes(copy)
    with pytest.raises(Unreadable, match="key"):
        store.read()
    store.delete(dt.date(2025, 3, 2))
    with pytest.raises(Unreadable, match="nothing was deleted"):
        store.delete(dt.date(2025, 3, 3))
    store.write(identities())
    assert not (store.path.parent / DELETED).exists()
    assert store.read() == identities()


def test_what_is_no_store_is_not_deleted(store: IdentityStore, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a photograph")
    with pytest.raises(Malformed, match="nothing was deleted"):
        IdentityStore(photo, store.key).delete(dt.date(2025, 1, 1))
    assert photo.read_bytes() == b"a photograph"
    assert store.read() == identities()
