"""SVG: what is drawn, by an allowlist of elements and attributes; embedded pictures are cleaned in turn."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any, BinaryIO
from xml.etree.ElementTree import (
    Comment,
    Element,
    ProcessingInstruction,
    SubElement,
    tostring,
)

from veilset.containers.allowed import is_plain
from veilset.containers.contract import Claim, Fate, Keep, Listing, Rebuilt
from veilset.containers.inner import clean_inner
from veilset.containers.kept_fields import kept_packet
from veilset.containers.rights_fields import rdf_of
from veilset.containers.risks import risk_of
from veilset.containers.svg_names import ACTIVE, ATTRIBUTES, ELEMENTS, SHAPES, TEXT, UNSEEN, may_hold
from veilset.containers.svg_pictures import picture_of
from veilset.containers.svg_read import NAME, SVG, local, parse
from veilset.containers.svg_size import facts_of
from veilset.containers.svg_style import (
    COMMENT,
    REFERENCE,
    SELECTOR,
    clean_declarations,
    clean_sheet,
    clean_value,
    declared_names,
    is_plain_style,
    kept_rules,
    pointed_at,
    used_classes,
)
from veilset.containers.svg_values import plain_value, unknown_fonts
from veilset.containers.xmp import read_xmp
from veilset.core.errors import Unsupported
from veilset.core.finding import Risk
from veilset.core.sample import TagValue

formats = ("svg",)
LINK = "{http://www.w3.org/1999/xlink}href"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_HIDDEN = re.compile(
    r"<switch|display:none|visibility[:=]\"?(?:hidden|collapse)|opacity[:=]\"?(?:0+(?:\.0*)?|\.0+)[\";]"
    r"|(?:width|height)[:=]\"?(?:0+(?:\.0*)?|\.0+)(?:px)?[\";]"
)
# Text between tags, numbers and names: a drawing that was written anew holds no comment, and no mark inside quotes.
_SHOWN = re.compile(rb">([^<>]{8,})<|[-+]?[0-9][0-9.]{7,}|[A-Za-z:-]{8,}(?==)")
_QUOTES = str.maketrans("", "", "'\"")
DOCTYPE = re.compile(rb"<!DOCTYPE[^>]*")


@dataclass
class Draft:
    """A drawing being written: new names, new classes, what may stay, and what is left in embedded pictures."""

    names: Mapping[str, str]
    classes: Mapping[str, str]
    keep: Keep
    results: Mapping[str, str] = field(default_factory=dict)
    residue: list[str] = field(default_factory=list)


def inspect(data: memoryview) -> Listing:
    """List the drawing: comments, instructions, titles, foreign attributes and elements, embedded pictures.

    Raises:
        Malformed: It is no well-formed XML.
        Unsupported: It defines entities, holds scripts, or points at other files.
    """
    root = parse(data)
    _write(root, Keep())
    kind = DOCTYPE.search(bytes(data[:4096]))
    tags = [TagValue("svg/doctype", kind[0].decode("utf-8", "replace"), Risk.HISTORY, len(kind[0]))] if kind else []
    tags += [*_tags(root, "svg", frozenset(_names(root))), *_described(root)]
    return Listing(facts_of(root), tuple(tags), _claims(data))


def rebuild(data: memoryview, out: BinaryIO, keep: Keep) -> Rebuilt:
    """Write the drawing anew.

    **Guarantee**
    - Only listed elements and attributes of SVG go out; names of elements and classes are numbers; comments,
      instructions, titles, descriptions and metadata go.
    - Pictures inside `data:` addresses went through the cleaner of their own format.
    - What `keep` names of the drawing's RDF (rights, a place on its grid, a date, exposure) goes into new RDF.
    """
    new, residue = _write(parse(data), keep)
    out.write(new)
    return Rebuilt(len(new), _claims(data), (), residue)


def _claims(data: memoryview) -> tuple[Claim, ...]:
    return (Claim(0, len(data), Fate.REWRITTEN, "drawing"),)


def _stays(child: Element, parent: Element, names: Collection[str]) -> bool:
    """Whether an element goes out: it is listed, has an effect where it stands, and somebody sees it or points at it."""
    kind, above = local(child), local(parent)
    if kind not in ELEMENTS or _invisible(child) or not may_hold(above, kind):
        return False
    unseen = kind in UNSEEN or (above == "defs" and kind != "style")
    return not unseen or any(part.get("id") in names or local(part) == "style" for part in child.iter())


def _going(element: Element, names: Collection[str]) -> Iterator[Element]:
    """The elements that go out."""
    yield element
    for child in element:
        if _stays(child, element, names):
            yield from _going(child, names)


def _names(root: Element) -> list[str]:
    """Names that something which goes out points at: what only a part points at that goes is pointed at by nobody."""
    going = [element for element in root.iter() if local(element) is not None]
    points = {element: _pointed(element) for element in going}
    found: list[str] = []
    while (now := _referenced(going, points)) != found:
        found, going = now, list(_going(root, frozenset(now)))
    return found


def _write(root: Element, keep: Keep) -> tuple[bytes, tuple[str, ...]]:
    drawn = [element for element in root.iter() if local(element) is not None]
    for element in drawn:
        _refuse_active(element)
    found = _names(root)
    going = list(_going(root, frozenset(found)))
    names = {name: f"i{n}" for n, name in enumerate(found, 1)}
    results = dict.fromkeys(element.get("result", "") for element in going if (local(element) or "").startswith("fe"))
    sheets = [element.text or "" for element in going if local(element) == "style"]
    classes = {name: f"c{n}" for n, name in enumerate(used_classes(sheets), 1)}
    new = Element("svg", xmlns="http://www.w3.org/2000/svg")
    draft = Draft(names, classes, keep, {name: f"r{n}" for n, name in enumerate(filter(None, results), 1)})
    _copy(root, new, draft)
    # Drawn words are a part of the picture, and may name somebody all the same.
    if any("".join(element.itertext()).strip() for element in new.iter("text")):
        draft.residue.append("words that the drawing shows")
    packet = b"" if is_plain(keep) else kept_packet(_described(root), keep)
    families = [element.get("font-family", "") for element in going]
    sheets += [element.get("style", "") for element in going]
    families += re.findall(r"font-family\s*:([^;}]*)", " ; ".join(sheets))
    if any(map(unknown_fonts, families)):
        draft.residue.append("fonts that not everybody has were replaced")
    draft.residue += _unseen(new)
    if packet:
        new.insert(0, Element("metadata"))
    text: bytes = tostring(new, encoding="utf-8", xml_declaration=True)
    if packet:
        # Nothing of the drawing is called so: the elements that go out are listed.
        text = text.replace(b"<metadata />", b"<metadata>" + rdf_of(packet) + b"</metadata>", 1)
    return text + b"\n", tuple(dict.fromkeys(draft.residue))


def _unseen(new: Element) -> Iterator[str]:
    """What the drawing holds and may not show."""
    text = tostring(new).decode()
    if _HIDDEN.search(text):
        yield "parts of the drawing that are hidden"
    if next(new.iter("image"), None) is not None and sum(element.tag in SHAPES for element in new.iter()) > 2:
        yield "pixels below other shapes, or outside of the drawing"


def _described(root: Element) -> Iterator[TagValue]:
    """What the drawing's RDF says, under the names that XMP has for it."""
    for described in root.iter(f"{SVG}metadata"):
        for tag in read_xmp(tostring(described, encoding="utf-8")):
            if not tag.path.endswith(("/packet", "/unreadable")):
                # Editors describe a `cc:Work`, and put each person into an agent with a title.
                path = tag.path.replace("/cc:Work", "").removesuffix("/cc:Agent/dc:title")
                yield tag._replace(path=path, risk=risk_of(path))


