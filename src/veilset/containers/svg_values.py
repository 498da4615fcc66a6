"""Values of SVG attributes and CSS properties: numbers, colours, references and the words of the language, and nothing else.

What a renderer cannot read it passes over, so a value that is anything else draws nothing and goes.
"""

from __future__ import annotations

import re

from veilset.containers.svg_names import ELEMENTS
from veilset.containers.svg_words import FONTS, WORDS
from veilset.core.errors import Unsupported

NAME = "SVG"

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_UNIT = r"(?:%|px|pt|pc|mm|cm|in|em|rem|ex|ch|vw|vh|deg|rad|grad|turn|ms|s)?(?![A-Za-z0-9])"
_TOKEN = re.compile(
    rf"(?P<space>[\s,]+)|(?P<number>{_NUMBER}{_UNIT}|{_NUMBER}(?=[-+.]))|(?P<colour>\#[0-9a-fA-F]{{3,8}}(?![\w-]))"
    r"|(?P<reference>url\(#(?:i\d+|none)\))|(?P<word>-?[A-Za-z][A-Za-z0-9-]*)|(?P<mark>[()/!*+-])",
    re.ASCII,
)
_PATH = re.compile(rf"(?:[MmLlHhVvCcSsQqTtAa](?=[\s,]*{_NUMBER})|[Zz]|{_NUMBER}|[\s,]+)*", re.ASCII)
_FUNCTION = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\(")
# Functions of names that a drawing gives, which go.
_NAMED = frozenset(("var", "env", "attr"))
_OWN = WORDS | {"url"}
_FIRST = re.compile(r"\s*[Mm]")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z]{2})?")
_RESULT = re.compile(r"r\d+", re.ASCII)
_INPUTS = frozenset(("SourceGraphic", "SourceAlpha", "BackgroundImage", "BackgroundAlpha", "FillPaint", "StrokePaint"))
_SELECTOR = re.compile(
    r"[\s,>+~]+|\*|[.#](?:[ci]\d+|none)"
    r"|:(?:root|(?:first|last|only)-(?:child|of-type)|empty|nth-(?:last-)?(?:child|of-type)\((?:[\dn+\s-]*|odd|even)\))"
    r"|:(?:not|is|where)\(|\)"
    r"|(?P<element>[A-Za-z]+)",
    re.ASCII,
)
_SIZES = re.compile(rf"(?:{_NUMBER}{_UNIT}(?:/(?:{_NUMBER}{_UNIT}|normal))?|[a-z-]+)\s*", re.ASCII)
# A number alone is a weight.
_SIZED = re.compile(rf"{_NUMBER}[%a-z]|(?:xx?-|xxx-)?(?:small|large)(?![\w-])|medium|smaller|larger", re.ASCII)


def plain_value(name: str, value: str) -> str:
    """The value of an attribute or property as far as it draws; empty where it goes.

    Raises:
        Unsupported: A function that is not known here, which a program may know.

    >>> plain_value("fill", "rgb(1, 2, 3)"), plain_value("fill", "Somebody"), plain_value("d", "M0 0 L1 1 Anna")
    ('rgb(1, 2, 3)', '', 'M0 0 L1 1')
    """
    value = value.strip()
    if name == "d":
        hit = _PATH.match(value) if _FIRST.match(value) else None
        return hit[0].strip() if hit else "none" if value == "none" else ""
    if name in {"in", "in2", "result"}:
        return value if _RESULT.fullmatch(value) or (value in _INPUTS and name != "result") else ""
    if name == "systemLanguage":
        return value if _LANGUAGE.fullmatch(value) else ""
    if name == "font-family":
        return _families(value)
    if name == "font":
        return _font(value)
    if _is_plain(value):
        return value
    if any(word.lower() not in _OWN or word.lower() in _NAMED for word in _FUNCTION.findall(value)):
        raise Unsupported(f"{NAME}: a style uses a function that is not known here; let the editor write plain values")
    return ""


def _is_plain(value: str) -> bool:
    at = 0
    while at < len(value):
        hit = _TOKEN.match(value, at)
        if hit is None or (hit["word"] and hit["word"].lower() not in WORDS):
            return False
        at = hit.end()
    return True


def _families(value: str) -> str:
    """Fonts that everybody has; where there is none, the one without serifs."""
    found = [name.strip().strip("'\"") for name in value.split(",")]
    kept = [f"'{name}'" if " " in name else name for name in found if name.lower() in FONTS]
    return ",".join(kept) or "sans-serif"


def _font(value: str) -> str:
    """Style, size and fonts in one.

    >>> _font("700 12px 'DejaVu Sans', Anna"), _font("italic small-caps larger serif"), _font("12px Anna")
    ("700 12px 'DejaVu Sans'", 'italic small-caps larger serif', '12px sans-serif')
    """
    at, sized = 0, False
    while (hit := _SIZES.match(value, at)) and hit.end() > at and not sized:
        if not _is_plain(hit[0]):
            break
        sized, at = _SIZED.match(hit[0]) is not None, hit.end()
    head = value[:at].strip()
    return f"{head} {_families(value[at:])}" if sized else head


def unknown_fonts(value: str) -> bool:
    """Whether a list of fonts names one that not everybody has."""
    return any(name.strip().strip("'\"").lower() not in FONTS for name in value.split(",") if name.strip())


def plain_selector(text: str) -> str:
    """A selector of elements, numbered classes and numbered names; empty where it is anything else.

    >>> plain_selector("g > .c1"), plain_selector("rect:lang(anna)")
    ('g > .c1', '')
    """
    at = 0
    while at < len(text):
        hit = _SELECTOR.match(text, at)
        if hit is None or (hit["element"] and hit["element"] not in ELEMENTS):
            return ""
        at = hit.end()
    return " ".join(text.split())
