import numpy as np
import pytest

from veilset.core.errors import Malformed
from veilset.core.sample import Image, Sample
from veilset.records.statement import PAD, Statement, digests, make_statement


def sample(seed: int) -> Sample:
    return Sample(str(seed), Image(np.random.default_rng(seed).integers(0, 255, (20, 30, 3), dtype=np.uint8)))


def test_who_holds_a_photograph_learns_of_that_one() -> None:
    statement = make_statement("r", (digests(sample(seed)) for seed in range(5)), cost=4)
    assert all(statement.holds(sample(seed)) for seed in range(5))
    assert not any(statement.holds(sample(seed)) for seed in range(5, 25))
    assert Statement.from_json(statement.to_json()) == statement
    changed = sample(1).image.pixels.copy()
    changed[0, 0, 0] ^= 1
    assert not statement.holds(Sample("x", Image(changed)))
    assert not statement.holds(Sample("x", Image(np.ascontiguousarray(sample(1).image.pixels.reshape(30, 20, 3)))))


def test_two_statements_do_not_tell_what_they_share_nor_how_many_there_are() -> None:
    originals = [digests(sample(seed)) for seed in range(5)]
    one, two = make_statement("r1", originals, cost=4), make_statement("r2", originals, cost=4)
    assert not set(one.hashes) & set(two.hashes)
    assert len(one.hashes) == len(make_statement("r3", originals[:1], cost=4).hashes) == PAD
    assert list(one.hashes) == sorted(one.hashes)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": "veilset-statement/2"}'])
def test_what_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Statement.from_json(text)