def _refuse_active(element: Element) -> None:
    # What an editor put down for itself, under a name that no other program serves, is drawn by nobody.
    extension = element.get("requiredExtensions", "")
    private = local(element) == "foreignObject" and extension and "w3.org" not in extension
    if (
        not private
        and local(element) in ACTIVE
        and (len(element) or element.attrib.keys() - {"id", "type"} or (element.text or "").strip())
    ):
        raise Unsupported(f"{NAME}: holds scripts, animation or foreign content; save it as plain SVG without them")
    if any(name.rpartition("}")[2].lower().startswith("on") for name in element.attrib):
        raise Unsupported(f"{NAME}: holds event handlers (scripts); save it as plain SVG without them")


def _pointed(element: Element) -> tuple[str, ...]:
    """Names that an element points at."""
    link = element.get(LINK) or element.get("href") or ""
    found = [link[1:]] if link.startswith("#") and local(element) != "a" else []
    for name, value in element.attrib.items():
        if name in ATTRIBUTES:
            found += pointed_at(name, value)
    found += declared_names(element.get("style", ""))
    for selector, body in kept_rules(element.text or "") if local(element) == "style" else ():
        found += [match[2] for match in SELECTOR.finditer(selector) if match[1] == "#"] + declared_names(body)
    return tuple(found)


