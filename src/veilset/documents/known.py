"""What Veilset knows: statements and tables from the manifest, each with its evidence. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable

from veilset.core.measurement import titled
from veilset.documents.paper import Facts, Line, Table, pointer, show

Body = tuple[Line | Table, ...]


def counts(facts: Facts) -> Body:
    """Where the samples went."""
    said = (
        ("released", "samples are in this release"),
        ("read", "samples were read"),
        ("dropped", "samples were left out by the policy"),
        ("quarantined", "samples could not be treated safely and were left out"),
    )
    return tuple(
        Line(f"{show(facts.at(pointer('counts', key)))} {words}.", (pointer("counts", key),)) for key, words in said
    )


def findings(facts: Facts) -> Body:
    """How much of each kind was found in what was read, before treatment."""
    found = facts.at("/papers/findings")
    if not found:
        return ()
    rows = tuple(
        (kind, show(found[kind].get("count", "not counted")), show(found[kind].get("samples", "not counted")))
        for kind in sorted(found)
    )
    note = "Counted by detectors before treatment; what they missed is not in these numbers."
    head = ("kind", "found", "in samples")
    return (Line(note), Table(head, rows, tuple(pointer("papers", "findings", kind) for kind in sorted(found))))


def finding(*kinds: str) -> Callable[[Facts], Body]:
    """The counts of some kinds alone."""

    def said(facts: Facts) -> Body:
        found = facts.at("/papers/findings") or {}
        return tuple(
            Line(
                f"Found before treatment, of kind {kind}: {show(found[kind].get('count', 'not counted'))}.",
                (pointer("papers", "findings", kind),),
            )
            for kind in kinds
            if kind in found
        )

    return said


def guarantees(facts: Facts) -> Body:
    """What was done to each kind of finding, and what that promises."""
    rows = facts.at("/guarantees")
    cells = tuple(tuple(show(row.get(key, "")) for key in ("finding", "operator", "count", "in_words")) for row in rows)
    if not rows:
        return ()
    evidence = tuple(pointer("guarantees", index) for index in range(len(rows)))
    return (Table(("kind", "treatment", "times", "what it promises"), cells, evidence),)


def measurements(facts: Facts) -> Body:
    """What the attacks and comparisons of this release measured."""
    rows = facts.at("/measurements")
    if not rows:
        return ()
    cells = []
    for row in rows:
        probe = titled(row["probe"], row.get("settings", ""))
        name = f"{probe}: {row['name']}" + (f" ({row['group']})" if row.get("group") else "")
        chance = "not defined" if row.get("chance") is None else show(row["chance"])
        interval = f"{show(row['low'])} to {show(row['high'])}"
        cells.append((name, show(row["value"]), interval, show(row["n"]), chance, f"{row['better']} is better"))
    head = ("measured", "value", "interval", "units", "by chance", "direction")
    return (Table(head, tuple(cells), tuple(pointer("measurements", index) for index in range(len(rows)))),)


def listed(path: str, words: str) -> Callable[[Facts], Body]:
    """A mapping of the manifest as one statement per entry: `words` has places for `key` and `value`."""

    def said(facts: Facts) -> Body:
        found = facts.at(path) or {}
        return tuple(
            Line(words.format(key=key, value=show(found[key])), (path + pointer(key),)) for key in sorted(found)
        )

    return said


def taken(facts: Facts) -> Body:
    """From when the pictures are, as their own tags say."""
    if not facts.at("/papers/taken/first"):
        return ()
    first, last = facts.at("/papers/taken/first"), facts.at("/papers/taken/last")
    words = f"By their own tags the samples were taken between {show(first)} and {show(last)}; tags can be wrong."
    return (Line(words, ("/papers/taken",)),)


def consent(facts: Facts) -> Body:
    """What the consent registry said about this release."""
    found = facts.at("/papers/consent")
    if not found:
        return ()
    lines = [Line(f"Consents were checked for: {show(found.get('uses', []))}.", ("/papers/consent",))]
    if "refused" in found:
        words = f"{show(found['refused'])} samples were left out because somebody in them does not allow these uses."
        lines.append(Line(words, ("/papers/consent/refused",)))
    if found.get("until"):
        words = f"On {show(found['until'])} the first of the consents that this release leans on expires."
        lines.append(Line(words, ("/papers/consent/until",)))
    return tuple(lines)


def retention(facts: Facts) -> Body:
    """Until when the data may be kept."""
    if not facts.at("/papers/retention/next"):
        return ()
    words = (
        f"After {show(facts.at('/papers/retention/next'))} a sample of this release may no longer be released or kept."
    )
    return (Line(words, ("/papers/retention/next",)),)


def made(facts: Facts) -> Body:
    """When the release was made."""
    return (Line(f"This release was made on {show(facts.at('/created'))}.", ("/created",)),)


def licence(facts: Facts) -> Body:
    """The release's own licence."""
    named = facts.answer("licence")
    return (Line(f"The release is offered under {named}.", ("/papers/answers/licence",)),) if named else ()


def impact(facts: Facts) -> Body:
    """The assessment that the manifest makes."""
    measured = measurements(facts)
    said = "The effect on people was examined by attacking the result; the numbers are these."
    return (Line(said), *measured) if measured else ()


MEASURED: dict[str, Callable[[Facts], Body]] = {
    "composition.count": counts,
    "composition.data": guarantees,
    "composition.errors": finding("corrupt", "duplicate", "near_duplicate"),
    "composition.groups": finding("demographics"),
    "composition.identifiable": measurements,
    "composition.instances": listed("/papers/formats", "Samples in the format {key}: {value}."),
    "composition.labels": listed("/papers/labels", "Label {key}: {value}."),
    "composition.missing": counts,
    "composition.offensive": finding("explicit"),
    "composition.people": finding("face", "person"),
    "composition.relations": finding("duplicate", "near_duplicate", "identity"),
    "composition.sensitive": findings,
    "collection.consent": consent,
    "collection.impact": impact,
    "collection.timeframe": taken,
    "distribution.how": listed("/papers/distribution", "{key}: {value}."),
    "distribution.licence": licence,
    "distribution.rights": listed("/papers/licences", "Samples read under {key}: {value}."),
    "distribution.when": made,
    "maintenance.retention": retention,
    "preprocessing.done": guarantees,
    "preprocessing.software": listed("/software", "{key} {value}."),
    "uses.risks": guarantees,
}
