"""Style sheets and names inside SVG: what is drawn stays, what an editor noted goes, names become numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from veilset.core.errors import Unsupported

NAME = "SVG"
# Presentation properties (SVG 1.1 appendix N, SVG 2 section 6.6, CSS masking and compositing).
PROPERTIES = frozenset(
    [
        "alignment-baseline",
        "baseline-shift",
        "clip",
        "clip-path",
        "clip-rule",
        "color",
        "color-interpolation",
        "color-interpolation-filters",
        "color-rendering",
        "cursor",
        "cx",
        "cy",
        "d",
        "direction",
        "display",
        "dominant-baseline",
        "enable-background",
        "fill",
        "fill-opacity",
        "fill-rule",
        "filter",
        "flood-color",
        "flood-opacity",
        "font",
        "font-family",
        "font-feature-settings",
        "font-kerning",
        "font-size",
        "font-size-adjust",
        "font-stretch",
        "font-style",
        "font-variant",
        "font-weight",
        "glyph-orientation-horizontal",
        "glyph-orientation-vertical",
        "height",
        "image-rendering",
        "isolation",
        "kerning",
        "letter-spacing",
        "lighting-color",
        "line-height",
        "marker",
        "marker-end",
        "marker-mid",
        "marker-start",
        "mask",
        "mask-type",
        "mix-blend-mode",
        "opacity",
        "overflow",
        "paint-order",
        "pointer-events",
        "r",
        "rx",
        "ry",
        "shape-rendering",
        "stop-color",
        "stop-opacity",
        "stroke",
        "stroke-dasharray",
        "stroke-dashoffset",
        "stroke-linecap",
        "stroke-linejoin",
        "stroke-miterlimit",
        "stroke-opacity",
        "stroke-width",
        "text-align",
        "text-anchor",
        "text-decoration",
        "text-indent",
        "text-overflow",
        "text-rendering",
        "text-transform",
        "transform",
        "transform-box",
        "transform-origin",
        "unicode-bidi",
        "vector-effect",
        "visibility",
        "white-space",
        "width",
        "word-spacing",
        "writing-mode",
        "x",
        "y",
    ]
)
REFERENCE = re.compile(r"""url\(\s*(['"]?)\s*(.*?)\s*\1\s*\)""", re.DOTALL)
ESCAPES = re.compile(r"\\")
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
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
            kept.append(f"{name.strip().lower()}:{clean_value(value, names)}")
    return ";".join(kept)


def clean_sheet(text: str, names: Mapping[str, str], classes: Mapping[str, str]) -> str:
    """A style sheet: plain rules with renamed selectors.

    Raises:
        Unsupported: It has at-rules, which may load other files.
    """
    text = COMMENT.sub("", text).replace("<!--", "").replace("-->", "")
    if "@" in text:
        raise Unsupported(f"{NAME}: a style sheet with at-rules is not served; let the editor write plain styles")
    rules = []
    for selector, body in RULE.findall(text):
        if "[" in selector or ESCAPES.search(selector):
            raise Unsupported(f"{NAME}: style rules that look at attributes are not served")
        rules.append(f"{' '.join(_selector(selector, names, classes).split())}{{{clean_declarations(body, names)}}}")
    return "".join(rules)


def _selector(text: str, names: Mapping[str, str], classes: Mapping[str, str]) -> str:
    known = {"#": names, ".": classes}
    return SELECTOR.sub(lambda match: match[1] + known[match[1]].get(match[2], "none"), text)


def used_classes(sheets: list[str]) -> list[str]:
    """Class names that a sheet selects, in order of first use."""
    found = (match[2] for sheet in sheets for rule in RULE.findall(COMMENT.sub("", sheet))
             for match in SELECTOR.finditer(rule[0]) if match[1] == ".")  # fmt: skip
    return list(dict.fromkeys(found))
