"""One release run: every sample through the policy, journalled, resumable."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from veilset.containers.contract import Keep
from veilset.core.finding import Finding
from veilset.core.noise import Noise
from veilset.core.roles import Engine, Ref, Source
from veilset.data.folder_sink import FolderSink
from veilset.flows.assemble import sha256_of
from veilset.flows.catalog import Catalog
from veilset.flows.charge import Purse
from veilset.flows.identities import Keeper
from veilset.flows.look import Look, guarded
from veilset.flows.progress import Progress
from veilset.flows.step import Treat
from veilset.flows.tally import Tally, to_entry
from veilset.flows.workplace import Workplace, append_line, writing
from veilset.policy.schema import Policy


@dataclass
class Run:
    """Everything that one run needs, and the treatment of all its samples."""

    place: Workplace
    photos: Path
    policy: Policy
    source: Source
    refs: Sequence[Ref]
    engine: Engine
    names: Catalog
    noise: Noise
    progress: Progress
    state: dict[str, Any]
    purse: Purse | None = None
    weights: dict[str, str] = field(default_factory=dict)
    keeper: Keeper | None = None

    def treat(self) -> Tally:
        """Every sample through the policy; what the journal already holds, and is still true, is not done again."""
        (self.place.private / "refusal.json").unlink(missing_ok=True)
        tally, wanted = Tally(), {ref.id for ref in self.refs}
        for offset, entry in self.place.journal():
            if entry["id"] in wanted and self._still_true(entry):
                tally.add(entry, offset)
        todo = [ref for ref in self.refs if ref.id not in tally.done]
        known, extra, surplus = self._first_pass()
        step = Treat(
            self.source,
            self.policy,
            FolderSink(str(self.place.samples), keep_of(self.policy), rotate_of(self.policy)),
            bytes.fromhex(self.state["key"]),
            self.noise,
            known,
            extra,
            self._clashing(),
            surplus,
        )
        with writing(self.place.trail), self.place.trail.open("ab") as trail:
            for treated in self.engine.map(step, todo):
                entry = to_entry(treated)
                tally.add(entry, trail.tell())
                append_line(trail, entry)
                self.progress("treating", len(tally.done), len(self.refs))
        return tally

    def _still_true(self, entry: dict[str, Any]) -> bool:
        """Whether a journal line holds: the original has not changed since, and the written file is there, whole."""
        if entry["result"] == "refused":
            return False
        written = entry["written"]
        if written:
            path = self.place.samples / written["name"]
            # By its content: after a loss of power a file may have its size and not its bytes.
            if not path.is_file() or sha256_of(path) != written["sha256"]:
                return False
        try:
            now = (self.photos / entry["name"]).stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (entry["size"], entry["modified_ns"])

    def _first_pass(
        self,
    ) -> tuple[dict[str, tuple[Finding, ...]] | None, dict[str, tuple[Finding, ...]], frozenset[str]]:
        """Findings that need the whole set first, when the policy has such detectors or must charge people."""
        set_detectors = self.policy.set_detectors()
        if not set_detectors and self.purse is None:
            return None, {}, frozenset()
        people: dict[str, frozenset[str]] = {}
        known: dict[str, tuple[Finding, ...]] = {}
        observed: dict[str, dict[str, Any]] = {name: {} for name, _ in set_detectors}
        look = Look(self.source, self.policy.detectors(), set_detectors)
        for number, seen in enumerate(self.engine.map(look, self.refs), 1):
            if self.keeper is not None:
                self.keeper.add(seen)
            if not seen.error:
                known[seen.ref.id] = seen.findings
                people[seen.ref.id] = frozenset(seen.subjects)
                for name, value in seen.observed.items():
                    observed[name][seen.ref.id] = value
            self.progress("looking", number, len(self.refs))
        extra: dict[str, tuple[Finding, ...]] = {}
        for name, detector in set_detectors:
            concluded = guarded(f"detector {name}", self.refs[0], detector.conclude, observed[name])
            if self.keeper is not None and name == "identity":
                self.keeper.keep(observed[name], concluded)
            for sample, findings in concluded.items():
                extra[sample] = (*extra.get(sample, ()), *findings)
        return known, extra, self._charge(known, extra, people)

    def _charge(
        self,
        known: dict[str, tuple[Finding, ...]],
        extra: dict[str, tuple[Finding, ...]],
        people: dict[str, frozenset[str]],
    ) -> frozenset[str]:
        """Everybody is charged before the first picture is treated; ids of the pictures that the budget leaves out."""
        if self.purse is None:
            return frozenset()
        names = {ref.id: ref.name for ref in self.refs}
        found = {sample: (names[sample], (*own, *extra.get(sample, ()))) for sample, own in known.items()}
        # A picture that could not be looked at was not charged, so it must not be treated if it can be read later.
        unseen = frozenset(ref.id for ref in self.refs if ref.id not in known)
        return self.purse.charge(self.policy, found, people) | unseen

    def _clashing(self) -> frozenset[str]:
        """Ids of samples that share folder and stem with another, also where a recipient's disk knows no case."""
        stems = {ref.id: _folded(str(PurePosixPath(ref.name).with_suffix(""))) for ref in self.refs}
        shared = {stem for stem, count in Counter(stems.values()).items() if count > 1}
        return frozenset(sample for sample, stem in stems.items() if stem in shared)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def rotate_of(policy: Policy) -> bool:
    """Whether the policy's `strip` turns pictures upright."""
    return any(kind == "metadata" and getattr(operator, "rotate", False) for kind, _, operator in policy.operators())


def keep_of(policy: Policy) -> Keep:
    """The allowlist of the files that are written: what the policy's `strip` keeps, or the default."""
    for kind, _, operator in policy.operators():
        if kind == "metadata" and hasattr(operator, "keep_of"):
            kept: Keep = operator.keep_of()
            return kept
    return Keep()
