"""`veilset release`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, Workers, bar, give


def release(
    photos: Annotated[Path, typer.Argument(help="Folder of pictures; only read, never written.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder: public/ to share, private/ to keep.")],
    policy: Annotated[str, typer.Option("--policy", "-p", help="Policy file, or a profile by name.")] = "share-photo",
    answers: Annotated[
        Path | None, typer.Option("--answers", help="dataset.yaml: what only people can answer, for the papers.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="Private key that signs the release (signing.pem).")] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help="Private file of what each person has lost, kept between releases.")
    ] = None,
    subjects: Annotated[
        str, typer.Option("--subjects", help="Who is in a picture: `folder` for its folder's name; else unknown.")
    ] = "",
    recipient: Annotated[
        list[str] | None, typer.Option("--recipient", help="Whom it is given to; private, for notices of withdrawal.")
    ] = None,
    c2pa_cert: Annotated[
        Path | None, typer.Option("--c2pa-cert", help="Certificates (PEM, yours first) for Content Credentials.")
    ] = None,
    c2pa_key: Annotated[Path | None, typer.Option("--c2pa-key", help="Private key of the first certificate.")] = None,
    keep_identities: Annotated[
        Path | None,
        typer.Option("--keep-identities", help="Key file: keep `identity`'s face embeddings in private/, encrypted."),
    ] = None,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Treat a folder under a policy, attack the result, and publish it with the evidence, or refuse.

    A run that was stopped goes on where it was with the same command.
    """
    import os

    from veilset.flows.ahead import start_workers

    start_workers(workers)
    from veilset.flows.release import release as run

    passphrase = os.environ.get("VEILSET_KEY_PASSPHRASE", "")
    with bar(quiet=as_json) as progress:
        done = run(
            photos,
            out,
            policy,
            workers=workers,
            progress=progress,
            answers=answers,
            key=key,
            passphrase=passphrase,
            ledger=ledger,
            subjects=subjects,
            recipients=recipient or (),
            keep_identities=keep_identities,
            c2pa=(c2pa_cert, c2pa_key, os.environ.get("VEILSET_C2PA_PASSPHRASE", "")),
        )
    counts = done.manifest.counts
    words = [
        f"Released {counts.released} of {counts.read} pictures to {done.root / 'public'}",
        f"  dropped {counts.dropped}, set aside {counts.quarantined} (reasons: {done.root / 'private/quarantine.csv'})",
        f"  files that are no pictures, left aside: {done.others} (named in {done.root / 'private/others.csv'})",
        *(f"  {gate.words}" for gate in done.gates),
        f"  keep {done.root / 'private'} to yourself; share {done.root / 'public'}",
        f"  check it: veilset verify {done.root}",
    ]
    plain = {
        "release": done.manifest.release,
        "public": str(done.root / "public"),
        "private": str(done.root / "private"),
        "counts": {name: getattr(counts, name) for name in ("read", "released", "dropped", "quarantined")},
        "others": done.others,
        "gates": [{"probe": gate.probe, "held": gate.held, "words": gate.words} for gate in done.gates],
        "guarantees": list(done.manifest.guarantees),
        "measurements": list(done.manifest.measurements),
        "policy_sha256": done.manifest.policy_sha256,
    }
    give(plain, "\n".join(words), as_json=as_json)
