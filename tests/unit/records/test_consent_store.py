import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from veilset.core.errors import BadSetting, Malformed, UnknownName, Unreadable
from veilset.records.consent import Notice, Party, Question, Record, State, Use, decide
from veilset.records.consent_exchange import export_csv, export_json, import_file
from veilset.records.consent_store import ConsentStore, database_url, link_key

D = dt.date
NOTICE = Notice(
    "n1",
    "https://example.org/notice",
    "en",
    "photographs",
    "photograph",
    (Party("1", "Lab", "Street 1", "lab@example.org"),),
    ("EU",),
    "5 years",
    "DE",
    ("public",),
    "mail to lab@example.org",
)


def record(number: int, subject: str, **changes: object) -> Record:
    base = Record(
        f"r{number}",
        subject,
        "study",
        frozenset({Use.RESEARCH}),
        "n1",
        State.GIVEN,
        D(2024, 1, 1),
        f"form {number}",
        "me",
    )
    return replace(base, **changes)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsentStore]:
    if request.param == "sqlite":
        made = ConsentStore(str(tmp_path / "consent.sqlite"), create=True)
    else:
        import sqlalchemy as sa

        url = request.getfixturevalue("postgres_url")
        engine = sa.create_engine(database_url(url))
        with engine.begin() as connection:
            connection.execute(sa.text("drop schema public cascade"))
            connection.execute(sa.text("create schema public"))
        engine.dispose()
        made = ConsentStore(url, create=True)
    made.add_notices([NOTICE])
    yield made
    made.close()


def test_decisions_agree_with_the_kernel_on_a_random_registry(store: ConsentStore) -> None:
    rng = random.Random(1)
    people = [f"p{i}" for i in range(60)]
    records = [
        record(
            i,
            rng.choice(people),
            scope=frozenset(rng.sample(list(Use), rng.randint(1, 3))),
            state=rng.choice(list(State)),
            given=D(2024, 1, rng.randint(1, 28)),
            expires=rng.choice([None, D(2024, 2, rng.randint(1, 28))]),
            withdrawn=rng.choice([None, None, D(2024, 1, rng.randint(1, 28))]),
        )
        for i in range(150)
    ]
    links = {(f"s{rng.randrange(80)}", rng.choice(people)) for _ in range(200)}
    store.add(records)
    store.link(("sample", name, who) for name, who in links)
    by = {who: [r for r in records if r.subject == who] for who in people}
    question = Question(frozenset({Use.RESEARCH}), D(2024, 2, 10))
    keys = {f"s{i}": [link_key("sample", f"s{i}")] for i in range(80)}
    many = store.decide_many(keys, question)
    outcomes = set()
    for name, some in keys.items():
        expected = decide({who for s, who in links if s == name}, by, question)
        assert store.decide(some, question) == many[name] == expected
        outcomes.add(expected.allowed)
    assert outcomes == {True, False}


def test_links_by_label_and_group_and_pseudonym_count_alike(store: ConsentStore) -> None:
    store.add([record(1, "p1", withdrawn=D(2024, 2, 1)), record(2, "p2")])
    store.link([("label", "class=a", "p1"), ("group", "7", "p1"), ("sample", "x.jpg", "p2"), ("sample", "x.jpg", "p2")])
    ask = Question(frozenset({Use.RESEARCH}), D(2024, 3, 1))
    assert store.decide(["sample:x.jpg"], ask).allowed
    for keys in (["sample:x.jpg", "label:class=a"], ["sample:x.jpg", "group:7"]):
        assert [who for who, _ in store.decide(keys, ask).reasons] == ["p1"]
    assert [who for who, _ in store.decide(["sample:x.jpg"], ask, ["p1", "stranger"]).reasons] == ["p1", "stranger"]
    assert store.keys_of("p1") == ("group:7", "label:class=a")
    assert store.judge(["group:7", "sample:x.jpg"], ask)[0] == {"p1", "p2"}


