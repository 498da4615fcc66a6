"""The ledger: who appears where, and what every release has cost each person. Private, crash-safe, append-only."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from veilset.core.check import one_of, positive
from veilset.core.errors import BadSetting, BudgetExceeded, Malformed, UnitMismatch
from veilset.core.guarantee import DP
from veilset.dp.accountants import ACCOUNTANTS, Loss
from veilset.dp.spending import Uses, exceeds, loss_of, stored, sums

EVERYONE = ""

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS releases (
    id TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('charged', 'applied'))) STRICT;
CREATE TABLE IF NOT EXISTS appearances (
    image TEXT NOT NULL, person TEXT NOT NULL, frames INTEGER NOT NULL,
    PRIMARY KEY (image, person)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS charges (
    release TEXT NOT NULL REFERENCES releases (id), image TEXT NOT NULL, person TEXT NOT NULL,
    use TEXT NOT NULL, times INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS charges_by_person ON charges (person);
"""
_APPEARS = """INSERT INTO appearances VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET frames = max(frames, excluded.frames)"""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one person may lose over all releases, and in how many pictures a person may be. Public.

    Attributes:
        unit: What every charge must protect: `face`, `16 pixels`, `image`, ...
        epsilon: Most that all charges of a person may add up to, as the accountant adds.
        delta: The same of deltas; what every accountant but `basic` may spend of it.
        max_images_per_person: Most distinct pictures of a person, over all releases; each frame of a video is one.
        accountant: `basic`, `advanced`, `rdp` or `pld`.
    """

    unit: str
    epsilon: float
    delta: float = 0.0
    max_images_per_person: int = 20
    accountant: str = "basic"

    def __post_init__(self) -> None:
        positive(epsilon=self.epsilon, max_images_per_person=self.max_images_per_person)
        one_of(ACCOUNTANTS, accountant=self.accountant)
        if not self.unit or not 0 <= self.delta < 1:
            raise BadSetting(f"a budget needs a unit and 0 <= delta < 1, got {self!r}")
        if self.accountant != "basic" and self.delta == 0:
            raise BadSetting(f"accountant {self.accountant} needs a delta above 0; basic needs none")


@dataclass(frozen=True, slots=True)
class Charge:
    """One use of a guarantee on one picture; `subjects` empty, or holding `EVERYONE`, charges everyone.

    Attributes:
        image: Name of the picture or video.
        subjects: Who is in it.
        guarantee: What is used.
        frames: On how many frames, each with noise of its own: whoever is in k frames is charged k times.
    """

    image: str
    subjects: frozenset[str]
    guarantee: DP
    frames: int = 1

    def __post_init__(self) -> None:
        positive(frames=self.frames)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a release would charge.

    Attributes:
        release: Its id.
        charges: Those of the pictures that may go in.
        left_out: Pictures that would break the cap of somebody in them; the release must leave them out.
        naming: Where the names of people come from.
    """

    release: str
    charges: tuple[Charge, ...]
    left_out: tuple[str, ...]
    naming: str = ""


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
    - Guarantees for another unit than the budget's, or with other neighbours than before, are refused.
    - Names of people from another naming than before are refused: one person under two names would lose twice the budget.

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

    def plan(self, release: str, charges: Iterable[Charge], naming: str = "given") -> Plan:
        """Which pictures may go in, without writing anything.

        Pictures are taken in the order of a keyed hash of their names. One is left out when somebody in it, anyone at
        all when its people are unknown, already is in as many pictures as the cap allows.

        Args:
            release: Its id.
            charges: What it would use on which picture.
            naming: Where the names of people come from; pseudonyms that mean something in one run alone have a naming of
                their own.

        Raises:
            UnitMismatch: A guarantee protects another unit than the budget, or has other neighbours than those before.
            BudgetExceeded: Somebody's charges would exceed the budget, or people were named otherwise before.
        """
        listed = tuple(charges)
        with self._transaction() as db:
            return self._checked(db, release, listed, naming)

    def charge(self, plan: Plan) -> None:
        """Write the plan's charges. After this returns, they are on disk.

        Raises:
            BudgetExceeded: Another release was charged since the plan was made and now it no longer fits, or this
                release was charged before.
        """
        with self._transaction() as db:
            if self._checked(db, plan.release, plan.charges, plan.naming).left_out:
                raise BudgetExceeded("another release was charged since this plan was made; plan it again")
            if db.execute("SELECT 1 FROM releases WHERE id = ?", (plan.release,)).fetchone():
                raise BudgetExceeded(f"release {plan.release} was charged before; every run needs an id of its own")
            db.execute("INSERT INTO releases VALUES (?, 'charged')", (plan.release,))
            if _named(plan.charges):
                db.execute("INSERT OR IGNORE INTO facts VALUES ('naming', ?)", (plan.naming,))
            for charge in plan.charges:
                for person in _payers(charge):
                    row = (plan.release, charge.image, person, stored(charge.guarantee), _times(charge))
                    db.execute("INSERT INTO charges VALUES (?, ?, ?, ?, ?)", row)
                    db.execute(_APPEARS, (charge.image, person, charge.frames))

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
        """Sums of epsilon and delta that a person has lost, with the charges of everyone. Private."""
        return sums(self._uses_of(person))

    def loss(self, person: str) -> Loss | None:
        """What a person has lost, by the budget's accountant, with the charges of everyone; None for nothing. Private."""
        uses = self._uses_of(person)
        return loss_of(uses, self.budget.accountant, self.budget.delta) if uses else None

    def public_facts(self) -> Mapping[str, str | float | int]:
        """What a manifest may say: the budget and how it is accounted, nothing about anybody."""
        with self._transaction() as db:
            neighbours = " and ".join(sorted(_neighbours(db)))
        return {
            **asdict(self.budget),
            "charged": "person",
            "neighbours": neighbours,
            "unknown_people": "charged to everyone",
        }

    def _uses_of(self, person: str) -> Uses:
        with self._transaction() as db:
            spent = _spent(db)
        shared = spent[EVERYONE]
        return shared if person == EVERYONE else spent[person] + shared

    def _checked(self, db: sqlite3.Connection, release: str, charges: Sequence[Charge], naming: str) -> Plan:
        self._comparable(db, charges, naming)
        kept, left_out = self._capped(db, charges)
        spent = _spent(db)
        for charge in kept:
            for person in _payers(charge):
                spent[person][stored(charge.guarantee)] += _times(charge)
        shared = spent[EVERYONE]
        totals: Counter[frozenset[tuple[str, int]]] = Counter()
        for person, uses in spent.items():
            totals[frozenset((uses if person == EVERYONE else uses + shared).items())] += 1
        own = self.budget
        over = sum(
            people for uses, people in totals.items() if exceeds(dict(uses), own.accountant, own.epsilon, own.delta)
        )
        if over:
            raise BudgetExceeded(
                f"release {release} would take {over} of the people charged beyond epsilon {own.epsilon:g}, "
                f"delta {own.delta:g} per {own.unit} (accountant: {own.accountant}); nothing was charged"
            )
        return Plan(release, tuple(kept), tuple(left_out), naming)

    def _comparable(self, db: sqlite3.Connection, charges: Sequence[Charge], naming: str) -> None:
        """Raise unless these charges can be added to those before: one unit, one neighbouring relation, one naming."""
        neighbours = _neighbours(db)
        for charge in charges:
            if charge.guarantee.unit != self.budget.unit:
                raise UnitMismatch(
                    f"the budget protects {self.budget.unit}, but a treatment protects {charge.guarantee.unit}; "
                    "units never convert: change the treatment's unit or the budget's",
                    charge.image,
                )
            neighbours.add(charge.guarantee.neighbours)
        if len(neighbours) > 1:
            raise UnitMismatch(f"losses add up for one neighbouring relation alone; found: {sorted(neighbours)}")
        before = db.execute("SELECT value FROM facts WHERE name = 'naming'").fetchone()
        if before and _named(charges) and before[0] != naming:
            raise BudgetExceeded(
                "people were named otherwise when this ledger was charged before, so what they lost cannot be added up: "
                "pseudonyms that `identity` gives hold for one set of pictures alone. Release the same pictures with the "
                "same settings of `identity`, or name people yourself from the first release on (subjects: folder)"
            )

    def _capped(self, db: sqlite3.Connection, charges: Sequence[Charge]) -> tuple[list[Charge], list[str]]:
        """Charges of the pictures within everyone's cap, and the names of the other pictures."""
        pictures: dict[str, set[str]] = defaultdict(set)
        frames: dict[str, int] = defaultdict(int)
        for charge in charges:
            pictures[charge.image] |= _payers(charge)
            frames[charge.image] = max(frames[charge.image], charge.frames)
        seen: dict[str, dict[str, int]] = defaultdict(dict)
        for image, person, count in db.execute("SELECT image, person, frames FROM appearances"):
            seen[person][image] = count
        most = max((sum(images.values()) for person, images in seen.items() if person != EVERYONE), default=0)
        cap, left_out = self.budget.max_images_per_person, set()
        for image in sorted(pictures, key=self._order):
            people, new = pictures[image], {image: frames[image]}
            of_all = _joined(seen[EVERYONE], new) if EVERYONE in people else seen[EVERYONE]
            known = people - {EVERYONE}
            fits = all(sum(_joined(_joined(seen[p], new), of_all).values()) <= cap for p in known)
            if EVERYONE in people:
                fits = fits and most + sum(of_all.values()) <= cap
            if not fits:
                left_out.add(image)
                continue
            for person in people:
                seen[person] = _joined(seen[person], new)
            most = max([most, *(sum(seen[p].values()) for p in known)])
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


def _named(charges: Iterable[Charge]) -> bool:
    return any(_payers(charge) - {EVERYONE} for charge in charges)


def _times(charge: Charge) -> int:
    return charge.guarantee.event.count * charge.frames


def _joined(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Pictures of both with the larger number of frames."""
    return {**one, **{image: max(count, one.get(image, 0)) for image, count in other.items()}}


def _spent(db: sqlite3.Connection) -> defaultdict[str, Uses]:
    spent: defaultdict[str, Uses] = defaultdict(Counter)
    for person, use, times in db.execute("SELECT person, use, times FROM charges"):
        spent[person][use] += times
    return spent


def _neighbours(db: sqlite3.Connection) -> set[str]:
    return {json.loads(use)["neighbours"] for (use,) in db.execute("SELECT DISTINCT use FROM charges")}
