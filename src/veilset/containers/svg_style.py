"""Style sheets and names inside SVG: what is drawn stays, what an editor noted goes, names become numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from veilset.containers.svg_names import PROPERTIES
from veilset.containers.svg_values import plain_selector, plain_value
from veilset.core.errors import Unsupported

NAME = "SVG"
# Each of these ends where the next may begin, so that none is looked for from every place to the end.
REFERENCE = re.compile(r"""url\(\s*(['"]?)\s*([^\s'"()]*)\s*\1\s*\)""")
ESCAPES = re.compile(r"\\")
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
# How the sheet is written, and of what language: what goes out is UTF-8 and SVG.
STATEMENT = re.compile(r"@(?:charset|namespace)[^;{}@]*;")
RULE = re.compile(r"(?<![^{}])([^{}]+)\{([^{}]*)\}")
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


def kept_rules(text: str) -> list[tuple[str, str]]:
    """Selectors and bodies of the rules of a sheet that go out."""
    rules = RULE.findall(STATEMENT.sub("", COMMENT.sub("", text)))
    return [(one, body) for one, body in rules if plain_selector(SELECTOR.sub(r"\1none", one).strip())]


def pointed_at(name: str, value: str) -> list[str]:
    """The names that the value of a property points at, where the value goes out."""
    if "#" not in value:
        return []
    found = [match[2][1:] for match in REFERENCE.finditer(value) if match[2].startswith("#")]
    try:
        return found if found and plain_value(name, clean_value(value, {}).partition("!")[0]) else []
    except Unsupported:
        # Where it is to go out, writing it says why it cannot.
        return []


def declared_names(text: str) -> list[str]:
    """The names that declarations point at, of those that go out."""
    parts = (part.partition(":") for part in COMMENT.sub("", text).split(";")) if "#" in text else ()
    listed = ((name.strip().lower(), value) for name, _, value in parts)
    return [found for name, value in listed if name in PROPERTIES for found in pointed_at(name, value)]


def _selector(text: str, names: Mapping[str, str], classes: Mapping[str, str]) -> str:
    known = {"#": names, ".": classes}
    return SELECTOR.sub(lambda match: match[1] + known[match[1]].get(match[2], "none"), text)


def used_classes(sheets: list[str]) -> list[str]:
    """Class names that a sheet selects, in order of first use."""
    rules = (selector for sheet in sheets for selector, _ in kept_rules(sheet))
    found = (match[2] for selector in rules for match in SELECTOR.finditer(selector) if match[1] == ".")
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
