"""The dataset card of the Hugging Face Hub: YAML that machines read, and a page for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from veilset.core.manifest import Manifest
from veilset.documents import known
from veilset.documents.markdown import entry_lines, escape
from veilset.documents.paper import UNANSWERED, Entry, Facts, Line

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LARGER = ((10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"))
# Licences that the Hub knows under their lower-case SPDX name; any other is `other` with its name beside it.
_HUB = ("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
        "cc-by-nc-nd-4.0", "cc-by-3.0", "cc-by-sa-3.0", "cc-by-nc-sa-3.0", "cc-by-nc-nd-3.0", "cc-by-2.0", "cc-by-2.5",
        "cc-by-nc-2.0", "cc-by-nc-3.0", "odbl-1.0", "pddl-1.0", "cdla-permissive-2.0")  # fmt: skip
_NO_REIDENTIFICATION = "I will not try to find out who the people in this set are"


def size_category(samples: int) -> str:
    """The Hub's class of size.

    >>> size_category(999), size_category(1000)
    ('n<1K', '1K<n<10K')
    """
    return next((name for limit, name in (*_SIZES, *_LARGER) if samples < limit), "n>1T")


def front_matter(facts: Facts) -> dict[str, Any]:
    """The keys of the card's head; what is not known is left out."""
    licence = facts.answer("licence")
    head: dict[str, Any] = {
        "pretty_name": facts.answer("name"),
        "language": facts.answer("languages"),
        "tags": sorted({*(facts.answer("keywords") or []), "croissant", "privacy", "veilset"}),
        "task_categories": facts.answer("tasks"),
        "size_categories": [size_category(facts.at("/counts/released"))],
        "source_datasets": facts.answer("sources"),
    }
    if licence and licence.lower() in _HUB:
        head["license"] = licence.lower()
    elif licence:
        head |= {"license": "other", "license_name": licence}
    if facts.answer("access_terms"):
        head["extra_gated_prompt"] = facts.answer("access_terms")
        head["extra_gated_fields"] = {_NO_REIDENTIFICATION: "checkbox"}
    return {key: value for key, value in head.items() if value}


def _sections(facts: Facts) -> tuple[tuple[str, known.Body], ...]:
    def asked(*keys: str) -> tuple[Line, ...]:
        said = {key: facts.answer("datasheet", key) for key in keys}
        return tuple(Line(str(said[key] or f"{UNANSWERED}: see {key} in the datasheet.")) for key in keys)

    def told(key: str) -> Line:
        return Line(str(facts.answer(key) or f"{UNANSWERED}: no {key}."))

    private = (*known.consent(facts), *known.retention(facts), *asked("composition.identifiable"))
    rights = known.MEASURED["distribution.rights"](facts)
    nothing = (Line("Nothing was measured in this release."),)
    return (
        ("Summary", (told("description"),)),
        ("What is in it", (*known.counts(facts), *known.findings(facts))),
        ("What was done, and what it promises", known.guarantees(facts)),
        ("What an attack still learned, and what the data is worth", known.measurements(facts) or nothing),
        ("Personal and sensitive information", private),
        ("Uses", asked("uses.possible")),
        ("What it must not be used for", asked("uses.forbidden")),
        ("Bias, risks and limitations", asked("uses.risks", "composition.sampling")),
        ("Rationale", asked("motivation.purpose")),
        ("Licence and rights", (*known.licence(facts), *rights)),
        ("Contact and withdrawal", (told("contact"), *asked("collection.revocation"))),
        ("Citation", (told("citation"),)),
    )


@dataclass(frozen=True)
class Card:
    """`README.md` at the root of the release, as the Hugging Face Hub shows it; it points to the papers beside it."""

    name: ClassVar[str] = "card"

    def files(self, manifest: Manifest) -> dict[str, str]:
        """The card by name relative to `public/`."""
        facts = Facts.of(manifest)
        # JSON is YAML, and quoting is then nobody's problem.
        head = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front_matter(facts).items()]
        lines = ["---", *head, "---", "", f"# {escape(facts.answer('name') or 'A set without a name')}", ""]
        lines += [f"Release `{manifest.release}`, made {manifest.created}.", ""]
        for title, body in _sections(facts):
            lines += [f"## {title}", "", *entry_lines(Entry("", "", body), "manifest.json")]
        beside = [
            name for name in ("datasheet", "ethics", "dpia") if name in (facts.at("/policy/release/documents") or ())
        ]
        lines += ["## Papers", "", *(f"- [{name}](papers/{name}.md)" for name in beside)]
        lines += ["- [manifest](manifest.json)"]
        return {"README.md": "\n".join(lines) + "\n"}

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """Answers without which the Hub shows an empty card."""
        facts = Facts.of(manifest)
        return tuple(key for key in ("name", "description", "licence", "contact") if not facts.answer(key))
