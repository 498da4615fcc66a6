import datetime as dt
import pickle
from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import BadSetting, Unreadable
from veilset.core.roles import Detector
from veilset.core.sample import Image, Origin, Sample
from veilset.detectors.consent import Consent
from veilset.records.consent import Notice, Party, Record, State, Use
from veilset.records.consent_store import ConsentStore

PIXELS = np.zeros((8, 8, 3), np.uint8)


def sample(name: str, subjects: tuple[str, ...] = (), **labels: object) -> Sample:
    return Sample("id", Image(PIXELS), frozenset(subjects), labels, origin=Origin(name))


@pytest.fixture
def registry(tmp_path: Path) -> str:
    path = str(tmp_path / "consent.sqlite")
    store = ConsentStore(path, create=True)
    party = Party("1", "Lab", "Street", "mail")
    store.add_notices(
        [Notice("n", "u", "en", "photographs", "photograph", (party,), ("EU",), "5 y", "DE", ("public",), "mail")]
    )
    day = dt.date(2024, 1, 1)
    scope = frozenset({Use.RESEARCH, Use.PUBLICATION})
    store.add(
        [
            Record("r1", "yes", "study", scope, "n", State.GIVEN, day, "form", "me"),
            Record("r2", "gone", "study", scope, "n", State.GIVEN, day, "form", "me", withdrawn=dt.date(2024, 2, 1)),
            Record("r3", "narrow", "study", frozenset({Use.RESEARCH}), "n", State.GIVEN, day, "form", "me"),
        ]
    )
    store.link([("sample", "group.jpg", "yes"), ("sample", "group.jpg", "gone"), ("sample", "one.jpg", "yes")])
    store.link([("label", "class=7", "gone"), ("group", "g1", "narrow")])
    store.close()
    return path


def detector(registry: str, **more: object) -> Consent:
    return Consent(registry=registry, when="2024-06-01", **more)


def test_one_withdrawn_person_in_a_group_is_found_and_the_others_are_not(registry: str) -> None:
    assert isinstance(detector(registry), Detector)
    assert detector(registry).find(sample("one.jpg")) == ()
    (found,) = detector(registry).find(sample("group.jpg"))
    assert (found.kind, found.subject) == ("no_consent", "gone")
    assert "withdrawn or refused on 2024-02-01" in found.detail["words"]
    assert "gone" not in found.detail["words"]
    # The day before the withdrawal it could be released.
    assert Consent(registry=registry, when="2024-01-31").find(sample("group.jpg")) == ()


def test_people_are_linked_by_label_group_and_pseudonym(registry: str) -> None:
    by_label = detector(registry, link_labels=("class",))
    assert [one.subject for one in by_label.find(sample("x", ("yes",), **{"class": 7}))] == ["gone"]
    assert [one.subject for one in detector(registry).find(sample("x", ("yes", "nobody"), groups=["g1"]))] == [
        "narrow",
        "nobody",
    ]
    assert detector(registry, uses=("research",)).find(sample("x", groups=["g1"])) == ()
    assert detector(registry, purpose="sale").find(sample("one.jpg"))


def test_unidentified_people_follow_the_policy(registry: str) -> None:
    assert "identified" in detector(registry).find(sample("stranger.jpg"))[0].detail["words"]
    assert detector(registry).find(sample("stranger.jpg", people=0)) == ()
    assert detector(registry, unidentified="ignore").find(sample("stranger.jpg")) == ()
    assert detector(registry).find(sample("one.jpg", people=1)) == ()
    (more,) = detector(registry).find(sample("one.jpg", people=3))
    assert more.subject is None
    # Ignoring the unidentified never ignores an identified person's no, nor a wrong label of nobody.
    assert detector(registry, unidentified="ignore").find(sample("group.jpg"))
    assert detector(registry).find(sample("group.jpg", people=0))


def test_without_a_registry_nothing_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Consent(registry=str(tmp_path / "none.sqlite")).find(sample("one.jpg"))


@pytest.mark.parametrize(
    "wrong", [{"uses": ()}, {"uses": ("fun",)}, {"unidentified": "maybe"}, {"when": "soon"}]
)  # fmt: skip
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        Consent(**wrong)


def test_it_travels_to_worker_processes(registry: str) -> None:
    assert pickle.loads(pickle.dumps(detector(registry))) == detector(registry, uses=["publication", "research"])
