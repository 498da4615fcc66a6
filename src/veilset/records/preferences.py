"""Signals inside a file by which its author reserves the picture against mining and training."""

from __future__ import annotations

from collections.abc import Iterable

from veilset.core.sample import TagValue

# Values that let mining be; everything else that these properties can say restricts it in some way.
_HARMLESS = ("dmi-allowed", "dmi-unspecified")


def reservations(tags: Iterable[TagValue]) -> tuple[str, ...]:
    """Paths of the tags that reserve the picture against mining or training; the most restrictive reading wins.

    Read are PLUS `DataMining` (every value but allowed and unspecified counts as reserved, also those that point to
    constraints elsewhere), the CAWG and older C2PA assertion on training and mining (`constrained` counts as not
    allowed, as its specification says), and `tdm-reservation`.

    >>> reservations([TagValue("xmp/plus:DataMining", "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED")])
    ('xmp/plus:DataMining',)
    """
    return tuple(tag.path for tag in tags if _reserves(tag.path.lower(), _text(tag.value)))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace").lower() if isinstance(value, bytes) else str(value).lower()


def _reserves(path: str, value: str) -> bool:
    if path.endswith("datamining"):
        return bool(value.strip()) and not value.strip().endswith(_HARMLESS)
    if "training-mining" in path:
        return "notallowed" in value or "constrained" in value
    return path.endswith(("tdm-reservation", "tdm:reservation")) and value.strip() == "1"
