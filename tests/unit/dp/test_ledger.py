"""The ledger: budgets, caps, unknown people, crashes and rivals."""

import math
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilset.core.errors import BadSetting, BudgetExceeded, Malformed, UnitMismatch
from veilset.core.guarantee import DP, Event
from veilset.dp.accountants import ACCOUNTANTS
from veilset.dp.bernoulli import exact
from veilset.dp.ledger import EVERYONE, Budget, Charge, Ledger
from veilset.dp.spending import loss_of, restored, stored

FACE = Budget("face", epsilon=1.0, max_images_per_person=5)


def face(epsilon=0.1, unit="face", delta=0.0):
    return DP(Event("laplace", {"epsilon": epsilon}), unit, "one face", epsilon, "s", delta)


def charges(*pictures, epsilon=0.1):
    return [Charge(image, frozenset(people), face(epsilon)) for image, people in pictures]


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.sqlite", FACE)


def release(ledger, name, *pictures, epsilon=0.1):
    plan = ledger.plan(name, charges(*pictures, epsilon=epsilon))
    ledger.charge(plan)
    ledger.applied(name)
    return plan


def test_everybody_in_a_picture_pays_and_releases_add_up(ledger):
    release(ledger, "r1", ("a", "xy"), ("b", "y"))
    release(ledger, "r2", ("a", "xy"))
    assert ledger.spent("x") == (Fraction(2, 10), 0)
    assert ledger.spent("y") == (Fraction(3, 10), 0)
    assert ledger.spent("nobody") == (0, 0)


def test_ten_tenths_fit_exactly_and_one_more_does_not(ledger):
    for number in range(10):
        release(ledger, f"r{number}", ("a", "x"))
    with pytest.raises(BudgetExceeded):
        ledger.plan("r10", charges(("a", "x")))
    release(ledger, "r11", ("b", "y"))


def test_two_faces_of_one_picture_are_two_charges(ledger):
    listed = charges(("a", "x"), ("a", "x"))
    ledger.charge(ledger.plan("r", listed))
    assert ledger.spent("x") == (Fraction(2, 10), 0)


def test_an_unknown_person_is_charged_to_everyone_even_to_who_comes_later(ledger):
    release(ledger, "r1", ("a", ""), epsilon=0.6)
    assert ledger.spent("later") == (Fraction(6, 10), 0)
    with pytest.raises(BudgetExceeded):
        ledger.plan("r2", charges(("b", "later"), epsilon=0.5))
    release(ledger, "r3", ("b", "later"), epsilon=0.4)
    with pytest.raises(BudgetExceeded):
        ledger.plan("r4", charges(("c", ""), epsilon=0.1))


def test_a_known_person_beside_an_unknown_one(ledger):
    ledger.charge(ledger.plan("r", [Charge("a", frozenset({"x", EVERYONE}), face(0.1))]))
    assert ledger.spent("y") == (Fraction(1, 10), 0)
    assert ledger.spent("x") == (Fraction(2, 10), 0)


def test_units_never_convert(ledger):
    with pytest.raises(UnitMismatch):
        ledger.plan("r", [Charge("a", frozenset("x"), face(unit="16 pixels"))])


def test_the_event_count_is_charged(ledger):
    many = DP(Event("laplace", {"epsilon": 0.1}, 4), "face", "one face", 0.1, "s")
    ledger.charge(ledger.plan("r", [Charge("a", frozenset("x"), many)]))
    assert ledger.spent("x")[0] == Fraction(4, 10)


def test_a_delta_has_its_own_budget(tmp_path):
    ledger = Ledger(tmp_path / "l", Budget("face", 1.0, delta=1e-5))
    ledger.charge(ledger.plan("r", [Charge("a", frozenset("x"), face(delta=8e-6))]))
    with pytest.raises(BudgetExceeded):
        ledger.plan("q", [Charge("a", frozenset("x"), face(delta=3e-6))])


