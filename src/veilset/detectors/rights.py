"""Find what a file says about its licence, and whether it may be mined; the most restrictive signal wins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from veilset.core.finding import Finding, Risk
from veilset.core.sample import FileOnly, Image, Media, Sample, Signal, TagValue, Video
from veilset.core.where import Whole
from veilset.records.licence_names import Named, is_reserved, licences_in, prohibitions_in
from veilset.records.licences import ALL_RIGHTS_RESERVED, Claim, terms
from veilset.records.provenance import folder_claims, nearest

_PROHIBITED = re.compile(r"DMI-PROHIBITED[A-Z-]*")
_ALLOWED = re.compile(r"DMI-ALLOWED")
_MINING_ENTRY = re.compile(
    rb"(?:cawg|c2pa)\.(data_mining|ai_inference|ai_training|ai_generative_training).{0,40}?use.{0,12}?"
    rb"(notAllowed|constrained|allowed)",
    re.DOTALL,
)
_FIELDS = (
    "xmprights:webstatement", "xmprights:usageterms", "cc:license", "dc:rights", "copyright", "iptc/2:116",
    "xmprights:marked", "plus:datamining", "plus:otherconstraints", "tdm",
)  # fmt: skip
# Where people write a licence when no other field comes to mind.
_DESCRIBING = ("description", "comment", "caption", "instructions", "jpeg/com", "iptc/2:120", "iptc/2:40")
_CREATORS = re.compile(r"(?:/|:)(?:artist|creator|author|by-?line|xpauthor|2:80|©aut|©art)$", re.IGNORECASE)
_TDM = re.compile(r"tdm(?:rep)?[:/_-](?:tdm-)?reservation", re.IGNORECASE)
_FOLDER = "beside/licence/"
_OF_PARTS = {"ND": "no_derivatives", "SA": "share_alike", "NC": "non_commercial", "reserved": "rights_reserved"}
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
    return tuple(named.spdx for named in licences_in(text))


def read_signals(tags: Iterable[TagValue]) -> Signals:
    """Collect every signal of a file's tags.

    >>> read_signals([TagValue("xmp/plus:DataMining", "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED")]).outcomes
    ('mining_prohibited',)
    """
    licences: dict[str, None] = {}
    outcomes: set[str] = set()
    evidence: list[tuple[str, str]] = []
    allows_mining = marked = False
    for tag in tags:
        text = _text(tag)
        named = _licences_of(tag, text)
        here = _outcomes_of(tag, text).union(*named.values())
        allows_mining |= bool(_ALLOWED.search(text))
        marked |= tag.path.lower().endswith("xmprights:marked") and text.lower() == "true"
        if here or named:
            evidence.append((tag.path, text[:512]))
        licences |= dict.fromkeys(named)
        outcomes |= here
    if marked:
        # Creative Commons asks for this mark beside its licences; alone it says that the rights are managed.
        outcomes.add("rights_claimed" if licences else "rights_reserved")
    free = "public_domain" in outcomes
    clashing = len(licences) > 1 or ("rights_reserved" in outcomes and (bool(licences) or free))
    if clashing or (allows_mining and "mining_prohibited" in outcomes):
        outcomes.add("contradiction")
    if not licences and not outcomes - {"rights_claimed"}:
        outcomes.add("no_licence")
    ordered = tuple(one for one in OUTCOMES if one in outcomes)
    return Signals(tuple(licences), ordered, tuple(path for path, _ in evidence), tuple(evidence))


def _licences_of(tag: TagValue, text: str) -> dict[str, set[str]]:
    """The licences that a tag names, and what follows from each."""
    if tag.path.startswith(_FOLDER):
        rules = terms(text)
        if rules is None:
            # Reserved rights are no licence; and of a licence that is not known here, nothing can be said.
            return {}
        said = {"public_domain"} if not rules.attribution else {"attribution"}
        asked = ((rules.derivatives, "no_derivatives"), (not rules.share_alike, "share_alike"))
        return {text: said | {word for fine, word in (*asked, (rules.commercial, "non_commercial")) if not fine}}
    if _is_rights_field(tag):
        named = licences_in(text)
    elif _describes(tag):
        named = tuple(one for one in licences_in(text) if one.sure)
    else:
        return {}
    return {one.spdx: _of_parts(one) for one in named}


def _of_parts(named: Named) -> set[str]:
    if named.spdx.startswith(("CC0", "CC-PDM")):
        return {"public_domain"}
    found = {outcome for part, outcome in _OF_PARTS.items() if part in named.parts}
    return found | ({"attribution"} if "BY" in named.parts else {"rights_claimed"} if not found else set())


def _is_rights_field(tag: TagValue) -> bool:
    return tag.risk is Risk.RIGHTS or any(name in tag.path.lower() for name in _FIELDS)


def _describes(tag: TagValue) -> bool:
    return any(name in tag.path.lower() for name in _DESCRIBING)


def _outcomes_of(tag: TagValue, text: str) -> set[str]:
    path = tag.path.lower()
    found: set[str] = set()
    if not text:
        return _of_assertion(tag) if "training-mining" in path else found
    if _PROHIBITED.search(text) or (_TDM.search(path) and text != "0"):
        found.add("mining_prohibited")
    if path.startswith(_FOLDER):
        found |= {"rights_reserved"} if text == ALL_RIGHTS_RESERVED else set()
    elif "training-mining" in path:
        found |= _of_assertion(tag)
    elif _is_rights_field(tag):
        found |= _of_notice(path, text)
    elif _describes(tag) and is_reserved(text):
        found.add("rights_reserved")
    elif _CREATORS.search(path):
        found.add("rights_claimed")
    return found


def _of_notice(path: str, text: str) -> set[str]:
    """What a field that is there for rights says in words."""
    if path.endswith("xmprights:marked"):
        return {"public_domain"} if text.lower() == "false" else set()
    words = prohibitions_in(text)
    found = {outcome for word, outcome in _OF_PARTS.items() if word in words}
    found |= {"mining_prohibited"} if "mining" in words else set()
    if "copyright" in path or "dc:rights" in path or "2:116" in path:
        found |= set() if "rights_reserved" in found else {"rights_claimed"}
    low = text.lower()
    if "prohibits" in path:
        found |= {"non_commercial"} if "commercial" in low else set()
        found |= {"no_derivatives"} if "derivative" in low else set()
    elif "requires" in path and "sharealike" in low:
        found.add("share_alike")
    return found


def _of_assertion(tag: TagValue) -> set[str]:
    """What an assertion of C2PA or CAWG about mining says."""
    raw = tag.value if isinstance(tag.value, bytes) else str(tag.value).encode()
    uses = [use for _, use in _MINING_ENTRY.findall(raw)]
    # A constrained use without further words counts as one that is not allowed.
    return {"mining_prohibited"} if not uses or any(use != b"allowed" for use in uses) else set()


def _text(tag: TagValue) -> str:
    if isinstance(tag.value, str):
        return tag.value.strip("\0 \t\r\n")
    if isinstance(tag.value, int) and _TDM.search(tag.path):
        return str(tag.value)
    return tag.value[:4096].decode("utf-8", "replace").strip("\0 \t\r\n") if isinstance(tag.value, bytes) else ""


@dataclass(frozen=True)
class Rights:
    """One finding for each sample whose file says something about its use, with the most restrictive outcome.

    Attributes:
        absence: Report also files that say nothing (`no_licence`); without a licence nothing is allowed, but most
            sets are licensed as a whole, outside their files.
        folder: Root below which the nearest LICENSE file above a sample counts too; empty for none. An audit asks the
            folder that it looks at.

    *Shapes and units*: any media; only tags and LICENSE files are read.

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
    folder: str = ""

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal, FileOnly)
    finds: ClassVar[tuple[str, ...]] = ("rights",)

    @cached_property
    def _notices(self) -> Mapping[str, tuple[Claim, ...]]:
        """The folder's LICENSE files, read once by each detector: the next audit sees what came meanwhile."""
        return folder_claims(Path(self.folder)) if self.folder else {}

    def find(self, sample: Sample) -> tuple[Finding, ...]:
        """At most one finding; its evidence is private."""
        claims = nearest(self._notices, sample.origin.name)
        beside = (TagValue(f"{_FOLDER}{number}", claim.spdx, Risk.RIGHTS) for number, claim in enumerate(claims))
        signals = read_signals((*sample.tags, *beside))
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
