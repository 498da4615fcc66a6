"""`veilset identities`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, give

app = typer.Typer(
    help="Kept face embeddings: who is in the store, and deleting one person or all.", no_args_is_help=True
)

Store = Annotated[Path, typer.Argument(help="identities.veilset of a private folder.")]
Key = Annotated[Path, typer.Option("--key", help="File of its key.")]


@app.command("people")
def people(store: Store, key: Key, as_json: Json = False) -> None:
    """List the pseudonyms in a store, and in how many samples each was seen."""
    from veilset.flows.identities import people as run

    found = run(store, key)
    words = [f"{person}: {count} samples" for person, count in found.items()]
    give({"people": found}, "\n".join(words) or "nobody", as_json=as_json)


@app.command("forget")
def forget(
    store: Store, key: Key, person: Annotated[str, typer.Option("--person", help="Pseudonym.")], as_json: Json = False
) -> None:
    """Delete one person's embeddings; the rest is encrypted under a new key, and the old key is destroyed."""
    from veilset.flows.identities import forget_person as run

    gone = run(store, key, person)
    give({"faces": gone}, f"Deleted {gone} faces; copies made before need the old key, which is gone.", as_json=as_json)


@app.command("delete")
def delete(
    store: Store,
    key: Key,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Destroy the key and the store."""
    import datetime as dt

    from veilset.flows.identities import delete as run

    if not yes and not typer.confirm(f"Destroy {key} and {store} for good?", err=True):
        raise typer.Exit(1)
    run(store, key, dt.datetime.now(dt.UTC).date())
    words = (
        "Key and store are overwritten and removed. On flash, copy-on-write disks and snapshots old blocks may live on: "
        "copies of the store are unreadable as long as no copy of the key is left. Delete those of the key."
    )
    give({"deleted": [str(key), str(store)]}, words, as_json=as_json)
