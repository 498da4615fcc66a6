"""`veilset audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, Workers, bar, give, one_line

NAMED = (("home", "homes"), ("work", "places of work"))


def audit(
    photos: Annotated[Path, typer.Argument(help="Folder of pictures; only read, never written.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="New folder for the private report; none with --json alone.")
    ] = None,
    find: Annotated[
        list[str] | None,
        typer.Option(
            "--find", "-f", help="Detector to run, such as face or 'text: {words: true}'; may be given again."
        ),
    ] = None,
    places: Annotated[
        bool,
        typer.Option("--places", help="Point at likely homes, places of work and routines; with a map and GeoJSON."),
    ] = False,
    owner_folders: Annotated[
        bool, typer.Option("--owner-folders", help="Folders are named after the people whose files they hold.")
    ] = False,
    estimate_missed: Annotated[
        bool,
        typer.Option("--estimate-missed", help="Estimate how many faces were missed; draw pictures for you to check."),
    ] = False,
    checked: Annotated[
        Path | None, typer.Option("--checked", help="The to_check.csv of such an audit, filled: gives an upper bound.")
    ] = None,
    keep_identities: Annotated[
        Path | None,
        typer.Option("--keep-identities", help="Key file: keep `identity`'s face embeddings in the report, encrypted."),
    ] = None,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Say what a folder gives away: faces, places, and what the files say besides their pixels.

    Films, DICOM, documents, archives and animations are looked at for what they say, not for what they show."""
    from veilset.flows.audit import DEFAULT, PLACES
    from veilset.flows.audit import audit as run
    from veilset.flows.report.unsearched_section import unsearched_words

    chosen = tuple(dict.fromkeys([*(find or ()), *PLACES])) if places else tuple(find or DEFAULT)

    report = out if out is not None or as_json else _fresh(photos)
    with bar(quiet=as_json) as progress:
        done = run(
            photos,
            report,
            find=chosen,
            workers=workers,
            owners="folder" if owner_folders else "",
            estimate_missed=estimate_missed,
            checked=checked,
            keep_identities=keep_identities,
            progress=progress,
        )
    summary = done.summary
    faces = sum(group.samples for key, group in summary.faces_per_picture.items() if key != "0")
    words = [f"{summary.pictures} pictures", *(f"  {sentence}" for sentence in unsearched_words(summary))]
    files = "files" if summary.metadata_only else "pictures"
    words += [
        f"  {kind}: {group.findings} findings in {group.samples} {files}"
        for kind, group in sorted(summary.kinds.items(), key=lambda item: -item[1].samples)
    ]
    if "face" in summary.detectors:
        words.append(f"  pictures with faces: {faces}")
    if {"face", "person"} <= set(summary.detectors):
        words.append(f"  pictures with a person without a visible face: {summary.people.with_faceless}")
    if "demographics" in summary.detectors:
        words.append(f"  pictures that likely show somebody under 18: {summary.people.with_minors}")
    if "metadata" in summary.detectors:
        words.append(f"  {files} that tell a place: {len(summary.places)}")
    if summary.whereabouts is not None:
        words += [f"  likely {what}: {summary.whereabouts.count(role)}" for role, what in NAMED]
    if summary.missed is not None:
        from veilset.flows.report.missed_section import in_words

        words += [f"  {sentence}" for sentence in in_words(summary.missed)]
    words += [f"  note: {note}" for note in summary.notes]
    words += [one_line(f"  cannot be read: {name}: {why}") for name, why in summary.unreadable[:10]]
    if len(summary.unreadable) > 10:
        words.append(f"  and {len(summary.unreadable) - 10} more that cannot be read")
    if summary.sidecars:
        words.append(f"  sidecars, looked at with their pictures: {len(summary.sidecars)}")
    if summary.others:
        such = one_line(summary.others[0])
        words.append(f"  files that are no pictures, not looked at: {len(summary.others)} (such as {such})")
    if done.report is not None:
        words.append(f"Private report: {done.report / 'report.html'}")
    give({**summary.to_plain(), "report": str(done.report) if done.report else None}, "\n".join(words), as_json=as_json)


def _fresh(photos: Path) -> Path:
    """A report folder in the working directory that does not exist yet."""
    stem = f"veilset-audit-{photos.resolve().name}"
    number, path = 1, Path(stem)
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}")
    return path
