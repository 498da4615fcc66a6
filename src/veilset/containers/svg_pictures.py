"""Pictures that stand inside a drawing, as `data:` addresses."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from veilset.core.errors import Malformed

NAME = "SVG"


def picture_of(link: str) -> bytes:
    """The bytes inside a `data:` address."""
    head, comma, body = link.partition(",")
    if not comma:
        raise Malformed(f"{NAME}: an embedded picture has no content")
    try:
        raw = unquote_to_bytes(body)
        return base64.b64decode(b"".join(raw.split()), validate=True) if head.endswith(";base64") else raw
    except binascii.Error:
        raise Malformed(f"{NAME}: an embedded picture is not proper base64") from None
