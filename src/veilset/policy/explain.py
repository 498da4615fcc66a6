"""A policy in plain words, touching no data."""

from __future__ import annotations

from veilset.core.guarantee import DP, Empirical
from veilset.policy.schema import Policy, Rule

VERDICT_WORDS = {
    "refuse": "the whole release is refused",
    "quarantine": "the sample is set aside and not released",
    "keep": "it is left as it is, and nothing is promised for it",
}


def explain(policy: Policy) -> str:
    """What would happen, in Markdown."""
    lines = ["# What this policy does", "", f"Policy hash: `{policy.sha256()}`", "", "## It looks for", ""]
    for entry in policy.find:
        kinds = ", ".join(entry.instance.finds)
        lines.append(f"- **{entry.name}** ({_settings(entry.instance)}): finds {kinds}")
    lines += ["", "## It treats", ""]
    for kind, rule in policy.treat.items():
        lines += _rule_lines(f"**{kind}**", rule)
    lines += _rule_lines("**anything else**", policy.otherwise)
    lines.append("- **what no detector finds** is not treated, and nothing is promised for it")
    lines += _budget_lines(policy)
    lines += ["", "## It measures before it releases", ""]
    for gate in policy.gates:
        bound = " and ".join(
            words
            for words in (
                f"must stay at or below {gate.most:g}" if gate.most is not None else "",
                f"must reach {gate.least:g}" if gate.least is not None else "",
            )
            if words
        )
        lines.append(f"- **{gate.probe.name}** {bound or 'is reported'} (at the unfavourable end of its interval)")
    if not policy.gates:
        lines.append("- nothing")
    lines += ["", "## The result", ""]
    names = "fresh random names in a random order" if policy.release.names == "fresh" else "their original file names"
    lines.append(f"- samples get {names}; folders are {'kept' if policy.release.folders == 'keep' else 'flattened'}")
    lines.append(f"- at most {policy.release.omit_at_most:.0%} of the samples may be dropped or set aside")
    if policy.release.documents:
        lines.append(f"- papers: {', '.join(policy.release.documents)}")
    return "\n".join(lines) + "\n"


def _rule_lines(kind: str, rule: Rule) -> list[str]:
    if rule.verdict:
        return [f"- {kind}: {VERDICT_WORDS[rule.verdict]}"]
    lines = []
    for named in rule.operators:
        promise = named.instance.guarantee()
        lines.append(f"- {kind}: {named.name} ({_settings(named.instance)}). {promise.in_words()}")
        lines += [f"    - leans on: {assumption}" for assumption in promise.given]
        if isinstance(promise, Empirical):
            lines.append(f"    - so these probes must be in the policy: {', '.join(promise.probes)}")
    return lines


def _budget_lines(policy: Policy) -> list[str]:
    if policy.budget is None:
        return []
    claims = [op.guarantee() for _, _, op in policy.operators()]
    each = sum(promise.epsilon for promise in claims if isinstance(promise, DP))
    budget = policy.budget
    total = each * budget.max_images_per_person
    return [
        "",
        "## Its privacy budget",
        "",
        f"- protects {budget.protects}, charged per {budget.charge}",
        f"- may spend epsilon {budget.epsilon:g}, delta {budget.delta:g}",
        f"- a person may appear in {budget.max_images_per_person} images; surplus images are dropped",
        f"- one image spends {each:g}, so a person spends at most {total:g} (basic composition)",
    ]


def _settings(instance: object) -> str:
    values = {name: getattr(instance, name) for name in getattr(instance, "__dataclass_fields__", {})}
    return ", ".join(f"{name} {value!r}" for name, value in values.items()) or "no settings"
