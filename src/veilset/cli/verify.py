"""`veilset verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, bar, give


def verify(
    release: Annotated[Path, typer.Argument(help="A release: its public folder, or the folder that holds it.")],
    deep: Annotated[bool, typer.Option("--deep", help="Also look for faces that are left.")] = False,
    key: Annotated[
        Path | None, typer.Option("--key", help="Public key that must have signed it (signing.pub.pem).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a release against its manifest: signature, hashes, counts, papers, and a re-audit."""
    from veilset.flows.verify import verify as run

    with bar(quiet=as_json) as progress:
        done = run(release, deep=deep, progress=progress, key=key)
    words = [f"{done.root} is the release {done.manifest.release} of {done.manifest.created}"]
    words += [f"  ok: {check}" for check in done.checks]
    words += [f"  note: {note}" for note in done.notes]
    for one in done.measurements:
        words.append(f"  {one.probe}/{one.name} = {one.value:.4g} [{one.low:.4g}, {one.high:.4g}], n = {one.n}")
    words += [f"  a face is seen in {name}" for name in done.showing]
    plain = {
        "release": done.manifest.release,
        "verified": True,
        "checks": list(done.checks),
        "notes": list(done.notes),
        "measurements": [one.to_plain() for one in done.measurements],
        "showing": list(done.showing),
    }
    give(plain, "\n".join(words), as_json=as_json)
