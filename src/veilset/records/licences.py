"""Licences: which one a claim means, what it allows, and which of several claims holds. In doubt: none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from veilset.records.licence_names import is_reserved, licences_in

NO_ASSERTION = "NOASSERTION"
ALL_RIGHTS_RESERVED = "LicenseRef-all-rights-reserved"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a licence allows and asks for.

    Attributes:
        commercial: Commercial use is allowed.
        derivatives: Changed versions (a blurred face is one) may be shared.
        share_alike: Changed versions have to stand under the same licence.
        attribution: The author has to be named.
    """

    commercial: bool
    derivatives: bool
    share_alike: bool
    attribution: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What one place says about the licence of a picture: SPDX identifier, and where that stands."""

    spdx: str
    evidence: str


_OPEN = {
    "Apache-2.0": Terms(True, True, False, True),
    "BSD-3-Clause": Terms(True, True, False, True),
    "CC-PDM-1.0": Terms(True, True, False, False),
    "CC0-1.0": Terms(True, True, False, False),
    "CDLA-Permissive-2.0": Terms(True, True, False, False),
    "CDLA-Sharing-1.0": Terms(True, True, True, True),
    "MIT": Terms(True, True, False, True),
    "ODbL-1.0": Terms(True, True, True, True),
    "ODC-By-1.0": Terms(True, True, False, True),
    "PDDL-1.0": Terms(True, True, False, False),
    "Unlicense": Terms(True, True, False, False),
}
_VERSIONS = ("1.0", "2.0", "2.5", "3.0", "4.0")
_KINDS = ("BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND")
_KNOWN = {
    **_OPEN,
    **{
        f"CC-{kind}-{version}": Terms("NC" not in kind, "ND" not in kind, "SA" in kind, True)
        for kind in _KINDS
        for version in _VERSIONS
    },
}
_BY_LOWER = {name.lower(): name for name in _KNOWN}


def known() -> frozenset[str]:
    """SPDX identifiers whose terms Veilset knows."""
    return frozenset(_KNOWN)


def terms(spdx: str) -> Terms | None:
    """What the licence allows; None when its terms are not known here."""
    return _KNOWN.get(spdx)


def identify(text: str) -> str:
    """The SPDX identifier that a URL, an identifier or a notice names; `NOASSERTION` when it names none for sure.

    A ported Creative Commons licence (`.../3.0/de/`) is read as the unported one: their rules on commercial use,
    changes and sharing alike are the same.

    >>> identify("https://creativecommons.org/licenses/by-nc-sa/2.0/")
    'CC-BY-NC-SA-2.0'
    >>> identify("cc-by-4.0"), identify("Photo by somebody, all rights reserved"), identify("free to use")
    ('CC-BY-4.0', 'LicenseRef-all-rights-reserved', 'NOASSERTION')
    """
    stripped = text.strip()
    if stripped.lower() in _BY_LOWER:
        return _BY_LOWER[stripped.lower()]
    if re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", stripped):
        return stripped
    found = {named.spdx for named in licences_in(text)}
    if is_reserved(text):
        found.add(ALL_RIGHTS_RESERVED)
    return found.pop() if len(found) == 1 and found <= {*_KNOWN, ALL_RIGHTS_RESERVED} else NO_ASSERTION


def resolve(claims: Iterable[Claim]) -> tuple[str, str]:
    """The one licence that all claims agree on, as (SPDX identifier, status).

    The status is `known`, `unknown` (nobody says anything that can be used) or `contradictory`; in the last two cases
    the identifier is `NOASSERTION`, since whoever guesses may guess against the author.

    >>> resolve([Claim("CC-BY-4.0", "table"), Claim("CC-BY-NC-4.0", "folder/LICENSE")])
    ('NOASSERTION', 'contradictory')
    """
    said = {claim.spdx for claim in claims} - {NO_ASSERTION, ""}
    if len(said) > 1:
        return NO_ASSERTION, "contradictory"
    return (said.pop(), "known") if said else (NO_ASSERTION, "unknown")


def objections(
    spdx: str,
    status: str,
    *,
    commercial: bool,
    derivatives: bool,
    release_licence: str = "",
    allow: Iterable[str] = (),
) -> tuple[str, ...]:
    """Why a sample under this licence may not be released for this use, in words; empty when it may.

    Args:
        spdx: As `resolve` gave it.
        status: As `resolve` gave it.
        commercial: The release is meant for commercial use too.
        derivatives: The release holds changed pictures; a release after any treatment does.
        release_licence: SPDX identifier of the licence under which the release is offered; empty when undecided.
        allow: Further identifiers (`LicenseRef-...`) whose terms somebody has read and found sufficient.
    """
    if status == "contradictory":
        return ("its sources name different licences; find out which one holds and record it in the table of origins",)
    if status == "unknown" or spdx == NO_ASSERTION:
        return ("no licence is known; ask the author, and record the answer in the table of origins",)
    if spdx in allow:
        return ()
    rules = terms(spdx)
    if spdx == ALL_RIGHTS_RESERVED:
        return ("all rights are reserved; only a permission of the author, recorded and allowed by name, opens it",)
    if rules is None:
        return (f"the terms of {spdx} are not known here; read them, and name it under `allow` if they suffice",)
    said = []
    if commercial and not rules.commercial:
        said.append(f"{spdx} forbids commercial use; leave it out or set `commercial: false`")
    if derivatives and not rules.derivatives:
        said.append(f"{spdx} forbids sharing changed versions, and a treated picture is one; leave it out")
    if derivatives and rules.share_alike and release_licence != spdx:
        offered = release_licence or "no licence named under `release_licence`"
        said.append(f"{spdx} asks that changed versions stay under it, but the release is offered under {offered}")
    return tuple(said)
