"""`veilset withdraw`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, bar, give, say


def withdraw(
    photos: Annotated[Path, typer.Argument(help="The set; only read, never written.")],
    photo: Annotated[Path | None, typer.Option("--photo", help="A photograph of the person.")] = None,
    subject: Annotated[str, typer.Option("--subject", help="The person's pseudonym in the registry.")] = "",
    registry: Annotated[str, typer.Option("--registry", help="Consent registry: path, URL or $NAME.")] = "",
    groups: Annotated[Path | None, typer.Option("--groups", help="CSV of identity groups: sample, group.")] = None,
    group: Annotated[str, typer.Option("--group", help="Which person, when the photograph shows several.")] = "",
    release: Annotated[
        list[Path] | None, typer.Option("--release", help="Output folder of an earlier release.")
    ] = None,
    store: Annotated[Path, typer.Option("--store", help="Folder of the tombstones.")] = Path("private/optout"),
    faces: Annotated[
        bool, typer.Option(help="Compare the photograph's faces with the set's, when no --groups are given.")
    ] = True,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet", help="Private page with what was found, gone after the answer. [default: STORE-who.html]"
        ),
    ] = None,
    identities: Annotated[
        Path | None, typer.Option("--identities", help="Kept identities of the set (identities.veilset).")
    ] = None,
    identities_key: Annotated[Path | None, typer.Option("--identities-key", help="Their key file.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Find a person in a set, show where, and keep them out of every later release."""
    import datetime as dt

    from veilset.flows.withdraw import Query, plan_withdrawal
    from veilset.flows.withdraw import withdraw as run

    page = None if yes else sheet or store.with_name(f"{store.name}-who.html")
    query = Query(
        photos,
        photo,
        subject,
        registry,
        groups,
        group,
        tuple(release or ()),
        faces=faces,
        sheet=page,
        identities=identities,
        identities_key=identities_key,
    )
    with bar(quiet=as_json) as progress:
        plan = plan_withdrawal(query, progress=progress)
    for name, why in plan.samples.items():
        say(f"  {name}: {why}")
    for one, held in plan.releases:
        say(f"  release {one.release} of {one.created} holds {len(held)}: {', '.join(held.values())}")
    if plan.note:
        say(f"  {plan.note}")
    if page:
        say(f"  look at them in {page}")
    say(f"{len(plan.samples)} samples would never be released again; {plan.remaining} remain.")
    try:
        agreed = yes or typer.confirm("Is this the person, and shall it be done?", err=True)
    finally:
        if page:
            page.unlink(missing_ok=True)
    if not agreed:
        say("Nothing was written.")
        raise typer.Exit(1)
    notices = run(plan, query, store, when=dt.datetime.now(dt.UTC).date())
    words = [
        f"Withdrawn: {len(plan.samples)} samples. Name `optout: {{store: {store}}}` in the policy of every release."
    ]
    words += [f"  send to {recipient or 'the recipients'}: {path}" for path, recipient in notices.items()]
    plain = {
        "samples": dict(plan.samples),
        "remaining": plan.remaining,
        "notices": {str(path): to for path, to in notices.items()},
    }
    give(plain, "\n".join(words), as_json=as_json)
