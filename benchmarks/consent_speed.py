"""How long a release decision takes per sample in a large consent registry, on SQLite and on PostgreSQL.

Fills a registry with drawn people (by default 1,000,000 subjects and 10,000,000 links), asks about random samples, and
checks every verdict against the rule by which the records were drawn. Prints one JSON object per database.

    python benchmarks/consent_speed.py [--subjects N] [--links N] [--asked N] [--folder DIR] [--only DATABASE]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import tempfile
import time
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from veilset.records.consent import Notice, Party, Question, Use
from veilset.records.consent_store import ConsentStore, database_url
from veilset.testing.postgres import private_server, server_binaries

PER_SAMPLE = 2
NOTICE = Notice("n", "u", "en", "photographs", "photograph", (Party("1", "Lab", "S", "m"),), ("EU",), "5 y", "DE",
                ("public",), "mail")  # fmt: skip
QUESTION = Question(frozenset({Use.RESEARCH}), dt.date(2025, 1, 1))
# The n-th subject of a sample, the same in SQL and in Python; every 50th subject withdrew, every 50th + 1 expired.
SUBJECT = "((cast({i} as bigint) * 7919 + ({j}) * 104729) % {subjects}) + 1"
SERIES = {
    "sqlite": "(with recursive s(g) as (select {low} union all select g + 1 from s where g < {high}) select g from s)",
    "postgresql": "(select generate_series({low}, {high}) as g) s",
}


def subjects_of(sample: int, subjects: int) -> set[int]:
    """Numbers of the people in a sample."""
    return {(sample * 7919 + j * 104729) % subjects + 1 for j in range(PER_SAMPLE)}


def fill(url: str, subjects: int, links: int) -> float:
    """Fill the registry inside the database; seconds."""
    start = time.perf_counter()
    store = ConsentStore(url, create=True)
    store.add_notices([NOTICE])
    store.close()
    engine = sa.create_engine(database_url(url))
    kind = engine.dialect.name
    pad = "printf('%08d', {0})" if kind == "sqlite" else "lpad(cast({0} as text), 8, '0')"
    day = "'{0}'" if kind == "sqlite" else "date '{0}'"
    series = SERIES[kind]
    who = SUBJECT.format(i="g", j="{j}", subjects=subjects)
    with engine.begin() as run:
        run.execute(sa.text("drop index if exists ix_links_subject_id"))
        everybody = series.format(low=1, high=subjects)
        run.execute(sa.text(f"insert into subjects (id, pseudonym) select g, 'p' || g from {everybody}"))
        run.execute(
            sa.text(
                "insert into consents (record_id, subject_id, purpose, scope, notice_id, state, given, expires, "
                f"withdrawn, evidence, recorded_by) select 'r' || g, g, 'study', 1, 'n', 'given', "
                f"{day.format('2024-01-01')}, "
                f"case when g % 50 = 1 then {day.format('2024-06-01')} end, "
                f"case when g % 50 = 0 then {day.format('2024-06-01')} end, 'form', 'me' from {everybody}"
            )
        )
        samples, step = links // PER_SAMPLE, 500_000
        for low in range(0, samples, step):
            some = series.format(low=low, high=min(low + step, samples) - 1)
            key = f"'sample:set/' || {pad.format('g')} || '.jpg'"
            parts = " union all ".join(
                f"select {key} as k, {who.format(j=j)} as n from {some}" for j in range(PER_SAMPLE)
            )
            run.execute(sa.text(f"insert into links (key, subject_id) select k, n from ({parts}) t order by k, n"))
        run.execute(sa.text("create index ix_links_subject_id on links (subject_id)"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as run:
        run.execute(sa.text("analyze"))
    engine.dispose()
    return time.perf_counter() - start


def size_of(url: str) -> int:
    """Bytes on the disk."""
    if "://" not in url:
        return Path(url).stat().st_size
    engine = sa.create_engine(database_url(url))
    with engine.connect() as run:
        size = run.execute(sa.text("select pg_database_size(current_database())")).scalar()
    engine.dispose()
    return int(size)


def measure(url: str, subjects: int, links: int, asked: int) -> dict[str, object]:
    """Milliseconds per decision: one by one over random samples, and in batches of 500."""
    rng = random.Random(1)
    store = ConsentStore(url)
    numbers = [rng.randrange(links // PER_SAMPLE) for _ in range(asked)]
    keys = {f"{n}": [f"sample:set/{n:08d}.jpg"] for n in numbers}
    expected = {f"{n}": all(s % 50 > 1 for s in subjects_of(n, subjects)) for n in numbers}
    one, wrong, spent = [], 0, time.process_time()
    for name, some in keys.items():
        start = time.perf_counter()
        verdict = store.decide(some, QUESTION)
        one.append(1000 * (time.perf_counter() - start))
        wrong += verdict.allowed != expected[name]
    # On a busy machine waiting for a core is most of the wall time; what this process computed is not.
    spent = 1000 * (time.process_time() - spent) / len(keys)
    names, batch, batch_spent = list(keys), [], time.process_time()
    for low in range(0, len(names), 500):
        chunk = {name: keys[name] for name in names[low : low + 500]}
        start = time.perf_counter()
        verdicts = store.decide_many(chunk, QUESTION)
        batch.append(1000 * (time.perf_counter() - start) / len(chunk))
        wrong += sum(verdicts[name].allowed != expected[name] for name in chunk)
    batch_spent = 1000 * (time.process_time() - batch_spent) / len(keys)
    store.close()
    return {
        "asked": len(keys),
        "refused": sum(not allowed for allowed in expected.values()),
        "wrong": wrong,
        "first_ms": round(one[0], 3),
        "one_by_one_ms": {f"p{q}": round(float(np.percentile(one, q)), 3) for q in (50, 95, 99)},
        "one_by_one_client_cpu_ms": round(spent, 3),
        "one_by_one_mean_ms": round(float(np.mean(one)), 3),
        "in_batches_client_cpu_ms": round(batch_spent, 4),
        "in_batches_mean_ms": round(float(np.mean(batch)), 4),
    }


def main() -> None:
    """Fill, ask, print, delete."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1_000_000)
    parser.add_argument("--links", type=int, default=10_000_000)
    parser.add_argument("--asked", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, default=None, help="where the SQLite file lies meanwhile")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), default=None)
    given = parser.parse_args()

    def report(database: str, url: str) -> None:
        seconds = fill(url, given.subjects, given.links)
        found = {"database": database, "subjects": given.subjects, "links": given.links, "fill_s": round(seconds, 1)}
        found |= {"load": round(os.getloadavg()[0], 1), "cores": os.cpu_count()}
        found |= {"size_bytes": size_of(url), **measure(url, given.subjects, given.links, given.asked)}
        print(json.dumps(found), flush=True)

    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        if given.only != "postgresql":
            report("sqlite", str(Path(folder) / "consent.sqlite"))
    if given.only == "sqlite":
        return
    if server_binaries() is None:
        print(json.dumps({"database": "postgresql", "skipped": "no PostgreSQL server is installed"}))
        return
    with private_server("-F -c max_wal_size=4GB -c maintenance_work_mem=256MB") as url:
        report("postgresql", url)


if __name__ == "__main__":
    main()
