"""Reading a policy: YAML to values, reporting every problem at once, each with its line and the nearest known name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from veilset.core.errors import BadSetting, PolicyError, UnitMismatch, UnknownName, UsageError
from veilset.core.guarantee import DP
from veilset.core.registry import Registry
from veilset.policy.build import build, named
from veilset.policy.schema import VERDICTS, Budget, Gate, Named, Policy, ReleaseSettings, Rule
from veilset.policy.worst_case import worst_case

PROFILES = Path(__file__).parent / "profiles"
SECTIONS = ("version", "find", "treat", "budget", "probe", "release")


@dataclass(frozen=True, slots=True)
class Registries:
    """The names that a policy may use."""

    detectors: Registry
    operators: Registry
    probes: Registry
    documents: Registry


@dataclass
class _Reader:
    """Collects problems while the sections are read."""

    registries: Registries
    problems: list[tuple[int, str, str]] = field(default_factory=list)

    def complain(self, line: int, path: str, message: str) -> None:
        self.problems.append((line, path, message))


def profiles() -> dict[str, Path]:
    """The policies that ship by name."""
    return {path.stem: path for path in sorted(PROFILES.glob("*.yaml"))}


def load_policy(policy: str | Path, registries: Registries) -> Policy:
    """A policy from a YAML file, or a profile by its name.

    Raises:
        UsageError: There is no such file or profile.
        PolicyError: It has problems; the message lists all of them with lines.
    """
    path = Path(policy)
    if not path.is_file():
        known = profiles()
        if str(policy) not in known:
            near = difflib.get_close_matches(str(policy), known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(f"{policy}: no such policy file or profile.{hint} Profiles: {', '.join(known)}.")
        path = known[str(policy)]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the policy cannot be read: {error}") from error
    return parse_policy(text, registries, name=str(policy))


def parse_policy(text: str, registries: Registries, name: str = "policy") -> Policy:
    """A policy from YAML text.

    Raises:
        PolicyError: It has problems; the message lists all of them with lines.
    """
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(f"{name}: line {line}: this is not YAML: {error.problem}") from error
    except YAMLError as error:
        raise PolicyError(f"{name}: this is not YAML: {error}") from error
    except RecursionError as error:
        raise PolicyError(f"{name}: it is nested too deeply to be a policy") from error
    if not isinstance(document, CommentedMap):
        raise PolicyError(f"{name}: a policy is a mapping with the sections {', '.join(SECTIONS)}")
    reader = _Reader(registries)
    policy = _read(document, reader)
    if reader.problems or policy is None:
        lines = [f"  line {line}: {path}: {message}" for line, path, message in sorted(set(reader.problems))]
        count = len(lines)
        raise PolicyError(f"{name}: {count} problem{'s' if count != 1 else ''}\n" + "\n".join(lines))
    return policy


def _read(document: CommentedMap, reader: _Reader) -> Policy | None:
    for key in document:
        if key not in SECTIONS:
            near = difflib.get_close_matches(str(key), SECTIONS, n=1)
            reader.complain(
                _line(document, key),
                str(key),
                f"unknown section; {f'did you mean {near[0]}?' if near else 'known: ' + ', '.join(SECTIONS)}",
            )
    if document.get("version") != 1:
        reader.complain(_line(document, "version"), "version", f"must be 1, got {document.get('version')!r}")
    find = tuple(_find(document, reader))
    treat, otherwise = _treat(document, reader)
    gates = tuple(_gates(document, reader))
    release = _release(document, reader)
    budget = _budget(document, reader)
    if otherwise is None or release is None:
        return None
    policy = Policy(find, treat, otherwise, budget, gates, release)
    _check_budget(policy, document, reader)
    _check_strips(policy, document, reader)
    return policy


def _find(document: CommentedMap, reader: _Reader) -> Iterator[Named]:
    entries = document.get("find")
    if not isinstance(entries, CommentedSeq) or not entries:
        reader.complain(_line(document, "find"), "find", "needs a list of detectors, such as [metadata, face]")
        return
    for index, entry in enumerate(entries):
        made = _entry(entry, _item_line(entries, index), f"find[{index}]", reader.registries.detectors, reader)
        if made:
            yield made


def _treat(document: CommentedMap, reader: _Reader) -> tuple[dict[str, Rule], Rule | None]:
    section = document.get("treat")
    if not isinstance(section, CommentedMap):
        reader.complain(_line(document, "treat"), "treat", "needs a mapping from kinds of findings to operators")
        return {}, None
    rules: dict[str, Rule] = {}
    for kind, entry in section.items():
        rule = _rule(entry, _line(section, kind), f"treat.{kind}", reader)
        if rule:
            rules[str(kind)] = rule
    if "*" not in section:
        reader.complain(
            _line(document, "treat"), "treat", 'needs "*": what happens to a kind not named here; "*": refuse is safe'
        )
    return {kind: rule for kind, rule in rules.items() if kind != "*"}, rules.get("*")


def _rule(entry: Any, line: int, path: str, reader: _Reader) -> Rule | None:
    if isinstance(entry, str) and entry in VERDICTS:
        return Rule(verdict=next(verdict for verdict in VERDICTS if verdict == entry))
    entries = list(entry) if isinstance(entry, CommentedSeq) else [entry]
    made = [_entry(one, line, path, reader.registries.operators, reader) for one in entries]
    return Rule(operators=tuple(one for one in made if one)) if made and all(made) else None


def _gates(document: CommentedMap, reader: _Reader) -> Iterator[Gate]:
    entries = document.get("probe") or CommentedSeq()
    if not isinstance(entries, CommentedSeq):
        reader.complain(_line(document, "probe"), "probe", "needs a list of probes")
        return
    for index, entry in enumerate(entries):
        line, path = _item_line(entries, index), f"probe[{index}]"
        probe, bounds = _without_bounds(entry)
        made = _entry(probe, line, path, reader.registries.probes, reader)
        for key in ("min", "max"):
            if not isinstance(bounds.get(key, 0), int | float):
                reader.complain(line, f"{path}.{key}", f"must be a number, got {bounds[key]!r}")
                made = None
        if made:
            yield Gate(made, str(bounds.get("of", "")), bounds.get("min"), bounds.get("max"))


def _without_bounds(entry: Any) -> tuple[Any, dict[str, Any]]:
    """A probe's entry without the keys that belong to its gate, and those keys."""
    if not isinstance(entry, CommentedMap) or len(entry) != 1:
        return entry, {}
    ((name, settings),) = entry.items()
    if not isinstance(settings, Mapping):
        return entry, {}
    bounds = {key: settings[key] for key in ("min", "max", "of") if key in settings}
    return CommentedMap({name: {key: value for key, value in settings.items() if key not in bounds}}), bounds