@given(
    st.lists(st.tuples(st.integers(0, 30).map(str), st.frozensets(st.sampled_from("uvwxy"), max_size=3)), max_size=30),
    st.integers(1, 6),
)
@settings(max_examples=40, deadline=None)
def test_nobody_is_ever_in_more_pictures_than_the_cap(tmp_path_factory, pictures, cap):
    folder = tmp_path_factory.mktemp("cap")
    ledger = Ledger(folder / "l", Budget("face", 1000.0, max_images_per_person=cap))
    half = len(pictures) // 2
    graph: dict[str, set[str]] = {}
    for name, part in (("r1", pictures[:half]), ("r2", pictures[half:])):
        plan = ledger.plan(name, charges(*part))
        ledger.charge(plan)
        assert {c.image for c in plan.charges} | set(plan.left_out) == {image for image, _ in part}
        for charge in plan.charges:
            for person in charge.subjects or {EVERYONE}:
                graph.setdefault(person, set()).add(charge.image)
    unknown = graph.pop(EVERYONE, set())
    assert len(unknown) <= cap
    assert all(len(images | unknown) <= cap for images in graph.values())


def test_the_order_depends_on_key_and_names_alone(tmp_path):
    pictures = [(f"p{n}", "x") for n in range(12)]
    ledger = Ledger(tmp_path / "one", FACE)
    kept = {c.image for c in ledger.plan("r", charges(*pictures)).charges}
    assert kept == {c.image for c in ledger.plan("r", charges(*reversed(pictures))).charges}
    assert len(kept) == 5
    others = [
        {c.image for c in Ledger(tmp_path / f"o{n}", FACE).plan("r", charges(*pictures)).charges} for n in range(6)
    ]
    assert any(other != kept for other in others)


def test_the_same_picture_again_does_not_count_twice_for_the_cap(ledger):
    pictures = [(f"p{n}", "x") for n in range(5)]
    release(ledger, "r1", *pictures)
    assert not release(ledger, "r2", *pictures).left_out
    assert ledger.plan("r3", charges(("new", "x"))).left_out == ("new",)


def test_a_plan_writes_nothing(ledger):
    ledger.plan("r", charges(("a", "x")))
    assert ledger.spent("x") == (0, 0)
    assert ledger.pending() == ()


def test_a_plan_that_was_overtaken_is_refused(ledger):
    late = ledger.plan("late", charges(("a", "x"), epsilon=0.6))
    release(ledger, "early", ("a", "x"), epsilon=0.6)
    with pytest.raises(BudgetExceeded):
        ledger.charge(late)
    assert ledger.spent("x")[0] == Fraction(6, 10)


def test_a_release_is_charged_once_under_its_id(ledger):
    plan = ledger.plan("r", charges(("a", "x")))
    ledger.charge(plan)
    with pytest.raises(BudgetExceeded):
        ledger.charge(plan)
    with pytest.raises(BadSetting):
        ledger.applied("never")


