"""PS3.15 Annex E: names, identifiers, dates, private and nested elements, and the picture that may not change."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pydicom
import pytest

from veilset.containers import inspect, rebuild
from veilset.containers.contract import Keep
from veilset.containers.dicom import rebuild_under
from veilset.containers.dicom_rules import DicomProfile
from veilset.containers.pseudonyms import Pseudonyms
from veilset.core.errors import DataError
from veilset.core.finding import Risk
from veilset.testing.planted_dicom import DATES, image

KEY = bytes(range(32))


def under(data: bytes, profile: DicomProfile | None = None, key: bytes = KEY) -> tuple[bytes, dict[str, str]]:
    out = io.BytesIO()
    rebuilt, table = rebuild_under(memoryview(data), out, profile or DicomProfile(), key)
    for start, place, length in rebuilt.copied:
        assert data[start : start + length] == out.getvalue()[place : place + length]
    return out.getvalue(), json.loads(table)


def read(raw: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(raw))


@pytest.mark.parametrize("profile", [DicomProfile(), DicomProfile(dates="remove"), DicomProfile(characteristics=True)])
def test_no_planted_string_survives(profile: DicomProfile) -> None:
    planted = image()
    assert len(planted.marks.left_in(planted.data)) == len(planted.marks.all) > 100
    cleaned, _ = under(planted.data, profile)
    assert planted.marks.left_in(cleaned) == []
    assert b"20240315" not in cleaned


def test_the_contract_cleans_without_a_key_and_twice_the_same() -> None:
    planted, once, twice = image(), io.BytesIO(), io.BytesIO()
    rebuild(planted.data, once, Keep())
    rebuild(once.getvalue(), twice, Keep())
    assert once.getvalue() == twice.getvalue()
    assert planted.marks.left_in(once.getvalue()) == []


def test_the_picture_is_the_same() -> None:
    data = image().data
    cleaned, _ = under(data)
    assert np.array_equal(read(data).pixel_array, read(cleaned).pixel_array)
    for keyword in ("RescaleSlope", "RescaleIntercept", "SliceThickness", "PhotometricInterpretation", "BitsStored"):
        assert read(data)[keyword].value == read(cleaned)[keyword].value


def test_what_was_done_is_said_in_the_standards_codes() -> None:
    dataset = read(under(image().data, DicomProfile(dates="shift", device=True, characteristics=True))[0])
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.DeidentificationMethod
    codes = [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107", "113108", "113109"]
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
    assert not any(element.tag.is_private for element in dataset.iterall())
    assert dataset.preamble == bytes(128)


def test_pseudonyms_and_identifiers_are_consistent_under_one_key_only() -> None:
    one, two = image("PAT-7", stem="one").data, image("PAT-7", stem="other").data
    (first, table), (second, _), (foreign, _) = under(one), under(two), under(one, key=bytes(32))
    assert read(first).PatientID == read(second).PatientID != read(foreign).PatientID
    assert table["PAT-7"] == read(first).PatientID
    assert read(first).StudyInstanceUID not in (read(one).StudyInstanceUID, read(foreign).StudyInstanceUID)
    assert read(first).SOPInstanceUID == read(first).file_meta.MediaStorageSOPInstanceUID
    assert read(first).ReferencedImageSequence[0].ReferencedSOPInstanceUID == read(first).SOPInstanceUID
    assert read(first).SOPClassUID == read(one).SOPClassUID


def test_dates_move_by_the_same_days_for_one_patient() -> None:
    raw = [under(image("PAT-7", date=date).data)[0] for date in ("20240315", "20240415")]
    days = [np.datetime64(f"{d[:4]}-{d[4:6]}-{d[6:]}") for d in (read(one).StudyDate for one in raw)]
    assert days[1] - days[0] == np.timedelta64(31, "D")
    assert np.timedelta64(1, "D") <= np.datetime64("2024-03-15") - days[0] <= np.timedelta64(3650, "D")
    other = read(under(image("PAT-8").data)[0]).StudyDate
    assert other != read(raw[0]).StudyDate
    assert read(raw[0]).StudyTime == "101112"
    assert read(raw[0]).PatientBirthDate == ""


def test_options_do_what_they_say() -> None:
    data = image().data
    plain = read(under(data)[0])
    assert plain.PatientSex == "" and "PatientAge" not in plain and "DeviceSerialNumber" not in plain  # noqa: PT018
    kept = read(
        under(data, DicomProfile(characteristics=True, device=True, institution=True, uids=True, dates="keep"))[0]
    )
    assert (kept.PatientSex, kept.PatientAge) == ("F", "090Y")
    assert kept.DeviceSerialNumber == read(data).DeviceSerialNumber
    assert kept.InstitutionName == read(data).InstitutionName
    assert kept.StudyInstanceUID == read(data).StudyInstanceUID
    assert kept.StudyDate == "20240315"
    removed = read(under(data, DicomProfile(dates="remove"))[0])
    assert all(removed.get(keyword, "") == "" for keyword in DATES)


def test_a_second_pass_under_the_same_key_changes_nothing() -> None:
    once, _ = under(image().data)
    assert under(once)[0] == once


def test_names_of_ours_cannot_be_made_without_the_key() -> None:
    names, forger = Pseudonyms(KEY), Pseudonyms(bytes(32))
    forged = forger.name("PAT-7")
    assert names.name(forged) != forged
    assert names.name(names.name("PAT-7")) == names.name("PAT-7")


def test_burned_in_text_and_hidden_bits_are_flagged() -> None:
    dataset = read(image().data)
    dataset.BurnedInAnnotation = "YES"
    dataset.PixelData = (np.arange(256, dtype="<u2") | 0x8000).tobytes()
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    rebuilt = rebuild(out.getvalue(), io.BytesIO(), Keep())
    assert any("burned" in word for word in rebuilt.residue)
    assert any("overlays" in word for word in rebuilt.residue)
    assert [tag for tag in inspect(out.getvalue()).tags if tag.path == "dicom/burned_in" and tag.risk is Risk.HIDDEN]


def test_everything_that_goes_is_listed() -> None:
    planted = image()
    said = "\n".join(
        tag.value.decode("latin-1") if isinstance(tag.value, bytes) else str(tag.value)
        for tag in inspect(planted.data).tags
    )
    missing = [m for m in planted.marks.all if m.decode() not in said]
    assert missing == []


def test_files_without_a_picture_are_refused() -> None:
    dataset = read(image().data)
    del dataset.PixelData
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    with pytest.raises(DataError, match="no picture"):
        rebuild(out.getvalue(), io.BytesIO(), Keep())


def test_damaged_files_raise_one_kind_of_error_soon() -> None:
    data, rng = image().data, np.random.default_rng(5)
    for trial in range(80):
        hurt = bytearray(data if trial % 2 else data[: int(rng.integers(140, len(data)))])
        for _ in range(int(rng.integers(1, 10))):
            hurt[int(rng.integers(132, len(hurt)))] = int(rng.integers(0, 256))
        start = time.monotonic()
        for work in (lambda raw: rebuild(raw, io.BytesIO(), Keep()), inspect):
            try:
                work(bytes(hurt))
            except DataError:
                continue
        assert time.monotonic() - start < 2
