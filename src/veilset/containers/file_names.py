"""What the name of a file gives away: one list of patterns for whoever looks at names."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from veilset.core.finding import Risk


class NamePart(NamedTuple):
    """A part of a name: what kind of thing it is, its risk, and the part itself, which is private."""

    kind: str
    risk: Risk
    text: str


_DAY, _MONTH, _YEAR = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])", r"(?:19|20)\d\d"
_MONTHS = (
    r"(?:jan|feb|fév|fev|mär|mar|maerz|apr|avr|abr|may|mai|jun|juin|jul|juil|aug|aoû|aou|ago|sep|okt|oct|nov|dez|dec|déc|dic|ene)"
    r"[^\W\d_]{0,7}"
)
_DATE = re.compile(
    # The time may follow without a mark between them, as some telephones write it.
    rf"(?<!\d){_YEAR}([-_.]?){_MONTH}\1{_DAY}(?:\d{{4}}(?:\d\d(?:\d{{3}})?)?)?(?!\d)"
    rf"|(?<!\d){_YEAR}[-_.]{_MONTH}[-_.]?{_DAY}(?!\d)"
    rf"|(?<!\d)(?:{_DAY}[-_.]{_MONTH}|{_MONTH}[-_.]{_DAY})[-_.]{_YEAR}(?!\d)"
    rf"|(?<!\d)\d{{1,2}}\.?[-_ ]?{_MONTHS}\.?[-_ ,]*{_YEAR}(?!\d)"
    rf"|(?<![^\W\d_]){_MONTHS}[-_ .]*\d{{1,2}},?[-_ ]+{_YEAR}(?!\d)",
    re.IGNORECASE,
)
# With the prefix of a country; a trunk prefix and a subscriber's number, as 0170-1234567 or (089) 1234567; or three, three
# and four digits.
_PHONE = re.compile(
    r"(?<!\d)(?:\+|00)[1-9][\d ()-]{6,15}\d(?!\d)|(?<!\d)(?:\(0[1-9]\d{0,4}\)[-/ ]?|0[1-9]\d{1,4}[-/ ])[1-9]\d{4,7}(?!\d)"
    r"|(?<!\d)0[1-9]\d{8,10}(?!\d)|(?<!\d)\(?\d{3}\)?[-. ]\d{3}[-.]\d{4}(?!\d)"
)
_PLAIN: tuple[tuple[str, Risk, re.Pattern[str]], ...] = (
    ("date and time", Risk.TIME, _DATE),
    ("time stamp", Risk.TIME, re.compile(r"(?<!\d)1[0-9]{9}(?:\d{3})?(?!\d)")),
    ("phone number", Risk.PERSON, _PHONE),
    ("mail address", Risk.PERSON, re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)),
    (
        "messenger file",
        Risk.HISTORY,
        re.compile(r"whatsapp|\b(?:IMG|VID|AUD|PTT)-\d{8}-WA\d|signal-\d{4}|telegram|FB_IMG|snapchat", re.IGNORECASE),
    ),
    ("screenshot", Risk.HISTORY, re.compile(r"screen[ _-]?shot|bildschirmfoto|capture d.[eé]cran", re.IGNORECASE)),
    (
        "camera numbering",
        Risk.DEVICE,
        re.compile(
            r"(?:^|/)(?:DSC[NF_]?|IMG_|MVI_|PXL_|GOPR|G[XHLP]\d\d|DJI_|P\d{3}|SAM_|IMG_E|_MG_|DSC_)\d{4,}",
            re.IGNORECASE,
        ),
    ),
    ("position", Risk.PLACE, re.compile(r"(?<!\d)-?\d{1,2}\.\d{4,}[,_ ]+-?\d{1,3}\.\d{4,}(?!\d)")),
    (
        "serial number",
        Risk.DEVICE,
        re.compile(r"(?<![A-Za-z])(?:s/?n|serial|imei)[-_ ]?(?=[A-Z]*\d)[A-Z0-9]{6,}", re.IGNORECASE),
    ),
    (
        "unique identifier",
        Risk.HISTORY,
        re.compile(
            r"(?<![0-9A-F])[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}(?![0-9A-F])", re.IGNORECASE
        ),
    ),
    ("user folder", Risk.PERSON, re.compile(r"(?:^|/)(?:home|Users|Dokumente und Einstellungen)/[^/]+", re.IGNORECASE)),
    (
        "owner's device",
        Risk.PERSON,
        re.compile(
            r"[^\W\d_]+['’]?s[ _-](?:iphone|ipad|galaxy|pixel|phone|macbook|camera)"
            r"|(?:iphone|ipad)[ _-](?:von|de)[ _-]\w+",
            re.IGNORECASE,
        ),
    ),
)
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
# Words that cameras and programs begin names with; what follows them is seldom a surname.
_NOBODY = frozenset(
    """
    bild bildschirmfoto capture clip copy cover document download edit edited export facebook facetime film final foto fotos
    image images img instagram kopie new photo photos picture pictures profile scan screen screenshot shot signal snapchat
    story telegram test untitled video videos von whatsapp
    """.split()  # noqa: SIM905 - a list of words, not of quotes
)


def _person(name: str) -> str:
    """Two words in a row, each with a capital and small letters, in any script that has them; empty where there are none."""
    for part in name.split("/"):
        words = list(_WORD.finditer(part.rpartition(".")[0] or part))
        for one, two in pairwise(words):
            between = part[one.end() : two.start()]
            both = (one[0], two[0])
            if between in ("_", " ", "-", ".", ", ") and all(
                len(word) > 2 and word.istitle() and word.casefold() not in _NOBODY for word in both
            ):
                return part[one.start() : two.end()]
    return ""


def _found(pattern: re.Pattern[str]) -> Callable[[str], str]:
    return lambda name: hit[0] if (hit := pattern.search(name)) else ""


_LOOKS: tuple[tuple[str, Risk, Callable[[str], str]], ...] = (
    *((kind, risk, _found(pattern)) for kind, risk, pattern in _PLAIN),
    ("two capitalised words", Risk.PERSON, _person),
)


def said_by_name(name: str) -> tuple[NamePart, ...]:
    """What a file name, with folders or without, gives away: the first part of each kind.

    >>> [part.kind for part in said_by_name("2023/IMG-20230514-WA0007.jpg")]
    ['date and time', 'messenger file']
    >>> [part.text for part in said_by_name("Jürgen Müller am See.jpg")]
    ['Jürgen Müller']
    """
    return tuple(NamePart(kind, risk, text) for kind, risk, look in _LOOKS if (text := look(name)))
