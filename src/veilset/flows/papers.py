"""The papers of a release: public facts gathered, documents written from them, signed; and checked again by anybody."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from veilset.core.errors import GateFailed, Tampered, Unreadable
from veilset.core.manifest import Counts, FileEntry, Manifest
from veilset.core.measurement import Measurement
from veilset.detectors.consent import Consent
from veilset.detectors.licence import Licence
from veilset.detectors.retention import Retention
from veilset.documents.answers import read_answers, template
from veilset.documents.paper import Document
from veilset.flows.assemble import entries_of, software, unseal
from veilset.flows.catalog import Catalog
from veilset.flows.credentials import write_credentials
from veilset.flows.run import Run
from veilset.flows.tally import Tally
from veilset.flows.workplace import write_atomically
from veilset.policy.schema import Policy
from veilset.records.content_credentials import FOLDER, Signer
from veilset.records.provenance import census
from veilset.records.releases import Released
from veilset.records.signature import (
    SIGNATURE,
    check_signature,
    key_id,
    load_private,
    load_public,
    sign,
)


@dataclass(frozen=True)
class Papers:
    """Which papers a release carries, and what they need besides its manifest.

    Attributes:
        documents: Kinds of papers, by name.
        answers: Content of `dataset.yaml`.
        complete: Whether an unanswered mandatory question refuses the release.
        signature: Makes the text of `manifest.sig`; None when nobody signs.
        credentials: Signs Content Credentials about the treatment; None when there is no certificate.
        recipients: Whom the release is given to; private, for notices of withdrawal.
    """

    documents: Mapping[str, Document]
    answers: Mapping[str, Any] = field(default_factory=dict)
    complete: bool = False
    signature: Callable[[bytes], str] | None = field(default=None, repr=False)
    credentials: Signer | None = None
    recipients: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, policy: Policy, names: Catalog, answers: str | Path | None, key: str | Path | None, passphrase: str
    ) -> Papers:
        """Everything read and checked before any picture is looked at.

        Raises:
            UsageError: The answers are not usable.
            Unreadable: The answers or the key cannot be read.
        """
        signing = load_private(Path(key), passphrase) if key else None
        return cls(
            {name: names.build("document", name) for name in policy.release.documents},
            read_answers(Path(answers)) if answers else {},
            policy.release.complete,
            (lambda manifest: sign(manifest, signing)) if signing else None,
        )

    def check(self, policy: Policy) -> None:
        """Ask for missing answers before the first picture is looked at; what the release itself will say is taken as said.

        Raises:
            GateFailed: A mandatory question is unanswered that no measurement of the release will answer.
        """
        if self.complete:
            self._refuse_gaps(foreseen(policy, self._facts()))

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"answers": dict(self.answers)} if self.answers else {}
        return facts | (
            {"distribution": {"Content Credentials (C2PA) lie in": f"{FOLDER}/"}} if self.credentials else {}
        )

    def _refuse_gaps(self, manifest: Manifest) -> None:
        missing = {name: document.missing(manifest) for name, document in self.documents.items()}
        if any(missing.values()):
            said = "; ".join(f"{name}: {', '.join(keys)}" for name, keys in missing.items() if keys)
            raise GateFailed(f"the policy asks for complete papers; answer in dataset.yaml what is missing. {said}")

    def write(self, run: Run, tally: Tally, manifest: Manifest) -> Manifest:
        """Write Content Credentials and papers into staging; the manifest with the facts that they were made from.

        Raises:
            GateFailed: A mandatory question is unanswered, and the policy asks for complete papers.
        """
        unseal(run.place)
        shutil.rmtree(run.place.staging / FOLDER, ignore_errors=True)  # of a run that was killed
        if self.credentials:
            write_credentials(run.place, self.credentials, manifest, run.progress)
        if not self.documents:
            return manifest
        manifest = replace(manifest, papers={**self._facts(), **public_facts(run, tally)})
        listed = replace(manifest, files=entries_of(run.place.staging))
        if self.complete:
            self._refuse_gaps(listed)
        for document in self.documents.values():
            for name, text in document.files(listed).items():
                path = run.place.staging / name
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, text.encode())
        return manifest

    def registered(self, tally: Tally, manifest: Manifest) -> Released:
        """The release's entry in the private register."""
        samples = {done.ref.name: f"samples/{done.written.name}" for done in tally.of("released") if done.written}
        return Released(manifest.release, manifest.created, samples, self.recipients)


