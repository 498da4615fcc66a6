"""The key of pseudonyms and its table, in private files: the same patient gets the same name in the next run too."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from veilset.core.errors import Unreadable, UsageError
from veilset.flows.workplace import writing

TABLE = ".table.json"


def read_or_make_key(path: Path) -> bytes:
    """The 32 bytes of a key file, in hexadecimal; made from the system's entropy when there is none yet.

    Raises:
        Unreadable: It holds no key.
        UsageError: Others may read it, or it cannot be made there.
    """
    if not path.exists():
        # Linked when it is whole: a run beside this one sees all of a key or none, and both take the first.
        with writing(path), _private(path, secrets.token_hex(32) + "\n") as made, suppress(FileExistsError):
            os.link(made, path)
    if path.stat().st_mode & 0o077:
        raise UsageError(f"{path} can be read by others; run `chmod 600` on it, and ask who has seen it.")
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Unreadable(f"{path} holds no key (64 hexadecimal digits); name a new file, and one is made.")
    return key


def save_table(path: Path, new: Mapping[str, str]) -> Path:
    """Add to the table that lies beside a key file; runs side by side wait for one another."""
    table = path.with_name(path.name + TABLE)
    with path.open("rb") as key:
        fcntl.flock(key, fcntl.LOCK_EX)
        known = json.loads(table.read_text("utf-8")) if table.exists() else {}
        merged = json.dumps({**known, **new}, indent=1, sort_keys=True)
        with writing(table), _private(table, merged) as made:
            made.replace(table)
    return table


@contextmanager
def _private(path: Path, words: str) -> Iterator[Path]:
    """A file beside `path` that nobody else may read, gone afterwards unless it was renamed."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(words)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
