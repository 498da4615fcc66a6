import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from veilset.core.errors import Malformed, Unreadable, Unsupported
from veilset.records.licences import Claim
from veilset.records.provenance import Record, census, folder_claims, nearest, read_table

CSV = """sample,source_url,collector,collected,licence,evidence,release_until,erase_after
a/1.jpg,https://example.org/1,team,2024-05-01,https://creativecommons.org/licenses/by/4.0/,page saved,2030-01-01,
a/1.jpg,,,,CC-BY-NC-4.0,mail,,
a/2.jpg,,,,,,,2025-02-03
"""


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(CSV, encoding="utf-8")
    from_csv = read_table(tmp_path / "o.csv")
    assert [row.claim().spdx for row in from_csv["a/1.jpg"]] == ["CC-BY-4.0", "CC-BY-NC-4.0"]
    assert from_csv["a/2.jpg"] == (Record("a/2.jpg", erase_after=dt.date(2025, 2, 3)),)
    table = pa.table(
        {
            "sample": ["a/1.jpg", "a/1.jpg", "a/2.jpg"],
            "source_url": ["https://example.org/1", None, None],
            "collector": ["team", None, None],
            "collected": pa.array([dt.date(2024, 5, 1), None, None]),
            "licence": ["https://creativecommons.org/licenses/by/4.0/", "CC-BY-NC-4.0", None],
            "evidence": ["page saved", "mail", None],
            "release_until": pa.array([dt.datetime.fromisoformat("2030-01-01T00:00:00"), None, None]),
            "erase_after": [None, None, "2025-02-03"],
        }
    )
    pq.write_table(table, tmp_path / "o.parquet")
    assert read_table(tmp_path / "o.parquet") == from_csv


@pytest.mark.parametrize(
    "text",
    [
        "name,licence\na,CC0-1.0\n",
        "sample,license\na,CC0-1.0\n",
        "sample,collected\na,yesterday\n",
        "sample,licence\n,MIT\n",
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "o.csv").write_text(text, encoding="utf-8")
    with pytest.raises(Malformed, match=r"o\.csv"):
        read_table(tmp_path / "o.csv")


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        read_table(tmp_path / "o.csv")
    (tmp_path / "o.txt").write_text("sample\n")
    with pytest.raises(Unsupported):
        read_table(tmp_path / "o.txt")


def test_the_nearest_licence_file_counts(tmp_path: Path) -> None:
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "LICENSE").write_text("SPDX-License-Identifier: CC0-1.0\n")
    (tmp_path / "x" / "license.txt").write_text(
        "These are CC BY-SA 4.0.\nhttps://creativecommons.org/licenses/by-sa/4.0/"
    )
    (tmp_path / "x" / "y" / "LICENCE.md").write_text("CC-BY-4.0\nCC-BY-NC-4.0\n")
    claims = folder_claims(tmp_path)
    assert [claim.spdx for claim in nearest(claims, "1.jpg")] == ["CC0-1.0"]
    assert [claim.spdx for claim in nearest(claims, "x/z/1.jpg")] == ["CC-BY-SA-4.0"]
    # A file that names two licences hides the clear one above it: in doubt, none.
    assert [claim.spdx for claim in nearest(claims, "x/y/1.jpg")] == ["NOASSERTION"]


def test_the_census_counts_every_sample_once() -> None:
    mit, zero = Claim("MIT", ""), Claim("CC0-1.0", "")
    counted = census({"a": [mit], "b": [mit, mit], "c": [mit, zero], "d": [], "e": [Claim("NOASSERTION", "")]})
    assert counted == {"MIT": 2, "contradictory": 1, "unknown": 2}
