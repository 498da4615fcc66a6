"""The register of releases: which samples went into which, under which names, and who received it. Private."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from veilset.core.errors import Malformed, Unreadable, UsageError

FILE = "releases.jsonl"


@dataclass(frozen=True, slots=True)
class Released:
    """One release.

    Attributes:
        release: Its id, as in the manifest.
        created: As in the manifest.
        samples: Path of each sample in the source to the name of its file in `public/`.
        recipients: Whom it was given to, as the releaser calls them.
    """

    release: str
    created: str
    samples: Mapping[str, str]
    recipients: tuple[str, ...] = ()

    def holding(self, samples: Collection[str]) -> dict[str, str]:
        """Those of the samples that are in this release, with their names in it."""
        return {name: self.samples[name] for name in sorted(samples) if name in self.samples}


def recipients_of(names: Sequence[str]) -> tuple[str, ...]:
    """Names of recipients, each once and without blanks around it.

    >>> recipients_of(["Lab A", " Lab A "])
    ('Lab A',)

    Raises:
        UsageError: A name is empty, or spans lines.
    """
    clean = tuple(dict.fromkeys(name.strip() for name in names))
    if not all(name and name.isprintable() for name in clean):
        raise UsageError("a recipient needs a name on one line")
    return clean


def register(private: Path, release: Released) -> None:
    """Add a release to the register in the folder `private`; on the disk when this returns, all of it or nothing.

    A release that is registered already, by a run that was killed before it was published, is registered anew.

    Raises:
        Malformed: A line of the register is damaged; it stays as it is.
    """
    private.mkdir(parents=True, exist_ok=True)
    known = [one for one in registered(private) if one.release != release.release]
    # Escaped: a name need not be UTF-8, and may hold what ends a line.
    lines = [json.dumps(asdict(one), sort_keys=True, ensure_ascii=True) + "\n" for one in (*known, release)]
    part = private / f".veilset-{secrets.token_hex(4)}-{FILE}"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(private / FILE)
    finally:
        part.unlink(missing_ok=True)


def registered(private: Path) -> tuple[Released, ...]:
    """Every release of the register, oldest first; none when there is no register yet.

    Raises:
        Unreadable: The register is there and cannot be read.
        Malformed: A line of it is damaged.
    """
    path = private / FILE
    if not path.exists():
        return ()
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except OSError as error:
        raise Unreadable(f"{path}: the register of releases cannot be read") from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            plain = json.loads(line)
            found.append(Released(**{**plain, "recipients": tuple(plain["recipients"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise Malformed(f"{path}: line {number} is damaged; restore a backup of the register") from error
    return tuple(found)
