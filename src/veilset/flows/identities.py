"""identities: face embeddings of a set kept for later look-ups, encrypted; one person or all of them deleted on command."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from veilset.core.errors import UnknownName, UsageError
from veilset.core.finding import Finding
from veilset.core.sample import Sample
from veilset.core.where import Box
from veilset.flows.look import Seen
from veilset.flows.weights import weights_of
from veilset.records.identity_store import NAME, Identities, IdentityStore, KeptFace, KeptSample

Observed = tuple[tuple[Box, float, bytes], ...]


@dataclass
class Keeper:
    """Takes the faces that a run sees, and keeps them in `identities.veilset` of its private folder.

    Args:
        folder: The private folder.
        key: File of the key; made when there is none.
        detector: What sees the faces.
    """

    folder: Path
    key: Path
    detector: Any
    _files: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, key: Path | None, folder: Path | None, outside: Path | None, detector: Any) -> Keeper | None:
        """The keeper that was asked for, or None.

        Args:
            key: File of the key, or None when nothing is to be kept.
            folder: Private folder to keep it in.
            outside: Folder in which the key must not lie.
            detector: The detector of identities, or None when none runs.

        Raises:
            UsageError: There is nothing to keep or no place for it, or key and store would lie together.
        """
        if key is None:
            return None
        if detector is None:
            raise UsageError("identities can only be kept when `identity` is among the detectors; add it")
        if folder is None or outside is None:
            raise UsageError("identities are kept in the private report; name a folder for it with --out")
        if key.resolve().is_relative_to(outside.resolve()):
            raise UsageError(f"{key}: the key lies beside what it locks; name a file outside of {outside}")
        return cls(folder, key, detector)

    def add(self, seen: Seen) -> None:
        """Note the file that a sample was seen in."""
        if not seen.error:
            self._files[seen.ref.id] = seen.ref.name, seen.size, seen.modified_ns

    def keep(self, observed: Mapping[str, Observed], concluded: Mapping[str, Sequence[Finding]]) -> Path:
        """Write what was observed, with the pseudonyms that were concluded."""
        samples = {}
        for sample, (name, size, modified_ns) in self._files.items():
            people = {finding.where: finding.subject or "" for finding in concluded.get(sample, ())}
            faces = tuple(
                KeptFace(box, score, vector, people.get(box, "")) for box, score, vector in observed.get(sample, ())
            )
            samples[name] = KeptSample(size, modified_ns, faces)
        store = IdentityStore(self.folder / NAME, self.key)
        store.write(Identities(asdict(self.detector), weights_of([self.detector]), samples))
        return store.path


@dataclass(frozen=True)
class Kept:
    """Kept identities as a look-up uses them: what was observed of a sample, as long as its file is the same."""

    identities: Identities

    def observed(self, sample: Sample) -> Observed | None:
        """What the detector saw in this sample; None when it was not looked at, or has changed since."""
        kept = self.identities.samples.get(sample.origin.name)
        if kept is None or (kept.size, kept.modified_ns) != (sample.origin.size, sample.origin.modified_ns):
            return None
        return tuple((face.box, face.score, face.vector) for face in kept.faces)


def people(store: Path, key: Path) -> dict[str, int]:
    """Pseudonym of every kept person to the number of samples that show them."""
    return IdentityStore(store, key).read().people()


def forget_person(store: Path, key: Path, person: str) -> int:
    """Delete one person's embeddings; how many faces are gone. The store gets a new key.

    Raises:
        UnknownName: Nobody is kept under this pseudonym.
    """
    opened = IdentityStore(store, key)
    before = opened.read()
    if person not in before.people():
        raise UnknownName(f"{store}: nobody is kept as {person!r}; `veilset identities people` lists who is")
    opened.rewrite(before.without_person(person))
    return sum(face.person == person for kept in before.samples.values() for face in kept.faces)


def forget_samples(store: Path, key: Path, names: Sequence[str]) -> None:
    """Delete all that is kept of some samples. The store gets a new key."""
    opened = IdentityStore(store, key)
    opened.rewrite(opened.read().without_samples(names))


def delete(store: Path, key: Path, when: dt.date) -> None:
    """Destroy key and store."""
    IdentityStore(store, key).delete(when)
