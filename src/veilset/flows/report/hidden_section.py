"""The part of the audit's page that puts pictures hidden in a file beside the picture that it shows. Private."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from veilset.core.errors import DataError
from veilset.core.finding import Finding, Risk
from veilset.core.roles import Ref, Source
from veilset.core.sample import FileOnly, TagValue
from veilset.core.where import Tag
from veilset.detectors.hidden import hidden_pixels
from veilset.flows.report.page import section
from veilset.flows.report.sheet import SIDE, thumbnail


def hidden_section(found: Sequence[tuple[Ref, Finding]], total: int, source: Source) -> str:
    """Each listed finding as a pair; the rest is counted."""
    if not found:
        return section("hidden", "Pictures hidden in a file", '<p class="soft">none that differs</p>')
    words = (
        f'<p class="soft">Left what the file shows, right what it also holds. {len(found)} of {total} are drawn, those '
        "that differ most first; what cannot be decoded cannot be compared, and comes last.</p>"
    )
    pairs = "".join(_pair(source, ref, finding) for ref, finding in found)
    return section("hidden", "Pictures hidden in a file", words, f'<div class="sheet">{pairs}</div>')


def _pair(source: Source, ref: Ref, finding: Finding) -> str:
    path = finding.where.path if isinstance(finding.where, Tag) else ""
    measured = finding.detail.get("difference")
    lost = finding.detail.get("lost_detail") or 0
    differs = "not compared" if measured is None else f"differs by {measured:.0%} where it differs most"
    differs += f", and shows {lost:.0f} grey levels of detail that the picture lost" if lost >= 1 else ""
    caption = f"<b>{escape(ref.name)}</b><br>{escape(path)}: {escape(differs)}"
    try:
        sample = source.load(ref)
        if isinstance(sample.media, FileOnly):
            said = f"{escape(sample.format)}: not decoded here, so not drawn"
            return f"<figure><figcaption>{caption}<br>{said}</figcaption></figure>"
        image = sample.image
        reduce = max((step for step in (1, 2, 4, 8) if max(image.shape) // step >= SIDE), default=1)
        hidden = hidden_pixels(image, TagValue(path, finding.value, Risk.HIDDEN, int(finding.detail.get("bytes", 0))))
        shown = thumbnail(image.reduced(reduce), image.width, ())
    except DataError as error:
        return f"<figure><figcaption>{caption}<br>{escape(error.message)}</figcaption></figure>"
    if hidden is None:
        second = '<p class="soft">cannot be drawn</p>'
    else:
        second = f'<img alt="hidden" src="data:image/jpeg;base64,{thumbnail(hidden, hidden.shape[1], ())}">'
    return (
        f'<figure><div class="pair"><img alt="shown" src="data:image/jpeg;base64,{shown}">{second}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )
