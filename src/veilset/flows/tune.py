"""tune: sweep an operator's settings, draw privacy against utility, and propose the setting that meets the gates."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from veilset.core.errors import BadSetting, UnitMismatch, Unreadable, WrongMedia
from veilset.core.finding import Finding
from veilset.core.guarantee import DP
from veilset.core.measurement import Measurement
from veilset.core.noise import Noise, SystemNoise
from veilset.core.roles import Case, Knowledge, Operator, Pair, Probe, Ref, Source
from veilset.core.sample import Sample
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.curve import Point, Tuned, axis_of, propose
from veilset.flows.look import guarded
from veilset.flows.progress import Progress, silent
from veilset.flows.report.tune_page import write_page
from veilset.flows.report.tune_picture import write_picture
from veilset.flows.tune_by_vote import vote
from veilset.flows.workplace import write_atomically
from veilset.policy.gate import check_gate
from veilset.policy.load import load_policy
from veilset.policy.schema import Gate, Named, Policy

# A sweep measures every setting: networks would take minutes for each. What it proposes, `measure` attacks with all.
DEFAULT: Mapping[str, Mapping[str, Any]] = {"reidentify": {"network_steps": 0}, "fidelity": {}}

_GATE = re.compile(r"\s*(\w+)(?:\.(\w+))?\s*(<=|>=)\s*(\S+)\s*")


def grid_of(axes: Mapping[str, Sequence[Any]]) -> tuple[dict[str, Any], ...]:
    """Every combination of the values of several settings.

    >>> grid_of({"block": [8, 16], "epsilon": [1]})
    ({'block': 8, 'epsilon': 1}, {'block': 16, 'epsilon': 1})
    """
    return tuple(dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))


def sweep(
    samples: Sequence[tuple[Sample, tuple[Finding, ...]]],
    kind: str,
    operators: Iterable[tuple[Mapping[str, Any], Operator]],
    probes: Mapping[str, Probe],
    gates: Sequence[Gate],
    *,
    names: Catalog | None = None,
    noise: Noise | None = None,
    seed: int = 0,
    data: str = "",
) -> Tuned:
    """Treat the samples with every operator, attack and weigh the results, and propose a setting.

    Every setting meets the same probes with the same random choices of the adversary, so that curves are comparable.
    """
    noise = noise or SystemNoise()
    points = []
    for settings, operator in operators:
        pairs = [_treated(sample, findings, operator, noise) for sample, findings in samples]
        case = Case(pairs, Knowledge({kind: operator}), names.build if names else None)
        measured: list[Measurement] = []
        for number, (name, probe) in enumerate(probes.items()):
            rng = np.random.default_rng([seed, number])
            measured += guarded(f"probe {name}", Ref("", "the pairs"), probe.run, case, rng=rng)
        held = tuple(check_gate(gate, measured) for gate in gates)
        points.append(Point(settings, operator.guarantee().in_words(), tuple(measured), held))
    attack = axis_of(points, "lower")
    utility = axis_of(points, "higher", apart_from=attack[0] if attack else "")
    return Tuned(tuple(points), attack, utility, propose(points, utility), data)


def tune(
    photos: str | Path,
    *,
    finding: str = "face",
    operator: str = "dp_pix",
    axes: Mapping[str, Sequence[Any]],
    probes: Sequence[str] = (),
    gates: Sequence[str] = (),
    public: bool = False,
    subjects: str = "",
    limit: int = 300,
    out: str | Path | None = None,
    progress: Progress = silent,
    names: Catalog | None = None,
    policy: str | Path | Policy | None = None,
    ledger: str | Path | None = None,
    epsilon: float = 1.0,
    parts: int = 5,
) -> Tuned:
    """Sweep settings of an operator over the pictures below `photos`.

    Args:
        photos: Folder of pictures; only read.
        finding: Kind of finding that is treated, and name of the detector that finds it.
        operator: The operator.
        axes: Setting to the values that are tried.
        probes: Names of the probes; by default those of the policy, else `reidentify` and `fidelity`.
        gates: Bounds such as `reidentify<=0.1` or `fidelity.ssim_inside>=0.3`, read at the unfavourable end.
        public: The pictures are public, or of nobody whom the budget protects: the choice may depend on them.
        subjects: Where pseudonyms come from: `folder`, or empty for unknown.
        limit: Most pictures that are looked at, the first by name.
        out: Write a page here, JSON beside it, and the curve as PNG.
        progress: Called with what is being done.
        names: Catalog of wings; the installed one by default.
        policy: Whose gates the proposal keeps, and whose budget is charged.
        ledger: Private file of losses per person. With it, private pictures choose by vote and the choice is charged.
        epsilon: What that choice may cost.
        parts: How many parts of the set vote.

    Raises:
        UnitMismatch: The operator claims differential privacy, or the policy has a budget, the pictures are not said to
            be public, and no policy and ledger are there to charge the choice to.
        BudgetExceeded: The budget does not allow the choice; nothing was measured.
        UsageError: A setting, probe or gate makes no sense.
        Unreadable: No picture holds the finding.
    """
    names = names or catalog()
    loaded = load_policy(policy, names.registries()) if isinstance(policy, str | Path) else policy
    tried = [(settings, names.build("operator", operator, settings)) for settings in grid_of(axes)]
    spends = any(isinstance(one.guarantee(), DP) for _, one in tried) or bool(loaded and loaded.budget)
    if spends and not public and (loaded is None or ledger is None):
        raise UnitMismatch(
            f"a setting of {operator} chosen by looking at private pictures would leak what no budget accounts for; tune on "
            "public pictures and say so with --public, or charge the choice: --policy with a budget, and --ledger"
        )
    chosen = _probes(names, probes, loaded)
    bounds = _gates(gates, chosen, loaded)
    samples = _looked(names, photos, subjects, finding, limit, progress)
    if spends and not public and loaded is not None and ledger is not None:
        done = _by_vote(samples, finding, tried, chosen, bounds, names, loaded, ledger, epsilon, parts)
    else:
        basis = "public pictures: the choice costs no budget"
        data = basis if public else "private pictures; no privacy budget is claimed"
        done = sweep(samples, finding, _counted(tried, progress), chosen, bounds, names=names, data=data)
    if out is not None:
        plain = json.dumps(done.to_plain(), indent=2, sort_keys=True) + "\n"
        write_atomically(Path(out).with_suffix(".json"), plain.encode(), private=True)
        write_page(Path(out), operator, done)
        write_picture(Path(out).with_suffix(".png"), operator, done)
    return done


def _probes(names: Catalog, asked: Sequence[str], policy: Policy | None) -> dict[str, Probe]:
    """The probes asked for, those of the policy with its settings, or the default ones."""
    if policy is not None and policy.gates and not asked:
        chosen = dict(policy.probes())
        if len(chosen) < len(policy.probes()):
            raise BadSetting("tune runs each probe with one setting; this policy has gates on one probe with several")
        return chosen
    return {name: names.build("probe", name, DEFAULT.get(name, {})) for name in asked or DEFAULT}


def _gates(words: Sequence[str], probes: Mapping[str, Probe], policy: Policy | None) -> list[Gate]:
    """The bounds asked for, and those of the policy on the probes that run."""
    own = policy.gates if policy else ()
    bounded = [gate for gate in own if gate.probe.name in probes and (gate.least, gate.most) != (None, None)]
    return [*bounded, *(parse_gate(gate, probes) for gate in words)]


def _by_vote(
    samples: Sequence[tuple[Sample, tuple[Finding, ...]]],
    kind: str,
    tried: Sequence[tuple[Mapping[str, Any], Operator]],
    probes: Mapping[str, Probe],
    gates: Sequence[Gate],
    names: Catalog,
    policy: Policy,
    ledger: str | Path,
    epsilon: float,
    parts: int,
) -> Tuned:
    """The proposal that parts of private pictures vote for, with nothing that was measured."""

    def ballot(part: Sequence[tuple[Sample, tuple[Finding, ...]]]) -> int | None:
        return sweep(part, kind, tried, probes, gates, names=names).proposed

    noise = SystemNoise()
    proposed, words = vote(
        samples, policy, ledger, epsilon=epsilon, parts=parts, candidates=len(tried), ballot=ballot, noise=noise
    )
    points = tuple(Point(settings, one.guarantee().in_words(), (), ()) for settings, one in tried)
    return Tuned(points, None, None, proposed, words, by_vote=True)


def parse_gate(words: str, probes: Mapping[str, Probe]) -> Gate:
    """A bound from its words.

    >>> parse_gate("reidentify.rank1<=0.2", {"reidentify": None}).most
    0.2
    """
    match = _GATE.fullmatch(words)
    if not match or match[1] not in probes:
        raise BadSetting(
            f"a gate looks like reidentify<=0.1, with a probe that is run ({', '.join(probes)}); got {words!r}"
        )
    try:
        bound = float(match[4])
    except ValueError as error:
        raise BadSetting(f"the bound of gate {words!r} is no number") from error
    least, most = (None, bound) if match[3] == "<=" else (bound, None)
    return Gate(Named(match[1], probes[match[1]]), match[2] or "", least, most)


def _looked(
    names: Catalog, photos: str | Path, subjects: str, kind: str, limit: int, progress: Progress
) -> list[tuple[Sample, tuple[Finding, ...]]]:
    """Samples that hold the finding, with their findings of that kind."""
    source: Source = names.build("source", "folder", {"path": str(photos), "subjects": subjects})
    detector = names.build("detector", kind)
    refs = source.refs()[:limit]
    found = []
    for number, ref in enumerate(refs, 1):
        sample = source.load(ref)
        findings = tuple(one for one in guarded(f"detector {kind}", ref, detector.find, sample) if one.kind == kind)
        if findings:
            found.append((sample, findings))
        progress("looking", number, len(refs))
    if not found:
        raise Unreadable(f"{photos}: no picture holds a {kind}; there is nothing to tune on")
    return found


def _treated(sample: Sample, findings: tuple[Finding, ...], operator: Operator, noise: Noise) -> Pair:
    if not isinstance(sample.media, operator.takes):
        raise WrongMedia(f"the operator does not take {type(sample.media).__name__}", sample.id)
    return Pair(sample, operator.apply(sample, findings, noise=noise).sample, findings)


def _counted(
    tried: Sequence[tuple[Mapping[str, Any], Operator]], progress: Progress
) -> Iterable[tuple[Mapping[str, Any], Operator]]:
    for number, one in enumerate(tried):
        progress("tuning", number, len(tried))
        yield one
    progress("tuning", len(tried), len(tried))
