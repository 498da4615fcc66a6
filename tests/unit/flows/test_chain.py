"""The adversary is told the whole chain of operators, and re-enacts it."""

import numpy as np
import pytest

from veilset.core.finding import Finding
from veilset.core.guarantee import DP, Exact, Nothing
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Knowledge, Operator, Pair
from veilset.core.sample import Image, Sample, Signal, Video
from veilset.core.where import Box
from veilset.flows.chain import WITHIN, Chain, treatments_of
from veilset.operators.blur import Blur
from veilset.operators.dp_pix import DpPix
from veilset.operators.drop import Drop
from veilset.operators.mask import Mask
from veilset.operators.pixelate import Pixelate
from veilset.operators.strip import Strip
from veilset.policy.schema import Named, Policy, Rule
from veilset.probes.adversary.crops import gather, treat_anew
from veilset.probes.attack.refute import Refute
from veilset.probes.attack.reidentify import Reidentify
from veilset.testing.drawn import picture

BOX = Box(20, 20, 48, 60)
FACE = (Finding("face", BOX, 1.0, "drawn"),)
TWO = (Blur(strength=0.05, floor=1.0), Pixelate())


def rule(*operators: Operator) -> Rule:
    return Rule(tuple(Named(type(one).__name__.lower(), one) for one in operators))


def treated(seed: int, operators: tuple[Operator, ...]) -> Pair:
    before = Sample(f"s{seed}", Image(picture(96, 96, faces=[BOX], seed=seed)), frozenset({f"p{seed % 4}"}))
    after = before
    for operator in operators:
        after = operator.apply(after, FACE, noise=SeededNoise(seed)).sample
    return Pair(before, after, FACE)


def test_the_chain_does_what_its_operators_do_in_turn() -> None:
    pair = treated(1, TWO)
    outcome = Chain(TWO).apply(pair.before, FACE, noise=SeededNoise(1))
    assert (outcome.sample.image.pixels == pair.after.image.pixels).all()
    assert Chain((Drop(), *TWO)).apply(pair.before, FACE, noise=SeededNoise(1)).sample is None


def test_the_parrot_sees_the_whole_chain() -> None:
    """The last operator alone makes other pictures than the policy did; the adversary's must be the policy's."""
    knowledge = Knowledge(treatments_of(Policy((), {"face": rule(*TWO)}, Rule(verdict="refuse"))))
    pairs = tuple(treated(seed, TWO) for seed in range(8))
    rng = np.random.default_rng(0)
    crops = gather(Case(pairs, knowledge), copies=1, rng=rng)
    assert (crops.anew[0] == crops.after).all()
    last = gather(Case(pairs, Knowledge({"face": TWO[-1]})), copies=1, rng=rng)
    assert (last.anew[0] != last.after).any()
    assert Reidentify(recogniser="pixels").run(Case(pairs, knowledge), rng=rng)


def test_kinds_without_a_rule_are_treated_as_the_star_says() -> None:
    policy = Policy((), {"text": Rule(verdict="keep"), "plate": rule(Pixelate())}, rule(Mask()))
    treatments = treatments_of(policy)
    pair = treated(2, ())
    anew = treat_anew(pair, Knowledge(treatments), np.random.default_rng(0))
    assert (anew.image.pixels == treated(2, (Mask(),)).after.image.pixels).all()
    kept = Pair(pair.before, pair.after, (Finding("text", BOX, 1.0, "drawn"),))
    assert treat_anew(kept, Knowledge(treatments), np.random.default_rng(0)) == pair.before
    assert treatments_of(None) == {}
    assert "text" not in treatments_of(Policy((), {"text": Rule(verdict="keep")}, Rule(verdict="refuse")))


@pytest.mark.parametrize(
    ("operators", "kind"),
    [
        ((Mask(), Blur()), Exact),
        ((DpPix(), Blur()), DP),
        ((Blur(), Mask()), Exact),
        ((Blur(), DpPix()), Nothing),
        ((Pixelate(), Blur()), type(Blur().guarantee())),
    ],
)
def test_what_a_chain_promises(operators: tuple[Operator, ...], kind: type) -> None:
    assert type(Chain(operators).guarantee()) is kind


def test_a_later_exact_treatment_leans_on_an_assumption() -> None:
    assert WITHIN in Chain((Blur(), Mask())).guarantee().given
    assert WITHIN not in Chain((Mask(), Blur())).guarantee().given


def test_a_chain_reaches_as_far_as_its_widest_operator_and_takes_what_all_take() -> None:
    chain = Chain((Mask(grow=0.1), Blur(grow=0.4)))
    assert (chain.touches, chain.grow, chain.takes) == ("region", 0.4, (Image,))
    assert Chain((Strip(), Mask())).touches == "region"
    assert (Chain((Drop(), Mask())).touches, Chain((Drop(),)).takes) == ("sample", (Image, Video, Signal))


def test_a_claim_inside_a_chain_is_tried() -> None:
    knowledge = Knowledge({"face": Chain((DpPix(), Blur()))})
    found = Refute(runs=100).run(Case((), knowledge), rng=np.random.default_rng(0))
    assert [m.probe for m in found] == ["refute"] * len(found)
    assert found
