"""`veilset clean`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, bar, give, one_line
from veilset.core.errors import UsageError

KEPT = ("rights", "exposure", "georeference")
DROPPED = ("orientation", "icc")


def clean(
    files: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the clean copies.")] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Put the clean copy in the place of the original.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only look; exit code 1 when a file is not clean.")] = False,
    backup: Annotated[bool, typer.Option(help="In place: keep the original beside it, as NAME.original.")] = True,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", help="Compare and search every byte of the result, and look behind its coded blocks."
        ),
    ] = False,
    rotate: Annotated[
        bool,
        typer.Option(
            "--rotate", help="Turn pictures upright where no bit is lost, instead of keeping the orientation tag."
        ),
    ] = False,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="rights, exposure or georeference; may be given again.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", help="orientation or icc; may be given again.")] = None,
    gps_grid: Annotated[
        float | None, typer.Option("--gps-grid", min=0.001, help="Keep coordinates, on a grid of this many degrees.")
    ] = None,
    dates: Annotated[str, typer.Option("--dates", help="drop, month or keep.")] = "drop",
    dicom: Annotated[
        list[str] | None,
        typer.Option(
            "--dicom",
            help="DICOM: keep characteristics, descriptors, device, institution, private (safe ones), structured or "
            "uids, as the options of PS3.15 Annex E are called; may be given again.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file", help="DICOM: key of pseudonyms and shifted dates; made if missing. Keep it private."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Strip everything that files say besides their pixels; the coded pictures are copied untouched."""
    from veilset.containers.contract import DICOM_OPTIONS, Keep
    from veilset.flows.clean import clean as run

    wanted, unwanted = one_of_each(KEPT, "--keep", keep), one_of_each(DROPPED, "--drop", drop)
    allowed = Keep(
        orientation="orientation" not in unwanted,
        icc="icc" not in unwanted,
        rights="rights" in wanted,
        exposure="exposure" in wanted,
        georeference="georeference" in wanted,
        gps_grid=gps_grid,
        dates=dates,
        dicom=one_of_each(DICOM_OPTIONS, "--dicom", dicom),
    )
    with bar(quiet=as_json) as progress:
        done = run(
            files,
            out=out,
            in_place=in_place,
            check=check,
            keep=allowed,
            key_file=key_file,
            backup=backup,
            thorough=thorough,
            rotate=rotate,
            progress=progress,
        )
    plain = {
        "keep": asdict(allowed),
        "table": str(done.table) if done.table else None,
        "files": [
            {
                "name": name,
                "state": one.state,
                "format": one.format,
                "before": one.before,
                "after": one.after,
                "dropped": one.dropped,
                "residue": list(one.residue),
                "reason": one.reason,
                "same": asdict(one.sameness) if one.sameness else None,
                "turned": one.turned,
                "name_says": list(said),
            }
            for (name, one), said in zip(done.files, done.named, strict=True)
        ],
    }
    words = [f"{name}: {one.state}{f' ({one.reason})' if one.reason else ''}" for name, one in done.files if one.reason]
    words += [f"{name}: {one.turned}" for name, one in done.files if one.turned.startswith("tag kept")]
    words = [one_line(line) for line in words]
    counted = {state: done.count(state) for state in ("clean", "residue", "dirty", "refused")}
    words += of_names(done.named)
    if done.table is not None:
        words.append(f"Private table of pseudonyms: {done.table}")
    words.append(", ".join(f"{number} {state}" for state, number in counted.items() if number) or "no files")
    give(plain, "\n".join(words), as_json=as_json)
    done.raise_if_unclean()


def of_names(named: tuple[tuple[str, ...], ...]) -> list[str]:
    """A line about names that give something away, where there are any."""
    kinds = ", ".join(dict.fromkeys(kind for said in named for kind in said))
    counted = sum(map(bool, named))
    return [f"{counted} names say something themselves ({kinds}); names stay: rename the files."] if kinds else []


def one_of_each(known: tuple[str, ...], option: str, given: list[str] | None) -> tuple[str, ...]:
    """The words given to an option, if all are known."""
    for word in given or ():
        if word not in known:
            raise UsageError(f"{option} {word}: there is no such part; it takes {', '.join(known)}.")
    return tuple(given or ())
