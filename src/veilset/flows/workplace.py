"""The output folder of a release while it is made: lock, journal, staging. Survives a kill at any moment.

```
OUT/private/lock           held while a run writes; the kernel lets go of it when the run dies
OUT/private/state.json     what this output was started with: policy, source, key of the names
OUT/private/trail.jsonl    one line per finished sample, appended and flushed: the journal
OUT/private/staging/       samples until the release is decided; renamed to OUT/public as the last step
OUT/public/                the release; exists only when everything held
```
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from veilset.core.errors import Occupied, Unwritable, UsageError
from veilset.records.releases import FILE as RELEASES


@dataclass(frozen=True)
class Workplace:
    """Paths inside one output folder."""

    root: Path

    @property
    def private(self) -> Path:
        """What must never be shared."""
        return self.root / "private"

    @property
    def public(self) -> Path:
        """The release."""
        return self.root / "public"

    @property
    def staging(self) -> Path:
        """Samples before the release is decided."""
        return self.private / "staging"

    @property
    def samples(self) -> Path:
        """Samples of the release in the making."""
        return self.staging / "samples"

    @property
    def trail(self) -> Path:
        """The journal."""
        return self.private / "trail.jsonl"

    def check_place(self, source: Path) -> None:
        """Refuse an output inside the input, an input inside the output, and a folder that is not ours.

        Raises:
            UsageError: The place cannot be used.
            Occupied: Something of another kind lies there.
        """
        here, there = self.root.resolve(), source.resolve()
        if here == there or here.is_relative_to(there):
            raise UsageError(f"{self.root}: the output lies inside the input {source}; choose a folder outside of it")
        if there.is_relative_to(here):
            raise UsageError(f"{source}: the input lies inside the output {self.root}; choose another output")
        if self.root.exists() and not self.root.is_dir():
            raise UsageError(f"{self.root}: the output exists and is not a folder; choose another name")
        if self.public.exists():
            raise UsageError(
                f"{self.root}: the output already holds a finished release; choose a new folder "
                f"(`veilset verify {self.root}` checks the one that is there)"
            )
        ours = any((self.private / name).exists() for name in ("state.json", "refusal.json", "lock"))
        if self.root.exists() and any(path.name != "private" or not ours for path in self.root.iterdir()):
            raise Occupied(f"{self.root}: the output is not empty and not ours; choose a new folder")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the output for this run alone.

        Raises:
            Occupied: Another run holds it.
            Unwritable: The folder cannot be made or written.
        """
        with writing(self.private):
            self.private.mkdir(parents=True, exist_ok=True)
            self.private.chmod(0o700)
            handle = (self.private / "lock").open("a")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Occupied(
                    f"{self.root}: another run is writing into this output; wait for it or stop it"
                ) from error
            yield

    def start(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Begin, or go on with what a killed run began; the state with the key that names the outputs.

        Raises:
            UsageError: The output was begun with other facts (another policy or source).
        """
        path = self.private / "state.json"
        if path.exists():
            state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            changed = sorted(key for key in facts if state.get(key) != facts[key])
            if changed:
                raise UsageError(
                    f"{self.root}: this output was begun with another {' and '.join(changed)}; go on with the same, "
                    "or choose a new folder"
                )
        else:
            state = {**facts, "key": secrets.token_hex(32), "release": secrets.token_hex(8)}
            write_atomically(path, json.dumps(state, indent=2).encode())
        with writing(self.staging):
            self.staging.mkdir(exist_ok=True)
            for leftover in self.staging.rglob(".veilset-*"):
                leftover.unlink()
        return state

    def journal(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Entries of the journal with their offsets; a line cut off by a kill ends it and is trimmed away."""
        if not self.trail.exists():
            return
        good = 0
        with self.trail.open("rb") as lines:
            for line in lines:
                try:
                    if not line.endswith(b"\n"):
                        break
                    entry = json.loads(line)
                except ValueError:
                    break
                yield good, entry
                good += len(line)
        if good < self.trail.stat().st_size:
            os.truncate(self.trail, good)

    def discard(self) -> None:
        """Forget a refused run's samples, so that nothing half treated is left."""
        shutil.rmtree(self.staging, ignore_errors=True)
        for name in ("trail.jsonl", "state.json", RELEASES):
            (self.private / name).unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn failures of the operating system into a sentence that names the path and what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unwritable(
            f"{path}: cannot be written: {reason}. Originals are untouched and finished samples are kept; make room or "
            "set permissions, then run the same command again."
        ) from error


def write_atomically(path: Path, content: bytes, *, private: bool = False) -> None:
    """All of a file or nothing of it: temporary name, flushed to disk, renamed; `private`: for its owner's eyes alone."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".veilset-{secrets.token_hex(4)}-{path.name[-40:]}")
        try:
            how = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(temporary, how, 0o600 if private else 0o666), "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def append_line(out: IO[bytes], entry: dict[str, Any]) -> None:
    """One journal line, handed to the operating system at once."""
    out.write(json.dumps(entry, ensure_ascii=True, default=str).encode() + b"\n")
    out.flush()