def _release(document: CommentedMap, reader: _Reader) -> ReleaseSettings | None:
    section = document.get("release") or CommentedMap()
    line = _line(document, "release")
    if not isinstance(section, CommentedMap):
        reader.complain(line, "release", "needs a mapping of settings")
        return None
    made, complaints = build(ReleaseSettings, dict(section))
    for key, message in complaints:
        reader.complain(_line(section, key) if key in section else line, f"release.{key}", message)
    for document_name in section.get("documents") or ():
        try:
            reader.registries.documents[str(document_name)]
        except UnknownName as error:
            reader.complain(_line(section, "documents"), "release.documents", error.message)
    return made if isinstance(made, ReleaseSettings) else None


def _budget(document: CommentedMap, reader: _Reader) -> Budget | None:
    section = document.get("budget")
    if section is None:
        return None
    line = _line(document, "budget")
    if not isinstance(section, CommentedMap):
        reader.complain(line, "budget", "needs a mapping with charge, protects, epsilon, max_images_per_person")
        return None
    plain = dict(section)
    protects = plain.get("protects")
    if isinstance(protects, Mapping) and set(protects) == {"pixels"}:
        pixels = protects["pixels"]
        plain["protects"] = f"{pixels} pixels" if isinstance(pixels, int) else str(pixels)
    made, complaints = build(Budget, {"delta": 0.0, **plain})
    for key, message in complaints:
        reader.complain(_line(section, key) if key in section else line, f"budget.{key}", message)
    return made if isinstance(made, Budget) else None


