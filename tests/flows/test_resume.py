"""A killed run goes on where it was, and ends with the same bytes; a full disk loses nothing."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from veilset.core.errors import CountsDoNotAdd, Unwritable
from veilset.flows import assemble
from veilset.flows.audit import audit
from veilset.flows.release import release
from veilset.flows.verify import verify
from veilset.flows.workplace import Workplace
from veilset.records.releases import registered

SCRIPT = """
import sys, time
from dataclasses import dataclass
from typing import ClassVar
from veilset.core.finding import Finding
from veilset.core.sample import Image
from veilset.core.where import Box
from veilset.flows.release import release
from veilset.operators.mask import Mask
from veilset.policy.schema import Named, Policy, Rule

@dataclass(frozen=True)
class Slow:
    takes: ClassVar = (Image,)
    finds: ClassVar = ("face",)
    def find(self, sample):
        time.sleep(float(sys.argv[3]))
        return (Finding("face", Box(20, 20, 40, 40), 1.0, "slow"),)

policy = Policy((Named("slow", Slow()),), {"face": Rule((Named("mask", Mask()),))}, Rule(verdict="refuse"))
release(sys.argv[1], sys.argv[2], policy, workers=1)
"""


def run(script: Path, photos: Path, out: Path, pause: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(script), str(photos), str(out), str(pause)])


def samples(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "public/samples").rglob("*") if path.is_file()}


def test_a_run_killed_again_and_again_ends_with_the_same_bytes(photos, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run(script, photos.path, whole, 0).wait(120) == 0
    (broken / "private").mkdir(parents=True)
    shutil.copy(whole / "private/state.json", broken / "private/state.json")
    trail, kills = broken / "private/trail.jsonl", 0
    for lines in (1, 3, 5):
        process = run(script, photos.path, broken, 0.3)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if trail.exists() and trail.read_bytes().count(b"\n") >= lines:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.02)
        process.wait(60)
        assert not (broken / "public").exists()
        with trail.open("ab") as torn:
            torn.write(b'{"id": "cut off by the kill')
    done = trail.read_bytes().count(b'"result"')
    assert kills == 3
    assert done >= 5
    began = time.monotonic()
    assert run(script, photos.path, broken, 0).wait(120) == 0
    assert time.monotonic() - began < 60
    assert samples(broken) == samples(whole)


def test_a_sample_that_lost_its_bytes_with_the_power_is_done_again(photos, policy, tmp_path: Path, monkeypatch) -> None:
    """Files are flushed together at the end, so a journal may outlive what it speaks of."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    release(photos.path, whole, policy(), workers=1)
    (out / "private").mkdir(parents=True)
    shutil.copy(whole / "private/state.json", out / "private/state.json")
    with monkeypatch.context() as patch:
        patch.setattr(assemble, "write_private", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            release(photos.path, out, policy(), workers=1)
    written = sorted(path for path in (out / "private/staging/samples").rglob("*") if path.is_file())
    size = written[0].stat().st_size
    written[0].write_bytes(bytes(size))
    release(photos.path, out, policy(), workers=1)
    assert samples(out) == samples(whole)


def test_everything_is_on_the_disk_before_the_manifest_says_so(photos, policy, tmp_path: Path, monkeypatch) -> None:
    out, flushed = tmp_path / "out", set()
    real = os.fsync

    def noted(descriptor: int) -> None:
        flushed.add(os.fstat(descriptor).st_ino)
        real(descriptor)

    def written(place, *_: object):
        paths = list(place.staging.rglob("*"))
        assert any(path.is_file() for path in paths)
        assert all(path.stat().st_ino in flushed for path in (place.staging, *paths))
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(assemble, "entries_of", lambda folder: written(Workplace(out)))
    with pytest.raises(KeyboardInterrupt):
        release(photos.path, out, policy(), workers=1)


def test_a_disk_that_fails_when_flushed_ends_without_a_release(photos, policy, tmp_path: Path, monkeypatch) -> None:
    out, real = tmp_path / "out", os.fsync

    def full(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith((".png", ".jpg")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unwritable, match="No space left"):
            release(photos.path, out, policy(), workers=1)
    assert not (out / "public").exists()
    release(photos.path, out, policy(), workers=1)
    assert (out / "public/manifest.json").is_file()


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_original_that_changed_is_done_again(photos, policy, tmp_path: Path) -> None:
    from veilset.flows.workplace import Workplace

    out = tmp_path / "out"
    done = release(photos.path, out, policy(), workers=1)
    assert done.manifest.counts.released == 8
    (out / "public").rename(out / "private/staging")
    (out / "private/staging/manifest.json").unlink()
    (out / "private/staging/README.md").unlink()
    changed = photos.path / photos.drawn[0].name
    os.utime(changed, ns=(1, 1))
    before = len(list(Workplace(out).journal()))
    release(photos.path, out, policy(), workers=1)
    assert len(list(Workplace(out).journal())) == before + 1


@pytest.fixture
def tiny_disk(tmp_path: Path):
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], check=False).returncode:
        pytest.skip("mounting a small tmpfs needs privileges that this account lacks")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_said_and_nothing_half_written_is_left(photos, policy, tiny_disk: Path) -> None:
    with pytest.raises(Unwritable, match="No space left"):
        release(photos.path, tiny_disk / "out", policy(), workers=1)
    assert not (tiny_disk / "out/public").exists()
    assert not list(tiny_disk.rglob(".veilset-*"))
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    done = release(photos.path, tiny_disk / "out", policy(), workers=1)
    assert done.manifest.counts.released == 8


