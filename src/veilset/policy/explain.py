"""A policy in plain words, touching no data."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from veilset.core.guarantee import Empirical
from veilset.policy.schema import Policy, Rule
from veilset.policy.worst_case import claims_of, worst_case

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
    budget, claims, worst = policy.budget, claims_of(policy), worst_case(policy)
    allowed = f"epsilon {budget.epsilon:g}, delta {budget.delta:g}"
    lines = [
        "",
        "## Its privacy budget",
        "",
        f"- protects {budget.protects}, charged per {budget.charge}",
        f"- over all releases a person may lose {allowed} (accountant: {budget.accountant})",
        f"- a person may appear in {budget.max_images_per_person} images; surplus images are dropped",
    ]
    if worst is None:
        return [*lines, "- nothing spends it"]
    each = sum(claim.epsilon * claim.event.count for claim in claims)
    cap = budget.max_images_per_person
    lines.append(
        f"- one image with one finding of a person spends epsilon {each:g}; in {cap} of them a person loses {worst}"
    )
    lines.append(
        "- whoever is found several times in an image loses more, and an unknown person is charged to everyone; the ledger "
        "counts it, and refuses what goes beyond the budget"
    )
    return lines


def _settings(instance: object) -> str:
    values = {one.name: getattr(instance, one.name) for one in fields(instance)} if is_dataclass(instance) else {}
    return ", ".join(f"{name} {value!r}" for name, value in values.items()) or "no settings"
