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
from veilset.flows.report.measure_charts import USEFUL, chart, meter
from veilset.flows.report.measure_groups import classes_section, groups_section
from veilset.flows.report.page import page, section, table
from veilset.flows.report.rungs import ATTACKS, LADDER, STANDING, climbed, headline, percent, standing, verdict
from veilset.flows.workplace import write_atomically
from veilset.policy.gate import NO_BOUND, GateResult

Floats = NDArray[np.float64]

READING = (
    "Every number is a sample's: the interval in brackets holds the truth in 95 of 100 such measurements, and gates "
    "read its bad end. “A guess” is what somebody reaches who knows nothing of the pictures. “At a guess” is said of the "
    "attacks that were run, and of nothing else: an attack can show that a treatment fails, never that it protects."
)
MEANING = {
    ("fidelity", "psnr_inside"): "likeness inside the treated regions, decibels; low where they are hidden",
    ("fidelity", "psnr_outside"): "likeness outside, decibels; inf: not one pixel has changed",
    ("fidelity", "ssim_inside"): "structure left inside the treated regions, 0 to 1",
    ("fidelity", "ssim_outside"): "structure left outside, 0 to 1",
    ("fidelity", "ms_ssim"): "structure left in the whole picture, over five scales",
    ("fidelity", "perceptual"): "how different the whole picture looks to a network, 0: the same",
    ("fidelity", "perceptual_inside"): "how different the treated regions look to a network",
    ("fidelity", "outside_unchanged"): "pictures without any change outside the treated regions",
    ("downstream", "kept"): "accuracy of a classifier trained on it, as a share of one trained on originals",
    ("detection_kept", "kept"): "persons or objects that a detector finds again",
    ("naturalness", "seam"): "jump at the border of treated regions, against the original's; 1: none to see",
    ("naturalness", "detail"): "fine detail left in treated regions, against the original's",
    ("naturalness", "colours"): "colours left in treated regions",
    ("activity", "kept"): "accuracy of telling activities, as a share of that from originals",
    ("landmarks", "pupil_kept"): "pupils found where they were",
}
NEVER = (
    "What no probe here tries: people who know the person, other pictures of the scene, large generative networks, and "
    "attacks that nobody has thought of yet."
)


@dataclass(frozen=True, eq=False)
class Restored:
    """Pictures (n, height, width) in [0, 1]: original, treated, restored by the adversary. Private."""

    before: Floats
    after: Floats
    restored: Floats


def write_page(
    path: Path,
    measured: Sequence[Measurement],
    missing: Mapping[str, str],
    gates: Sequence[GateResult],
    restored: Restored | None,
    pairs: tuple[int, int] = (0, 0),
) -> None:
    """Write the page. It shows originals: private."""
    html = page(
        "What an adversary still learns, and what the data is still worth",
        "PRIVATE: this page may show originals and restored people. Keep it with the originals; never publish it.",
        _sections(measured, missing, gates, restored, pairs),
    )
    write_atomically(path, html.encode(), private=True)


def _sections(
    measured: Sequence[Measurement],
    missing: Mapping[str, str],
    gates: Sequence[GateResult],
    restored: Restored | None,
    pairs: tuple[int, int],
) -> Iterator[str]:
    yield section("verdict", "Verdict", *_verdict(measured, gates, pairs))
    yield section("ladder", "From the weakest to the strongest adversary", _ladder(measured, missing))
    if restored is not None:
        yield section("pictures", "Before, after, restored (PRIVATE)", _pictures(restored))
    yield section("chart", "Privacy and use", chart(measured))
    yield section("use", "What the data is still worth", _uses(measured))
    yield classes_section(measured)
    yield groups_section(measured)
    rows = [[escape(name), escape(why)] for name, why in missing.items()]
    body = table(("probe", "why it was not tested"), rows) if rows else "<p>Every probe of this set ran.</p>"
    yield section("untested", "What was not tested", body, f"<p>{NEVER}</p>")
    every = f"<details><summary>all {len(measured)} numbers, with their notes</summary>{_all(measured)}</details>"
    yield section("all", "Every measurement", every)


