"""Objects of PDF as bytes."""

from __future__ import annotations

from typing import Any

from veilset.containers.pdf_objects import Name, Ref
from veilset.core.errors import Malformed

NAME = "PDF"


def plain(value: Any) -> bytes:
    """An object as PDF writes it.

    >>> plain({b"Type": Name(b"Page"), b"Box": [0, 1.5]})
    b'<</Type /Page/Box [0 1.5]>>'
    >>> plain([-0.0, -1e-9, -0.5])
    b'[0 0 -0.5]'
    """
    match value:
        case bool():
            return b"true" if value else b"false"
        case int():
            return b"%d" % value
        case float():
            # `z` takes the sign from what is rounded to nothing: a second pass would.
            return f"{value:z.6f}".rstrip("0").rstrip(".").encode()
        case Ref():
            return b"%d 0 R" % value.number
        case Name():
            return b"/" + b"".join(bytes([c]) if bytes([c]).isalnum() else b"#%02X" % c for c in value)
        case bytes():
            return b"<" + value.hex().encode() + b">"
        case list():
            return b"[" + b" ".join(map(plain, value)) + b"]"
        case dict():
            return b"<<" + b"".join(plain(Name(key)) + b" " + plain(item) for key, item in value.items()) + b">>"
    raise Malformed(f"{NAME}: an object of an unknown kind")
