"""`veilset clean`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, bar, give


def clean(
    files: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the clean copies.")] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Put the clean copy in the place of the original.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only look; exit code 1 when a file is not clean.")] = False,
    backup: Annotated[bool, typer.Option(help="In place: keep the original beside it, as NAME.original.")] = True,
    thorough: Annotated[bool, typer.Option("--thorough", help="Compare and search every byte of the result.")] = False,
    drop_orientation: Annotated[bool, typer.Option("--drop-orientation", help="Drop the orientation tag too.")] = False,
    drop_icc: Annotated[bool, typer.Option("--drop-icc", help="Drop the colour profile too.")] = False,
    keep_rights: Annotated[bool, typer.Option("--keep-rights", help="Keep copyright, licence and credit.")] = False,
    keep_exposure: Annotated[bool, typer.Option("--keep-exposure", help="Keep exposure, aperture and ISO.")] = False,
    gps_grid: Annotated[
        float | None, typer.Option("--gps-grid", min=0.001, help="Keep coordinates, on a grid of this many degrees.")
    ] = None,
    keep_georeference: Annotated[bool, typer.Option("--keep-georeference", help="Keep GeoTIFF keys.")] = False,
    dates: Annotated[str, typer.Option("--dates", help="drop, month or keep.")] = "drop",
    as_json: Json = False,
) -> None:
    """Strip everything that files say besides their pixels; the coded pictures are copied untouched."""
    from veilset.containers.contract import Keep
    from veilset.flows.clean import clean as run

    keep = Keep(
        orientation=not drop_orientation,
        icc=not drop_icc,
        rights=keep_rights,
        exposure=keep_exposure,
        gps_grid=gps_grid,
        georeference=keep_georeference,
        dates=dates,
    )
    with bar(quiet=as_json) as progress:
        done = run(
            files,
            out=out,
            in_place=in_place,
            check=check,
            keep=keep,
            backup=backup,
            thorough=thorough,
            progress=progress,
        )
    plain = {
        "keep": asdict(keep),
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
            }
            for name, one in done.files
        ],
    }
    words = [f"{name}: {one.state}{f' ({one.reason})' if one.reason else ''}" for name, one in done.files if one.reason]
    counted = {state: done.count(state) for state in ("clean", "residue", "dirty", "refused")}
    words.append(", ".join(f"{number} {state}" for state, number in counted.items() if number) or "no files")
    give(plain, "\n".join(words), as_json=as_json)
    done.raise_if_unclean()
