"""The ladder of adversaries from the weakest to the strongest, and what each of their measures counts, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from veilset.core.measurement import Measurement

Standing = Literal["above", "at", "unsure", ""]


@dataclass(frozen=True, slots=True)
class Rung:
    """One adversary.

    Attributes:
        probe: The probe.
        name: Which of its measurements.
        adversary: What the adversary has and does.
        reached: What the measured share is a share of, after "right about".
    """

    probe: str
    name: str
    adversary: str
    reached: str


LADDER = (
    Rung("link", "twin", "looks at background, names, order, time and size of files", "files"),
    Rung("undo", "twin", "holds the originals; tries filters that everybody has", "regions"),
    Rung(
        "reidentify", "rank1_naive_pixels", "has clean pictures of the people, a recogniser trained on them", "people"
    ),
    Rung("reidentify", "rank1_naive_face", "has clean pictures of the people, and a face network", "people"),
    Rung("interpolate", "identity_restored", "fills in between the pixels that were left", "regions"),
    Rung("deobfuscate", "identity_restored", "knows the treatment, and inverts it", "regions"),
    Rung("deobfuscate", "identity_network", "inverts it by a network, taught with faces of others", "regions"),
    Rung("fuse", "identity_fused", "lays several releases, or frames of a scene, over one another", "regions"),
    Rung("recover_text", "characters", "reads text through the known treatment", "characters"),
    Rung("reidentify", "rank1_restore_pixels", "restores first, then recognises", "people"),
    Rung("reidentify", "rank1_restore_face", "restores first, then recognises by a face network", "people"),
    Rung("reidentify", "rank1_rebuild_pixels", "restores by a network first, then recognises", "people"),
    Rung("reidentify", "rank1_rebuild_face", "restores by a network first, then a face network", "people"),
    Rung("reidentify", "rank1_parrot_pixels", "trained a recogniser on pictures treated like the release", "people"),
    Rung("reidentify", "rank1_parrot_face", "a face network, retrained on pictures treated like the release", "people"),
    Rung("reidentify", "rank1_parrot_network", "a network of its own, trained on pictures treated like it", "people"),
    Rung("agreement", "worst_rank1", "the same with models that neither treated nor judged", "people"),
    Rung("landmarks", "region_match", "trained on regions around the eyes, treated like the release", "people"),
    Rung("iris", "matched", "has iris codes of the people", "eyes"),
    Rung("attribute", "worst", "infers what people are, trained on treated data", "people"),
    Rung("invert", "recognised", "draws faces out of a recogniser trained on the release", "drawn faces"),
    Rung("membership", "auc", "asks a model trained on the release who was in it", "pairs of a member and a stranger"),
    Rung("canary", "right", "put marks into pictures by a coin, and looks for them after the treatment", "coins"),
)
ATTACKS = (*dict.fromkeys(rung.probe for rung in LADDER), "residual", "gan_leak", "metadata_residue", "refute")
STANDING = {
    "above": "above a guess",
    "at": "at a guess",
    "unsure": "too few to say",
    "": "no guess defined",
}


def standing(one: Measurement) -> Standing:
    """Whether an attack reaches more than a guess; `unsure` where its interval is too wide to say that it does not."""
    if one.chance is None or one.better == "higher":
        return ""
    if one.low > one.chance:
        return "above"
    return "unsure" if one.high > 2 * one.chance + 0.1 else "at"


def advantage(one: Measurement) -> float:
    """What an attack wins over a guess: 0 for a guess, 1 for always right."""
    guess = one.chance or 0.0
    return max(0.0, (one.value - guess) / max(1 - guess, 1e-9))


def climbed(measured: Sequence[Measurement]) -> list[tuple[Rung, Measurement]]:
    """Every rung that was measured, weakest adversary first; one line for each run of a probe that ran twice."""
    found = []
    for rung in LADDER:
        found += [(rung, m) for m in measured if (m.probe, m.name) == (rung.probe, rung.name) and not m.group]
    return found


def verdict(one: Measurement) -> str:
    """One measurement in one sentence, against chance."""
    said = f"{one.value:.3g} [{one.low:.3g}, {one.high:.3g}], n = {one.n}"
    if one.chance is None:
        return f"{one.title}: {said}."
    if one.better == "higher":
        return f"{one.title}: {said}; a guess reaches {one.chance:.3g}."
    match standing(one):
        case "above":
            return f"{one.title}: {said}: above a guess ({one.chance:.3g}), so the treatment does not stop it."
        case "unsure":
            return (
                f"{one.title}: {said}: not told from a guess ({one.chance:.3g}), but the interval is too wide to say that "
                "it protects."
            )
    return f"{one.title}: {said}: not told from a guess ({one.chance:.3g})."


PEOPLE = ("people", "drawn faces", "eyes", "regions")


def headline(measured: Sequence[Measurement]) -> str:
    """The whole ladder in a few sentences, for who reads nothing else: what worked best, and best against people."""
    rungs = climbed(measured)
    if not rungs:
        return "No attack of the ladder could be run: nothing can be said about what this treatment hides."
    above = sorted((r for r in rungs if standing(r[1]) == "above"), key=lambda r: advantage(r[1]), reverse=True)
    unsure = sum(standing(one) == "unsure" for _, one in rungs)
    few = f" Too few samples to say that the treatment protects: {unsure} of the others." if unsure else ""
    if not above:
        return f"None of the {len(rungs)} attacks that ran did better than a guess.{few}"
    words = (
        f"{len(above)} of the {len(rungs)} attacks that ran did better than a guess. The strongest: {_said(*above[0])}"
    )
    against = [one for one in above if one[0].reached in PEOPLE]
    if above[0][0].reached not in PEOPLE:
        words += (
            f" The strongest against people: {_said(*against[0])}" if against else " None of these is about people."
        )
    return words + few


def _said(rung: Rung, one: Measurement) -> str:
    return (
        f"{one.title}, by somebody who {rung.adversary}, is right about {percent(one.value)} of the {rung.reached}; a guess "
        f"would be right about {percent(one.chance or 0)}."
    )


def percent(share: float) -> str:
    """A share in percent, with two digits where it is small.

    >>> percent(0.412), percent(0.0051), percent(0.0)
    ('41 %', '0.51 %', '0 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.2g} %"
