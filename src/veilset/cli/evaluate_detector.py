"""`veilset evaluate-detector`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veilset.cli.talk import Json, bar, give
from veilset.core.errors import BadSetting

if TYPE_CHECKING:
    from veilset.flows.evaluate_detector import Evaluation


def evaluate_detector(
    name: Annotated[str, typer.Argument(help="A detector, as in a policy; `veilset list detectors`.")],
    pictures: Annotated[Path, typer.Argument(help="Folder of labelled pictures; only read.")],
    truth: Annotated[
        Path, typer.Option("--truth", "-t", help="COCO JSON, CSV with file,x,y,w,h[,label], or CVAT XML.")
    ],
    setting: Annotated[
        list[str] | None, typer.Option("--set", "-s", help="A setting of the detector: key=value; may be given again.")
    ] = None,
    label: Annotated[str, typer.Option(help="Count true boxes with this label only.")] = "",
    min_overlap: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Intersection over union from which a box counts as found.")
    ] = 0.4,
    as_json: Json = False,
) -> None:
    """Measure a detector on labelled pictures: recall, precision, AP by size, recall by label, with intervals."""
    from veilset.flows.evaluate_detector import evaluate_detector as run

    with bar(quiet=as_json) as progress:
        done = run(
            name,
            pictures,
            truth,
            settings=_settings(setting or []),
            label=label,
            min_overlap=min_overlap,
            progress=progress,
        )
    give(done.to_plain(), _words(name, done), as_json=as_json)


def _settings(pairs: list[str]) -> dict[str, Any]:
    """Key and value of each; values are read as YAML, as in a policy."""
    from ruamel.yaml import YAML

    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadSetting(f"--set needs key=value, got {pair!r}")
        settings[key] = YAML(typ="safe", pure=True).load(value)
    return settings


def _words(name: str, done: Evaluation) -> str:
    lines = [
        f"{name} on {done.pictures} pictures (95 % Clopper-Pearson intervals)",
        f"{'size in pixels':<20}{'true':>6}  {'recall':<21}{'false':>6}  {'precision':<21}{'AP':>6}",
    ]
    for row in (*done.sizes, *done.groups):
        recall = _interval(row.recall, row.recall_low, row.recall_high)
        precision = _interval(row.precision, row.precision_low, row.precision_high)
        ap = "" if math.isnan(row.average_precision) else f"{row.average_precision:.3f}"
        false = row.false if precision != "-" else "-"
        lines.append(f"{row.part:<20}{row.truth:>6}  {recall:<21}{false:>6}  {precision:<21}{ap:>6}")
    return "\n".join(lines)


def _interval(value: float, low: float, high: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
