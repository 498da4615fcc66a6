"""release: treat a set under a policy, attack the result, and publish it with the evidence, or refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from veilset.core.errors import DataError, GateFailed, Refusal, TooManyOmitted, Unreadable, Unruled, WeakNoise
from veilset.core.manifest import Manifest
from veilset.core.measurement import Measurement, titled
from veilset.core.noise import Noise, SystemNoise, generator
from veilset.core.roles import Case, Engine, Ref, Source
from veilset.flows import assemble
from veilset.flows.again import knowledge_of
from veilset.flows.ahead import start_workers
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.charge import purse_of
from veilset.flows.credentials import signer_of
from veilset.flows.identities import Keeper
from veilset.flows.labels import carry_labels
from veilset.flows.look import check_all, each_is, guarded, notes_of
from veilset.flows.measure_pairs import meaning_of_folders
from veilset.flows.papers import Papers
from veilset.flows.progress import Progress, silent
from veilset.flows.promises import check_promises, guarantee_table
from veilset.flows.run import Run
from veilset.flows.tally import Pairs, Tally
from veilset.flows.vetoes import notes_of_vetoes, write_vetoes
from veilset.flows.weights import weights_of
from veilset.flows.workplace import Workplace, write_atomically, writing
from veilset.policy.gate import GateResult, check_gates, told_apart
from veilset.policy.load import load_policy
from veilset.policy.schema import Policy
from veilset.records.releases import recipients_of, register


@dataclass(frozen=True)
class Released:
    """A finished release: where it lies, its manifest, how its gates came out, and how many files were no pictures."""

    root: Path
    manifest: Manifest
    gates: tuple[GateResult, ...]
    others: int = 0


def release(
    photos: str | Path,
    output: str | Path,
    policy: str | Path | Policy = "share-photo",
    *,
    workers: int = 0,
    progress: Progress = silent,
    noise: Noise | None = None,
    names: Catalog | None = None,
    answers: str | Path | None = None,
    key: str | Path | None = None,
    passphrase: str = "",
    ledger: str | Path | None = None,
    subjects: str = "",
    recipients: Sequence[str] = (),
    c2pa: tuple[str | Path | None, str | Path | None, str] = (None, None, ""),
    keep_identities: Path | None = None,
) -> Released:
    """Treat every picture below `photos` under `policy` and publish the result in `output/public`, or refuse.

    A run that was killed goes on where it was with the same call. Originals are only read.

    Args:
        photos: Folder of pictures.
        output: New folder; `public/` is the release, `private/` must never be shared.
        policy: YAML file, profile name, or a loaded policy.
        workers: Processes; 0 means one per core.
        progress: Called with what is being done, how much is done, and how much there is.
        noise: Source of randomness; anything seeded is refused.
        names: Catalog of wings; the installed one by default.
        answers: `dataset.yaml` with what only people can answer, for the papers.
        key: Private key that signs the manifest.
        passphrase: Of the key.
        ledger: Private file of losses per person; needed by a policy that spends a privacy budget.
        subjects: Where pseudonyms of people come from: `folder`, or empty for unknown.
        recipients: Whom it is given to: kept in the private register, and named when something is withdrawn.
        c2pa: Chain of certificates, its key and the key's passphrase, to sign Content Credentials with.
        keep_identities: Key file: face embeddings that `identity` sees are kept in `private/`, encrypted with it.

    Raises:
        UsageError: You asked wrongly (policy, output, weights).
        DataError: The input cannot be used at all.
        Refusal: It would not be safe; `private/refusal.json` holds the numbers.
        BrokenContract: A plug-in, or Veilset, is wrong.
    """
    names = names or catalog()
    policy = policy if isinstance(policy, Policy) else load_policy(policy, names.registries())
    start_workers(workers)
    noise = noise or SystemNoise()
    if noise.seeded:
        raise WeakNoise("a release was asked for with seeded noise, which protects nobody; use the system's")
    check_promises(policy, names)
    weights = weights_of(named.instance for named in policy.find)
    check_all(named.instance for named in policy.find)
    papers = replace(
        Papers.of(policy, names, answers, key, passphrase),
        credentials=signer_of(*c2pa),
        recipients=recipients_of(recipients),
    )
    papers.check(policy)
    source: Source = names.build("source", "folder", {"path": str(photos), **meaning_of_folders(subjects)})
    place = Workplace(Path(output))
    place.check_place(Path(photos))
    keeper = Keeper.of(keep_identities, place.private, place.root, dict(policy.set_detectors()).get("identity"))
    refs = source.refs()
    if not refs:
        raise Unreadable(f"{photos}: there is no picture in this folder; nothing to release")
    engine: Engine = names.build("engine", "local", {"workers": workers})
    with place.locked():
        state = place.start({"policy": policy.sha256(), "source": str(Path(photos).resolve())})
        try:
            purse = purse_of(policy, state["release"], place, ledger)
            run = Run(
                place, Path(photos), policy, source, refs, engine, names, noise, progress, state, purse, weights, keeper
            )
            return _finish(run, run.treat(), papers)
        except Refusal as error:
            if not (place.private / "refusal.json").exists():
                assemble.write_refusal(place, error.message, (), ())
            place.discard()
            raise


def _finish(run: Run, tally: Tally, papers: Papers) -> Released:
    """Counts, probes, gates, papers, manifest: all of it holds, or there is no release."""
    refused = tally.of("refused")
    if refused:
        reasons = sorted({done.reason for done in refused})
        raise Unruled(
            f"{len(refused)} of {len(run.refs)} samples cannot be released (the first is "
            f"{refused[0].ref.name}): {'; '.join(reasons)}. Add a rule for these kinds to the policy's treat section."
        )
    others = run.source.others()
    assemble.write_private(run.place, tally, others)
    write_vetoes(run.place)
    counts = tally.counts(len(run.refs))
    omitted = (counts.dropped + counts.quarantined) / counts.read
    if omitted > run.policy.release.omit_at_most:
        raise TooManyOmitted(
            f"{counts.dropped} samples were dropped and {counts.quarantined} set aside, {omitted:.1%} of all; the "
            f"policy allows {run.policy.release.omit_at_most:.1%}. Reasons: {_reasons(tally)}"
        )
    if not counts.released:
        raise DataError(f"no sample could be released. Reasons: {_reasons(tally)}")
    assemble.keep_only(run.place, {done.written.name for done in tally.of("released") if done.written})
    label_notes = carry_labels(run, tally)
    measured = _probe(run, tally)
    gates = check_gates(run.policy.gates, measured)
    broken = [gate.words for gate in gates if not gate.held]
    if broken:
        reason = "the release is refused, because a measurement is on the wrong side: " + "; ".join(broken)
        assemble.write_refusal(run.place, reason, gates, measured)
        raise GateFailed(f"{reason}. The numbers are in {run.place.private / 'refusal.json'}.")
    table = guarantee_table(run.policy, tally.rules)
    notes = sorted({note for done in tally.done.values() if done.written for note in done.written.notes})
    notes += [run.purse.note()] if run.purse else []
    notes += notes_of_vetoes(tally.rules)
    notes += notes_of(named.instance for named in run.policy.find)
    manifest = assemble.make_manifest(
        run.state, run.policy, counts, table, measured, run.weights, [*notes, *label_notes]
    )
    text = assemble.readme(manifest, gates)
    write_atomically(run.place.staging / "README.md", text.encode())
    manifest = papers.write(run, tally, manifest)
    # Before it comes out: a release that no register knows could never be withdrawn from.
    with writing(run.place.private):
        register(run.place.private, papers.registered(tally, manifest))
    published = assemble.publish(run.place, manifest, papers.signature)
    if run.purse is not None:
        run.purse.applied()
    return Released(run.place.root, published, gates, len(others))


def _probe(run: Run, tally: Tally) -> tuple[Measurement, ...]:
    """Every probe of the policy over the released pairs."""
    after: Source = run.names.build("source", "folder", {"path": str(run.place.samples)})
    pairs = Pairs(run.source, after, tally.of("released"), run.place.trail)
    case = Case(pairs, knowledge_of(run.policy), run.names.build)
    measured: list[Measurement] = []
    probes = run.policy.probes()
    for number, ((name, probe), settings) in enumerate(zip(probes, told_apart(probes), strict=True)):
        run.progress(f"measuring {titled(name, settings)}", number, len(probes))
        who, whole = f"probe {name}", Ref("", "the release")
        found = guarded(who, whole, probe.run, case, rng=generator(SystemNoise()))
        measured += [replace(one, settings=settings) for one in each_is(Measurement, who, whole, found)]
    return tuple(measured)


def _reasons(tally: Tally) -> str:
    """Why samples were left out, most frequent first, with one example each."""
    reasons: dict[str, list[str]] = {}
    for done in (*tally.of("quarantined"), *tally.of("dropped")):
        reasons.setdefault(done.reason.replace(done.ref.name, "..."), []).append(done.ref.name)
    ranked = sorted(reasons.items(), key=lambda item: -len(item[1]))[:5]
    return "; ".join(f"{len(files)} x {reason} (such as {files[0]})" for reason, files in ranked)
