"""withdraw: find a person in a set, keep them out of every later release, and say who has to be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from veilset.core.errors import DataError, UnknownName, UsageError
from veilset.core.roles import Ref, Source
from veilset.core.sample import Sample
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.identities import Kept, forget_samples
from veilset.flows.progress import Progress, silent
from veilset.flows.report.who_page import write_who
from veilset.flows.same_person import Recognised, recognise
from veilset.flows.workplace import write_atomically
from veilset.records.groups import Groups, of_sample, read_groups
from veilset.records.identity_store import IdentityStore
from veilset.records.perceptual import distances, perceptual_hash, perceptual_hashes
from veilset.records.releases import Released, registered
from veilset.records.statement import digests
from veilset.records.tombstones import Tombstones


@dataclass(frozen=True)
class Plan:
    """What a withdrawal would do. Nothing is done yet: a person looks at it first.

    Attributes:
        samples: Path of each sample concerned to why it is.
        releases: Releases that already hold some of them, with original and released names.
        remaining: Samples of the set that are not concerned.
        subject: The person's pseudonym, when known.
        note: What a person who confirms has to know of how it was looked for; empty when nothing.
    """

    samples: Mapping[str, str]
    releases: tuple[tuple[Released, Mapping[str, str]], ...]
    remaining: int
    subject: str = ""
    note: str = ""


@dataclass(frozen=True)
class Query:
    """Whom a withdrawal is about, and where to look.

    Attributes:
        photos: The set.
        photo: A photograph of the person; exactly one of `photo` and `subject` is given.
        subject: The person's pseudonym in the consent registry.
        registry: The consent registry; needed for a subject.
        groups: CSV table of identity groups, such as an audit with `identity` writes.
        faces: Without such a table, compare the faces on the photograph with those of the set.
        sheet: Page to write on which the samples found can be looked at; private.
        group: Which of the groups of the photograph is the person, when it shows several people.
        outputs: Output folders of earlier releases.
        distance: Bits in which perceptual hashes may differ.
        identities: Kept identities of the set, in place of looking at every face again.
        identities_key: Their key file.
    """

    photos: Path
    photo: Path | None = None
    subject: str = ""
    registry: str = ""
    groups: Path | None = None
    group: str = ""
    outputs: Sequence[Path] = field(default=())
    distance: int = 8
    faces: bool = False
    sheet: Path | None = None
    identities: Path | None = None
    identities_key: Path | None = None

    def __post_init__(self) -> None:
        if bool(self.photo) == bool(self.subject):
            raise UsageError("say whom it is about: either a photograph (--photo) or a pseudonym (--subject)")
        if self.subject and not self.registry:
            raise UsageError("a pseudonym is looked up in the consent registry; name it with --registry")
        if bool(self.identities) != bool(self.identities_key):
            raise UsageError("kept identities need their key: give both --identities and --identities-key")


def plan_withdrawal(query: Query, *, progress: Progress = silent, names: Catalog | None = None) -> Plan:
    """Find the samples and the releases concerned; nothing is written.

    Raises:
        UsageError: The question is incomplete, or the photograph shows several people and none was chosen.
        UnknownName: The person is nowhere in the set.
        DataError: The photograph, the registry or the groups cannot be read.
    """
    names = names or catalog()
    source: Source = names.build("source", "folder", {"path": str(query.photos)})
    refs = {ref.name: ref for ref in source.refs()}
    groups = read_groups(query.groups) if query.groups else {}
    seen = Recognised()
    if query.photo:
        one = names.build("source", "folder", {"path": str(query.photo.parent)})
        asked = one.load(Ref(query.photo.name, query.photo.name))
        found = dict(_alike(asked, source, list(refs.values()), query.distance, progress))
        if query.faces and not query.groups:
            seen = recognise(asked, source, list(refs.values()), names, progress, _kept(query))
        candidates = {**of_sample(groups, frozenset(found)), **{one: len(own) for one, own in seen.groups.items()}}
        _one_of(candidates, {**groups, **seen.groups}, query, source, seen)
        found |= _same_person(found, {**groups, **seen.groups}, query.group or next(iter(candidates), ""))
    else:
        found = _linked(query, source, list(refs.values()), groups)
    here = {name: why for name, why in sorted(found.items()) if name in refs}
    releases = tuple(
        (release, held)
        for output in query.outputs
        for release in registered(output / "private")
        if (held := release.holding(found.keys()))
    )
    if not here and not releases:
        raise UnknownName("nothing in the set or its releases is linked to this person or looks like this photograph")
    if query.sheet:
        write_who(query.sheet, source, {"What would be withdrawn": here}, seen.faces)
    return Plan(here, releases, len(refs) - len(here), query.subject, seen.note)


def _kept(query: Query) -> Kept | None:
    """What the store says, when one was named."""
    if query.identities is None or query.identities_key is None:
        return None
    return Kept(IdentityStore(query.identities, query.identities_key).read())


def _alike(
    asked: Sample, source: Source, refs: Sequence[Ref], distance: int, progress: Progress
) -> Iterator[tuple[str, str]]:
    """Samples that are the photograph, or look like it."""
    same, turned = set(digests(asked)), perceptual_hashes(asked.image.pixels)
    for number, ref in enumerate(refs, 1):
        try:
            sample = source.load(ref)
            if same & set(digests(sample)):
                yield ref.name, "it is this photograph"
            elif turned and (own := perceptual_hash(sample.image.pixels)) is not None:
                nearest = int(distances(own, np.array(turned, dtype=np.uint64)).min())
                if nearest <= distance:
                    yield ref.name, f"it looks like this photograph ({nearest} of 64 bits differ)"
        except DataError:
            # What cannot be decoded is never released either; it cannot be the photograph for sure.
            pass
        progress("looking for the photograph", number, len(refs))


def _one_of(candidates: Mapping[str, int], groups: Groups, query: Query, source: Source, seen: Recognised) -> None:
    """Make sure that one person is meant; else show who there is."""
    if query.group and query.group not in candidates:
        known = ", ".join(candidates) or "none"
        raise UsageError(f"the photograph is in no group {query.group!r}; its groups are {known}")
    if len(candidates) > 1 and not query.group:
        listed = ", ".join(f"{group} ({count} samples)" for group, count in candidates.items())
        look = ""
        if query.sheet:
            parts = {group: dict.fromkeys(groups[group], f"group {group}") for group in candidates}
            write_who(query.sheet, source, parts, seen.faces)
            look = f". Look at them in {query.sheet}, and delete it afterwards"
        raise UsageError(f"the photograph shows several people; choose one with --group: {listed}{look}")


def _same_person(found: Mapping[str, str], groups: Groups, group: str) -> dict[str, str]:
    """Further samples of an identity group."""
    return {name: f"it shows the same person (group {group})" for name in groups.get(group, ()) if name not in found}


def _linked(query: Query, source: Source, refs: Sequence[Ref], groups: Groups) -> dict[str, str]:
    """Samples that the consent registry or the set itself links to a pseudonym."""
    from veilset.records.consent_store import ConsentStore

    store = ConsentStore(query.registry)
    try:
        keys = store.keys_of(query.subject)
    finally:
        store.close()
    found: dict[str, str] = {}
    labels = set()
    for key in keys:
        kind, _, name = key.partition(":")
        if kind == "sample":
            found[name] = "the consent registry links it"
        elif kind == "group":
            found |= dict.fromkeys(groups.get(name, ()), f"the consent registry links its group {name}")
        else:
            labels.add(name)
    for ref in refs:
        sample = source.load(ref)
        if query.subject in sample.subjects or labels & {f"{key}={value}" for key, value in sample.labels.items()}:
            found[ref.name] = "the set itself links it"
    return found


def withdraw(plan: Plan, query: Query, store: Path, *, when: dt.date, names: Catalog | None = None) -> dict[Path, str]:
    """Do what the plan says: tombstones, withdrawal of consent, and a notice to each recipient of each release.

    Args:
        plan: As `plan_withdrawal` made it and a person confirmed it.
        query: As it was asked.
        store: Folder of the tombstones; made when it is not there.
        when: Day of the withdrawal.
        names: Catalog of wings; the installed one by default.

    Returns:
        The notices, and to whom each is to be sent; empty where the register names nobody.

    Raises:
        DataError: A sample cannot be decoded, so that it could not be recognised later; nothing was written.
    """
    names = names or catalog()
    source: Source = names.build("source", "folder", {"path": str(query.photos)})
    refs = [ref for ref in source.refs() if ref.name in plan.samples]
    stones = Tombstones.create(store)
    made = [stones.of(source.load(ref), when, "withdrawn") for ref in refs]
    stones.add(made)
    if plan.subject:
        from veilset.records.consent_store import ConsentStore

        registry = ConsentStore(query.registry)
        try:
            registry.withdraw(plan.subject, when)
        finally:
            registry.close()
    if query.identities is not None and query.identities_key is not None:
        # What is never released again needs no embedding any more.
        forget_samples(query.identities, query.identities_key, list(plan.samples))
    notices = {}
    for release, held in plan.releases:
        for number, recipient in enumerate(release.recipients or ("",), 1):
            path = store / f"notice-{release.release}{f'-{number}' if recipient else ''}.md"
            write_atomically(path, notice(release, held, when, recipient).encode())
            notices[path] = recipient
    return notices


def notice(release: Released, held: Mapping[str, str], when: dt.date, recipient: str = "") -> str:
    """What a recipient of a release is told: which files to delete, not why, not whose they are, nor who else has it."""
    files = "\n".join(f"- `{name}`" for name in sorted(held.values()))
    return (
        f"# Withdrawal from release {release.release}\n\n"
        + (f"To: {recipient}\n\n" if recipient else "")
        + f"On {when.isoformat()} the right to use {len(held)} files of this release, made {release.created}, was "
        "withdrawn.\n\nPlease delete these files, every copy and everything derived from them that still shows them, "
        f"and confirm that you did:\n\n{files}\n\n"
        "Models trained on them: please say whether they will be retrained. The next release will not hold these "
        "files. Please do not try to find out why they were withdrawn.\n"
    )
