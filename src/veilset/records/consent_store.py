"""The consent registry in a database: SQLite by default, PostgreSQL by URL. Subjects by pseudonym only."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from veilset.core.errors import BadSetting, Malformed, MissingExtra, UnknownName, Unreadable
from veilset.records.consent import Notice, Party, Question, Record, State, Use, Verdict, decide

try:
    import sqlalchemy as sa
except ImportError as error:  # the extra is optional, but nothing here works without it
    raise MissingExtra(f"the consent registry needs an extra: pip install 'veilset[documents]' ({error})") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

LINK_KINDS = ("sample", "label", "group")
_USES = tuple(Use)
_META = sa.MetaData()
_SUBJECTS = sa.Table(
    "subjects",
    _META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("pseudonym", sa.String(200), nullable=False, unique=True),
)
_NOTICES = sa.Table(
    "notices", _META, sa.Column("notice_id", sa.String(200), primary_key=True), sa.Column("fields", sa.Text)
)
_RECORDS = sa.Table(
    "consents",
    _META,
    sa.Column("record_id", sa.String(200), primary_key=True),
    sa.Column("subject_id", sa.ForeignKey("subjects.id"), nullable=False, index=True),
    sa.Column("purpose", sa.String(200), nullable=False),
    sa.Column("scope", sa.Integer, nullable=False),
    sa.Column("notice_id", sa.ForeignKey("notices.notice_id"), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("given", sa.Date, nullable=False),
    sa.Column("expires", sa.Date),
    sa.Column("withdrawn", sa.Date),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
)
_LINKS = sa.Table(
    "links",
    _META,
    sa.Column("key", sa.String(500), primary_key=True),
    sa.Column("subject_id", sa.Integer, sa.ForeignKey("subjects.id"), primary_key=True, index=True),
    # The key is the table: half the space, and one look-up instead of two.
    sqlite_with_rowid=False,
)
_BY_KEYS = (
    sa.select(_LINKS.c.key, _SUBJECTS.c.pseudonym, _RECORDS)
    .select_from(_LINKS.join(_SUBJECTS).outerjoin(_RECORDS, _RECORDS.c.subject_id == _SUBJECTS.c.id))
    .where(_LINKS.c.key.in_(sa.bindparam("keys", expanding=True)))
)
_BY_NAMES = (
    sa.select(sa.null().label("key"), _SUBJECTS.c.pseudonym, _RECORDS)
    .select_from(_SUBJECTS.outerjoin(_RECORDS))
    .where(_SUBJECTS.c.pseudonym.in_(sa.bindparam("names", expanding=True)))
)
_BY_BOTH = sa.union_all(_BY_KEYS, _BY_NAMES)


def link_key(kind: str, name: str) -> str:
    """The key under which people are linked to a sample, a label (`class=n01440764`) or an identity group."""
    if kind not in LINK_KINDS or not name:
        raise BadSetting(f"a link is to a {', '.join(LINK_KINDS)} with a name, got {kind!r} {name!r}")
    return f"{kind}:{name}"


def database_url(registry: str) -> str:
    """The URL of a registry named in a policy: a path of an SQLite file, a URL without password, or `$VARIABLE`.

    Raises:
        BadSetting: The URL holds a password (a policy is published), or the variable is not set.
    """
    if registry.startswith("$"):
        url = os.environ.get(registry[1:], "")
        if not url:
            raise BadSetting(f"the environment variable {registry[1:]} of the consent registry is not set")
    else:
        url = registry if "://" in registry else f"sqlite:///{registry}"
        if sa.engine.make_url(url).password:
            raise BadSetting("a policy is published: put a registry URL with a password in a variable, as `$NAME`")
    return url.replace("postgresql://", "postgresql+pg8000://", 1)


class ConsentStore:
    """Consent records, and which people are linked to which samples.

    Every method is one transaction. A reader may be shared between threads, not between processes.

    Args:
        registry: As `database_url` reads it.
        create: Make the file or the tables when they are not there.
    """

    def __init__(self, registry: str, *, create: bool = False) -> None:
        self._engine = sa.create_engine(database_url(registry))
        # Reading needs no transaction of its own: one way to the server and back for a decision instead of three.
        self._reader = sa.create_engine(
            database_url(registry),
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            skip_autocommit_rollback=True,
        )
        try:
            if create:
                _META.create_all(self._engine)
            elif not sa.inspect(self._engine).has_table("consents"):
                raise Unreadable("there is no consent registry here; make one with `veilset consent import`")
        except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
            raise Unreadable("the consent registry cannot be opened; check its path or URL") from error

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
        self._reader.dispose()

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.IntegrityError as error:
            raise Malformed("a consent record repeats an id, or names a notice or subject that is not there") from error

    def add_notices(self, notices: Iterable[Notice]) -> None:
        """Record what people were told."""
        rows = [{"notice_id": n.notice_id, "fields": json.dumps(asdict(n), sort_keys=True)} for n in notices]
        with self._connect() as connection:
            if rows:
                connection.execute(_NOTICES.insert(), rows)

    def add(self, records: Iterable[Record]) -> None:
        """Record decisions; pseudonyms that are new become subjects.

        Raises:
            Malformed: A record's id is taken, or its notice is not there.
        """
        records = list(records)
        if not records:
            return
        with self._connect() as connection:
            known = {n for (n,) in connection.execute(sa.select(_NOTICES.c.notice_id))}
            missing = sorted({record.notice_id for record in records} - known)
            if missing:
                raise Malformed(f"there is no notice {missing[0]!r}; import the notices before the records")
            ids = _ensure(connection, [record.subject for record in records])
            connection.execute(_RECORDS.insert(), [_to_row(record, ids[record.subject]) for record in records])

    def link(self, links: Iterable[tuple[str, str, str]]) -> None:
        """Say who is in what: (kind, name, pseudonym) with a kind of `LINK_KINDS`; a link that is there stays."""
        wanted = [(link_key(kind, name), subject) for kind, name, subject in links]
        with self._connect() as connection:
            ids = _ensure(connection, [subject for _, subject in wanted])
            pairs = {(key, ids[subject]) for key, subject in wanted}
            for chunk in _chunks(sorted({key for key, _ in pairs})):
                there = connection.execute(sa.select(_LINKS).where(_LINKS.c.key.in_(chunk)))
                pairs -= {(key, number) for key, number in there}
            if pairs:
                connection.execute(_LINKS.insert(), [{"key": k, "subject_id": n} for k, n in sorted(pairs)])

    def decide(self, keys: Collection[str], question: Question, subjects: Collection[str] = ()) -> Verdict:
        """The verdict for one sample, linked by `keys` (see `link_key`) and perhaps by pseudonyms directly."""
        return self.judge(keys, question, subjects)[1]

    def judge(
        self, keys: Collection[str], question: Question, subjects: Collection[str] = ()
    ) -> tuple[frozenset[str], Verdict]:
        """Who is in one sample, and the verdict for it, in one look-up."""
        ((people, verdict),) = self._judged({"": keys}, question, {"": subjects}).values()
        return people, verdict

    def decide_many(
        self,
        keys: Mapping[str, Collection[str]],
        question: Question,
        subjects: Mapping[str, Collection[str]] | None = None,
    ) -> dict[str, Verdict]:
        """Verdicts by sample: few look-ups for many samples."""
        return {sample: verdict for sample, (_, verdict) in self._judged(keys, question, subjects or {}).items()}

    def _judged(
        self, keys: Mapping[str, Collection[str]], question: Question, direct: Mapping[str, Collection[str]]
    ) -> dict[str, tuple[frozenset[str], Verdict]]:
        named = {name for some in direct.values() for name in some}
        linked, records = self._look_up({k for some in keys.values() for k in some}, named)
        found = {}
        for sample, some in keys.items():
            people = frozenset({*direct.get(sample, ()), *(p for k in some for p in linked.get(k, ()))})
            found[sample] = people, decide(people, records, question)
        return found

    def _look_up(
        self, keys: Collection[str], names: Collection[str]
    ) -> tuple[dict[str, set[str]], dict[str, list[Record]]]:
        """Who is linked to each key, and the records of these and of the named people: one query for one sample."""
        people: dict[str, set[str]] = {}
        records: dict[str, dict[str, Record]] = {}
        if not keys and not names:
            return {}, {}
        with self._reader.connect() as connection:
            for some, others in zip_longest(_chunks(sorted(keys)), _chunks(sorted(names)), fillvalue=()):
                query = (_BY_BOTH if some else _BY_NAMES) if others else _BY_KEYS
                given = {"keys": list(some)} if some else {}
                given |= {"names": list(others)} if others else {}
                for row in connection.execute(query, given):
                    if row[0] is not None:
                        people.setdefault(row[0], set()).add(row[1])
                    held = records.setdefault(row[1], {})
                    if row[2] is not None and row[2] not in held:
                        held[row[2]] = _from_row(row[1], row[2:])
        return people, {name: list(held.values()) for name, held in records.items()}

    def keys_of(self, subject: str) -> tuple[str, ...]:
        """Everything a person is linked to, sorted."""
        query = sa.select(_LINKS.c.key).join(_SUBJECTS).where(_SUBJECTS.c.pseudonym == subject).order_by(_LINKS.c.key)
        with self._connect() as connection:
            return tuple(key for (key,) in connection.execute(query))

    def withdraw(self, subject: str, when: dt.date) -> int:
        """Withdraw everything that the person ever allowed; the number of records changed.

        Raises:
            UnknownName: Nobody has this pseudonym.
        """
        who = sa.select(_SUBJECTS.c.id).where(_SUBJECTS.c.pseudonym == subject)
        with self._connect() as connection:
            number = connection.execute(who).scalar()
            if number is None:
                raise UnknownName("no subject of the consent registry has this pseudonym")
            mine = (_RECORDS.c.subject_id == number) & _RECORDS.c.withdrawn.is_(None)
            return int(connection.execute(_RECORDS.update().where(mine).values(withdrawn=when)).rowcount)

    def notices(self) -> tuple[Notice, ...]:
        """Every notice, by id."""
        with self._connect() as connection:
            rows = connection.execute(sa.select(_NOTICES.c.fields).order_by(_NOTICES.c.notice_id))
            return tuple(notice_from_plain(json.loads(text)) for (text,) in rows)

    def records(self) -> Iterator[Record]:
        """Every record, by id."""
        query = sa.select(_SUBJECTS.c.pseudonym, _RECORDS).join(_RECORDS).order_by(_RECORDS.c.record_id)
        with self._connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield _from_row(row[0], row[1:])

    def links(self) -> Iterator[tuple[str, str, str]]:
        """Every link as (kind, name, pseudonym), by key."""
        query = sa.select(_LINKS.c.key, _SUBJECTS.c.pseudonym).join(_SUBJECTS).order_by(_LINKS.c.key, _SUBJECTS.c.id)
        with self._connect() as connection:
            for key, subject in connection.execution_options(yield_per=1000).execute(query):
                kind, _, name = key.partition(":")
                yield kind, name, subject


def notice_from_plain(plain: Mapping[str, Any]) -> Notice:
    """A notice from its JSON form.

    Raises:
        Malformed: A field is missing or unknown.
    """
    try:
        parties = tuple(Party(**party) for party in plain["pii_controllers"])
        lists = {key: tuple(plain[key]) for key in ("storage_locations", "recipient_third_parties")}
        return Notice(**{**plain, **lists, "pii_controllers": parties})
    except (TypeError, KeyError) as error:
        raise Malformed(f"a notice has a missing or an unknown field: {error}") from error


def _ensure(connection: sa.Connection, names: Sequence[str]) -> dict[str, int]:
    """Numbers of the subjects, made when they are new."""
    wanted = sorted(set(names))
    ids: dict[str, int] = {}
    for attempt in (1, 2):
        for chunk in _chunks(wanted):
            rows = connection.execute(
                sa.select(_SUBJECTS.c.pseudonym, _SUBJECTS.c.id).where(_SUBJECTS.c.pseudonym.in_(chunk))
            )
            ids |= {str(row[0]): int(row[1]) for row in rows}
        missing = [name for name in wanted if name not in ids]
        if missing and attempt == 1:
            connection.execute(_SUBJECTS.insert(), [{"pseudonym": name} for name in missing])
    return ids


def _chunks(values: Sequence[str], size: int = 500) -> Iterator[list[str]]:
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def _to_row(record: Record, subject: int) -> dict[str, Any]:
    plain = {name: getattr(record, name) for name in record.__slots__ if name not in ("subject", "scope", "state")}
    scope = sum(1 << _USES.index(use) for use in record.scope)
    return {**plain, "subject_id": subject, "scope": scope, "state": str(record.state)}


def _from_row(subject: str, row: Sequence[Any]) -> Record:
    scope = frozenset(use for index, use in enumerate(_USES) if row[3] >> index & 1)
    return Record(
        record_id=row[0],
        subject=subject,
        purpose=row[2],
        scope=scope,
        notice_id=row[4],
        state=State(row[5]),
        given=row[6],
        expires=row[7],
        withdrawn=row[8],
        evidence=row[9],
        recorded_by=row[10],
    )
