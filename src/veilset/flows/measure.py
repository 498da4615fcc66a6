"""measure: what an adversary still learns from treated samples, and what they are still worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from veilset.core.errors import MissingExtra, MissingWeights, UnknownName, Unproven, Unsupported, UsageError
from veilset.core.measurement import Measurement, titled
from veilset.core.roles import Case, Probe, Ref, Source
from veilset.data.frames import SUFFIXES
from veilset.flows.again import knowledge_of
from veilset.flows.catalog import Catalog, catalog
from veilset.flows.look import guarded
from veilset.flows.measure_pairs import MeasuredPairs, meaning_of_folders
from veilset.flows.measure_places import Place, place_of, read_labels
from veilset.flows.measure_sets import EYES, FULL, GROUPED, MOST_GROUPS, QUICK
from veilset.flows.progress import Progress, silent
from veilset.flows.report.measure_page import Restored, write_page
from veilset.flows.viewers_form import write_form
from veilset.flows.workplace import write_atomically
from veilset.policy.gate import GateResult, check_gates, told_apart
from veilset.policy.load import load_policy, parse_policy
from veilset.policy.schema import Policy


@dataclass(frozen=True)
class Chosen:
    """A probe that is run, and the settings, in words, that tell it from other runs of the same probe."""

    name: str
    settings: str
    probe: Probe


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
    again: Sequence[str | Path] = (),
    frames: bool = False,
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
        before: Folder of the originals, or a video.
        after: A release (the folder that holds `public/` and `private/`), or a folder of treated samples with the same
            names; or a video.
        again: Further releases of the same originals: the adversary lays them over one another.
        frames: The pictures are frames: names that differ in their last number alone show one scene.
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
    knowledge = knowledge_of(plan, written=bool(place.policy))
    kind = next((k for k, o in knowledge.treatments.items() if k != "*" and o.touches == "region"), "face")
    known = read_labels(Path(labels)) if labels else {}
    pairs = _pairs(Path(before), place, [place_of(Path(one)) for one in again], kind, names, subjects, known, frames)
    case = Case(pairs, knowledge, names.build)
    usual = QUICK if quick else {**FULL, **(EYES if kind == "eye" else {})}
    chosen = _chosen(probes, usual, kind, names)
    if plan and not probes:
        # A gate is judged by the measurement that its policy describes, not by the one of the default set.
        own = plan.probes()
        judged = {name for name, _ in own}
        chosen = [one for one in chosen if one.name not in judged]
        chosen += [Chosen(name, said, probe) for (name, probe), said in zip(own, told_apart(own), strict=True)]
    if "gap" in {one.name for one in chosen} and known:
        chosen = _by_group(chosen, known, quick=quick, kind=kind, names=names)
    if viewers:
        write_form(Path(viewers), case, np.random.default_rng(seed))
        if (Path(viewers) / "answers.csv").exists():
            answers = names.build("probe", "viewers", {"answers": str(Path(viewers) / "answers.csv")})
            chosen.append(Chosen("viewers", "", answers))
    measured, missing = _run(chosen, case, seed, progress)
    gates = check_gates(plan.gates, measured) if plan else ()
    done = Measured(measured, missing, gates, (len(pairs), pairs.matched), Path(report) if report else None)
    if done.report:
        plain = json.dumps(done.to_plain(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_atomically(done.report.with_suffix(".json"), plain.encode(), private=True)
        write_page(done.report, measured, missing, gates, _restored(case, chosen, seed), done.pairs)
    return done


def _pairs(
    before: Path,
    place: Place,
    again: Sequence[Place],
    kind: str,
    names: Catalog,
    subjects: str,
    known: Mapping[str, Mapping[str, Any]],
    frames: bool,
) -> MeasuredPairs:
    films = [path.suffix.lower() in SUFFIXES and path.is_file() for path in (before, place.samples)]
    if films[0] != films[1]:
        raise UsageError("one of BEFORE and AFTER is a video and the other is none; give two videos, or two folders")
    if films[0]:
        if again:
            raise UsageError("further releases are compared as folders; write the frames of the videos into folders")
        sources: list[Source] = [names.build("source", "frames", {"path": str(p)}) for p in (before, place.samples)]
        # Frames go by their number: two videos of one scene have names of their own.
        place = replace(place, mapping=dict(zip(*([r.name for r in one.refs()] for one in sources), strict=False)))
    else:
        sources = [names.build("source", "folder", {"path": str(before), **meaning_of_folders(subjects)})]
        sources += [names.build("source", "folder", {"path": str(one.samples)}) for one in (place, *again)]
    others = tuple(zip(sources[2:], again, strict=True))
    return MeasuredPairs(sources[0], sources[1], place, kind, known, others, frames=frames)


def _policy(policy: str | Path | None, released: Mapping[str, Any], names: Catalog) -> Policy | None:
    if policy is not None:
        return load_policy(policy, names.registries())
    if released:
        return parse_policy(json.dumps(released), names.registries(), "the policy in the release's manifest")
    return None


def _chosen(asked: Sequence[str], usual: Mapping[str, Mapping[str, Any]], kind: str, names: Catalog) -> list[Chosen]:
    """Probes by name, set to look at the treated kind where they look at one at all."""
    wanted = {name: dict(usual.get(name, {})) for name in asked} or {k: dict(v) for k, v in usual.items()}
    return [
        Chosen(name, "", names.build("probe", name, _fitting(name, settings, kind, names)))
        for name, settings in wanted.items()
    ]


def _fitting(name: str, settings: Mapping[str, Any], kind: str, names: Catalog) -> dict[str, Any]:
    """Settings with the treated kind, for a probe that looks at one kind and would look at faces."""
    looks_at = getattr(names.build("probe", name, settings), "kind", "")
    return {**settings, "kind": kind} if looks_at == "face" != kind else dict(settings)


def _by_group(
    chosen: Sequence[Chosen], known: Mapping[str, Mapping[str, Any]], *, quick: bool, kind: str, names: Catalog
) -> list[Chosen]:
    """`gap` for every measure of privacy and use, and every label that names groups, in place of the one for all.

    A label is taken to name groups when it has 2 to 12 values; numbers of more values are taken in thirds.
    """
    usual = [names.build("probe", "gap", settings) for settings in ({}, FULL["gap"])]
    if not any(one.name == "gap" and one.probe in usual for one in chosen):
        return list(chosen)  # set by the policy, or by the caller
    values: dict[str, set[Any]] = {}
    for row in known.values():
        for key, value in row.items():
            values.setdefault(key, set()).add(value)
    by = [
        key
        for key, seen in values.items()
        if 2 <= len(seen) <= MOST_GROUPS or (len(seen) > MOST_GROUPS and all(isinstance(v, float) for v in seen))
    ]
    wanted = [(name, dict(GROUPED[name])) for name in GROUPED if not quick or name in QUICK]
    found = [one for one in chosen if one.name != "gap"]
    for label in by:
        for name, settings in wanted:
            fitting = _fitting(name, settings, kind, names)
            gap = names.build("probe", "gap", {"probe": name, "settings": fitting, "by": label})
            found.append(Chosen("gap", f"{name} by {label}", gap))
    return found


def _run(
    chosen: Sequence[Chosen], case: Case, seed: int, progress: Progress
) -> tuple[tuple[Measurement, ...], dict[str, str]]:
    """Every probe in turn; what cannot be tested is named with its reason, never passed over in silence."""
    measured: list[Measurement] = []
    missing: dict[str, str] = {}
    for number, one in enumerate(chosen):
        title = titled(one.name, one.settings)
        progress(f"measuring {title}", number, len(chosen))
        rng = np.random.default_rng([seed, number])
        try:
            found = guarded(f"probe {one.name}", Ref("", "the pairs"), one.probe.run, case, rng=rng)
        except (Unsupported, MissingWeights, MissingExtra, UnknownName, Unproven) as error:
            missing[title] = error.message.removeprefix(f"{one.name}: ")
        else:
            measured += [replace(m, settings=one.settings) for m in found]
    progress("measuring", len(chosen), len(chosen))
    return tuple(measured), missing


def _restored(case: Case, chosen: Sequence[Chosen], seed: int) -> Restored | None:
    """Before, after and restored pictures, from the first probe that can show them."""
    for probe in (one.probe for one in chosen if hasattr(one.probe, "restored")):
        try:
            before, after, restored = probe.restored(case, rng=np.random.default_rng(seed))
        except Unsupported:
            return None
        return Restored(before, after, restored)
    return None
