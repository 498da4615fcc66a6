"""What a policy promises, and what it needs so that it may promise it. Checked before any data is read."""

from __future__ import annotations

from collections.abc import Mapping

from veilset.core.errors import Unproven, Untrusted, UsageError
from veilset.core.guarantee import DP, Empirical, Nothing, Row, with_last_row
from veilset.flows.catalog import Catalog
from veilset.flows.vetoes import TREATMENT
from veilset.policy.schema import Policy


def check_promises(policy: Policy, names: Catalog) -> None:
    """Refuse a policy whose claims could not be kept or shown.

    Raises:
        UsageError: It keeps metadata wholesale; files are always rebuilt from an allowlist.
        Unproven: An empirical claim without its probes.
        Untrusted: A third party's claim of differential privacy without `release.trust`.
    """
    for kind in ("metadata", "hidden_image"):
        if policy.treat.get(kind) and policy.rule(kind).verdict == "keep":
            raise UsageError(
                f"treat.{kind}: keep is not possible, since files are rebuilt from an allowlist; name what stays: "
                f"{kind}: {{strip: {{keep: [orientation, icc]}}}}"
            )
    measured = {name for name, _ in policy.probes()}
    for kind, name, operator in policy.operators():
        promise = operator.guarantee()
        if isinstance(promise, Empirical):
            missing = [probe for probe in promise.probes if probe not in measured]
            if missing:
                raise Unproven(
                    f"treat.{kind}: {name} promises only what is measured; add to the policy's probe section: "
                    f"{', '.join(missing)}"
                )
        if isinstance(promise, DP) and names.operators.is_third_party(name) and name not in policy.release.trust:
            raise Untrusted(
                f"treat.{kind}: {name} is a third party's and claims differential privacy; if you have checked that "
                f"claim, say so: release: {{trust: [{name}]}}"
            )


def guarantee_table(policy: Policy, counts: Mapping[tuple[str, str], int]) -> tuple[Row, ...]:
    """Kind of finding, treatment, promise; counts of findings by (kind, treatment)."""
    rows: list[Row] = []
    vetoed = [(kind, count) for (kind, treatment), count in sorted(counts.items()) if treatment == TREATMENT]
    counts = {key: count for key, count in counts.items() if key[1] != TREATMENT}
    for kind, rule in policy.treat.items():
        total = sum(count for (found, _), count in counts.items() if found == kind)
        rows += [Row(kind, named.name, named.instance.guarantee(), total) for named in rule.operators]
        if rule.verdict == "keep":
            rows.append(Row(kind, "keep", Nothing("the policy leaves it as it is"), total))
    named_kinds = set(policy.treat)
    for (kind, treatment), count in sorted(counts.items()):
        if kind not in named_kinds:
            operators = policy.otherwise.operators
            promise = operators[-1].instance.guarantee() if operators else Nothing("the policy leaves it as it is")
            rows.append(Row(kind, treatment, promise, count))
    rows += [Row(kind, TREATMENT, Nothing("a person said that it is none"), count) for kind, count in vetoed]
    return with_last_row(tuple(rows))