def foreseen(policy: Policy, facts: Mapping[str, Any]) -> Manifest:
    """A manifest as full as this policy's release can become, so that what is missing from it will be missing then.

    Every fact that the release may state stands in it with a stand-in: a question that only pictures can answer is not
    asked beforehand. Nothing of it is ever written.
    """
    detectors = [named.instance for named in policy.find]
    kinds = {kind for detector in detectors for kind in detector.finds}
    rows = [{"finding": kind, "operator": name, "count": 1, "in_words": name} for kind, name, _ in policy.operators()]
    measured = [Measurement(name, "foreseen", 0.0, 0.0, 0.0, 1, "lower").to_plain() for name, _ in policy.probes()]
    file = FileEntry("samples/foreseen.png", "0" * 64, 1)
    papers: dict[str, Any] = {
        **facts,
        "findings": {kind: {"count": 1, "samples": 1} for kind in sorted(kinds)},
        "formats": {"png": 1},
    }
    for detector in detectors:
        match detector:
            case Licence():
                papers["licences"] = {"foreseen": 1}
            case Consent():
                papers["consent"] = {"uses": ["foreseen"], "refused": 0}
            case Retention():
                papers["retention"] = {"next": "2000-01-01"}
    made = datetime.now(UTC).replace(microsecond=0).isoformat()
    counts = Counts(1, 1, 0, 0)
    return Manifest(
        "foreseen", made, policy.to_plain(), policy.sha256(), software(), {}, counts, tuple(rows), tuple(measured),
        (file,), papers=papers,
    )  # fmt: skip


def public_facts(run: Run, tally: Tally) -> dict[str, Any]:
    """Aggregates that papers may state. Counts over the whole set, nothing about a single sample."""
    found: Counter[str] = Counter()
    samples: Counter[str] = Counter()
    formats: Counter[str] = Counter()
    for _, entry in run.place.journal():
        if entry["id"] not in tally.done:
            continue
        kinds = [finding["kind"] for finding in entry["findings"]]
        found.update(kinds)
        samples.update(set(kinds))
        if entry["result"] == "released":
            formats[entry["format"] or "other"] += 1
    looked_for = {kind for named in run.policy.find for kind in named.instance.finds}
    facts: dict[str, Any] = {
        "findings": {
            kind: {"count": found[kind], "samples": samples[kind]} for kind in sorted(looked_for | set(found))
        },
        "formats": dict(sorted(formats.items())),
    }
    for named in run.policy.find:
        facts |= _rights(named.instance, run, tally, samples)
    return facts


def _rights(detector: object, run: Run, tally: Tally, samples: Mapping[str, int]) -> dict[str, Any]:
    """What the detectors of rights know about the released samples as a whole."""
    refs = [done.ref for done in tally.of("released")]
    match detector:
        case Licence():
            return {"licences": census({ref.name: detector.claims(run.source.load(ref)) for ref in refs})}
        case Consent():
            ends = [day for ref in refs if (day := detector.until(run.source.load(ref)))]
            until = {"until": min(ends).isoformat()} if ends else {}
            return {"consent": {"uses": sorted(detector.uses), "refused": samples.get("no_consent", 0), **until}}
        case Retention():
            day = detector.next_date([ref.name for ref in refs])
            return {"retention": {"next": day.isoformat()}} if day else {}
    return {}


def questions() -> str:
    """An empty `dataset.yaml` with every question."""
    return template()


def check_papers(root: Path, manifest: Manifest, names: Catalog) -> list[str]:
    """Papers made again from the manifest and compared with those that are there; what was checked, in words.

    Raises:
        Tampered: A paper says something else than the manifest.
    """
    chosen = manifest.policy.get("release", {}).get("documents", ())
    for name in chosen:
        for file, text in names.build("document", name).files(manifest).items():
            try:
                same = (root / file).read_bytes() == text.encode()
            except OSError as error:
                raise Tampered(f"{file} is missing, though the policy asks for the paper {name}") from error
            if not same:
                raise Tampered(f"{file} says something else than the manifest")
    return [f"papers say what the manifest says: {', '.join(chosen)}"] if chosen else []


def check_signed(root: Path, key: str | Path | None) -> list[str]:
    """The signature, when there is one or one is asked for; what was checked, in words.

    Raises:
        Tampered: The signature is missing, does not fit, or another key made it.
    """
    trusted = load_public(Path(key)) if key else None
    path = root / SIGNATURE
    if not path.exists():
        if trusted is not None:
            raise Tampered(f"{SIGNATURE} is missing: nobody vouches for this release")
        return []
    try:
        made_by = check_signature((root / "manifest.json").read_bytes(), path.read_text(encoding="utf-8"), trusted)
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} cannot be read") from error
    if trusted is None:
        return [f"signed by key {made_by}; give --key to make sure whose that is"]
    return [f"signed by the trusted key {key_id(trusted)}"]
