"""What words give away: telephone numbers, e-mail addresses, dates, numbers like those of documents, names."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\s?\.\s?[\w-]+)*\s?\.\s?[a-z]{2,}", re.IGNORECASE)
_DATE = re.compile(
    r"\b(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2})"
    r"|\d{1,2}\.?\s?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?\s?\d{2,4}"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s?\d{1,2}(?:st|nd|rd|th)?,?\s?\d{4}"
    r"|\d{4}年\d{1,2}月\d{1,2}日)\b",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.])(?:\+|00)?\(?\d[\d\s()./-]{5,18}\d(?!\w)")
_ID = re.compile(r"\b(?=[A-Z0-9-]*\d[A-Z0-9-]*\d[A-Z0-9-]*\d)[A-Z0-9](?:-?[A-Z0-9]){5,24}\b")
_NAME = re.compile(
    r"\b(?:mr|mrs|ms|miss|dr|prof|herr|frau|sr|sra|mme|name|surname|patient|dear)\b[.:]?\s*"
    r"[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+){0,3}",
    re.IGNORECASE,
)
KINDS = ("date", "email", "id_number", "name", "phone")


def kinds_in(words: str) -> tuple[str, ...]:
    """Kinds of personal data that one line of text seems to hold, in alphabetical order.

    Patterns, no understanding: a telephone number is 7 to 15 digits in groups, or with a + before them; an ID-like
    number has at least 6 letters and digits, 3 digits among them; a name is known only by a title or a label before
    it. A name alone is not recognised.

    *Source*: ITU-T E.164 (at most 15 digits), RFC 5321 addresses in their usual form, ISO 8601 and local dates.

    >>> kinds_in("Dr. Jane Roe, tel. +44 20 7946 0000")
    ('name', 'phone')
    >>> kinds_in("born 3 May 1984, passport C01X00T47, jane@example.org")
    ('date', 'email', 'id_number')
    >>> kinds_in("EXIT 23")
    ()
    """
    found = set()
    left = words
    for kind, pattern in (("email", _EMAIL), ("date", _DATE)):
        if pattern.search(left):
            found.add(kind)
            left = pattern.sub(" | ", left)
    for match in _PHONE.finditer(left):
        digits = sum(letter.isdigit() for letter in match[0])
        grouped = match[0][0] in "+(" or re.search(r"\d[\s()./-]+\d", match[0]) is not None
        if 7 <= digits <= 15 and (grouped or digits >= 9):
            found.add("phone")
            # Ungrouped digits may as well be the number of a document.
            left = left.replace(match[0], " | ") if grouped else left
    if _ID.search(left):
        found.add("id_number")
    if any(match[0].split()[-1][0].isupper() for match in _NAME.finditer(left)):
        found.add("name")
    return tuple(sorted(found))
