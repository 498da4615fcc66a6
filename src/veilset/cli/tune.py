"""`veilset tune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from veilset.cli.talk import Json, bar, give
from veilset.core.errors import BadSetting


def tune(
    photos: Annotated[Path, typer.Argument(help="Folder of pictures; only read, never written.")],
    grid: Annotated[list[str], typer.Option("--grid", "-g", help="Setting and values, such as epsilon=0.1,0.5,1.")],
    finding: Annotated[str, typer.Option(help="Kind of finding that is treated.")] = "face",
    operator: Annotated[str, typer.Option(help="Operator whose settings are tried.")] = "dp_pix",
    probe: Annotated[list[str] | None, typer.Option("--probe", "-p", help="Probe to run; may be repeated.")] = None,
    gate: Annotated[
        list[str] | None, typer.Option("--gate", help="Bound that the proposal keeps, such as reidentify<=0.1.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="The pictures are public: the choice may depend on them.")
    ] = False,
    subjects: Annotated[str, typer.Option(help="`folder` when a folder holds one person; empty for unknown.")] = "",
    limit: Annotated[int, typer.Option(min=4, help="Most pictures that are looked at.")] = 300,
    out: Annotated[Path, typer.Option("--out", "-o", help="Page to write; PNG and JSON beside it.")] = Path(
        "tune.html"
    ),
    policy: Annotated[
        str | None, typer.Option("--policy", help="Whose gates are kept, and whose budget is charged.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help="Charge the choice: private pictures vote, and no number is shown.")
    ] = None,
    epsilon: Annotated[float, typer.Option(help="With --ledger: what the choice may cost.")] = 1.0,
    parts: Annotated[int, typer.Option(min=2, help="With --ledger: how many parts of the pictures vote.")] = 5,
    as_json: Json = False,
) -> None:
    """Sweep an operator's settings and propose the one that meets the gates."""
    from veilset.flows.report.tune_page import in_words, proposal
    from veilset.flows.tune import tune as run

    with bar(quiet=as_json) as progress:
        done = run(
            photos,
            finding=finding,
            operator=operator,
            axes=dict(_axis(one) for one in grid),
            probes=probe or (),
            gates=gate or (),
            public=public,
            subjects=subjects,
            limit=limit,
            out=out,
            progress=progress,
            policy=policy,
            ledger=ledger,
            epsilon=epsilon,
            parts=parts,
        )
    words = [f"measured on {done.data}"]
    fared = ("tried", "tried") if done.by_vote else ("misses the gates", "meets the gates")
    words += [f"  {in_words(point)}: {fared[point.meets]}" for point in done.points]
    words += [proposal(operator, done), f"PRIVATE page: {out}"]
    give(done.to_plain(), "\n".join(words), as_json=as_json)


def _axis(words: str) -> tuple[str, list[Any]]:
    """`epsilon=0.1,0.5` to its name and values; numbers, true and false are read as such, the rest as words."""
    name, found, values = words.partition("=")
    if not found or not name or not values:
        raise BadSetting(f"a grid looks like epsilon=0.1,0.5,1; got {words!r}")
    return name, [_value(one) for one in values.split(",")]


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return word
