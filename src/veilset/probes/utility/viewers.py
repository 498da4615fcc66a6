"""Asking people: a form for a small study of viewers, and what its answers say, with intervals."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Malformed, Unreadable, Unsupported
from veilset.core.interval import bootstrap
from veilset.core.measurement import Measurement
from veilset.core.roles import Case
from veilset.core.sample import Image, Media, Pixels, Signal, Video

Floats = NDArray[np.float64]
PRIVATE = (
    "PRIVATE: this page may show original pictures of people. It is for you alone: do not forward, publish or "
    "photograph it, and delete it once your answers are handed in."
)
COLUMNS = ("viewer", "question", "left", "right", "answer")
ITEMS = {
    "satisfaction": "How satisfied would you be to see this picture in an album? (1 not at all, 7 very)",
    "recognisability": "Would you recognise this person if you knew them? (1 certainly not, 7 certainly)",
}


def bradley_terry(wins: Floats, rounds: int = 500) -> Floats:
    """Strengths (k,) that sum to 1, of k things, from how often row beat column (k, k).

    *Source*: Bradley and Terry 1952, by Hunter's minorisation (2004); half a win is added to each side of each pair
    that met, so that somebody who never lost has a finite strength.

    >>> bradley_terry(np.array([[0.0, 30.0], [10.0, 0.0]])).round(2).tolist()
    [0.74, 0.26]
    """
    met = (wins + wins.T) > 0
    smoothed = wins + 0.5 * met
    games, won = smoothed + smoothed.T, smoothed.sum(axis=1)
    strength = np.full(len(wins), 1 / len(wins))
    for _ in range(rounds):
        rate = games / (strength[:, None] + strength[None])
        strength = won / np.maximum(rate.sum(axis=1), 1e-12)
        strength /= strength.sum()
    return np.asarray(strength)


def form(pictures: Mapping[str, Sequence[Pixels]], rng: np.random.Generator, *, comparisons: int = 20) -> str:
    """One page that shows pairs of the same picture under two treatments, asks, and saves the answers as CSV.

    `pictures` gives each treatment's version of the same scenes, in the same order. PRIVATE: it embeds pictures, and
    must go only to people who may see them. It loads nothing and sends nothing: the viewer saves the file.
    """
    names = sorted(pictures)
    if len(names) < 2:
        raise Unsupported("a comparison needs at least two treatments")
    scenes = min(len(pictures[name]) for name in names)
    blocks = []
    for number in range(comparisons):
        left, right = (names[i] for i in rng.permutation(len(names))[:2])
        scene = int(rng.integers(scenes))
        shown = "".join(f'<img alt="" src="{_data(pictures[name][scene])}">' for name in (left, right))
        blocks.append(_question(f"c{number}", "preferred", left, right, shown, ("left", "right")))
    for name in names:
        shown = f'<img alt="" src="{_data(pictures[name][int(rng.integers(scenes))])}">'
        for item, words in ITEMS.items():
            asked = f"<p>{escape(words)}</p>{shown}"
            blocks.append(_question(f"{item}-{name}", item, name, "", asked, tuple("1234567")))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Which do you prefer?</title>'
        "<style>img{width:45%;margin:1%}fieldset{margin:1em 0}"
        ".private{border:2px solid #b3261e;color:#b3261e;padding:.6rem .9rem;font-weight:600}</style>"
        f'<p class="private">{escape(PRIVATE)}</p><h1>Which do you prefer?</h1>'
        "<p>Answer as you like; you may stop at any time. Nothing is sent: save the file and hand it back.</p>"
        f'<form id="f">{"".join(blocks)}<button>Save answers</button></form><script>{_SCRIPT}</script></html>'
    )


_SCRIPT = (
    "document.getElementById('f').onsubmit=e=>{e.preventDefault();const v=Math.random().toString(36).slice(2);"
    f"let t={json.dumps(','.join(COLUMNS))}+'\\n';"
    "for(const i of document.querySelectorAll('input:checked')){const d=i.closest('fieldset').dataset;"
    "t+=[v,d.question,d.left,d.right,i.value].join(',')+'\\n'}"
    "const a=document.createElement('a');a.href=URL.createObjectURL(new Blob([t]));a.download='answers.csv';a.click()}"
)


def _question(name: str, question: str, left: str, right: str, shown: str, choices: tuple[str, ...]) -> str:
    inputs = "".join(f'<label><input type="radio" name="{escape(name)}" value="{c}">{c}</label> ' for c in choices)
    about = f'data-question="{question}" data-left="{escape(left)}" data-right="{escape(right)}"'
    return f"<fieldset {about}>{shown}<br>{inputs}</fieldset>"


def _data(pixels: Pixels) -> str:
    coded = cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR))[1]
    return "data:image/png;base64," + base64.b64encode(coded.tobytes()).decode()


@dataclass(frozen=True)
class Viewers:
    """What people said, in a file of answers that the form saved (several viewers' files put together).

    Attributes:
        answers: CSV file with the columns viewer, question, left, right, answer.

    *Shapes and units*: one row of the file per answer; comparisons say `left` or `right`, items 1 to 7; strengths are
    shares that sum to 1 over the treatments, ratings means on the scale of 1 to 7.

    *Measurements*: `preferred` for each treatment as a group: its Bradley-Terry strength, chance 1 / treatments;
    `satisfaction` and `recognisability` for each treatment: mean of 1 to 7. Intervals draw whole viewers, since one
    viewer's answers belong together; n counts viewers.

    Raises:
        Unsupported: No file of answers is named.
        Unreadable: It cannot be opened.
        Malformed: It is not such a file.

    *Source*: items after Li et al. 2017 and Hasan et al. 2018; Bradley and Terry 1952.

    >>> Viewers("answers.csv").answers
    'answers.csv'
    """

    answers: str = ""

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Read and analyse; looks at the answers alone, not at the pictures."""
        del case
        rows = _read(self.answers)
        viewers = sorted({row[0] for row in rows})
        check.positive(viewers=len(viewers))
        found = list(_preferences([r for r in rows if r[1] == "preferred"], viewers, rng))
        for item in ITEMS:
            of_item = [row for row in rows if row[1] == item]
            names = sorted({row[2] for row in of_item})
            found += [_rating(item, name, [r for r in of_item if r[2] == name], rng) for name in names]
        return tuple(found)


def _read(path: str) -> list[tuple[str, ...]]:
    if not path:
        raise Unsupported("viewers: name the file of answers; the form that makes it is written by `veilset measure`")
    try:
        with Path(path).open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise Malformed(f"{path}: the first line must be {','.join(COLUMNS)}")
            rows = [tuple(str(row[c]) for c in COLUMNS) for row in reader]
    except OSError as error:
        raise Unreadable(f"{path}: the answers cannot be read ({error.strerror})") from error
    for number, row in enumerate(rows, 2):
        allowed = ("left", "right") if row[1] == "preferred" else tuple("1234567")
        if row[1] not in ("preferred", *ITEMS) or row[4] not in allowed:
            raise Malformed(f"{path}, line {number}: not an answer of the form")
    if not rows:
        raise Malformed(f"{path}: no answers")
    return rows


def _preferences(
    rows: Sequence[tuple[str, ...]], viewers: Sequence[str], rng: np.random.Generator
) -> tuple[Measurement, ...]:
    names = sorted({name for row in rows for name in row[2:4]})
    if len(names) < 2:
        return ()
    tables = np.zeros((len(viewers), len(names), len(names)))
    for viewer, _, left, right, answer in rows:
        best, other = (left, right) if answer == "left" else (right, left)
        tables[viewers.index(viewer), names.index(best), names.index(other)] += 1
    strength = bradley_terry(tables.sum(axis=0))
    draws = rng.integers(0, len(viewers), (300, len(viewers)))
    ends = np.quantile([bradley_terry(tables[d].sum(axis=0), 100) for d in draws], [0.025, 0.975], axis=0)
    notes = (f"{len(rows)} comparisons by {len(viewers)} viewers; intervals draw viewers",)
    return tuple(
        Measurement(
            "viewers",
            "preferred",
            float(s),
            min(float(low), float(s)),
            max(float(high), float(s)),
            len(viewers),
            "higher",
            1 / len(names),
            group=name,
            notes=notes,
        )
        for name, s, low, high in zip(names, strength, ends[0], ends[1], strict=True)
    )


def _rating(item: str, name: str, rows: Sequence[tuple[str, ...]], rng: np.random.Generator) -> Measurement:
    by_viewer: dict[str, list[float]] = {}
    for row in rows:
        by_viewer.setdefault(row[0], []).append(float(row[4]))
    values = np.array([np.mean(v) for v in by_viewer.values()])
    low, high = bootstrap(values, rng)
    low, high = max(low, 1.0), min(high, 7.0)
    value = float(values.mean())
    better = "lower" if item == "recognisability" else "higher"
    return Measurement(
        "viewers",
        item,
        value,
        min(low, value),
        max(high, value),
        len(values),
        "lower" if better == "lower" else "higher",
        group=name,
    )
