"""measure: what an adversary still learns from treated samples, and what they are still worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veilset.core.errors import MissingExtra, MissingWeights, UnknownName, Unproven, Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Knowledge, Probe, Ref, Source
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.chain import treatments_of
from veilset.flows.look import guarded
from veilset.flows.measure_pairs import MeasuredPairs, meaning_of_folders, place_of, read_labels
from veilset.flows.progress import Progress, silent
from veilset.flows.report.measure_page import Restored, write_page
from veilset.flows.viewers_form import write_form
from veilset.flows.workplace import write_atomically
from veilset.policy.gate import GateResult, check_gate
from veilset.policy.load import load_policy, parse_policy
from veilset.policy.schema import Policy

FULL: Mapping[str, Mapping[str, Any]] = {
    "link": {},
    "undo": {},
    "interpolate": {},
    "recover_text": {},
    "reidentify": {},
    "deobfuscate": {},
    "attribute": {},
    "membership": {"limit": 400, "shadows": 16, "targets": 4},
    "invert": {},
    "canary": {},
    "residual": {"pictures": 200},
    "agreement": {"limit": 400},
    "fidelity": {},
    "downstream": {},
    "detection_kept": {},
    "naturalness": {},
    "gap": {"settings": {"network_steps": 0}},
}
QUICK: Mapping[str, Mapping[str, Any]] = {
    "link": {"limit": 200},
    "interpolate": {"limit": 30},
    "reidentify": {"limit": 300, "recogniser": "pixels", "network_steps": 0},
    "deobfuscate": {"limit": 150, "iterated": 0, "network_steps": 0},
    "fidelity": {"pictures": 60},
    "naturalness": {"limit": 60},
}


@dataclass(frozen=True)
class Measured:
    """What was measured, what was not and why, and how the bounds of the policy fared.

    Attributes:
        measurements: In order of probes.
        not_tested: Probe to reason.
        gates: The policy's bounds; empty without a policy.
        pairs: Originals, and how many of them have a treated sample.
        report: The page, when one was asked for.
    """

    measurements: tuple[Measurement, ...]
    not_tested: Mapping[str, str]
    gates: tuple[GateResult, ...]
    pairs: tuple[int, int]
    report: Path | None = None

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "originals": self.pairs[0],
            "treated": self.pairs[1],
            "measurements": [one.to_plain() for one in self.measurements],
            "not_tested": dict(self.not_tested),
            "gates": [{"probe": gate.probe, "held": gate.held, "words": gate.words} for gate in self.gates],
        }


def measure(
    before: str | Path,
    after: str | Path,
    *,
    probes: Sequence[str] = (),
    quick: bool = False,
    policy: str | Path | None = None,
    subjects: str = "",
    labels: str | Path | None = None,
    report: str | Path | None = None,
    viewers: str | Path | None = None,
    seed: int = 0,
    progress: Progress = silent,
    names: Catalog | None = None,
) -> Measured:
    """Attack and weigh treated samples against their originals.

    Args:
        before: Folder of the originals.
        after: A release (the folder that holds `public/` and `private/`), or a folder of treated samples with the same
            names.
        probes: Names of the probes; empty for the default set.
        quick: The quick set, on fewer samples.
        policy: The policy that treated them, for the adversary's knowledge; a release brings its own.
        subjects: Where pseudonyms come from: `folder`, or empty for unknown; then folders name classes.
        labels: Table (CSV) of what is known of each original: its column `file`, and one for each label.
        report: Write a page here, and JSON beside it. PRIVATE: it shows originals.
        viewers: Folder of a small study of viewers: `form.html` is written into it (PRIVATE: it shows originals), and
            the answers are analysed that lie in it as `answers.csv`.
        seed: Of the adversary's choices: same seed, same numbers.
        progress: Called with what is being done, how much is done, and how much there is.
        names: Catalog of wings; the installed one by default.

    Raises:
        UsageError: Nothing belongs together, or a probe is not known.
    """
    names = names or catalog()
    place = place_of(Path(after))
    plan = _policy(policy, place.policy, names)
    treatments = treatments_of(plan)
    kind = next((k for k, o in treatments.items() if k != "*" and o.touches == "region"), "face")
    originals: Source = names.build("source", "folder", {"path": str(before), **meaning_of_folders(subjects)})
    treated: Source = names.build("source", "folder", {"path": str(place.samples)})
    pairs = MeasuredPairs(originals, treated, place, kind, read_labels(Path(labels)) if labels else {})
    case = Case(pairs, Knowledge(treatments), names.build)
    chosen = _chosen(probes, QUICK if quick else FULL, kind, names)
    if plan and not probes:
        # A gate is judged by the measurement that its policy describes, not by the one of the default set.
        chosen |= dict(plan.probes())
    if viewers:
        write_form(Path(viewers), case, np.random.default_rng(seed))
        if (Path(viewers) / "answers.csv").exists():
            chosen["viewers"] = names.build("probe", "viewers", {"answers": str(Path(viewers) / "answers.csv")})
    measured, missing = _run(chosen, case, seed, progress)
    gates = tuple(check_gate(gate, measured) for gate in plan.gates) if plan else ()
    done = Measured(measured, missing, gates, (len(pairs), pairs.matched), Path(report) if report else None)
    if done.report:
        plain = json.dumps(done.to_plain(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_atomically(done.report.with_suffix(".json"), plain.encode())
        write_page(done.report, measured, missing, gates, _restored(case, chosen, seed))
    return done


def _policy(policy: str | Path | None, released: Mapping[str, Any], names: Catalog) -> Policy | None:
    if policy is not None:
        return load_policy(policy, names.registries())
    if released:
        return parse_policy(json.dumps(released), names.registries(), "the policy in the release's manifest")
    return None


def _chosen(
    asked: Sequence[str], usual: Mapping[str, Mapping[str, Any]], kind: str, names: Catalog
) -> dict[str, Probe]:
    """Probes by name, set to look at the treated kind where they look at one at all."""
    wanted = {name: dict(usual.get(name, {})) for name in asked} or {k: dict(v) for k, v in usual.items()}
    found: dict[str, Probe] = {}
    for name, settings in wanted.items():
        probe: Probe = names.build("probe", name, settings)
        if getattr(probe, "kind", "") == "face" != kind:
            probe = names.build("probe", name, {**settings, "kind": kind})
        found[name] = probe
    return found


def _run(
    probes: Mapping[str, Probe], case: Case, seed: int, progress: Progress
) -> tuple[tuple[Measurement, ...], dict[str, str]]:
    """Every probe in turn; what cannot be tested is named with its reason, never passed over in silence."""
    measured: list[Measurement] = []
    missing: dict[str, str] = {}
    for number, (name, probe) in enumerate(probes.items()):
        progress(f"measuring {name}", number, len(probes))
        rng = np.random.default_rng([seed, number])
        try:
            measured += guarded(f"probe {name}", Ref("", "the pairs"), probe.run, case, rng=rng)
        except (Unsupported, MissingWeights, MissingExtra, UnknownName, Unproven) as error:
            missing[name] = error.message
    progress("measuring", len(probes), len(probes))
    return tuple(measured), missing


def _restored(case: Case, probes: Mapping[str, Probe], seed: int) -> Restored | None:
    """Before, after and restored pictures, from the first probe that can show them."""
    for probe in probes.values():
        if not hasattr(probe, "restored"):
            continue
        try:
            before, after, restored = probe.restored(case, rng=np.random.default_rng(seed))
        except Unsupported:
            return None
        return Restored(before, after, restored)
    return None
