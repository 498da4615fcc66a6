import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from veilset.core.guarantee import DP, Empirical, Event, Exact, Row, with_last_row
from veilset.core.manifest import Counts, FileEntry, Manifest
from veilset.core.measurement import Measurement
from veilset.documents.checklists import DPIA, ETHICS
from veilset.documents.questions import QUESTIONS

ANSWERS: dict[str, Any] = {
    "name": "drawn-faces",
    "description": "Drawn faces for tests, 77 of them planned.",
    "url": "https://example.org/drawn-faces",
    "version": "1.4.2",
    "licence": "CC-BY-4.0",
    "creators": [{"name": "The <b>Lab</b>", "type": "organization", "url": "https://example.org"}],
    "contact": "people@example.org",
    "citation": "The Lab, Drawn faces",
    "keywords": ["drawn"],
    "languages": ["en"],
    "sources": ["https://example.org/earlier"],
    "usage": [
        {"code": "DUO:0000042", "name": "general research use", "url": "http://purl.obolibrary.org/obo/DUO_0000042"}
    ],
    "datasheet": {q.key: f"Said by people about {q.key}." for q in QUESTIONS if not q.measured},
    "ethics": {
        i.key: {"decision": "accepted", "by": "Board 9", "date": "2025-02-03", "reason": "fine"} for i in ETHICS
    },
    "dpia": {item.key: "Thought about." for item in DPIA},
    "rai": {"dataBiases": ["drawn by one hand"], "dataSocialImpact": "none | known"},
}


def manifest_of(answers: dict[str, Any], **changes: Any) -> Manifest:
    rows = with_last_row(
        (
            Row("face", "dp_pix", DP(Event("laplace", {"epsilon": 0.125}), "16 pixels", "some", 0.125, "paper"), 531),
            Row("metadata", "strip", Exact(removed="tags"), 612),
            Row("plate", "blur", Empirical(("residual",)), 33),
        )
    )
    measured = (
        Measurement("residual", "faces_left", 0.0173, 0.0119, 0.0287, 1303, "lower", chance=0.0071),
        Measurement("downstream", "accuracy", 0.8831, 0.8412, 0.9011, 404, "higher", group="dark"),
    )
    papers = {
        "answers": answers,
        "findings": {"face": {"count": 531, "samples": 287}, "duplicate": {"count": 19}, "explicit": {"count": 0}},
        "formats": {"png": 291},
        "taken": {"first": "2019-04-05", "last": "2024-06-07"},
        "licences": {"CC-BY-4.0": 300, "unknown": 13},
        "consent": {"uses": ["research"], "refused": 11, "until": "2031-08-09"},
        "retention": {"next": "2033-10-11"},
    }
    base = Manifest(
        "release-x",
        "2025-03-14T15:09:26+00:00",
        {"version": 1},
        "ab" * 32,
        {"veilset": "0.1.0", "numpy": "2.1"},
        {"net": "cd" * 32},
        Counts(320, 291, 17, 12),
        tuple(row.to_plain() for row in rows),
        tuple(one.to_plain() for one in measured),
        (),
        (),
        papers,
    )
    return replace(base, **changes)


@pytest.fixture
def manifest() -> Manifest:
    return manifest_of(ANSWERS)


@pytest.fixture
def bare() -> Manifest:
    return Manifest("r", "2025-03-14T15:09:26+00:00", {}, "", {}, {}, Counts(1, 1, 0, 0), (), (), ())


@pytest.fixture
def release(tmp_path: Path) -> tuple[Path, Manifest]:
    """A folder with files, and the manifest that lists them."""
    (tmp_path / "images").mkdir()
    entries = []
    for index in range(3):
        path = tmp_path / "images" / f"{index:06d}.png"
        Pillow.new("RGB", (8, 6), (index, 0, 0)).save(path)
        entries.append(path)
    (tmp_path / "index.csv").write_text("name\n", encoding="utf-8")
    entries.append(tmp_path / "index.csv")
    files = tuple(
        FileEntry(
            path.relative_to(tmp_path).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
        )
        for path in entries
    )
    return tmp_path, manifest_of(ANSWERS, files=files)
