"""audit: what a set gives away. Reads everything, changes nothing, writes a private report."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veilset.core.errors import Unreadable, UsageError
from veilset.core.roles import Detector, Ref, SetDetector, Source
from veilset.flows.look import Look, Seen, check_all, guarded, notes_of
from veilset.flows.progress import Progress, silent
from veilset.flows.summary import Collector, Summary
from veilset.flows.workplace import write_atomically, writing

if TYPE_CHECKING:
    from veilset.flows.beside import Beside
    from veilset.flows.catalog import Catalog
    from veilset.flows.identities import Keeper
    from veilset.flows.missed_faces import FacesSeen

MANY = 1000
"""From so many files on, several processes look through their metadata."""
DEFAULT = ("metadata", "hidden", "face")
PLACES = ("metadata", "hidden", "names", "places")
"""What `--places` looks with, where nothing else was asked for."""


@dataclass(frozen=True)
class Audited:
    """A finished audit: its numbers, and where the private report lies (None when none was asked for)."""

    summary: Summary
    report: Path | None


def audit(
    photos: str | Path,
    report: str | Path | None = None,
    *,
    find: Sequence[str] = DEFAULT,
    workers: int = 0,
    owners: str = "",
    estimate_missed: bool = False,
    checked: Path | None = None,
    keep_identities: Path | None = None,
    progress: Progress = silent,
    names: Catalog | None = None,
) -> Audited:
    """Look at every picture below `photos` and say what the set gives away.

    Of films, DICOM, documents, archives, animations and whatever else holds pictures that are not decoded here, what
    they say is looked at, and nothing that they show; `summary.metadata_only` counts them.

    Args:
        photos: Folder of pictures.
        report: New folder for `report.html`, `audit.json`, `findings.parquet`, `findings_coco.json`, `samples.csv`,
            `classes.csv`, `shares.csv`, `disagreements.csv` and `identity_groups.csv`; private. With `places`,
            `places.geojson` too.
        find: Detectors by name, or with settings as in a policy: `text: {words: true}`. With `metadata`, `places` or
            `rights`, what lies beside the files is looked at too.
        workers: Processes; 0 means one per core. Metadata alone of fewer than 1,000 files, or with two cores, is looked at
            in this one.
        owners: `folder` when folders are named after the people whose files they hold.
        estimate_missed: Say how many faces were missed; draws pictures for a person to check (`to_check.csv`).
        checked: That list, filled; its audit is repeated and says how many pictures hold a missed face at most.
        keep_identities: Key file: face embeddings that `identity` sees are kept in the report, encrypted with it.
        progress: Called with what is being done, how much is done, and how much there is.
        names: Catalog of wings; the installed one by default.

    Raises:
        UsageError: You asked wrongly.
        DataError: There is nothing to look at.
        BrokenContract: A plug-in, or Veilset, is wrong.
    """
    source, built, over = _parts(str(photos), find, workers, owners, names)
    check_all(built.values())
    faces = _faces_seen(built, checked) if estimate_missed or checked is not None else None
    keeper = _keeper(keep_identities, report, built)
    out = _report_folder(photos, report)
    refs = source.refs()
    if not refs:
        raise Unreadable(f"{photos}: there is no picture in this folder; nothing to audit")
    beside = _with_what_lies_beside(source, str(photos)) if built.keys() & {"metadata", "places", "rights"} else None
    look = Look(
        beside or source,
        tuple((name, one) for name, one in built.items() if isinstance(one, Detector)),
        tuple((name, one) for name, one in built.items() if isinstance(one, SetDetector)),
    )
    observed: dict[str, dict[str, Any]] = {name: {} for name, _ in look.set_detectors}
    with Collector(out, tuple(built)) as collector:
        for number, seen in enumerate(over(look, refs), 1):
            collector.add(seen)
            if keeper is not None:
                keeper.add(seen)
            if faces is not None:
                faces.add(seen)
            for name, value in seen.observed.items():
                observed[name][seen.ref.id] = value
            progress("looking", number, len(refs))
        for name, detector in look.set_detectors:
            concluded = guarded(f"detector {name}", refs[0], detector.conclude, observed[name])
            by_id = {ref.id: ref for ref in refs}
            collector.conclude(by_id, concluded)
            if keeper is not None and name == "identity":
                keeper.keep(observed[name], concluded)
            if name == "places":
                _place(collector, by_id, detector, observed[name], concluded)
    summary = collector.summary(str(photos), tuple(built))
    summary.others = tuple((beside or source).others())
    summary.sidecars = beside.sidecars() if beside else ()
    summary.notes = notes_of(built.values())
    if faces is not None:
        summary.missed = faces.conclude({ref.id: ref for ref in refs})
    if out is not None:
        progress("writing the report", 0, 1)
        _write_report(out, summary, source)
        if faces is not None and summary.missed is not None:
            faces.write(out, summary.missed, {ref.id: ref for ref in refs}, source)
        if summary.whereabouts is not None:
            write_atomically(out / "places.geojson", json.dumps(summary.whereabouts.features, indent=1).encode())
        progress("writing the report", 1, 1)
    return Audited(summary, out)


Over = Callable[[Look, Sequence[Ref]], Iterator[Seen]]


def _parts(
    photos: str, find: Sequence[str], workers: int, owners: str, names: Catalog | None
) -> tuple[Source, dict[str, Any], Over]:
    """Source, detectors by name, and what runs them.

    For metadata alone the catalog is left aside: what a policy may name, and what checks it, takes longer to load than
    hundreds of files to look through.
    """
    if names is None and set(find) == {"metadata"}:
        from veilset.data.folder import Folder
        from veilset.detectors.metadata import Metadata

        return (
            Folder(photos, subjects=owners, metadata_only=True),
            {"metadata": Metadata()},
            lambda look, refs: _spread(look, refs, workers),
        )
    from veilset.flows.ahead import start_workers

    start_workers(workers)
    from veilset.detectors.rights import Rights
    from veilset.flows.asked import detectors
    from veilset.flows.catalog import catalog
    from veilset.flows.weights import weights_of

    names = names or catalog()
    source: Source = names.build("source", "folder", {"path": photos, "subjects": owners, "metadata_only": True})
    built = detectors(names, find)
    if isinstance(rights := built.get("rights"), Rights) and not rights.folder:
        built["rights"] = replace(rights, folder=photos)
    weights_of(built.values())
    return source, built, names.build("engine", "local", {"workers": workers}).map


def _spread(look: Look, refs: Sequence[Ref], workers: int) -> Iterator[Seen]:
    """What metadata alone says: three and more processes for many files.

    Fewer files are looked through before processes are up, and with two as much time goes into handing findings over as
    is won. No threads: this hardly ever lets go of the interpreter, and to wait for it takes half as long again.
    """
    workers = workers or os.cpu_count() or 1
    if len(refs) < MANY or workers < 3:
        return map(look, refs)
    from veilset.engines.local import Local
    from veilset.flows.ahead import NEEDED_FOR_METADATA, start_workers

    start_workers(workers, NEEDED_FOR_METADATA)
    return Local(workers, batch=16).map(look, refs)


def _keeper(key: Path | None, report: str | Path | None, built: dict[str, Any]) -> Keeper | None:
    """What keeps identities, loaded only when it was asked for."""
    if key is None:
        return None
    from veilset.flows.identities import Keeper

    place = None if report is None else Path(report)
    return Keeper.of(key, place, place, built.get("identity"))


def _place(collector: Collector, refs: dict[str, Ref], detector: Any, observed: Any, concluded: Any) -> None:
    from veilset.flows.whereabouts import whereabouts

    collector.place(whereabouts(refs, detector, observed, concluded))


def _faces_seen(built: dict[str, Any], checked: Path | None) -> FacesSeen:
    from veilset.flows.missed_faces import faces_seen

    return faces_seen(built, checked)


def _with_what_lies_beside(source: Source, photos: str) -> Beside:
    from veilset.flows.beside import Beside

    return Beside(source, photos)


def _write_report(out: Path, summary: Summary, source: Source) -> None:
    # What draws pages and reads Parquet takes longer to load than thousands of files to look through.
    from veilset.flows.findings_coco import write_coco
    from veilset.flows.people_tables import write_tables
    from veilset.flows.report.audit_page import write_page

    write_page(out / "report.html", summary, source)
    write_atomically(out / "audit.json", summary.to_json().encode())
    write_tables(out, summary.people)
    write_coco(out, summary.kinds)


def _report_folder(photos: str | Path, report: str | Path | None) -> Path | None:
    """The folder for the report, made now, so that a bad place is known before the work."""
    if report is None:
        return None
    out = Path(report)
    if out.resolve().is_relative_to(Path(photos).resolve()):
        raise UsageError(f"{out}: the report lies inside the pictures; choose a folder outside of {photos}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: exists already; choose a new folder for the report")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        out.chmod(0o700)
    return out
