import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veilset.core.errors import BadSetting
from veilset.records.consent import Notice, Party, Question, Record, State, Use, decide

D = dt.date
BASE = Record(
    "r", "p1", "study", frozenset({Use.RESEARCH, Use.TRAINING}), "n", State.GIVEN, D(2024, 1, 1), "form 1", "me"
)
ASK = Question(frozenset({Use.RESEARCH}), D(2025, 1, 1))


def verdict(*records: Record, question: Question = ASK, subjects: tuple[str, ...] = ("p1",)) -> object:
    by: dict[str, list[Record]] = {}
    for record in records:
        by.setdefault(record.subject, []).append(record)
    return decide(subjects, by, question)


def words(*records: Record, question: Question = ASK) -> str:
    found = verdict(*records, question=question)
    assert not found.allowed
    return found.reasons[0][1]


def test_a_consent_in_force_allows() -> None:
    assert verdict(BASE).allowed
    assert verdict(BASE, question=replace(ASK, purpose="study")).allowed
    assert verdict(BASE, question=replace(ASK, uses=frozenset({Use.RESEARCH, Use.TRAINING}))).allowed


def test_every_way_of_not_allowing_has_its_own_words() -> None:
    assert "no consent is recorded" in words()
    assert "withdrawn or refused on 2024-06-01" in words(replace(BASE, withdrawn=D(2024, 6, 1)))
    assert "expired on 2024-12-31" in words(replace(BASE, expires=D(2024, 12, 31)))
    assert "not in force yet" in words(replace(BASE, given=D(2025, 1, 2)))
    assert "not in force yet" in words(replace(BASE, state=State.REQUESTED))
    assert "another purpose than sale" in words(BASE, question=replace(ASK, purpose="sale"))
    assert "does not cover publication" in words(BASE, question=replace(ASK, uses=frozenset({Use.PUBLICATION})))


def test_days_at_the_border() -> None:
    assert verdict(replace(BASE, given=ASK.when)).allowed
    assert verdict(replace(BASE, expires=D(2025, 1, 2))).allowed
    assert not verdict(replace(BASE, expires=ASK.when)).allowed
    assert not verdict(replace(BASE, withdrawn=ASK.when)).allowed
    assert verdict(replace(BASE, withdrawn=D(2025, 1, 2))).allowed


def test_the_later_word_counts_and_on_one_day_the_no() -> None:
    refusal = replace(BASE, record_id="no", state=State.REFUSED, given=D(2024, 5, 1))
    assert not verdict(BASE, refusal).allowed
    assert verdict(replace(BASE, given=D(2024, 5, 2)), refusal).allowed
    assert not verdict(replace(BASE, given=D(2024, 5, 1)), refusal).allowed
    other_use = replace(refusal, scope=frozenset({Use.PUBLICATION}))
    assert verdict(BASE, other_use).allowed


def test_one_no_in_a_group_is_enough() -> None:
    second = replace(BASE, record_id="s", subject="p2", withdrawn=D(2024, 2, 2))
    found = verdict(BASE, second, subjects=("p1", "p2"))
    assert [who for who, _ in found.reasons] == ["p2"]


def test_until_is_the_first_day_on_which_somebody_no_longer_allows() -> None:
    lasting = replace(BASE, expires=D(2026, 1, 1))
    longer = replace(BASE, record_id="s", subject="p2", expires=D(2027, 1, 1))
    assert verdict(lasting, longer, subjects=("p1", "p2")).until == D(2026, 1, 1)
    assert verdict(lasting, replace(BASE, record_id="t")).until is None


DAYS = st.dates(D(2024, 1, 1), D(2024, 1, 12))
RECORDS = st.builds(
    Record,
    st.uuids().map(str),
    st.sampled_from(["p1", "p2"]),
    st.sampled_from(["study", "sale"]),
    st.frozensets(st.sampled_from(Use), min_size=1),
    st.just("n"),
    st.sampled_from(State),
    DAYS,
    st.just("e"),
    st.just("me"),
    st.none() | DAYS,
    st.none() | DAYS,
)
QUESTIONS = st.builds(Question, st.frozensets(st.sampled_from(Use), min_size=1), DAYS, st.sampled_from(["", "study"]))


@given(st.lists(RECORDS, max_size=6), QUESTIONS, st.frozensets(st.sampled_from(["p1", "p2"])))
def test_asking_for_more_never_opens_what_was_closed(
    records: list[Record], question: Question, who: frozenset[str]
) -> None:
    by = {name: [r for r in records if r.subject == name] for name in ("p1", "p2")}
    wide = replace(question, uses=frozenset(Use))
    if decide({"p1", "p2"}, by, wide).allowed:
        found = decide(who, by, question)
        assert found.allowed
    once = decide(who, by, question)
    refused = [
        Record("x", name, "study", question.uses, "n", State.REFUSED, question.when, "e", "me") for name in ("p1", "p2")
    ]
    after = {name: [*by[name], *(r for r in refused if r.subject == name)] for name in by}
    assert decide(who, after, question).allowed == (not who)
    if once.allowed and once.until is not None:
        assert once.until > question.when
        assert not decide(who, by, replace(question, when=once.until)).allowed or any(
            r.given > question.when for r in records
        )


def test_what_27560_makes_mandatory_cannot_be_empty() -> None:
    good = {
        "notice_id": "n",
        "privacy_notice": "u",
        "language": "en",
        "pii_information": "photographs",
        "pii_type": "photograph",
        "pii_controllers": (Party("1", "Lab", "Street", "mail"),),
        "storage_locations": ("EU",),
        "retention_period": "5 years",
        "jurisdiction": "DE",
        "recipient_third_parties": ("public",),
        "withdrawal_method": "mail",
    }
    Notice(**good)
    for name in good:
        with pytest.raises(BadSetting, match=name if name != "notice_id" else "notice"):
            Notice(**{**good, name: type(good[name])()})
    for name in ("record_id", "subject", "purpose", "evidence", "recorded_by", "notice_id", "scope"):
        with pytest.raises(BadSetting, match=name):
            replace(BASE, **{name: type(getattr(BASE, name))()})
