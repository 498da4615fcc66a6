"""Creative Commons licences, reservations and prohibitions, in the many ways in which people write them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

PARTS = ("BY", "NC", "ND", "SA")
_VERSIONS = frozenset(("1.0", "2.0", "2.5", "3.0", "4.0"))
_KINDS = frozenset(("BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND"))
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-") | dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2009\u202f"), " ")
_URL = re.compile(
    r"creativecommons\.org/(?:licen[cs]es/(?P<kind>[a-z]+\+?(?:-[a-z]+)*)(?:/(?P<version>\d[\d.]*\d|\d))?"
    r"|publicdomain/(?P<public>zero|mark)(?:/1\.0)?(?![\w.]))"
)
_SHORT = re.compile(
    r"\bcc[ _-]?(?:(?P<zero>0|zero)(?:[ -]*(?:v\.? ?)?1\.0)?(?![\w.])"
    r"|(?P<kind>(?:by|nc|nd|sa)(?:[ _/-]?(?:by|nc|nd|sa))*)(?![a-z])"
    r"(?:[ _-]*(?:v(?:ersion|\.)? ?)?(?P<version>\d(?:\.\d)*))?)"
)
_VERSION = re.compile(r"(?<![\d.])[1-9]\.\d(?![\d.])")
_MARK = re.compile(r"public domain mark")
# How the licences are called in the languages in which most of their deeds are read.
_WORDS = {
    "BY": re.compile(
        r"attribution|namensnennung|atribuci[oó]n|reconocimiento|attribuzione|atribui[cç][aã]o|naamsvermelding|署名|表示"
        r"|erkännande|uznanie autorstwa|атрибуция|указанием авторства"
    ),
    "NC": re.compile(
        r"non[ -]?commerci|nicht[ -]?kommerziell|no[ -]?comercial|n[aã]o[ -]?comercial|pas d.utilisation commerciale"
        r"|niet[ -]?commercieel|非営利|非商业|非商業|icke[ -]?kommersiell|użycie niekomercyjne|некоммерческ"
    ),
    "ND": re.compile(
        r"no[ -]?deriv|keine[ -]?bearbeitung|pas de modification|sin[ -]?(?:obras?[ -]?)?deriv|non opere derivate"
        r"|sem[ -]?deriv|geen[ -]?afgeleide|改変禁止|禁止演绎|禁止改作|inga[ -]?bearbetning"
        r"|bez utworów zależnych|без производных"
    ),
    "SA": re.compile(
        r"share[ -]?alike|weitergabe unter gleichen|partage (?:dans|à) l|compartir[ -]?igual|condividi allo stesso"
        r"|compartilha[ -]?igual|gelijk[ -]?delen|継承|相同方式共享|dela[ -]?lika"
        r"|na tych samych warunkach|на тех же условиях"
    ),
}
_LONG = re.compile(r"creative commons|attribution[ -]+(?:non|no|share)")
_RESERVED = re.compile(
    r"all[ -]rights[ -]reserved|alle rechte vorbehalten|alle rechten voorbehouden"
    r"|tous (?:les )?droits r[ée]serv"
    r"|todos los derechos reservados|todos os direitos reservados|tutti i diritti (?:sono )?riservati|wszelkie prawa zastrze"
    r"|все права защищены|alla rättigheter|無断転載|無断複製|無断使用|版权所有|版權所有|保留所有权利|著作権所有"
)
_FORBIDDEN = re.compile(r"\bdo not (?:copy|use|distribute|reproduce|share)\b|\bno (?:reproduction|unauthori[sz]ed)\b")
_MACHINES = (
    r"(?:\bai\b|\ba\. ?i\.|artificial intelligence|machine[ -]learning|data[ -]?mining|\btdm\b|model training"
    r"|\bscrap(?:e|ing)\b|künstliche[nr]? intelligenz|\bki\b|intelligence artificielle"
    r"|inteligencia artificial|人工知能|人工智能)"
)
_NO = (
    r"(?:\bno\b|\bnot\b|\bnever\b|prohibit|forbid|forbidden|without permission|opt[ -]?(?:ed )?out|reserved"
    r"|\bkein|\bnicht\b|verbot|untersagt|vorbehalten|interdit|prohibid|禁止)"
)
_MINING = re.compile(rf"{_NO}[^.;\n]{{0,60}}{_MACHINES}|{_MACHINES}[^.;\n]{{0,60}}{_NO}")


@dataclass(frozen=True, slots=True)
class Named:
    """A licence that a text names.

    Attributes:
        spdx: Its SPDX identifier; `LicenseRef-CC-...` where SPDX has none, since no version is said or no such one exists.
        parts: Which of `PARTS` it is made of.
        sure: Whether more than two letters say so: an address, a version, or a further part.
    """

    spdx: str
    parts: frozenset[str]
    sure: bool = True


def plain(text: str) -> str:
    """Text in lower case, with one kind of dash and space, so that spelling matters less."""
    words = unicodedata.normalize("NFC", text).translate(_DASHES).replace("\0", "\n").lower()
    return words.replace("(cc)", "cc").replace("™", "").replace("®", "")


def licences_in(text: str) -> tuple[Named, ...]:
    """The Creative Commons licences that a text names by address, abbreviation or name; each once, in order of appearance.

    A ported licence is read as the unported one. Letters and words count in any order, as old licences have them.

    >>> [one.spdx for one in licences_in("http://creativecommons.org/licenses/by-nd-nc/1.0/")]
    ['CC-BY-NC-ND-1.0']
    >>> [one.spdx for one in licences_in("Creative Commons Namensnennung – Keine Bearbeitung 4.0, CC BY-ND")]
    ['CC-BY-ND-4.0']
    """
    words = plain(text)
    found = [_of_match(match) for match in _URL.finditer(words)]
    found += [_of_match(match) for match in _SHORT.finditer(words)]
    found += [Named("CC-PDM-1.0", frozenset()) for _ in _MARK.finditer(words)]
    found += [named for line in re.split(r"[;\n|]", words) if (named := _of_name(line)) is not None]
    versioned = {one.parts for one in found if not one.spdx.startswith("LicenseRef-")}
    kept = [one for one in found if one.spdx[-1].isdigit() or one.parts not in versioned]
    unique: dict[str, Named] = {}
    for one in kept:
        unique[one.spdx] = one if one.sure else unique.get(one.spdx, one)
    return tuple(unique.values())


def is_reserved(text: str) -> bool:
    """Whether a text reserves all rights.

    >>> is_reserved("Alle Rechte vorbehalten"), is_reserved("most rights reserved")
    (True, False)
    """
    return _RESERVED.search(plain(text)) is not None


def prohibitions_in(text: str) -> frozenset[str]:
    """What the words of a notice rule out, besides any licence: `reserved`, `mining`, and of `PARTS` `NC`, `ND`, `SA`.

    >>> sorted(prohibitions_in("No derivatives. Not for AI training."))
    ['ND', 'mining']
    """
    words = plain(text)
    found = {part for part in PARTS[1:] if _WORDS[part].search(words)}
    if _RESERVED.search(words) or _FORBIDDEN.search(words):
        found.add("reserved")
    if _MINING.search(words):
        found.add("mining")
    return frozenset(found)


def _of_match(match: re.Match[str]) -> Named:
    groups = match.groupdict()
    if groups.get("zero") or groups.get("public"):
        mark = groups.get("public") == "mark"
        return Named("CC-PDM-1.0" if mark else "CC0-1.0", frozenset())
    letters = (
        re.findall(r"by|nc|nd|sa", groups["kind"]) if re.fullmatch(r"(?:by|nc|nd|sa|[ _/-])+", groups["kind"]) else []
    )
    return _named([part.upper() for part in letters] or [groups["kind"]], groups["version"], "org/" in match[0])


def _of_name(line: str) -> Named | None:
    parts = [part for part in PARTS if _WORDS[part].search(line)]
    if "BY" not in parts or not _LONG.search(line):
        return None
    version = _VERSION.search(line)
    return _named(parts, version[0] if version else None, True)


def _named(parts: list[str], version: str | None, address: bool) -> Named:
    known = frozenset(parts) & frozenset(PARTS)
    kind = "-".join(part for part in PARTS if part in known) or parts[0]
    version = f"{version}.0" if version and "." not in version else version
    spdx = f"CC-{kind}-{version}" if version else f"CC-{kind}"
    if kind not in _KINDS or version not in _VERSIONS:
        spdx = "LicenseRef-" + spdx.replace("+", "-plus")
    return Named(spdx, known, address or version is not None or len(known) > 1)
