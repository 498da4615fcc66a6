"""The ledger: who appears where, and what every release has cost each person. Private, crash-safe, append-only."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from veilset.core.check import positive
from veilset.core.errors import BadSetting, BudgetExceeded, Malformed, UnitMismatch
from veilset.core.guarantee import DP
from veilset.dp.bernoulli import exact

EVERYONE = ""

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS releases (
    id TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('charged', 'applied'))) STRICT;
CREATE TABLE IF NOT EXISTS appearances (
    image TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (image, person)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS charges (
    release TEXT NOT NULL REFERENCES releases (id), image TEXT NOT NULL, person TEXT NOT NULL,
    epsilon TEXT NOT NULL, delta TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS charges_by_person ON charges (person);
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one person may lose over all releases, and in how many pictures a person may be. Public.

    Attributes:
        unit: What every charge must protect: `face`, `16 pixels`, `image`, ...
        epsilon: Most that all charges of a person may add up to (basic composition).
        delta: The same of deltas.
        max_images_per_person: Most distinct pictures of a person, over all releases.
    """

    unit: str
    epsilon: float
    delta: float = 0.0
    max_images_per_person: int = 20

    def __post_init__(self) -> None:
        positive(epsilon=self.epsilon, max_images_per_person=self.max_images_per_person)
        if not self.unit or not 0 <= self.delta < 1:
            raise BadSetting(f"a budget needs a unit and 0 <= delta < 1, got {self!r}")


@dataclass(frozen=True, slots=True)
class Charge:
    """One use of a guarantee on one picture; `subjects` empty, or holding `EVERYONE`, charges everyone."""

    image: str
    subjects: frozenset[str]
    guarantee: DP


@dataclass(frozen=True, slots=True)
class Plan:
    """What a release would charge.

    Attributes:
        release: Its id.
        charges: Those of the pictures that may go in.
        left_out: Pictures that would break the cap of somebody in them; the release must leave them out.
    """

    release: str
    charges: tuple[Charge, ...]
    left_out: tuple[str, ...]


