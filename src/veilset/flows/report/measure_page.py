"""The page of `veilset measure`: verdicts, the ladder of adversaries, pictures, charts, and what was not tested."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core.measurement import Measurement, titled
from veilset.flows.report.page import page, section, table
from veilset.flows.workplace import write_atomically
from veilset.policy.gate import GateResult

Floats = NDArray[np.float64]

LADDER = (
    ("link", "twin", "looks at background, names, order, time and size"),
    ("undo", "twin", "tries filters that everybody has"),
    ("reidentify", "rank1_naive_pixels", "compares with clean pictures, trained on the set"),
    ("reidentify", "rank1_naive_face", "compares with clean pictures by a face network"),
    ("interpolate", "identity_restored", "fills in between the pixels left"),
    ("deobfuscate", "identity_restored", "inverts the known treatment"),
    ("recover_text", "characters", "reads text through the known treatment"),
    ("reidentify", "rank1_restore_pixels", "restores first, then recognises"),
    ("reidentify", "rank1_restore_face", "restores first, then recognises by a face network"),
    ("reidentify", "rank1_parrot_pixels", "trained on data treated like the release"),
    ("reidentify", "rank1_parrot_face", "a face network, retrained on data treated like the release"),
    ("attribute", "worst", "infers what people are, trained on treated data"),
    ("invert", "recognised", "draws faces out of a recogniser trained on the release"),
    ("membership", "auc", "asks a model trained on the release who was in it"),
)
USEFUL = ("fidelity", "downstream", "detection_kept", "activity", "landmarks")


@dataclass(frozen=True, eq=False)
class Restored:
    """Pictures (n, height, width) in [0, 1]: original, treated, restored by the adversary. Private."""

    before: Floats
    after: Floats
    restored: Floats


def verdict(one: Measurement) -> str:
    """One measurement in one sentence, against chance."""
    said = f"{one.value:.3g} [{one.low:.3g}, {one.high:.3g}], n = {one.n}"
    if one.chance is None:
        return f"{one.title}: {said}."
    if one.better == "higher":
        return f"{one.title}: {said}; a guess reaches {one.chance:.3g}."
    if one.low > one.chance:
        return f"{one.title}: {said}: above a guess ({one.chance:.3g}), so the treatment does not stop it."
    if one.high > 2 * one.chance + 0.1:
        return (
            f"{one.title}: {said}: not told from a guess ({one.chance:.3g}), but the interval is too wide "
            "to say that it protects."
        )
    return f"{one.title}: {said}: not told from a guess ({one.chance:.3g})."


def write_page(
    path: Path,
    measured: Sequence[Measurement],
    missing: Mapping[str, str],
    gates: Sequence[GateResult],
    restored: Restored | None,
) -> None:
    """Write the page. It shows originals: private."""
    html = page(
        "What an adversary still learns",
        "PRIVATE: this page may show originals and restored people. Keep it with the originals; never publish it.",
        _sections(measured, missing, gates, restored),
    )
    write_atomically(path, html.encode())


def _sections(
    measured: Sequence[Measurement],
    missing: Mapping[str, str],
    gates: Sequence[GateResult],
    restored: Restored | None,
) -> Iterator[str]:
    sentences = [f"{'Holds' if gate.held else 'FAILS'}: {gate.words}." for gate in gates] + _firsts(measured, gates)
    yield section("verdict", "Verdict", "<ul>" + "".join(f"<li>{escape(s)}</li>" for s in sentences) + "</ul>")
    yield section("ladder", "From the weakest to the strongest adversary", _ladder(measured))
    if restored is not None:
        yield section("pictures", "Before, after, restored (PRIVATE)", _pictures(restored))
    yield section("chart", "Privacy and utility", _chart(measured))
    groups = [one for one in measured if one.group]
    if groups:
        yield section("groups", "By group", _bars(groups))
    rows = [[escape(name), escape(why)] for name, why in missing.items()]
    never = (
        "What no probe here tries: people who know the person, other pictures of the scene, and attacks not yet known."
    )
    body = table(("probe", "why it was not tested"), rows) if rows else ""
    yield section("untested", "What was not tested", body, f"<p>{never}</p>")
    yield section("all", "Every measurement", _all(measured))


def _firsts(measured: Sequence[Measurement], gates: Sequence[GateResult]) -> list[str]:
    """A verdict on the first measure of each probe; beside gates, of the attacks that no gate judges."""
    seen: dict[str, Measurement] = {}
    for one in measured:
        if not one.group:
            seen.setdefault(titled(one.probe, one.settings), one)
    judged = {gate.probe for gate in gates}
    attacks = {probe for probe, _, _ in LADDER}
    return [verdict(one) for name, one in seen.items() if not gates or (one.probe in attacks and name not in judged)]


def _ladder(measured: Sequence[Measurement]) -> str:
    by = {(one.probe, one.name): one for one in measured if not one.group}
    rows = []
    for probe, name, knows in LADDER:
        one = by.get((probe, name))
        if one is not None:
            guess = f"{one.chance:.3g}" if one.chance is not None else ""
            rows.append([escape(probe), escape(knows), f"{one.value:.3g}", _range(one), guess, _meter(one)])
    if not rows:
        return "<p>No attack was run.</p>"
    return table(("attack", "the adversary", "reached", "interval", "guess", ""), rows, numbers=(2, 3, 4))


def _range(one: Measurement) -> str:
    return f"{one.low:.3g} to {one.high:.3g}"


def _meter(one: Measurement) -> str:
    """A bar from 0 to 1 with its interval, and a line where a guess would be."""
    x, low, high = (160 * min(max(v, 0.0), 1.0) for v in (one.value, one.low, one.high))
    guess = 160 * min(max(one.chance or 0.0, 0.0), 1.0)
    return (
        f'<svg viewBox="0 0 170 16" width="170" role="img" aria-label="{one.value:.3g}">'
        f'<rect class="bar" x="0" y="3" width="{x:.1f}" height="10"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8" stroke="currentColor" stroke-width="2"/>'
        f'<line x1="{guess:.1f}" x2="{guess:.1f}" y1="0" y2="16" stroke="currentColor" stroke-dasharray="2"/></svg>'
    )


def _pictures(restored: Restored, most: int = 8) -> str:
    def image(picture: Floats) -> str:
        done, coded = cv2.imencode(".png", np.asarray((picture * 255).round(), dtype=np.uint8))
        data = base64.b64encode(np.asarray(coded).tobytes()).decode() if done else ""
        return f'<img alt="" style="width:33%;display:inline-block" src="data:image/png;base64,{data}">'

    shown = zip(restored.before[:most], restored.after[:most], restored.restored[:most], strict=True)
    figures = "".join(
        f"<figure>{image(a)}{image(b)}{image(c)}<figcaption>PRIVATE: original, treated, restored</figcaption></figure>"
        for a, b, c in shown
    )
    return f'<div class="sheet">{figures}</div>'


def _chart(measured: Sequence[Measurement]) -> str:
    """Each useful share against the worst identification: right and low is what a release should be."""
    ladder = {(probe, name) for probe, name, _ in LADDER}
    attacks = [m for m in measured if not m.group and (m.probe, m.name) in ladder and m.chance is not None]
    uses = [m for m in measured if not m.group and m.probe in USEFUL and m.better == "higher" and 0 <= m.value <= 1.2]
    if not attacks or not uses:
        return "<p>Needs at least one attack and one measure of use.</p>"
    worst = max(attacks, key=lambda m: (m.value - (m.chance or 0)) / max(1 - (m.chance or 0), 1e-9))
    advantage = [
        max(0.0, (v - (worst.chance or 0)) / max(1 - (worst.chance or 0), 1e-9))
        for v in (worst.value, worst.low, worst.high)
    ]
    y, top, bottom = (20 + 240 * (1 - min(v, 1.0)) for v in (advantage[0], advantage[2], advantage[1]))
    parts = [
        '<line class="grid" x1="50" x2="450" y1="260" y2="260"/><line class="grid" x1="50" x2="50" y1="20" y2="260"/>',
        '<text x="250" y="290">use kept, 0 to 1</text>',
        '<text x="46" y="276">0</text><text x="446" y="276">1</text>',
        '<text x="36" y="264">0</text><text x="36" y="28">1</text>',
        '<text x="0" y="14">adversary&#39;s advantage over a guess, 0 to 1</text>',
    ]
    at_place: dict[int, list[str]] = {}
    for number, one in enumerate(uses, 1):
        x = 50 + 400 * min(one.value, 1.0)
        name = escape(f"{one.probe}/{one.name}: {one.value:.3g}; {worst.probe}/{worst.name}: {worst.value:.3g}")
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>')
        parts.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="6"><title>{name}</title></circle>')
        at_place.setdefault(round(x / 12), []).append(str(number))
    for place, numbers in at_place.items():
        parts.append(f'<text x="{12 * place - 4}" y="{y + 22:.1f}">{", ".join(numbers)}</text>')
    rows = [
        [str(at), escape(f"{m.probe}/{m.name}"), f"{m.value:.3g}", f"{advantage[0]:.3g}"]
        for at, m in enumerate(uses, 1)
    ]
    return (
        f'<svg viewBox="0 0 480 300" width="480" role="img" aria-label="privacy and utility">{"".join(parts)}</svg>'
        + table(("", "use", "kept", f"advantage of {worst.probe}/{worst.name}"), rows, numbers=(2, 3))
    )


def _bars(groups: Sequence[Measurement]) -> str:
    rows = [
        [
            escape(f"{m.probe}/{m.name}"),
            escape(m.group),
            f"{m.value:.3g}",
            f"{m.low:.3g} to {m.high:.3g}",
            str(m.n),
            _meter(m),
        ]
        for m in sorted(groups, key=lambda m: (m.probe, m.name, m.group))
    ]
    return table(("measure", "group", "value", "interval", "n", ""), rows, numbers=(2, 3, 4))


def _all(measured: Sequence[Measurement]) -> str:
    rows = [
        [
            escape(f"{m.probe}/{m.name}" + (f" ({m.group})" if m.group else "")),
            f"{m.value:.4g}",
            f"{m.low:.4g} to {m.high:.4g}",
            "" if m.chance is None else f"{m.chance:.3g}",
            str(m.n),
            escape("; ".join(m.notes)),
        ]
        for m in measured
    ]
    return table(("measure", "value", "interval", "guess", "n", "notes"), rows, numbers=(1, 2, 3, 4))
