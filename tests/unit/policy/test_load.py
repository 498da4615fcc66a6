"""Policies: every problem at once, with lines and nearest names; what loads is what was written."""

from __future__ import annotations

import pytest

from veilset.core.errors import PolicyError, UsageError
from veilset.flows.catalog import catalog
from veilset.policy.explain import explain
from veilset.policy.load import load_policy, parse_policy, profiles

NAMES = catalog(third_party=False).registries()
GOOD = """
version: 1
find: [metadata, {face: {min_score: 0.3}}]
treat:
  metadata: {strip: {keep: [orientation]}}
  face: [{pixelate: {cells: 6}}, mask]
  "*": refuse
probe:
  - residual: {max: 0.05}
  - fidelity
release: {names: keep, omit_at_most: 0.1}
"""


def test_a_good_policy_loads_with_its_settings() -> None:
    policy = parse_policy(GOOD, NAMES)
    assert [named.name for named in policy.find] == ["metadata", "face"]
    assert policy.find[1].instance.min_score == 0.3
    assert [named.name for named in policy.treat["face"].operators] == ["pixelate", "mask"]
    assert policy.rule("tattoo").verdict == "refuse"
    assert policy.gates[0].most == 0.05
    assert policy.release.names == "keep"


def test_five_mistakes_are_five_problems_with_their_lines() -> None:
    text = """\
version: 2
find: [metadata, fase]
treat:
  metadata: {strip: {kep: [orientation]}}
  face: {mask: {grow: -3}}
relase: {names: fresh}
"""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, NAMES, name="mine.yaml")
    words = caught.value.message
    assert "mine.yaml: 6 problems" in words
    assert "line 1: version: must be 1, got 2" in words
    assert "line 2: find[1]: no detector is called 'fase'; did you mean face?" in words
    assert "line 4: treat.metadata.strip: unknown setting 'kep'; did you mean keep?" in words
    assert "line 5: treat.face.mask: grow must be between" in words
    assert 'line 3: treat: needs "*"' in words
    assert "line 6: relase: unknown section; did you mean release?" in words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- b\n", "a policy is a mapping"),
        ("version: 1\nversion: 1\n", "found duplicate key"),
        ("version: [1\n", "this is not YAML"),
        ("", "a policy is a mapping"),
        ("version: 1\nfind: face\ntreat: {'*': refuse}\n", "needs a list of detectors"),
        ("version: 1\nfind: [face]\ntreat: [mask]\n", "needs a mapping from kinds"),
        ("version: 1\nfind: [{face: 3}]\ntreat: {'*': refuse}\n", "settings are a mapping"),
        ("version: 1\nfind: [face]\ntreat: {'*': refuse}\nprobe: [{residual: {max: high}}]\n", "must be a number"),
        ("version: 1\nfind: [face]\ntreat: {'*': refuse}\nrelease: {names: random}\n", "release.names"),
        ("version: 1\nfind: [face]\ntreat: {'*': refuse}\nbudget: {charge: person}\n", "budget.epsilon"),
    ],
)
def test_each_mistake_is_said(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match="policy") as caught:
        parse_policy(text, NAMES)
    assert said in caught.value.message


def test_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean share-photo"):
        load_policy("share-foto", NAMES)


@pytest.mark.parametrize("name", sorted(profiles()))
def test_profiles_load_and_the_normalised_form_loads_to_the_same_hash(name: str) -> None:
    policy = load_policy(name, NAMES)
    assert policy.sha256() == load_policy(name, NAMES).sha256()
    assert policy.to_plain()["treat"]["*"] == "refuse"


def test_the_hash_changes_with_any_setting_and_not_with_layout() -> None:
    one = parse_policy(GOOD, NAMES).sha256()
    assert parse_policy(GOOD.replace("\n  - fidelity", "\n\n  # words\n  - fidelity"), NAMES).sha256() == one
    assert parse_policy(GOOD.replace("cells: 6", "cells: 7"), NAMES).sha256() != one


def test_settings_of_the_wrong_type_are_said_with_the_value() -> None:
    with pytest.raises(PolicyError, match="got 'large'"):
        parse_policy(GOOD.replace("cells: 6", "cells: large"), NAMES)


SPENDING = """
version: 1
find: [face]
treat:
  face: {dp_pix: {epsilon: 0.1, pixels: face}}
  "*": refuse
budget: {charge: person, protects: {pixels: face}, epsilon: EPS, delta: DELTA, max_images_per_person: 100ACC}
"""


def spending(epsilon: float, delta: float = 0.0, accountant: str = "") -> str:
    with_accountant = f", accountant: {accountant}" if accountant else ""
    return SPENDING.replace("EPS", str(epsilon)).replace("DELTA", f"{delta:.7f}").replace("ACC", with_accountant)


def test_the_worst_case_is_added_up_by_the_accountant_of_the_budget() -> None:
    parse_policy(spending(10), NAMES)
    with pytest.raises(PolicyError, match=r"spends 10 \(accountant: basic\), but the budget is 9\.9"):
        parse_policy(spending(9.9), NAMES)
    for accountant, enough in (("rdp", 5.5), ("pld", 5.0), ("advanced", 6.0)):
        parse_policy(spending(enough, 1e-6, accountant), NAMES)
        with pytest.raises(PolicyError, match=f"accountant: {accountant}"):
            parse_policy(spending(3, 1e-6, accountant), NAMES)


def test_the_accountant_is_named_checked_and_part_of_the_hash() -> None:
    basic, rdp = parse_policy(spending(10), NAMES), parse_policy(spending(10, 1e-6, "rdp"), NAMES)
    assert basic.to_plain()["budget"]["accountant"] == "basic"
    assert basic.sha256() == parse_policy(spending(10, accountant="basic"), NAMES).sha256()
    assert rdp.sha256() != parse_policy(spending(10, 1e-6), NAMES).sha256()
    words = explain(rdp)
    assert "per face (neighbours: two pictures" in words
    assert "accountant: rdp (dp-accounting)" in words
    assert "ClassVar" not in words
    assert "<class" not in words
    for text, said in ((spending(10, 0, "rdp"), "delta above 0"), (spending(10, 1e-6, "moments"), "must be one of")):
        with pytest.raises(PolicyError, match=said):
            parse_policy(text, NAMES)


def test_treatments_with_other_neighbours_are_not_added_up() -> None:
    mixed = spending(100).replace("  face:", "  plate: {snow: {delta: 0.1, pixels: image}}\n  face:")
    with pytest.raises(PolicyError, match="units never convert"):
        parse_policy(mixed, NAMES)


@pytest.mark.parametrize("other", ["strip", "{strip: {keep: [orientation, icc], gps_grid: 0.5}}"])
def test_two_allowlists_for_one_file_are_a_problem(other: str) -> None:
    text = f"""\
version: 1
find: [metadata, rights]
treat:
  metadata: {{strip: {{keep: [orientation, icc, rights]}}}}
  rights: {other}
  "*": refuse
"""
    with pytest.raises(PolicyError, match=r"line 5: treat\.rights\.strip: keeps other tags than treat\.metadata"):
        parse_policy(text, NAMES)
    same = text.replace(f"rights: {other}", "rights: {strip: {keep: [orientation, icc, rights]}}")
    assert parse_policy(same, NAMES).treat["rights"].operators[0].name == "strip"


def test_a_policy_that_is_nested_without_end_is_said() -> None:
    with pytest.raises(PolicyError, match="nested too deeply"):
        parse_policy("version: 1\nfind: " + "[" * 5000, NAMES)
