"""The verbs of rights and papers, called as a person calls them."""

import csv
import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veilset.cli.main import program
from veilset.core.errors import Unreadable
from veilset.documents.answers import read_answers
from veilset.testing.drawn import drawn_folder

RUN = CliRunner()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    drawn_folder(tmp_path / "photos", 4, seed=5)
    return tmp_path / "photos"


def call(*arguments: object, answer: str = "", code: int = 0) -> str:
    done = RUN.invoke(program(), [str(one) for one in arguments], input=answer, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


def test_keys_are_made_once(tmp_path: Path) -> None:
    plain = json.loads(call("keys", tmp_path / "k", "--json"))
    assert len(plain["id"]) == 64
    assert Path(plain["public"]).read_text().startswith("-----BEGIN PUBLIC KEY")


def test_the_printed_questions_are_a_valid_file(tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text(call("questions"), encoding="utf-8")
    assert read_answers(tmp_path / "dataset.yaml")["datasheet"]["motivation.purpose"] is None


def test_withdrawal_asks_first_and_writes_nothing_on_no(photos: Path, tmp_path: Path) -> None:
    name = min(photos.rglob("*.jpg"))
    store = tmp_path / "optout"
    # Drawn faces are all alike, so that recognition, where its weights are installed, would find several people.
    common = ("withdraw", photos, "--photo", name, "--no-faces", "--store", store)
    done = RUN.invoke(program(), [str(one) for one in common], input="n\n", catch_exceptions=False)
    assert done.exit_code == 1
    assert "optout-who.html" in done.stderr
    assert not list(tmp_path.glob("optout*"))
    assert "1 samples" in call(*common, answer="y\n")
    assert not list(tmp_path.glob("optout-who*"))
    assert len((store / "tombstones.jsonl").read_text().splitlines()) == 1


def test_due_exits_with_one_while_something_is_open(photos: Path, tmp_path: Path) -> None:
    names = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*") if path.is_file())
    table = tmp_path / "origins.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("sample", "erase_after"), (names[0], "2025-01-01")])
    common = ("due", photos, "--table", table, "--store", tmp_path / "optout", "--json")
    assert json.loads(call(*common, "--on", "2024-12-01"))["next"] == "2025-01-01"
    assert json.loads(call(*common, "--on", "2025-02-01", code=1))["items"][0]["status"] == "still there"
    (photos / names[0]).unlink()
    assert json.loads(call(*common, "--on", "2025-02-01"))["open"] == 0


def test_consents_go_in_and_come_out(tmp_path: Path) -> None:
    registry = tmp_path / "private" / "consent.sqlite"
    document = {
        "schema_version": "ISO/IEC TS 27560:2023",
        "links": [{"kind": "sample", "name": "a.jpg", "subject": "p1"}],
    }
    (tmp_path / "in.json").write_text(json.dumps(document))
    assert json.loads(call("consent", "import", tmp_path / "in.json", "--registry", registry, "--json"))["links"] == 1
    assert stat.S_IMODE(registry.stat().st_mode) == 0o600
    call("consent", "export", tmp_path / "out.json", "--registry", registry)
    assert json.loads((tmp_path / "out.json").read_text())["links"] == document["links"]
    with pytest.raises(Unreadable):
        call("consent", "export", tmp_path / "x.json", "--registry", tmp_path / "none.sqlite")
