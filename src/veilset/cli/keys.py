"""`veilset keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, give


def keys(
    folder: Annotated[Path, typer.Argument(help="Folder for the pair of keys.")],
    as_json: Json = False,
) -> None:
    """Make a pair of keys that sign releases. A passphrase is taken from VEILSET_KEY_PASSPHRASE."""
    import os

    from veilset.flows.signing import keys as run

    made = run(folder, os.environ.get("VEILSET_KEY_PASSPHRASE", ""))
    words = [
        f"Private key: {made.private} (keep it; nobody can replace it)",
        f"Public key: {made.public} (publish it)",
        f"Its id, to compare by another way: {made.id}",
        f"Sign: veilset release ... --key {made.private}; check: veilset verify ... --key {made.public}",
    ]
    plain = {"private": str(made.private), "public": str(made.public), "id": made.id}
    give(plain, "\n".join(words), as_json=as_json)
