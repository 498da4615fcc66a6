"""Style sheets and names inside SVG: what is drawn stays, what an editor noted goes, names become numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from veilset.containers.svg_names import PROPERTIES
from veilset.containers.svg_values import plain_selector, plain_value
from veilset.core.errors import Unsupported

NAME = "SVG"
REFERENCE = re.compile(r"""url\(\s*(['"]?)\s*(.*?)\s*\1\s*\)""", re.DOTALL)
ESCAPES = re.compile(r"\\")
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
# How the sheet is written, and of what language: what goes out is UTF-8 and SVG.
STATEMENT = re.compile(r"@(?:charset|namespace)[^;{}@]*;")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SELECTOR = re.compile(r"([.#])(-?[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff-]*)")


def clean_value(value: str, names: Mapping[str, str]) -> str:
    """A property's value with its references renamed.

    >>> clean_value("url(#Anna)", {"Anna": "i1"})
    'url(#i1)'

    Raises:
        Unsupported: It points outside the file.
    """

    def renamed(match: re.Match[str]) -> str:
        target = match[2]
        if not target.startswith("#"):
            raise Unsupported(f"{NAME}: a style points at another file; embed what it needs, or leave it out")
        return f"url(#{names.get(target[1:], 'none')})"

    if ESCAPES.search(value):
        raise Unsupported(f"{NAME}: escaped characters in a style are not served")
    found = REFERENCE.sub(renamed, COMMENT.sub("", value))
    if (
        len(REFERENCE.findall(found)) != len(re.findall(r"url\s*\(", found, re.IGNORECASE))
        or "expression(" in found.lower()
    ):
        raise Unsupported(f"{NAME}: a style cannot be read")
    return " ".join(found.split())


def clean_declarations(text: str, names: Mapping[str, str]) -> str:
    """`name: value; ...` with the properties that draw, and no others.

    >>> clean_declarations("fill: red; -inkscape-font: Anna; /* Anna */ opacity:.5", {})
    'fill:red;opacity:.5'
    """
    kept = []
    for part in COMMENT.sub("", text).split(";"):
        name, colon, value = part.partition(":")
        if colon and name.strip().lower() in PROPERTIES:
            word, _, weight = clean_value(value, names).partition("!")
            plain = plain_value(name.strip().lower(), word)
            if plain:
                kept.append(f"{name.strip().lower()}:{plain}{'!important' * (weight.strip() == 'important')}")
    return ";".join(kept)


def clean_sheet(text: str, names: Mapping[str, str], classes: Mapping[str, str]) -> str:
    """A style sheet: plain rules with renamed selectors.

    Raises:
        Unsupported: It has at-rules, which may load other files.
    """
    text = STATEMENT.sub("", COMMENT.sub("", text).replace("<!--", "").replace("-->", ""))
    if "@" in text:
        raise Unsupported(f"{NAME}: a style sheet with at-rules is not served; let the editor write plain styles")
    rules = []
    for selector, body in RULE.findall(text):
        if "[" in selector or ESCAPES.search(selector):
            raise Unsupported(f"{NAME}: style rules that look at attributes are not served")
        chosen = plain_selector(_selector(selector, names, classes).strip())
        if chosen:
            rules.append(f"{chosen}{{{clean_declarations(body, names)}}}")
    return "".join(rules)


def _selector(text: str, names: Mapping[str, str], classes: Mapping[str, str]) -> str:
    known = {"#": names, ".": classes}
    return SELECTOR.sub(lambda match: match[1] + known[match[1]].get(match[2], "none"), text)


def used_classes(sheets: list[str]) -> list[str]:
    """Class names that a sheet selects, in order of first use."""
    found = (match[2] for sheet in sheets for rule in RULE.findall(COMMENT.sub("", sheet))
             for match in SELECTOR.finditer(rule[0]) if match[1] == ".")  # fmt: skip
    return list(dict.fromkeys(found))


def is_plain_style(text: str, *, sheet: bool) -> bool:
    """Whether a style, or a sheet of them, holds nothing but what goes out, but for names.

    >>> is_plain_style("fill:red; opacity:.5", sheet=False), is_plain_style("fill:red; -editor:anna", sheet=False)
    (True, False)
    """
    if COMMENT.search(text):
        return False
    if sheet:
        rules = RULE.findall(text)
        renamed = [(SELECTOR.sub(lambda hit: hit[1] + "none", selector).strip(), body) for selector, body in rules]
        parts = [plain_selector(selector) and is_plain_style(body, sheet=False) for selector, body in renamed]
        return all(parts) and not RULE.sub("", text).strip()
    said = [part for part in text.split(";") if part.strip()]
    return len(said) == len([part for part in clean_declarations(text, {}).split(";") if part])