CRASH = """
import os, signal, sys
from pathlib import Path
from veilset.core.guarantee import DP, Event
from veilset.dp import ledger as module
from veilset.dp.ledger import Budget, Charge, Ledger
ledger = Ledger(Path(sys.argv[1]), Budget("face", 1.0, max_images_per_person=5))
use = DP(Event("laplace", {"epsilon": 0.1}), "face", "one face", 0.1, "s")
plan = ledger.plan("r", [Charge(f"p{n}", frozenset("x"), use) for n in range(5)])
if sys.argv[2] == "during":
    halfway = iter(range(3))
    def times(charge, real=module._times):
        if sys._getframe(1).f_code.co_name == "charge" and next(halfway, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(charge)
    module._times = times
if sys.argv[2] != "before":
    ledger.charge(plan)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("when", "spent", "pending"), [("before", 0, ()), ("during", 0, ()), ("after", 5, ("r",))])
def test_a_killed_process_leaves_all_of_a_charge_or_nothing(tmp_path, when, spent, pending):
    path = tmp_path / "ledger.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(path), when], check=False, env=os.environ | {"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.returncode == -signal.SIGKILL
    ledger = Ledger(path, FACE)
    assert ledger.spent("x") == (Fraction(spent, 10), 0)
    assert ledger.pending() == pending
    release(ledger, "again", ("p0", "x"))


def test_rivals_cannot_overdraw_together(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger(path, FACE)

    def run(number):
        own = Ledger(path, FACE)
        try:
            own.charge(own.plan(f"r{number}", charges(("a", "x"), epsilon=0.3)))
        except BudgetExceeded:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(run, range(12))) == 3
    assert Ledger(path, FACE).spent("x")[0] == Fraction(9, 10)


def test_the_ledger_stays_private(tmp_path, ledger):
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    (tmp_path / "public").mkdir()
    with pytest.raises(BadSetting):
        Ledger(tmp_path / "public" / "ledger.sqlite", FACE)
    release(ledger, "r", ("secret.jpg", {"anna"}))
    public = str(ledger.public_facts())
    assert "anna" not in public
    assert "secret" not in public
    assert ledger.public_facts()["max_images_per_person"] == 5


def test_refusals_name_nobody(ledger):
    with pytest.raises(BudgetExceeded) as refused:
        ledger.plan("r", charges(("a", {"anna"}), epsilon=2.0))
    assert "anna" not in str(refused.value)


def test_a_budget_does_not_change_and_a_foreign_file_is_refused(tmp_path, ledger):
    with pytest.raises(BadSetting):
        Ledger(ledger.path, Budget("face", 2.0))
    (tmp_path / "other").write_bytes(b"not a database, but long enough to be read as a header of one" * 20)
    with pytest.raises(Malformed):
        Ledger(tmp_path / "other", FACE)


@pytest.mark.parametrize("broken", [{"unit": ""}, {"epsilon": 0}, {"delta": 1}, {"max_images_per_person": 0}])
def test_a_budget_that_makes_no_sense_is_refused(broken):
    with pytest.raises(BadSetting):
        Budget(**{"unit": "face", "epsilon": 1.0} | broken)


def test_the_database_is_written_ahead(ledger):
    with sqlite3.connect(ledger.path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_whoever_is_in_k_frames_is_charged_k_times(ledger):
    shot = [Charge("clip", frozenset("xy"), face(0.1), frames=3), Charge("photo", frozenset("x"), face(0.1))]
    ledger.charge(ledger.plan("r", shot))
    assert ledger.spent("x") == (Fraction(4, 10), 0)
    assert ledger.spent("y") == (Fraction(3, 10), 0)
    many = DP(Event("laplace", {"epsilon": 0.1}, 2), "face", "one face", 0.1, "s")
    ledger.charge(ledger.plan("q", [Charge("clip", frozenset("y"), many, frames=2)]))
    assert ledger.spent("y") == (Fraction(7, 10), 0)
    with pytest.raises(BudgetExceeded):
        ledger.plan("s", [Charge("clip", frozenset("y"), face(0.1), frames=4)])


def test_frames_count_for_the_cap_each(tmp_path):
    ledger = Ledger(tmp_path / "l", Budget("face", 1000.0, max_images_per_person=5))
    ledger.charge(ledger.plan("r", [Charge("clip", frozenset("x"), face(), frames=3)]))
    assert ledger.plan("q", [Charge("burst", frozenset("x"), face(), frames=3)]).left_out == ("burst",)
    assert ledger.plan("q", [Charge("burst", frozenset("x"), face(), frames=2)]).left_out == ()
    assert ledger.plan("q", [Charge("clip", frozenset("x"), face(), frames=5)]).left_out == ()
    assert ledger.plan("q", [Charge("crowd", frozenset(), face(), frames=3)]).left_out == ("crowd",)
    with pytest.raises(BadSetting):
        Charge("clip", frozenset("x"), face(), frames=0)


@pytest.mark.parametrize("accountant", ["advanced", "rdp", "pld"])
def test_the_ledger_adds_up_as_its_accountant_does(tmp_path, accountant):
    from dp_accounting import dp_event, rdp
    from dp_accounting.pld import common
    from dp_accounting.pld import privacy_loss_distribution as pld

    delta, times = 1e-6, 200
    budget = Budget("face", 1000.0, delta, max_images_per_person=times, accountant=accountant)
    ledger = Ledger(tmp_path / "l", budget)
    ledger.charge(ledger.plan("one", charges(*((f"a{n}", "x") for n in range(times // 2)), epsilon=0.05)))
    ledger.charge(ledger.plan("two", charges(*((f"b{n}", "x") for n in range(times // 2)), epsilon=0.05)))
    loss = ledger.loss("x")
    if accountant == "rdp":
        keeper = rdp.RdpAccountant()
        keeper.compose(dp_event.ZCDpEvent(0.05**2 / 2), times)
        expected = keeper.get_epsilon(delta)
    elif accountant == "pld":
        once = pld.from_privacy_parameters(common.DifferentialPrivacyParameters(0.05, 0.0))
        expected = once.self_compose(times).get_epsilon_for_delta(delta)
    else:
        drift, squares = times * 0.05 * math.tanh(0.025), times * 0.05**2
        expected = drift + math.sqrt(2 * squares * math.log(math.e + math.sqrt(squares) / delta))
    assert loss.epsilon == pytest.approx(expected, rel=1e-9)
    assert loss.epsilon < float(ledger.spent("x")[0]) == 10
    assert ledger.loss("nobody") is None
    assert all(words in str(loss) for words in (accountant, "per face", "one face", "delta 1e-06"))
    assert ledger.public_facts()["neighbours"] == "one face"


@pytest.mark.parametrize("accountant", ["advanced", "rdp", "pld"])
def test_an_accountant_that_adds_better_lets_more_through_and_refuses_beyond(tmp_path, accountant):
    ledger = Ledger(tmp_path / "l", Budget("face", 4.5, 1e-6, 1000, accountant))
    for number in range(5):
        release(ledger, f"r{number}", *((f"{number}-{n}", "x") for n in range(20)), epsilon=0.05)
    assert ledger.spent("x")[0] > exact(4.5)
    with pytest.raises(BudgetExceeded, match=accountant):
        ledger.plan("more", charges(*((f"more-{n}", "x") for n in range(600)), epsilon=0.05))
    assert ledger.loss("x").epsilon <= 4.5


def test_a_delta_that_is_spent_leaves_nothing_for_advanced_composition(tmp_path):
    ledger = Ledger(tmp_path / "l", Budget("face", 100.0, 1e-6, accountant="advanced"))
    with pytest.raises(BudgetExceeded):
        ledger.plan("r", [Charge("a", frozenset("x"), face(0.1, delta=1e-6))])
    ledger.plan("r", [Charge("a", frozenset("x"), face(0.1, delta=1e-7))])


@given(
    st.lists(st.sampled_from([(0.05, 0.0), (0.3, 0.0), (1.0, 0.0), (0.3, 1e-8)]), min_size=1, max_size=6),
    st.sampled_from(ACCOUNTANTS),
)
@settings(max_examples=40, deadline=None)
def test_another_event_never_lowers_the_loss(uses, accountant):
    before, known = None, Counter()
    for epsilon, delta in uses:
        known[stored(face(epsilon, delta=0.0 if accountant == "rdp" else delta))] += 1
        loss = loss_of(known, accountant, 1e-5)
        assert before is None or (
            loss.epsilon >= before.epsilon * (1 - 1e-9) and loss.delta >= before.delta * (1 - 1e-9)
        )
        before = loss


def test_what_an_accountant_cannot_add_up_is_refused(tmp_path):
    ledger = Ledger(tmp_path / "l", Budget("face", 100.0, 1e-6, accountant="rdp"))
    with pytest.raises(UnitMismatch):
        ledger.plan("r", [Charge("a", frozenset("x"), face(0.1, delta=1e-8))])
    other = DP(Event("laplace", {"epsilon": 0.1}), "face", "one face added", 0.1, "s")
    release(ledger, "r", ("a", "x"))
    with pytest.raises(UnitMismatch):
        ledger.plan("q", [Charge("a", frozenset("x"), other)])


def test_a_use_is_kept_as_data():
    use = DP(Event("gaussian", {"noise_multiplier": 1.5}, 1), "image", "one image", 3.1, "a paper", 1e-7)
    assert restored(stored(use), 1) == use
    assert restored(stored(use), 7).event.count == 7


def test_people_named_otherwise_than_before_are_refused(ledger):
    ledger.charge(ledger.plan("r1", charges(("a", "")), naming="groups 1"))
    ledger.charge(ledger.plan("r2", charges(("b", "x")), naming="groups 2"))
    ledger.plan("r3", charges(("c", "x")), naming="groups 2")
    ledger.plan("r3", charges(("c", "")), naming="given")
    with pytest.raises(BudgetExceeded, match="named otherwise"):
        ledger.plan("r3", charges(("c", "x")), naming="given")


def test_accountants_other_than_basic_need_a_delta():
    with pytest.raises(BadSetting):
        Budget("face", 1.0, accountant="pld")
    with pytest.raises(BadSetting):
        Budget("face", 1.0, 1e-6, accountant="moments")
