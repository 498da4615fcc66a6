"""`veilset measure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veilset.cli.talk import Json, bar, give
from veilset.core.errors import GateFailed


def measure(
    before: Annotated[Path, typer.Argument(help="Folder of the originals, or a video.")],
    after: Annotated[
        Path, typer.Argument(help="A release, a folder of treated samples with the same names, or a video.")
    ],
    again: Annotated[
        list[Path] | None,
        typer.Option(help="A further release of the same originals, to lay over the first; may be repeated."),
    ] = None,
    frames: Annotated[
        bool,
        typer.Option("--frames", help="The pictures are frames: names that differ in their last number are one scene."),
    ] = False,
    probe: Annotated[list[str] | None, typer.Option("--probe", "-p", help="Run this probe; may be repeated.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer probes on fewer samples.")] = False,
    policy: Annotated[Path | None, typer.Option(help="The policy that treated them; a release brings its own.")] = None,
    subjects: Annotated[str, typer.Option(help="`folder` when a folder holds one person; else it names a class.")] = "",
    labels: Annotated[
        Path | None, typer.Option(help="CSV with the column `file` and one for each label (gender, age, ...).")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", "-o", help="Write a private page here, JSON beside.")
    ] = None,
    viewers: Annotated[
        Path | None,
        typer.Option(help="Folder of a study of viewers: a private form is written there, its answers.csv analysed."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the adversary's choices.")] = 0,
    as_json: Json = False,
) -> None:
    """Attack treated samples, and measure what they are still worth."""
    from veilset.flows.measure import measure as run
    from veilset.flows.report.rungs import verdict

    with bar(quiet=as_json) as progress:
        done = run(
            before,
            after,
            again=again or (),
            frames=frames,
            probes=probe or (),
            quick=quick,
            policy=policy,
            subjects=subjects,
            labels=labels,
            report=report,
            viewers=viewers,
            seed=seed,
            progress=progress,
        )
    words = [f"{done.pairs[1]} of {done.pairs[0]} originals have a treated sample"]
    words += [f"  {verdict(one)}" for one in done.measurements if not one.group]
    words += [f"  gate {'holds' if gate.held else 'FAILS'}: {gate.words}" for gate in done.gates]
    words += [f"  not tested: {name}: {why}" for name, why in done.not_tested.items()]
    if done.report:
        words.append(f"PRIVATE report: {done.report}")
    if viewers:
        words.append(f"PRIVATE form for viewers: {viewers / 'form.html'}; put their answers beside it as answers.csv")
    give(done.to_plain(), "\n".join(words), as_json=as_json)
    failed = [gate.words for gate in done.gates if not gate.held]
    if failed:
        raise GateFailed(f"{len(failed)} of {len(done.gates)} gates of the policy fail: {'; '.join(failed)}")
