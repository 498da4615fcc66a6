"""The ladder's words: what is above a guess is said to be, and what rests on too little is not called safe."""

from veilset.core.measurement import Measurement
from veilset.flows.report.measure_groups import groups_section
from veilset.flows.report.rungs import LADDER, headline, standing


def one(probe: str, name: str, hits: int, n: int = 200, chance: float = 0.02) -> Measurement:
    return Measurement.proportion(probe, name, hits, n, "lower", chance=chance)


def test_where_an_attack_stands() -> None:
    assert standing(one("undo", "twin", 60)) == "above"
    assert standing(one("undo", "twin", 4)) == "at"
    assert standing(one("undo", "twin", 0, n=6)) == "unsure"


def test_the_strongest_against_people_is_told_beside_the_strongest() -> None:
    files = one("link", "twin", 180)
    said = headline([files, one("reidentify", "rank1_parrot_pixels", 60), one("undo", "twin", 4)])
    assert said.startswith("2 of the 3 attacks that ran did better")
    assert "link/twin" in said
    assert "The strongest against people: reidentify/rank1_parrot_pixels" in said
    assert "30 % of the people" in said
    assert "None of these is about people" in headline([files, one("undo", "twin", 4)])


def test_nothing_is_called_safe_that_was_not_tried_enough() -> None:
    assert "could be run" in headline([])
    few = headline([one("undo", "twin", 0, n=6), one("link", "twin", 4)])
    assert few.startswith("None of the 2")
    assert "Too few samples to say that the treatment protects: 1" in few
    assert "Too few" not in headline([one("link", "twin", 4)])


def test_every_rung_names_a_probe_that_exists() -> None:
    from veilset.flows.catalog import catalog

    assert {rung.probe for rung in LADDER} <= set(catalog().probes)


def test_small_groups_are_warned_of_before_any_bar() -> None:
    notes = ("reidentify/rank1 by race: highest for a, lowest for b", "too small to measure: c (4)")
    gap = Measurement("gap", "gap", 0.1, 0.0, 0.3, 50, "lower", 0.0, notes=notes, settings="reidentify by race")
    groups = [
        Measurement("gap", "reidentify_rank1", v, v, v, 25, "lower", group=g, settings="reidentify by race")
        for g, v in (("a", 0.3), ("b", 0.2))
    ]
    page = groups_section([gap, *groups])
    assert 0 < page.index("too small to measure: c (4)") < page.index("<svg")
    assert "highest for a, lowest for b" in page
    assert "--labels" in groups_section([])
