"""Each folder beside this file is a case: pictures, records and a policy, and what becomes of every picture, in words."""

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from veilset.core.errors import Refusal
from veilset.flows.release import release
from veilset.records.consent import Notice, Party, Record, State, Use
from veilset.records.consent_store import ConsentStore

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/case.yaml"))


def day(text: object) -> dt.date | None:
    return dt.date.fromisoformat(str(text)) if text else None


def build(case: dict[str, Any], root: Path) -> None:
    for number, name in enumerate(case["pictures"]):
        path = root / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(path), cv2.resize(pixels, (96, 72), interpolation=cv2.INTER_CUBIC))
    for name, text in case.get("files", {}).items():
        (root / name).write_text(text, encoding="utf-8")
    if "consents" not in case:
        return
    store = ConsentStore(str(root / "consent.sqlite"), create=True)
    party = Party("1", "Lab", "Street", "mail")
    store.add_notices([Notice("n", "u", "en", "p", "photograph", (party,), ("EU",), "5 y", "DE", ("public",), "mail")])
    store.add(
        Record(
            f"r{n}", who, "study", frozenset(map(Use, uses.split())), "n", State.GIVEN, day(given), "form", "me",
            day(expires), day(withdrawn),
        )
        for n, (who, uses, given, expires, withdrawn) in enumerate(case["consents"])
    )  # fmt: skip
    store.link(("sample", name, who) for name, who in case["links"])
    store.close()


def write_policy(case: dict[str, Any], root: Path) -> Path:
    def placed(value: Any) -> Any:
        match value:
            case dict():
                return {key: placed(item) for key, item in value.items()}
            case list():
                return [placed(item) for item in value]
            case dt.date():
                return value.isoformat()
            case str():
                return value.replace("{root}", str(root))
        return value

    path = root / "policy.yaml"
    with path.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump({"version": 1, **placed(case["policy"])}, stream)
    return path


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path, tmp_path: Path) -> None:
    case = YAML(typ="safe", pure=True).load((folder / "case.yaml").read_text(encoding="utf-8"))
    build(case, tmp_path)
    policy, expect, out = write_policy(case, tmp_path), case["expect"], tmp_path / "out"
    if "refusal" in expect:
        with pytest.raises(Refusal) as refused:
            release(tmp_path / "set", out, policy, workers=1)
        assert expect["refusal"] in refused.value.message
        assert not (out / "public").exists()
        return
    release(tmp_path / "set", out, policy, workers=1)
    with (out / "private" / "quarantine.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["original"]: row["reason"] for row in csv.DictReader(stream)} == expect["left_out"]
    with (out / "private" / "mapping.csv").open(encoding="utf-8", newline="") as stream:
        assert sorted(row["original"] for row in csv.DictReader(stream)) == sorted(expect["released"])


def test_no_case_is_overlooked() -> None:
    wanted = {"no_licence", "contradicting_licences", "no_derivatives", "share_alike", "withdrawn_in_group_photo",
              "expired_consent", "purpose_not_allowed", "retention_passed"}  # fmt: skip
    assert wanted <= {folder.name for folder in CASES}
