from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import BadSetting, Unreadable
from veilset.core.sample import Image, Origin, Sample
from veilset.detectors.retention import Retention


def sample(name: str) -> Sample:
    return Sample("id", Image(np.zeros((8, 8, 3), np.uint8)), origin=Origin(name))


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "origins.csv"
    path.write_text("sample,release_until,erase_after\na,2025-01-10,2026-01-10\nb,,\n")
    return str(path)


def test_each_duty_is_found_from_the_day_after(table: str) -> None:
    def words(day: str) -> list[str]:
        return [finding.detail["words"] for finding in Retention(table=table, when=day).find(sample("a"))]

    assert words("2025-01-10") == []
    assert words("2025-01-11") == ["it may not be released after 2025-01-10; leave it out"]
    assert len(words("2026-01-11")) == 2
    assert "had to be erased after 2026-01-10" in words("2026-01-11")[0]


def test_what_has_no_date_follows_the_policy(table: str) -> None:
    for name in ("b", "c"):
        assert Retention(table=table, when="2025-01-01").find(sample(name)) == ()
        assert Retention(table=table, when="2025-01-01", unlisted="find").find(sample(name))
    assert Retention(table=table, when="2025-01-01", unlisted="find").find(sample("a")) == ()


def test_without_the_table_nothing_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        Retention(table=str(tmp_path / "none.csv")).find(sample("a"))
    with pytest.raises(BadSetting):
        Retention(when="soon")
    with pytest.raises(BadSetting):
        Retention(unlisted="maybe")
