import itertools

import pytest

from veilset.records.licences import Claim, identify, known, objections, resolve, terms

USE = {"commercial": True, "derivatives": True}


@pytest.mark.parametrize(("kind", "version"), list(itertools.product(
    ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"), ("1.0", "2.0", "2.5", "3.0", "4.0"))))  # fmt: skip
def test_every_creative_commons_url_is_known_with_the_terms_its_letters_say(kind: str, version: str) -> None:
    for form in (
        "https://creativecommons.org/licenses/{}/{}/",
        "http://www.CreativeCommons.org/licenses/{}/{}/de/legalcode",
    ):
        spdx = identify(form.format(kind, version))
        assert spdx == f"CC-{kind.upper()}-{version}"
    rules = terms(spdx)
    assert rules is not None
    assert (rules.commercial, rules.derivatives, rules.share_alike) == (
        "nc" not in kind,
        "nd" not in kind,
        "sa" in kind,
    )


def test_public_domain() -> None:
    assert identify("creativecommons.org/publicdomain/zero/1.0") == "CC0-1.0"
    assert identify("see https://creativecommons.org/publicdomain/mark/1.0/ there") == "CC-PDM-1.0"


@pytest.mark.parametrize("text", [
    "", "banana", "free", "creativecommons.org/licenses/by/9.0/", "creativecommons.org/licenses/by-xx/4.0/", "CC BY",
    "https://creativecommons.org/licenses/by/4.0/ or https://creativecommons.org/licenses/by-nc/4.0/",
    "https://creativecommons.org/licenses/by/4.0/, all rights reserved", "creativecommons.org/licenses/by/4.0.1/",
])  # fmt: skip
def test_what_names_no_licence_for_sure_names_none(text: str) -> None:
    assert identify(text) == "NOASSERTION"


def test_two_sources_that_disagree_leave_nothing() -> None:
    assert resolve([Claim("CC0-1.0", "a"), Claim("CC0-1.0", "b")]) == ("CC0-1.0", "known")
    assert resolve([Claim("CC0-1.0", "a"), Claim("NOASSERTION", "b")]) == ("CC0-1.0", "known")
    assert resolve([Claim("CC0-1.0", "a"), Claim("CC-BY-4.0", "b")]) == ("NOASSERTION", "contradictory")
    assert resolve([]) == ("NOASSERTION", "unknown")


def test_each_forbidden_use_is_said_and_each_allowed_one_is_not() -> None:
    assert not objections("CC-BY-4.0", "known", **USE)
    assert "commercial" in objections("CC-BY-NC-4.0", "known", **USE)[0]
    assert not objections("CC-BY-NC-4.0", "known", commercial=False, derivatives=True)
    assert "changed versions" in objections("CC-BY-ND-4.0", "known", **USE)[0]
    assert not objections("CC-BY-ND-4.0", "known", commercial=True, derivatives=False)
    assert objections("CC-BY-SA-4.0", "known", **USE, release_licence="CC-BY-4.0")
    assert not objections("CC-BY-SA-4.0", "known", **USE, release_licence="CC-BY-SA-4.0")
    assert len(objections("CC-BY-NC-SA-4.0", "known", **USE)) == 2


def test_in_doubt_it_is_left_out() -> None:
    for spdx, status in (("NOASSERTION", "unknown"), ("NOASSERTION", "contradictory"), ("LicenseRef-mine", "known")):
        assert objections(spdx, status, commercial=False, derivatives=False)
    assert objections("LicenseRef-all-rights-reserved", "known", commercial=False, derivatives=False)
    assert not objections("LicenseRef-mine", "known", **USE, allow=("LicenseRef-mine",))
    # Naming the contradiction away is not possible.
    assert objections("NOASSERTION", "contradictory", **USE, allow=("NOASSERTION",))


def test_every_known_licence_is_its_own_name() -> None:
    assert all(identify(name.lower()) == name for name in known())