def test_an_audit_says_that_the_disk_is_full_whichever_file_it_was_writing(photos, tiny_disk: Path) -> None:
    for pages in range(8, 40, 8):
        for old in tiny_disk.iterdir():
            old.unlink()
        with (tiny_disk / "filler").open("wb") as filler:
            filler.write(bytes((1 << 18) - pages * 1024))
        with pytest.raises(Unwritable, match="No space left"):
            audit(photos.path, tiny_disk / "report", find=["metadata"], workers=1)
        shutil.rmtree(tiny_disk / "report", ignore_errors=True)


def test_a_read_only_output_is_said(photos, policy, tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(Unwritable, match="Read-only file system"):
        release(photos.path, tiny_disk / "out", policy(), workers=1)


def test_no_release_comes_out_that_the_register_does_not_know(photos, policy, tmp_path: Path, monkeypatch) -> None:
    """Killed at the last step, or after it: whoever withdraws later has to find the release."""
    out, real = tmp_path / "out", assemble.publish
    with monkeypatch.context() as patch:
        patch.setattr(assemble, "publish", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            release(photos.path, out, policy(), workers=1)
    assert not (out / "public").exists()

    def killed(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(assemble, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        release(photos.path, out, policy(), workers=1)
    assert (out / "public/manifest.json").exists()
    known = registered(out / "private")
    assert [one.release for one in known] == [verify(out).manifest.release]
    assert len(known[0].samples) == len(samples(out))


def test_names_that_are_no_utf8_are_released(photos, policy, tmp_path: Path) -> None:
    source = tmp_path / "odd"
    source.mkdir()
    original = next(path for path in sorted(photos.path.rglob("*.jpg")))
    shutil.copy(original, os.fsencode(source) + b"/caf\xe9.jpg")
    done = release(source, tmp_path / "out", policy(), workers=1)
    assert done.manifest.counts.released == 1
    assert list(registered(tmp_path / "out/private")[0].samples) == ["caf\udce9.jpg"]


def test_what_changed_or_went_since_a_run_was_killed_is_not_released(
    photos, policy, tmp_path: Path, monkeypatch
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    shutil.copytree(photos.path, source)
    (source / "gone").mkdir()
    gone, broken = source / "gone" / "gone.png", source / "later_broken.png"
    drawn = next(path for path in sorted(photos.path.rglob("*.png")))
    shutil.copy(drawn, gone)
    shutil.copy(drawn, broken)
    kept = replace(policy().release, folders="keep", omit_at_most=1.0)
    with monkeypatch.context() as patch:
        patch.setattr(assemble, "make_manifest", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            release(source, out, replace(policy(), release=kept), workers=1)
    staging = Workplace(out).staging
    (staging / "labels").mkdir()
    (staging / "labels/old.json").write_text("{}")
    (staging / "samples/.veilset-0123").write_bytes(b"half a file")
    gone.unlink()
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    done = release(source, out, replace(policy(), release=kept), workers=1)
    assert (done.manifest.counts.released, done.manifest.counts.quarantined) == (8, 1)
    assert not list((out / "public").rglob("old.json"))
    assert not (out / "public/samples/gone").exists()
    assert verify(out).manifest == done.manifest


def test_a_file_that_no_sample_accounts_for_refuses_the_release(photos, policy, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(assemble, "keep_only", lambda place, _: (place.samples / "stray.png").write_bytes(b"stray"))
    with pytest.raises(CountsDoNotAdd, match="8 samples were released, but 9"):
        release(photos.path, tmp_path / "out", policy(), workers=1)
    assert not (tmp_path / "out/public").exists()