def _check_strips(policy: Policy, document: CommentedMap, reader: _Reader) -> None:
    """A file has one allowlist, that of `metadata`: a narrower one for another kind would promise what does not hold."""
    strips = [(kind, operator) for kind, name, operator in policy.operators() if name == "strip"]
    first = next((operator for kind, operator in strips if kind == "metadata"), None)
    section = document.get("treat")
    for kind, operator in strips:
        if first is not None and operator != first:
            reader.complain(
                _line(section, kind) if isinstance(section, CommentedMap) else 1,
                f"treat.{kind}.strip",
                "keeps other tags than treat.metadata does, but a file has one allowlist; give both the same settings",
            )


def _check_budget(policy: Policy, document: CommentedMap, reader: _Reader) -> None:
    """The worst case, before any data is read: every person in as many images as the cap allows."""
    spending = [(kind, name, op.guarantee()) for kind, name, op in policy.operators()]
    claims = [(kind, name, promise) for kind, name, promise in spending if isinstance(promise, DP)]
    section = document.get("treat")
    for kind, name, promise in claims:
        line = _line(section, kind) if isinstance(section, CommentedMap) else 1
        if policy.budget is None:
            reader.complain(line, f"treat.{kind}", f"{name} spends a privacy budget; add a budget section")
        elif promise.unit != policy.budget.protects:
            reader.complain(
                line,
                f"treat.{kind}",
                f"{name} protects {promise.unit!r}, but the budget protects {policy.budget.protects!r}; "
                "units never convert, so set one of them to the other",
            )
    if policy.budget is None or not claims or reader.problems:
        return
    cap, line = policy.budget.max_images_per_person, _line(document, "budget")
    try:
        worst = worst_case(policy)
    except (BadSetting, UnitMismatch) as error:
        reader.complain(line, "budget", f"one person in {cap} images: {error.message}")
        return
    if worst and worst.epsilon > policy.budget.epsilon * (1 + 1e-12):
        reader.complain(
            line,
            "budget.epsilon",
            f"one person in {cap} images spends {worst.epsilon:.6g} (accountant: {worst.accountant}), but the budget is "
            f"{policy.budget.epsilon:g}; raise it, spend less per image, or lower max_images_per_person",
        )
    if worst and worst.delta > policy.budget.delta * (1 + 1e-9):
        reader.complain(
            line, "budget.delta", f"worst case is {worst.delta:g}, but the budget is {policy.budget.delta:g}"
        )


def _entry(entry: Any, line: int, path: str, registry: Registry, reader: _Reader) -> Named | None:
    """`name`, or `{name: {settings}}`."""
    if isinstance(entry, str):
        entry = CommentedMap({entry: None})
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, given),) = entry.items()
        settings: Any = CommentedMap() if given is None else given
        if isinstance(entry, CommentedMap):
            line = _line(entry, name) if entry.lc.data else line
    else:
        reader.complain(line, path, f"needs a name, or one name with its settings, got {entry!r}")
        return None
    if not isinstance(settings, Mapping):
        reader.complain(line, f"{path}.{name}", f"settings are a mapping, got {settings!r}")
        return None
    try:
        instance, complaints = named(registry, str(name), _plain(settings))
    except UsageError as error:
        reader.complain(line, path, error.message)
        return None
    for key, message in complaints:
        at = _line(settings, key) if isinstance(settings, CommentedMap) and key in settings else line
        reader.complain(at, f"{path}.{name}", message)
    return Named(str(name), instance) if instance is not None else None


def _plain(value: Any) -> Any:
    """ruamel's containers as plain ones."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _line(mapping: Any, key: Any) -> int:
    """Line (from 1) of a key, or of the mapping when it has no such key."""
    if isinstance(mapping, CommentedMap) and mapping.lc.data and key in mapping.lc.data:
        return int(mapping.lc.key(key)[0]) + 1
    return int(mapping.lc.line or 0) + 1 if isinstance(mapping, CommentedMap) else 1


def _item_line(sequence: CommentedSeq, index: int) -> int:
    """Line (from 1) of an item of a list."""
    return int(sequence.lc.item(index)[0]) + 1