class Ledger:
    """Charges people before their pictures are treated, and refuses when somebody's budget would be exceeded.

    Every release goes plan, charge, apply. `charge` is one transaction, on disk before it returns; a crash before it
    costs nothing, a crash after it costs the full charge, since noise may have been shown. Nothing is ever refunded,
    so a crashed release is charged anew when it runs again.

    The file belongs into `private/`; only `public_facts` may leave it. Who appears where is taken as given: the
    guarantee is about what the pictures show, not about the graph.

    **Guarantee**

    - A person's charges, over all releases and with those of pictures of unknown people, never exceed the budget.
    - A person is in at most `max_images_per_person` distinct pictures; which ones depends on a secret key and on who
      appears where, never on what is seen.
    - Guarantees for another unit than the budget's are refused.

    *Raises*: BadSetting for a place under `public`, or a budget that differs from the one the ledger was opened with;
    Malformed for a file that is no ledger.

    *Source*: cap and hashed order as in McMahan and others (2018), with pictures of several people (Chua and others,
    2025, arXiv 2503.03622).
    """

    def __init__(self, path: Path, budget: Budget) -> None:
        if "public" in path.resolve().parts:
            raise BadSetting("the ledger says what each person has lost; keep it under private/, never under public/")
        self.path, self.budget = path, budget
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            with self._transaction() as db:
                for statement in _TABLES.split(";"):
                    db.execute(statement)
                facts = {"budget": json.dumps(asdict(budget), sort_keys=True), "key": secrets.token_hex(32)}
                db.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", facts.items())
                known = dict(db.execute("SELECT name, value FROM facts"))
        except sqlite3.DatabaseError as error:
            raise Malformed(
                f"{path.name} is not a ledger, or is damaged ({error}); restore it from a backup"
            ) from error
        if json.loads(known["budget"]) != asdict(budget):
            raise BadSetting(f"{path.name} was opened with another budget: {known['budget']}; budgets do not change")
        self._key = bytes.fromhex(known["key"])

    def plan(self, release: str, charges: Iterable[Charge]) -> Plan:
        """Which pictures may go in, without writing anything.

        Pictures are taken in the order of a keyed hash of their names. One is left out when somebody in it, anyone at
        all when its people are unknown, already is in as many pictures as the cap allows.

        Raises:
            UnitMismatch: A guarantee protects another unit than the budget.
            BudgetExceeded: Somebody's charges would exceed the budget.
        """
        listed = tuple(charges)
        with self._transaction() as db:
            return self._checked(db, release, listed)

    def charge(self, plan: Plan) -> None:
        """Write the plan's charges. After this returns, they are on disk.

        Raises:
            BudgetExceeded: Another release was charged since the plan was made and now it no longer fits, or this
                release was charged before.
        """
        with self._transaction() as db:
            if self._checked(db, plan.release, plan.charges).left_out:
                raise BudgetExceeded("another release was charged since this plan was made; plan it again")
            if db.execute("SELECT 1 FROM releases WHERE id = ?", (plan.release,)).fetchone():
                raise BudgetExceeded(f"release {plan.release} was charged before; every run needs an id of its own")
            db.execute("INSERT INTO releases VALUES (?, 'charged')", (plan.release,))
            for charge in plan.charges:
                for person in _payers(charge):
                    loss = _loss(charge.guarantee)
                    row = (plan.release, charge.image, person, str(loss[0]), str(loss[1]))
                    db.execute("INSERT INTO charges VALUES (?, ?, ?, ?, ?)", row)
                    db.execute("INSERT OR IGNORE INTO appearances VALUES (?, ?)", (charge.image, person))

    def applied(self, release: str) -> None:
        """Note that a charged release came out.

        Raises:
            BadSetting: It was never charged.
        """
        with self._transaction() as db:
            if not db.execute("UPDATE releases SET state = 'applied' WHERE id = ?", (release,)).rowcount:
                raise BadSetting(f"release {release} was never charged")

    def charged(self, release: str) -> bool:
        """Whether a release was charged, and perhaps came out."""
        with self._transaction() as db:
            return db.execute("SELECT 1 FROM releases WHERE id = ?", (release,)).fetchone() is not None

    def pending(self) -> tuple[str, ...]:
        """Releases that were charged and never came out: crashed or still running."""
        with self._transaction() as db:
            rows = db.execute("SELECT id FROM releases WHERE state = 'charged' ORDER BY id")
            return tuple(name for (name,) in rows)

    def spent(self, person: str) -> tuple[Fraction, Fraction]:
        """Epsilon and delta that a person has lost, with the charges of everyone. Private."""
        with self._transaction() as db:
            spent = _spent(db)
        own, all_share = spent[person], spent[EVERYONE]
        return own if person == EVERYONE else (own[0] + all_share[0], own[1] + all_share[1])

    def public_facts(self) -> Mapping[str, str | float | int]:
        """What a manifest may say: the budget and how it is accounted, nothing about anybody."""
        return {
            **asdict(self.budget),
            "charged": "person",
            "accountant": "basic",
            "unknown_people": "charged to everyone",
        }

    def _checked(self, db: sqlite3.Connection, release: str, charges: Sequence[Charge]) -> Plan:
        for charge in charges:
            if charge.guarantee.unit != self.budget.unit:
                raise UnitMismatch(
                    f"the budget protects {self.budget.unit}, but a treatment protects {charge.guarantee.unit}; "
                    "units never convert: change the treatment's unit or the budget's",
                    charge.image,
                )
        kept, left_out = self._capped(db, charges)
        spent = _spent(db)
        for charge in kept:
            loss = _loss(charge.guarantee)
            for person in _payers(charge):
                spent[person] = (spent[person][0] + loss[0], spent[person][1] + loss[1])
        shared = spent[EVERYONE]
        over = sum(
            epsilon + (shared[0] if person != EVERYONE else 0) > exact(self.budget.epsilon)
            or delta + (shared[1] if person != EVERYONE else 0) > exact(self.budget.delta)
            for person, (epsilon, delta) in spent.items()
        )
        if over:
            raise BudgetExceeded(
                f"release {release} would take {over} of the people charged beyond epsilon {self.budget.epsilon:g}, "
                f"delta {self.budget.delta:g} per {self.budget.unit}; nothing was charged"
            )
        return Plan(release, tuple(kept), tuple(left_out))

    def _capped(self, db: sqlite3.Connection, charges: Sequence[Charge]) -> tuple[list[Charge], list[str]]:
        """Charges of the pictures within everyone's cap, and the names of the other pictures."""
        pictures: dict[str, set[str]] = defaultdict(set)
        for charge in charges:
            pictures[charge.image] |= _payers(charge)
        seen: dict[str, set[str]] = defaultdict(set)
        for image, person in db.execute("SELECT image, person FROM appearances"):
            seen[person].add(image)
        most = max((len(images) for person, images in seen.items() if person != EVERYONE), default=0)
        left_out = set()
        for image in sorted(pictures, key=self._order):
            people = pictures[image]
            of_all = seen[EVERYONE] | {image} if EVERYONE in people else seen[EVERYONE]
            fits = all(
                len(seen[p] | {image} | of_all) <= self.budget.max_images_per_person for p in people if p != EVERYONE
            )
            if EVERYONE in people:
                fits = fits and most + len(of_all) <= self.budget.max_images_per_person
            if not fits:
                left_out.add(image)
                continue
            for person in people:
                seen[person].add(image)
                if person != EVERYONE:
                    most = max(most, len(seen[person]))
        return [charge for charge in charges if charge.image not in left_out], sorted(left_out)

    def _order(self, image: str) -> bytes:
        return hmac.digest(self._key, image.encode(), hashlib.sha256)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One writer at a time; committed and on disk at the end, or not at all."""
        db = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        finally:
            db.close()


def _payers(charge: Charge) -> frozenset[str]:
    return charge.subjects or frozenset({EVERYONE})


def _loss(guarantee: DP) -> tuple[Fraction, Fraction]:
    count = guarantee.event.count
    return exact(guarantee.epsilon) * count, exact(guarantee.delta) * count


def _spent(db: sqlite3.Connection) -> defaultdict[str, tuple[Fraction, Fraction]]:
    spent: defaultdict[str, tuple[Fraction, Fraction]] = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for person, epsilon, delta in db.execute("SELECT person, epsilon, delta FROM charges"):
        spent[person] = (spent[person][0] + Fraction(epsilon), spent[person][1] + Fraction(delta))
    return spent
