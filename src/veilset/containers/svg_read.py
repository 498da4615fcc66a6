"""Read an SVG as a tree of elements, comments and instructions, once and for all that look at it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from veilset.containers.svg_entities import without_addresses
from veilset.core.errors import Malformed, Unsupported

NAME = "SVG"
SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES = 64 << 20
DEEPEST = 128


def parse(data: memoryview) -> Element:
    """The outermost element, with its comments and instructions.

    Raises:
        DataError: It is no well-formed drawing, or one that may run, hide or fetch something.
    """
    if len(data) > MOST_BYTES:
        raise Unsupported(f"{NAME}: larger than {MOST_BYTES >> 20} MB")
    builder = TreeBuilder(insert_comments=True, insert_pis=True)
    parser = DefusedXMLParser(target=builder, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(without_addresses(bytes(data)))
        root: Element = parser.close()
    except DefusedXmlException:
        raise Unsupported(f"{NAME}: defines entities, which may hide content; save it as plain SVG") from None
    except ParseError as error:
        raise Malformed(f"{NAME}: no well-formed XML (line {error.position[0]})") from None
    _check_depth(root)
    for sheet in root.iter(f"{SVG}style"):
        _without_breaks(sheet)
    if root.tag != f"{SVG}svg":
        raise Unsupported(f"{NAME}: the outermost element is not svg in its namespace")
    return root


def local(element: Element) -> str | None:
    """Name within SVG; None for elements of other makers, comments and instructions."""
    return _within(element.tag)


@lru_cache(maxsize=1 << 10)
def _within(tag: Any) -> str | None:
    return tag[len(SVG) :] if isinstance(tag, str) and tag.startswith(SVG) else None


def _check_depth(root: Element) -> None:
    level = [root]
    for _ in range(DEEPEST + 1):
        level = [child for element in level for child in element]
    if level:
        raise Unsupported(f"{NAME}: nested deeper than {DEEPEST} levels")


def _without_breaks(sheet: Element) -> None:
    """Comments of XML split a sheet for whoever reads its text alone; comments of CSS do not, and go as such."""
    for child in list(sheet):
        tag: Any = child.tag
        if not isinstance(tag, str):
            said = (child.text or "").replace("*/", "")
            sheet.text = f"{sheet.text or ''}/*{said}*/{child.tail or ''}"
            sheet.remove(child)
