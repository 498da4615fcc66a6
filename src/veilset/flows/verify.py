"""verify: does a release match its manifest, and is nothing in its files that had to go? Needs `public/` alone."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veilset import containers
from veilset.containers.contract import Keep
from veilset.core.errors import Malformed, Residue, Tampered, UsageError
from veilset.core.manifest import Manifest, fingerprint
from veilset.core.measurement import Measurement
from veilset.core.roles import Source
from veilset.flows.assemble import entries_of
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.credentials import check_credentials
from veilset.flows.papers import check_papers, check_signed
from veilset.flows.progress import Progress, silent
from veilset.records.signature import SIGNATURE

UNSIGNED = "not signed: whoever could change a file here could also change what the manifest says of it"


@dataclass(frozen=True)
class Verified:
    """What was checked, what a deep check measured, the samples in which it saw a face, and what nobody vouches for."""

    root: Path
    manifest: Manifest
    checks: tuple[str, ...]
    measurements: tuple[Measurement, ...] = ()
    showing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def verify(
    release: str | Path,
    *,
    deep: bool = False,
    progress: Progress = silent,
    names: Catalog | None = None,
    key: str | Path | None = None,
) -> Verified:
    """Check a release: signature, hashes, counts, papers, and a re-audit for metadata; with `deep`, for faces too.

    Args:
        release: The release's `public` folder, or the folder that holds it.
        deep: Also look for faces with the residual probe.
        progress: Called with what is being done, how much is done, and how much there is.
        names: Catalog of wings; the installed one by default.
        key: Public key that must have signed the release.

    Raises:
        UsageError: There is no release here.
        Malformed: The manifest is not one.
        Tampered: A file is missing, added or changed, or the manifest contradicts itself; names them all.
        Residue: A file says more than the allowlist.
    """
    names = names or catalog()
    root = Path(release)
    root = root / "public" if (root / "public" / "manifest.json").is_file() else root
    if not (root / "manifest.json").is_file():
        raise UsageError(f"{release}: there is no manifest.json here or in public/, so this is not a release")
    manifest = _read(root)
    signed = check_signed(root, key)
    notes = () if signed else (UNSIGNED,)
    _check_files(root, manifest)
    _check_manifest(manifest)
    written = check_papers(root, manifest, names)
    credentials = check_credentials(root, manifest, progress)
    checks = [
        *signed,
        *written,
        *credentials,
        f"{len(manifest.files)} files match their SHA-256 and size, and there is no other file",
        f"counts add up: {manifest.counts.read} in, {manifest.counts.released} out",
        "the policy matches its hash",
    ]
    source: Source = names.build("source", "folder", {"path": str(root / "samples")})
    _check_samples(source, manifest)
    _re_audit(source, root / "samples", _allowed(manifest), progress)
    checks.append("no file says more than the policy's allowlist: rebuilding each changes nothing")
    if not deep:
        return Verified(root, manifest, tuple(checks), notes=notes)
    showing = _showing_faces(source, names, progress)
    share = Measurement.proportion("verify", "pictures_with_a_face", len(showing), manifest.counts.released, "lower")
    return Verified(root, manifest, tuple(checks), (share,), showing, notes)


def _read(root: Path) -> Manifest:
    try:
        text = (root / "manifest.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{root / 'manifest.json'} cannot be read: {error}") from error
    return Manifest.from_json(text, str(root / "manifest.json"))


def _check_files(root: Path, manifest: Manifest) -> None:
    """Every file as the manifest lists it, once, and no other; and no folder that holds none."""
    listed = {entry.name: entry for entry in manifest.files}
    there = {entry.name: entry for entry in entries_of(root) if entry.name not in ("manifest.json", SIGNATURE)}
    problems = [f"missing: {name}" for name in sorted(listed.keys() - there.keys())]
    problems += [f"not in the manifest: {name}" for name in sorted(there.keys() - listed.keys())]
    problems += [f"changed: {name}" for name in sorted(listed.keys() & there.keys()) if listed[name] != there[name]]
    problems += [
        f"listed twice: {name}" for name, count in Counter(e.name for e in manifest.files).items() if count > 1
    ]
    problems += [f"an empty folder: {path.relative_to(root)}" for path in sorted(root.rglob("*")) if _is_empty(path)]
    if problems:
        shown = "\n  ".join(problems[:20])
        more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise Tampered(f"{root} does not match its manifest:\n  {shown}{more}")


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _check_manifest(manifest: Manifest) -> None:
    manifest.counts.check()
    if fingerprint(manifest.policy) != manifest.policy_sha256:
        raise Tampered("manifest.json: the policy does not match its hash")
    samples = sum(entry.name.startswith("samples/") for entry in manifest.files)
    if samples != manifest.counts.released:
        raise Tampered(f"manifest.json: {manifest.counts.released} samples released, but {samples} are listed")


def _check_samples(source: Source, manifest: Manifest) -> None:
    """Nothing lies among the samples that the re-audit, which looks at pictures, would pass over."""
    looked_at = {f"samples/{ref.name}" for ref in source.refs()}
    others = sorted({e.name for e in manifest.files if e.name.startswith("samples/")} - looked_at)
    if others:
        raise Tampered(f"no pictures lie among the samples: {', '.join(others[:10])}; Veilset writes none such")


def _allowed(manifest: Manifest) -> Keep:
    """The allowlist that the manifest's policy states."""
    for rule in manifest.policy.get("treat", {}).get("metadata", ()):
        if isinstance(rule, dict) and "strip" in rule:
            kept: Any = catalog(third_party=False).build("operator", "strip", rule["strip"]).keep_of()
            return kept if isinstance(kept, Keep) else Keep()
    return Keep()


def _re_audit(source: Source, root: Path, allowed: Keep, progress: Progress) -> None:
    """Rebuild every released file under the policy's allowlist: a file that holds nothing more comes out as it is."""
    refs = source.refs()
    left = []
    for number, ref in enumerate(refs, 1):
        rebuilt = io.BytesIO()
        containers.rebuild(root / ref.name, rebuilt, allowed)
        if rebuilt.getvalue() != (root / ref.name).read_bytes():
            left.append(ref.name)
        progress("re-auditing", number, len(refs))
    if left:
        raise Residue(f"{len(left)} released files say more than the policy allows: {', '.join(left[:10])}")


def _showing_faces(source: Source, names: Catalog, progress: Progress) -> tuple[str, ...]:
    """Released pictures in which the default face detector still sees a face."""
    detector = names.build("detector", "face")
    refs, showing = source.refs(), []
    for number, ref in enumerate(refs, 1):
        if detector.find(source.load(ref)):
            showing.append(f"samples/{ref.name}")
        progress("looking for faces", number, len(refs))
    return tuple(showing)
