"""Find what a file says about its licence, and whether it may be mined; the most restrictive signal wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Sample, Signal, TagValue, Video
from veilset.core.where import Whole

_LICENCE = re.compile(
    r"creativecommons\.org/(?:licenses/(by(?:-nc)?(?:-sa|-nd)?)/(\d\.\d)|publicdomain/(zero|mark)/(\d\.\d))",
    re.IGNORECASE,
)
_SHORT = re.compile(r"\bCC[ -](BY(?:-NC)?(?:-SA|-ND)?)[ -](\d\.\d)\b|\bCC0(?:[ -]1\.0)?\b", re.IGNORECASE)
_PROHIBITED = re.compile(r"DMI-PROHIBITED[A-Z-]*")
_ALLOWED = re.compile(r"DMI-ALLOWED")
_MINING_ENTRY = re.compile(
    rb"(?:cawg|c2pa)\.(data_mining|ai_inference|ai_training|ai_generative_training).{0,40}?use.{0,4}?"
    rb"(notAllowed|constrained|allowed)",
    re.DOTALL,
)
_FIELDS = (
    "xmprights:webstatement", "xmprights:usageterms", "cc:license", "dc:rights", "copyright", "iptc/2:116",
    "xmprights:marked", "plus:datamining", "tdm:reservation", "tdm:policy",
)  # fmt: skip
_RESERVED = re.compile(
    r"all rights reserved|do not (?:copy|use|distribute)|no ai|not for (?:ai|training)", re.IGNORECASE
)
# From the most restrictive to the least; the first that holds names the outcome.
OUTCOMES = (
    "contradiction", "mining_prohibited", "no_derivatives", "rights_reserved", "share_alike", "non_commercial",
    "attribution", "rights_claimed", "no_licence", "public_domain",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signals:
    """What was read: SPDX names, outcomes that hold, and the tags that say so."""

    licences: tuple[str, ...]
    outcomes: tuple[str, ...]
    paths: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]


def spdx_of(text: str) -> tuple[str, ...]:
    """SPDX names of the Creative Commons licences that a text points at.

    >>> spdx_of("see https://creativecommons.org/licenses/by-nc-nd/4.0/deed.de")
    ('CC-BY-NC-ND-4.0',)
    >>> spdx_of("http://creativecommons.org/publicdomain/zero/1.0/"), spdx_of("(c) somebody")
    (('CC0-1.0',), ())
    """
    found: list[str] = []
    for kind, version, domain, domain_version in _LICENCE.findall(text):
        if domain:
            found.append(f"CC0-{domain_version}" if domain.lower() == "zero" else f"CC-PDM-{domain_version}")
        else:
            found.append(f"CC-{kind.upper()}-{version}")
    for kind, version in _SHORT.findall(text):
        found.append(f"CC-{kind.upper()}-{version}" if kind else "CC0-1.0")
    return tuple(dict.fromkeys(found))


def read_signals(tags: Iterable[TagValue]) -> Signals:
    """Collect every signal of a file's tags.

    >>> read_signals([TagValue("xmp/plus:DataMining", "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED")]).outcomes
    ('mining_prohibited',)
    """
    licences: list[str] = []
    outcomes: set[str] = set()
    evidence: list[tuple[str, str]] = []
    allows_mining = False
    for tag in tags:
        text = _text(tag)
        named = _outcomes_of(tag, text)
        here = spdx_of(text) if _is_rights_field(tag) else ()
        allows_mining |= bool(_ALLOWED.search(text))
        if named or here:
            evidence.append((tag.path, text[:512]))
        licences += here
        outcomes |= named
    outcomes |= {one for licence in licences for one in _of_licence(licence)}
    licences = list(dict.fromkeys(licences))
    open_licence = any(one.startswith(("CC0", "CC-PDM")) for one in licences)
    clashing = len(licences) > 1 or (open_licence and "rights_reserved" in outcomes)
    if clashing or (allows_mining and "mining_prohibited" in outcomes):
        outcomes.add("contradiction")
    if not licences and not outcomes - {"rights_claimed"}:
        outcomes.add("no_licence")
    ordered = tuple(one for one in OUTCOMES if one in outcomes)
    return Signals(tuple(licences), ordered, tuple(path for path, _ in evidence), tuple(evidence))


def _of_licence(licence: str) -> set[str]:
    if licence.startswith(("CC0", "CC-PDM")):
        return {"public_domain"}
    found = {"attribution"}
    for part, outcome in (("-ND", "no_derivatives"), ("-SA", "share_alike"), ("-NC", "non_commercial")):
        if part in licence:
            found.add(outcome)
    return found


def _is_rights_field(tag: TagValue) -> bool:
    return tag.risk is Risk.RIGHTS or any(name in tag.path.lower() for name in _FIELDS)


def _outcomes_of(tag: TagValue, text: str) -> set[str]:
    path = tag.path.lower()
    found: set[str] = set()
    if _PROHIBITED.search(text):
        found.add("mining_prohibited")
    if "tdm:reservation" in path and text.strip() == "1":
        found.add("mining_prohibited")
    if "training-mining" in path and isinstance(tag.value, bytes):
        uses = [use for _, use in _MINING_ENTRY.findall(tag.value)]
        # A constrained use without further words counts as one that is not allowed.
        if any(use != b"allowed" for use in uses) or not uses:
            found.add("mining_prohibited")
    if _is_rights_field(tag) and text.strip():
        if _RESERVED.search(text) or ("xmprights:marked" in path and text.strip().lower() == "true"):
            found.add("rights_reserved")
        elif "copyright" in path or "dc:rights" in path or "2:116" in path:
            found.add("rights_claimed")
        if "prohibits" in path and "commercial" in text.lower():
            found.add("non_commercial")
    return found


def _text(tag: TagValue) -> str:
    if isinstance(tag.value, str):
        return tag.value
    return tag.value[:4096].decode("utf-8", "replace") if isinstance(tag.value, bytes) else ""


@dataclass(frozen=True)
class Rights:
    """One finding for each sample whose file says something about its use, with the most restrictive outcome.

    Attributes:
        absence: Report also files that say nothing (`no_licence`); without a licence nothing is allowed, but most
            sets are licensed as a whole, outside their files.

    *Shapes and units*: any media; only tags are read.

    Raises:
        DataError: The file cannot be listed.

    *Source*: PLUS and IPTC data-mining values; CAWG training and data mining 1.1 (its older C2PA labels too); TDM
    Reservation Protocol; Creative Commons addresses to SPDX names. Where these disagree, the most restrictive wins.

    >>> import numpy as np
    >>> says = TagValue("xmp/cc:license", "https://creativecommons.org/licenses/by-nd/4.0/", Risk.RIGHTS)
    >>> sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)), tags=(says,))
    >>> Rights().find(sample)[0].detail["outcome"]
    'no_derivatives'
    """

    absence: bool = False

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("rights",)

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """At most one finding; its evidence is private."""
        signals = read_signals(sample.tags)
        if signals.outcomes == ("no_licence",) and not self.absence:
            return ()
        detail: dict[str, Any] = {
            "outcome": signals.outcomes[0],
            "outcomes": list(signals.outcomes),
            "licence": " AND ".join(signals.licences) or "NOASSERTION",
            "tags": list(signals.paths),
        }
        evidence = [list(pair) for pair in signals.evidence]
        return (Finding("rights", Whole(), 1.0, "rights/embedded", Risk.RIGHTS, None, detail, evidence),)
