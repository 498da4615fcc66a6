"""Entities that stand for addresses of namespaces, as Illustrator writes them: put in their places before XML is read."""

from __future__ import annotations

import re

_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*\[([^\]]*)\]\s*>")
_ADDRESS = re.compile(
    rb"\s*<!ENTITY\s+([A-Za-z_][\w.-]*)\s+(?:\"(https?://[\w./:#&;-]{0,200})\"|'(https?://[\w./:#&;-]{0,200})')\s*>\s*"
)
_MOST = 1000


def without_addresses(raw: bytes) -> bytes:
    """The same drawing, without its list of entities, where each of them is an address; else as it was.

    >>> without_addresses(b'<!DOCTYPE svg [<!ENTITY a "http://b/c">]><svg xmlns="&a;"/>')
    b'<svg xmlns="http://b/c"/>'
    """
    first = raw.find(b"<!DOCTYPE", 0, 1 << 16)
    listed = _DOCTYPE.match(raw, first, 1 << 17) if first >= 0 else None
    if listed is None:
        return raw
    at, found = 0, dict[bytes, bytes]()
    while at < len(listed[1]):
        one = _ADDRESS.match(listed[1], at)
        if one is None:
            return raw
        at = one.end()
        found[one[1]] = one[2] or one[3]
    if any(b"&" in address for address in found.values()) or raw.count(b"&") > _MOST:
        return raw
    named = re.compile(b"&(" + b"|".join(map(re.escape, found)) + b");") if found else None
    rest = raw[: listed.start()] + raw[listed.end() :]
    return named.sub(lambda hit: found[hit[1]], rest) if named else rest