def _referenced(drawn: Sequence[Element], points: Mapping[Element, Sequence[str]]) -> list[str]:
    """Names that something points at, in order of first use."""
    found = dict.fromkeys(name for element in drawn for name in points[element])
    present = {element.get("id") for element in drawn}
    return [name for name in found if name in present]


def _copy(old: Element, new: Element, draft: Draft) -> None:
    kind = local(old)
    own = {name: value for name, value in old.attrib.items() if name in ATTRIBUTES}
    for name in sorted(own):
        value = clean_value(own[name], draft.names)
        if name in {"in", "in2", "result"}:
            value = draft.results.get(value, value if name != "result" else "")
        plain = plain_value(name, value)
        if plain:
            new.set(name, plain)
    style = clean_declarations(old.get("style", ""), draft.names)
    if style:
        new.set("style", style)
    if old.get("id", "") in draft.names:
        new.set("id", draft.names[old.get("id", "")])
    worn = [draft.classes[word] for word in old.get("class", "").split() if word in draft.classes]
    if worn:
        new.set("class", " ".join(worn))
    if old.get(SPACE) == "preserve":
        new.set("xml:space", "preserve")
    link = old.get(LINK) or old.get("href")
    if link is not None and kind != "a":
        new.set("href", _link(link, kind, draft))
    if kind == "style":
        new.text = clean_sheet(old.text or "", draft.names, draft.classes)
        return
    new.text = old.text if kind in TEXT else None
    for child in old:
        _child(child, old, new, draft)


def _child(child: Element, old: Element, new: Element, draft: Draft) -> None:
    kind, text = local(child), new.tag in TEXT
    if _stays(child, old, draft.names):
        made = SubElement(new, str(kind))
        _copy(child, made, draft)
        made.tail = child.tail if text else None
    elif text and child.tail:
        # The element goes, the text behind it is drawn.
        if len(new):
            new[-1].tail = (new[-1].tail or "") + child.tail
        else:
            new.text = (new.text or "") + child.tail


def _invisible(element: Element) -> bool:
    """Whether the element's own style hides it, which nothing that we keep could undo."""
    style, shown = element.get("style", ""), element.get("display", "").strip()
    hidden = re.search(r"display\s*:\s*none", style) is not None or (shown == "none" and "display" not in style)
    return local(element) in SHAPES and hidden


def _link(link: str, kind: str | None, draft: Draft) -> str:
    link = link.strip()
    if link.startswith("#"):
        return f"#{draft.names.get(link[1:], 'none')}"
    if kind != "image" or not link.startswith("data:"):
        raise Unsupported(f"{NAME}: points at another file; embed it, or take the reference out")
    return _embedded(picture_of(link), draft)


def words_of(data: memoryview) -> bytes:
    """Words that are drawn, long numbers that draw, and the names of attributes, in a drawing of our own making."""
    found = (hit[1] or hit[0] for hit in _SHOWN.finditer(bytes(data)))
    return unescape(b"\0".join(found).decode()).encode()


def pictures(data: memoryview) -> Iterator[tuple[str, bytes]]:
    """The pictures inside the drawing, each under `svg/picture`.

    Raises:
        DataError: As `inspect`.
    """
    for element in parse(data).iter():
        link = (element.get(LINK) or element.get("href") or "").strip()
        if link.startswith("data:"):
            yield "svg/picture", picture_of(link)


def _embedded(raw: bytes, draft: Draft) -> str:
    from veilset.containers import identify

    kind = identify(raw[:65536])
    types = {"jpeg": "jpeg", "png": "png", "gif": "gif", "webp": "webp", "avif": "avif", "bmp": "bmp"}
    if kind not in types:
        raise Unsupported(f"{NAME}: an embedded picture is of a kind that cannot be cleaned inside a drawing")
    new, left = clean_inner(raw, draft.keep)
    draft.residue += left
    return f"data:image/{types[kind]};base64,{base64.b64encode(new).decode()}"


def _tags(element: Element, path: str, names: Collection[str]) -> Iterator[TagValue]:
    """Everything of the drawing that does not go out, depth first."""
    loose = [] if local(element) in TEXT | {"a"} else [element.text, *(child.tail for child in element)]
    said = " ".join(part.strip() for part in loose if part and part.strip())
    if said:
        yield TagValue(f"{path}/loose_text", said, Risk.CONTENT, len(said.encode()))
    sheet = element.text or "" if local(element) == "style" else ""
    for style in filter(None, (element.get("style", ""), sheet)):
        if not is_plain_style(style, sheet=style is sheet):
            yield TagValue(f"{path}/style", style, Risk.CONTENT, len(style.encode()))
    for child in element:
        kind = local(child)
        tag: Any = child.tag
        if not _stays(child, element, names):
            word = {Comment: "comment", ProcessingInstruction: "instruction"}.get(tag) or _short(str(tag))
            said = " ".join(part.strip() for part in _texts(child) if part.strip())
            risk = Risk.HIDDEN if kind in SHAPES else risk_of(word)
            yield TagValue(f"{path}/{word}", said, risk, len(said.encode()))
        else:
            yield from _tags(child, f"{path}/{kind}", names)
    for name, value in element.attrib.items():
        link = name in (LINK, "href")
        if link and value.strip().startswith("data:"):
            yield from _inner(picture_of(value.strip()), path)
        elif name in ATTRIBUTES and not _is_plain(name, _renamed(value)):
            yield TagValue(f"{path}/@{name}", value, Risk.CONTENT, len(value.encode()))
        elif name not in ATTRIBUTES and name not in ("style", SPACE) and not (link and value.startswith("#")):
            risk = Risk.PERSON if name == "id" else risk_of(_short(name))
            yield TagValue(f"{path}/@{_short(name)}", value, risk, len(value.encode()))


def _is_plain(name: str, value: str) -> bool:
    plain = plain_value(name, value)
    bare = (one.translate(_QUOTES).replace(", ", ",") for one in (plain, value))
    return plain == value or len(set(bare)) == 1


def _renamed(value: str) -> str:
    """A value with its references as they would be written."""
    return " ".join(REFERENCE.sub("url(#none)", COMMENT.sub("", value)).split())


def _texts(element: Element) -> Iterator[str]:
    for part in element.iter():
        yield from (part.text or "", *(part.attrib.values() if not callable(part.tag) else ()), part.tail or "")


def _inner(raw: bytes, path: str) -> Iterator[TagValue]:
    from veilset.containers import inspect as look

    for tag in look(raw).tags:
        yield TagValue(f"{path}/picture/{tag.path}", tag.value, tag.risk, tag.size, tag.technical)


def _short(name: str) -> str:
    space, _, local = name.rpartition("}")
    return f"{space.rstrip('/').rpartition('/')[2]}:{local}" if space else local