def _verdict(measured: Sequence[Measurement], gates: Sequence[GateResult], pairs: tuple[int, int]) -> Iterator[str]:
    """The ladder in a sentence, then one for each gate; what no gate judges is listed under it."""
    if pairs[0]:
        yield f"<p>{pairs[1]} of {pairs[0]} originals have a treated sample.</p>"
    yield f"<p><b>{escape(headline(measured))}</b></p>"
    if gates:
        bounded = [gate for gate in gates if not gate.words.endswith(NO_BOUND)]
        failed = sum(not gate.held for gate in bounded)
        words = f"{failed} of {len(bounded)} fail" if failed else f"{len(bounded)} of {len(bounded)} hold"
        yield f"<p>Bounds that the policy sets: {words if bounded else 'none'}.</p><ul>{''.join(map(_gate, gates))}</ul>"
    else:
        yield "<p>No policy with gates was given, so nothing was judged: these are measurements alone.</p>"
    others = _firsts(measured, gates)
    if others:
        about = "Attacks that no gate judges" if gates else "The first measure of each probe"
        items = "".join(f"<li>{escape(words)}</li>" for words in others)
        yield f"<details><summary>{about}: {len(others)}</summary><ul>{items}</ul></details>"
    yield f'<p class="soft">{READING}</p>'


def _gate(gate: GateResult) -> str:
    """One sentence a gate; one without a bound was measured, and judges nothing."""
    state = "Measured" if gate.words.endswith(NO_BOUND) else "Holds" if gate.held else "FAILS"
    return f"<li><b>{state}</b>: {escape(gate.words)}.</li>"


def _firsts(measured: Sequence[Measurement], gates: Sequence[GateResult]) -> list[str]:
    """A verdict on the first measure of each probe; beside gates, of the attacks that no gate judges."""
    seen: dict[str, Measurement] = {}
    for one in measured:
        if not one.group:
            seen.setdefault(titled(one.probe, one.settings), one)
    judged = {gate.probe for gate in gates}
    return [verdict(one) for name, one in seen.items() if not gates or (one.probe in ATTACKS and name not in judged)]


def _ladder(measured: Sequence[Measurement], missing: Mapping[str, str]) -> str:
    rows = []
    ran = {(rung.probe, rung.name) for rung, _ in climbed(measured)}
    for rung in LADDER:
        for at, one in climbed(measured):
            if at is rung:
                guess = percent(one.chance) if one.chance is not None else ""
                said = STANDING[standing(one)]
                said = f"<b>{said}</b>" if standing(one) == "above" else said
                right = f"{percent(one.value)} of the {rung.reached}"
                title = escape(titled(rung.probe, one.settings))
                ends = f"{percent(one.low)} to {percent(one.high)}"
                rows.append([title, escape(rung.adversary), right, ends, guess, meter(one), said])
        if rung.probe in missing and (rung.probe, rung.name) not in ran:
            blank = '<span class="soft">not run, see below</span>'
            rows.append([escape(rung.probe), escape(rung.adversary), blank, "", "", "", ""])
    if not rows:
        return "<p>No attack was run.</p>"
    words = "<p>Bar: how often the adversary is right; line: its interval; dashed: a guess.</p>"
    return words + table(("attack", "the adversary", "right about", "interval", "a guess", "", ""), rows, numbers=(4,))


def _range(one: Measurement) -> str:
    return f"{one.low:.3g} to {one.high:.3g}"


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
    words = (
        "<p>What <code>deobfuscate</code> made of the treated region. A restored face that looks alike for every original "
        "is the mean face: nothing was restored.</p>"
    )
    return f'{words}<div class="sheet">{figures}</div>'


def _uses(measured: Sequence[Measurement]) -> str:
    mine = [m for m in measured if m.probe in (*USEFUL, "naturalness", "viewers") and not m.group]
    rows = []
    for m in mine:
        better = "more is better" if m.better == "higher" else "less is better"
        words = MEANING.get((m.probe, m.name), "")
        rows.append([escape(m.title), words, f"{m.value:.3g}", _range(m), str(m.n), better])
    head = ("measure", "what it says", "value", "interval", "n", "")
    return table(head, rows, numbers=(2, 4)) if rows else "<p>Not measured.</p>"


def _all(measured: Sequence[Measurement]) -> str:
    rows = [
        [
            escape(m.title + (f" ({m.group})" if m.group else "")),
            f"{m.value:.4g}",
            f"{m.low:.4g} to {m.high:.4g}",
            "" if m.chance is None else f"{m.chance:.3g}",
            str(m.n),
            escape("; ".join(m.notes)),
        ]
        for m in measured
    ]
    return table(("measure", "value", "interval", "a guess", "n", "notes"), rows, numbers=(1, 3, 4))
