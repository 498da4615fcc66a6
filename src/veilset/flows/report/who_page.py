"""The page on which somebody confirms whom a withdrawal is about: every sample concerned, with the face. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from veilset.core.finding import Finding
from veilset.core.roles import Ref, Source
from veilset.flows.report.page import page, section
from veilset.flows.report.sheet import figure
from veilset.flows.workplace import write_atomically

WARNING = "PRIVATE: this page shows people in a set, to confirm a withdrawal. Delete it when that is done."
SHOWN = 60


def write_who(
    path: Path,
    source: Source,
    parts: Mapping[str, Mapping[str, str]],
    faces: Mapping[str, tuple[Finding, ...]],
) -> None:
    """Write the page.

    Args:
        path: Where; it is made readable for its owner alone.
        source: The set.
        parts: Title to samples, each with why it is there.
        faces: Faces to outline, by sample.
    """
    refs = {ref.name: ref for ref in source.refs()}
    sections = [
        section(f"part-{number}", f"{title}: {len(samples)} samples", *_sheet(source, refs, samples, faces, title))
        for number, (title, samples) in enumerate(parts.items())
    ]
    write_atomically(path, page("Is this the person?", WARNING, sections).encode("utf-8", "replace"), private=True)


def _sheet(
    source: Source,
    refs: Mapping[str, Ref],
    samples: Mapping[str, str],
    faces: Mapping[str, tuple[Finding, ...]],
    title: str,
) -> Iterable[str]:
    yield '<div class="sheet">'
    for name in sorted(samples)[:SHOWN]:
        if name in refs:
            # On the page of one person the others' faces are not outlined.
            own = [face for face in faces.get(name, ()) if face.subject in (None, title)] or faces.get(name, ())
            yield figure(source, refs[name], own, samples[name])
    yield "</div>"
    if len(samples) > SHOWN:
        rest = "".join(f"<li>{escape(name)}</li>" for name in sorted(samples)[SHOWN:])
        yield f"<details><summary>{len(samples) - SHOWN} more</summary><ul>{rest}</ul></details>"