def test_withdrawal_closes_everything(store: ConsentStore) -> None:
    store.add([record(1, "p1"), record(2, "p1", scope=frozenset({Use.PUBLICATION}))])
    ask = Question(frozenset({Use.RESEARCH}), D(2024, 3, 1))
    assert store.decide((), ask, ["p1"]).allowed
    assert store.withdraw("p1", D(2024, 3, 1)) == 2
    assert not store.decide((), ask, ["p1"]).allowed
    assert store.withdraw("p1", D(2024, 4, 1)) == 0
    with pytest.raises(UnknownName):
        store.withdraw("nobody", D(2024, 3, 1))


def test_ids_are_given_once_and_notices_come_first(store: ConsentStore) -> None:
    store.add([record(1, "p1")])
    with pytest.raises(Malformed):
        store.add([record(2, "p2"), record(1, "p3")])
    assert [r.record_id for r in store.records()] == ["r1"]
    with pytest.raises(Malformed, match="n9"):
        store.add([record(3, "p3", notice_id="n9")])


def test_json_and_csv_come_back_as_they_went(store: ConsentStore, tmp_path: Path) -> None:
    store.add([record(1, "p1", expires=D(2026, 1, 1)), record(2, "p2", scope=frozenset(Use), state=State.REFUSED)])
    store.link([("sample", "a:b.jpg", "p1"), ("group", "3", "p2")])
    text = export_json(store)
    (tmp_path / "all.json").write_text(text, encoding="utf-8")
    second = ConsentStore(str(tmp_path / "second.sqlite"), create=True)
    assert import_file(second, tmp_path / "all.json") == {"notices": 1, "records": 2, "links": 2}
    assert export_json(second) == text
    third = ConsentStore(str(tmp_path / "third.sqlite"), create=True)
    third.add_notices([NOTICE])
    for path in export_csv(store, tmp_path):
        import_file(third, path)
    assert export_json(third) == text
    second.close()
    third.close()


@pytest.mark.parametrize(
    "line",
    [
        "r1,p1,study,research,n1,given,soon,,,e,me",
        "r1,p1,study,everything,n1,given,2024-01-01,,,e,me",
        "r1,p1,study,,n1,given,2024-01-01,,,e,me",
        "r1,p1,study,research,n1,maybe,2024-01-01,,,e,me",
        "r1,p1,study,research,n1,given,2024-01-01,,,,me",
    ],
)
def test_a_wrong_row_is_named_by_its_line_and_nothing_is_added(store: ConsentStore, tmp_path: Path, line: str) -> None:
    head = "record_id,subject,purpose,scope,notice_id,state,given,expires,withdrawn,evidence,recorded_by"
    good = "r0,p1,study,research,n1,given,2024-01-01,,,e,me"
    (tmp_path / "r.csv").write_text(f"{head}\n{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(Malformed, match="line 3"):
        import_file(store, tmp_path / "r.csv")
    assert not list(store.records())


def test_a_registry_that_is_not_there_allows_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        ConsentStore(str(tmp_path / "none.sqlite"))
    with pytest.raises(Unreadable):
        ConsentStore(str(tmp_path / "no" / "folder" / "x.sqlite"), create=True)


def test_a_password_has_no_place_in_a_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSetting, match="published"):
        database_url("postgresql://me:secret@host/db")
    with pytest.raises(BadSetting, match="NO_SUCH"):
        database_url("$NO_SUCH")
    monkeypatch.setenv("CONSENT_URL", "postgresql://me:secret@host/db")
    assert database_url("$CONSENT_URL") == "postgresql+pg8000://me:secret@host/db"


def test_a_decision_is_one_query_also_for_people_named_by_the_set(store: ConsentStore) -> None:
    import sqlalchemy as sa

    store.add([record(1, "linked"), record(2, "named"), record(3, "both", scope=frozenset({Use.TRAINING}))])
    store.link([("sample", "a.jpg", "linked"), ("sample", "a.jpg", "both")])
    question = Question(frozenset({Use.RESEARCH}), D(2025, 1, 1))
    asked: list[str] = []
    sa.event.listen(store._reader, "before_cursor_execute", lambda *given: asked.append(given[2]))
    people, verdict = store.judge(["sample:a.jpg"], question, ["named", "both", "stranger"])
    assert people == {"linked", "named", "both", "stranger"}
    assert {who for who, _ in verdict.reasons} == {"both", "stranger"}
    assert len(asked) == 1
    assert store.judge([], question, ["named"])[1].allowed
    assert len(asked) == 2
