"""A file inside another (a member of an archive, a picture in a document): cleaned and judged as one of its own."""

from __future__ import annotations

from io import BytesIO

from veilset.containers.contract import Keep
from veilset.core.errors import Residue


def clean_inner(raw: bytes, keep: Keep) -> tuple[bytes, tuple[str, ...]]:
    """The clean file and what is left in it.

    The search for nested files cannot tell a wanted one from a hidden one in what holds it, so each is searched here.
    What stands behind the last coded block of a JPEG or WebP is always cut: nobody looks for it there later.

    Raises:
        DataError: It cannot be cleaned.
        Residue: The clean file still holds what the original said.
    """
    from veilset.containers import identify, inspect, rebuild
    from veilset.containers.surplus import SEARCHED, searched
    from veilset.containers.verify import NESTING, verify

    out = BytesIO()
    rebuilt = rebuild(raw, out, keep)
    new = out.getvalue()
    verdict = verify(
        memoryview(new),
        rebuilt.copied,
        lambda: [tag.value for tag in inspect(raw).tags if not tag.technical],
        permitted=lambda: [tag.value for tag in inspect(new).tags],
        nested=identify(raw[:65536]) not in NESTING,
    )
    if verdict.found:
        raise Residue(f"a file inside it still holds {', '.join(verdict.found)}; nothing was kept.")
    return searched(new, rebuilt.residue) if identify(new[:4096]) in SEARCHED else (new, rebuilt.residue)
