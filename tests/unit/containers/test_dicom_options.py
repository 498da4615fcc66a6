"""The options of PS3.15 Table E.1-1, large files, and checks without a key."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pydicom.encaps
import pytest
from pydicom._private_dict import private_dictionaries
from pydicom.sr.codedict import codes

from veilset.containers import inspect, rebuild
from veilset.containers.contract import Keep
from veilset.containers.dicom import rebuild_under
from veilset.containers.dicom_private import SAFE, entries, is_safe
from veilset.containers.dicom_rules import DicomProfile
from veilset.core.errors import BadSetting, DataError
from veilset.flows.clean import clean
from veilset.testing.planted_dicom import image


def under(data: bytes, profile: DicomProfile | None = None) -> tuple[bytes, bytes]:
    out = io.BytesIO()
    rebuilt, table = rebuild_under(memoryview(data), out, profile or DicomProfile(), bytes(range(32)))
    for start, place, length in rebuilt.copied:
        assert data[start : start + length] == out.getvalue()[place : place + length]
    return out.getvalue(), table


def read(raw: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(raw))


def with_private(*blocks: tuple[int, str, int, str, object]) -> bytes:
    dataset = read(image("PAT-7").data)
    for group, creator, element, vr, value in blocks:
        dataset.private_block(group, creator, create=True).add_new(element, vr, value)
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_the_list_of_safe_private_attributes_agrees_with_pydicoms_dictionary() -> None:
    other = {}
    known = 0
    for group, creator in SAFE:
        assert group % 2
        listed = [one.partition("*")[0] for line in SAFE[group, creator].values() for one in line.split()]
        assert len(listed) == len(set(listed)) == len(entries(group, creator))
        for element, (vr, _) in entries(group, creator).items():
            row = private_dictionaries.get(creator, {}).get(f"{group:04X}xx{element:02X}")
            known += row is not None
            if row is not None and row[0] != vr:
                other[creator, element] = row[0]
    # The standard gives this colour as a number; pydicom's dictionary, from elsewhere, as a code: numbers alone stay.
    assert other == {("Philips Imaging DD 001", 0x55): "CS"}
    assert known == 169
    assert sum(len(entries(*block)) for block in SAFE) == 348


@pytest.mark.filterwarnings("ignore:.* VR CS")
@pytest.mark.parametrize(
    ("element", "vr", "value", "stays"),
    [
        (0x01, "FL", 3.4, True),
        (0x1A, "FL", [1.0, 2.0, 3.0], True),
        (0x1A, "FL", [1.0, 2.0, 3.0, 4.0], False),
        (0xF2, "FL", [0.5] * 40, True),
        (0x06, "CS", "N", True),
        (0x06, "CS", "Jane Doe", False),
        (0x06, "CS", "JANE DOE", False),
        (0x06, "CS", "N" * 17, False),
        (0x5A, "ST", "free text", False),
        (0x64, "SH", "text", False),
        (0x01, "DS", "3.4", False),
    ],
)
def test_a_safe_private_value_has_the_kind_the_form_and_the_number_of_its_entry(
    element: int, vr: str, value: object, stays: bool
) -> None:
    assert is_safe("Philips Imaging DD 001", 0x2001, 0x1000 | element, vr, value) is stays
    data = with_private((0x2001, "Philips Imaging DD 001", element, vr, value))
    kept = read(under(data, DicomProfile(private=True))[0])
    assert (len([one for one in kept if one.tag.group == 0x2001]) == 2) is stays


def test_safe_private_attributes_stay_on_request_and_no_others() -> None:
    data = with_private(
        (0x7053, "Philips PET Private Group", 0x00, "DS", "0.000531"),
        (0x7053, "Philips PET Private Group", 0x03, "ST", "SECRET file name"),
        (0x0019, "SIEMENS MR HEADER", 0x0C, "IS", "1000"),
        (0x0019, "SIEMENS MR HEADER", 0x27, "FD", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        (0x0019, "SIEMENS MR HEADER", 0x0D, "LO", "SECRET of another kind"),
        (0x0043, "GEMS_PARM_01", 0x27, "SH", "0.984:1"),
        (0x0019, "SOMEBODY ELSE", 0x0C, "IS", "7"),
    )
    kept, _ = under(data, DicomProfile(private=True))
    dataset = read(kept)
    assert dataset.private_block(0x7053, "Philips PET Private Group")[0x00].value == pydicom.valuerep.DSfloat(
        "0.000531"
    )
    assert dataset.private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value == 1000
    assert list(dataset.private_block(0x0019, "SIEMENS MR HEADER")[0x27].value) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert dataset.private_block(0x0043, "GEMS_PARM_01")[0x27].value == "0.984:1"
    assert b"SECRET" not in kept
    assert b"SOMEBODY" not in kept
    assert "113111" in [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]
    assert under(kept, DicomProfile(private=True))[0] == kept
    assert not [element for element in read(under(data)[0]).iterall() if element.tag.is_private]
    named = with_private((0x0019, "GEMS_ACQU_01", 0x9E, "LO", "Doe^Jane was here"))
    assert b"Jane" not in under(named, DicomProfile(private=True))[0]
    dataset = read(with_private((0x0019, "GEMS_ACQU_01", 0x9E, "LO", "fse.JaneDoe")))
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    assert b"fse.JaneDoe" in under(out.getvalue(), DicomProfile(private=True))[0]
    dataset.PatientName = "Doe^Jane"
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    assert b"fse.JaneDoe" not in under(out.getvalue(), DicomProfile(private=True))[0]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
def test_implicit_and_big_endian_files_keep_theirs_too(syntax: str) -> None:
    dataset = read(with_private((0x7053, "Philips PET Private Group", 0x00, "DS", "0.5")))
    pixels, little = dataset.pixel_array, not syntax.endswith("2.2")
    dataset = pydicom.Dataset({element.tag: element for element in dataset})
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = pixels.astype("<u2" if little else ">u2").tobytes()
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, enforce_file_format=True)
    raw, _ = under(out.getvalue(), DicomProfile(private=True))
    kept = read(raw)
    assert kept.private_block(0x7053, "Philips PET Private Group")[0x00].value == 0.5
    assert np.array_equal(kept.pixel_array, pixels)
    assert under(raw, DicomProfile(private=True))[0] == raw


def test_descriptions_keep_what_names_anatomy_and_technique_and_no_person() -> None:
    dataset = read(image("PAT-7").data)
    dataset.StudyDescription = "CT Thorax with contrast, Dr. Kowalski, 15.03.2024, call 0171-555"
    dataset.SeriesDescription = "Chest Foot axial T2"
    dataset.PatientName = "Foot^Harold"
    dataset.PatientComments = "brain"
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    plain, kept = read(under(out.getvalue())[0]), read(under(out.getvalue(), DicomProfile(descriptors=True))[0])
    assert "StudyDescription" not in plain
    assert kept.StudyDescription == "ct thorax with contrast"
    assert kept.SeriesDescription == "chest axial t2"
    assert "PatientComments" not in kept
    assert "113105" in [item.CodeValue for item in kept.DeidentificationMethodCodeSequence]


def test_structured_content_keeps_codes_and_numbers_and_no_words() -> None:
    def code(value: str, scheme: str, meaning: str) -> pydicom.Dataset:
        item = pydicom.Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        return item

    def content(kind: str, **values: object) -> pydicom.Dataset:
        item = pydicom.Dataset()
        item.ValueType = kind
        item.ConceptNameCodeSequence = [code("122146", "DCM", "SECRET meaning")]
        for keyword, value in values.items():
            setattr(item, keyword, value)
        return item

    dataset = read(image("PAT-7").data)
    private = content("CODE", ConceptCodeSequence=[code("X", "99LOCAL", "SECRET local")])
    private.ConceptNameCodeSequence = [code("X1", "99LOCAL", "SECRET local")]
    dataset.AcquisitionContextSequence = [
        content("CODE", ConceptCodeSequence=[code("371828006", "SCT", "SECRET patient")]),
        content("NUMERIC", NumericValue="37.5"),
        content("TEXT", TextValue="SECRET text"),
        content("PNAME", PersonName="SECRET^Name"),
        content("DATE", Date="20240315"),
        private,
    ]
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    assert len(read(under(out.getvalue())[0]).AcquisitionContextSequence) == 0
    raw, _ = under(out.getvalue(), DicomProfile(structured=True))
    items = read(raw).AcquisitionContextSequence
    assert [item.ValueType for item in items] == ["CODE", "NUMERIC"]
    assert items[0].ConceptCodeSequence[0].CodeValue == "371828006"
    assert items[1].NumericValue == 37.5
    assert b"SECRET" not in raw
    assert b"20240315" not in raw
    assert "113104" in [item.CodeValue for item in read(raw).DeidentificationMethodCodeSequence]


def test_codes_and_their_meanings_are_those_of_the_standard() -> None:
    taken = DicomProfile(
        characteristics=True, device=True, institution=True, uids=True, private=True, descriptors=True, structured=True
    )
    known = {code.value: code.meaning for code in (getattr(codes.cid7050, name) for name in codes.cid7050.dir())}
    for dates in ("keep", "shift", "month"):
        for value, meaning in replace(taken, dates=dates).codes():
            assert known[value] == meaning


def test_dates_become_months_with_their_times_gone() -> None:
    raw, _ = under(image("PAT-7").data, DicomProfile(dates="month"))
    dataset = read(raw)
    assert (dataset.StudyDate, dataset.get("StudyTime", "")) == ("20240301", "")
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
    assert under(raw, DicomProfile(dates="month"))[0] == raw


def test_device_and_institution_keep_all_of_theirs() -> None:
    dataset = read(image("PAT-7").data)
    dataset.GeneratorID, dataset.PlateID, dataset.PerformedStationName = "GEN-1", "PLATE-1", "STATION-1"
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    kept = read(under(out.getvalue(), DicomProfile(device=True, institution=True))[0])
    assert (kept.GeneratorID, kept.PlateID, kept.PerformedStationName) == ("GEN-1", "PLATE-1", "STATION-1")
    assert kept.DeviceUID == dataset.DeviceUID
    assert kept.InstitutionAddress == dataset.InstitutionAddress
    plain = read(under(out.getvalue())[0])
    assert "GeneratorID" not in plain
    assert plain.DeviceUID != dataset.DeviceUID


def test_compressed_pixel_data_are_copied_fragment_by_fragment() -> None:
    dataset = read(image("PAT-7").data)
    frames = [b"\xff\xd8FRAME ONE\xff\xd9", b"\xff\xd8FRAME TWO!\xff\xd9\0"]
    dataset.PixelData = pydicom.encaps.encapsulate(frames)
    dataset["PixelData"].VR = "OB"
    dataset.NumberOfFrames = 2
    # A coding of which nothing here reads such frames.
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.HTJ2KLossless
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    raw, _ = under(out.getvalue())
    assert read(raw).PixelData == read(out.getvalue()).PixelData
    assert b"FRAME ONE" in read(raw).PixelData
    assert under(raw)[0] == raw
    with pytest.raises(DataError):
        inspect(out.getvalue()[: out.getvalue().index(b"FRAME TWO") + 4])


def test_what_stands_behind_the_last_frame_goes_and_is_listed() -> None:
    dataset = read(image("PAT-7").data)
    dataset.PixelData += b"HIDDEN BEHIND THE LAST FRAME"
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    assert [tag.value for tag in inspect(out.getvalue()).tags if tag.path == "dicom/PixelData/behind"] == [
        b"HIDDEN BEHIND THE LAST FRAME"
    ]
    raw, _ = under(out.getvalue())
    assert b"HIDDEN" not in raw
    assert len(read(raw).PixelData) == 512


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not say how large a process was")
def test_large_files_are_read_within_200_megabytes(tmp_path: Path) -> None:
    """300 MB of frames, drawn as a hole in the file: listed and rebuilt by a process of its own."""
    dataset = read(image("PAT-7").data)
    dataset.Rows = dataset.Columns = 1024
    dataset.NumberOfFrames, dataset.PixelData = 150, b""
    del dataset[0xFFFCFFFC]
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    size = 150 * 1024 * 1024 * 2
    raw = out.getvalue()
    assert raw.endswith(bytes(4))
    with (tmp_path / "big.dcm").open("wb") as file:
        file.write(raw[:-4] + size.to_bytes(4, "little"))
        file.truncate(len(raw) + size)
    program = (
        "import sys; from pathlib import Path; from veilset.containers import inspect, Keep\n"
        "from veilset.containers.clean import clean_file\n"
        "path = Path(sys.argv[1]); listing = inspect(path)\n"
        "assert listing.facts.frames == 150 and any(t.path == 'dicom/PatientName' for t in listing.tags)\n"
        "done = clean_file(path, path.with_name('clean.dcm'), Keep())\n"
        "assert done.state == 'clean', done.reason\n"
        # What the kernel counts for resource.getrusage begins with the size of the parent.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    words = [sys.executable, "-c", program, tmp_path / "big.dcm"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200_000
    assert (tmp_path / "clean.dcm").stat().st_size > size


def test_without_a_key_a_treated_file_stays_as_it_is_in_another_process() -> None:
    keyed, loose = under(image("PAT-7").data)[0], io.BytesIO()
    rebuild(image("PAT-7").data, loose, Keep())
    for treated in (keyed, loose.getvalue()):
        again = io.BytesIO()
        rebuild(treated, again, Keep())
        assert again.getvalue() == treated
    # What only claims to be treated is not believed.
    dataset = read(image("PAT-7").data)
    dataset.DeidentificationMethod = "Veilset allowlist"
    out, again = io.BytesIO(), io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    rebuild(out.getvalue(), again, Keep())
    assert read(again.getvalue()).PatientID != "PAT-7"


def test_a_check_needs_no_key(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.dcm").write_bytes(image(f"PAT-{number}", stem=f"file{number}").data)
    clean([tmp_path / "1.dcm", tmp_path / "2.dcm"], out=tmp_path / "keyed", key_file=tmp_path / "key")
    clean([tmp_path / "1.dcm", tmp_path / "2.dcm"], out=tmp_path / "loose")
    for folder in ("keyed", "loose"):
        # In a process of its own, which knows nothing of the run that cleaned.
        words = [sys.executable, "-m", "veilset", "clean", "--check", str(tmp_path / folder)]
        assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    assert clean([tmp_path / "1.dcm"], check=True).count("dirty") == 1
    dataset = pydicom.dcmread(tmp_path / "keyed/1.dcm")
    for keyword, value in (("PatientComments", "x"), ("PatientName", "Doe^Jane"), ("InstitutionName", "Somewhere")):
        changed = copy.deepcopy(dataset)
        setattr(changed, keyword, value)
        changed.save_as(tmp_path / "changed.dcm", enforce_file_format=True)
        assert clean([tmp_path / "changed.dcm"], check=True).count("dirty") == 1


def test_options_are_checked_with_the_options_that_were_taken(tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(image("PAT-7").data)
    kept = Keep(dicom=("device", "characteristics"))
    assert clean([tmp_path / "x.dcm"], out=tmp_path / "out", keep=kept).count("clean") == 1
    assert pydicom.dcmread(tmp_path / "out/x.dcm").PatientSex == "F"
    assert clean([tmp_path / "out"], check=True, keep=kept).count("clean") == 1
    assert clean([tmp_path / "out"], check=True).count("dirty") == 1
    with pytest.raises(BadSetting):
        Keep(dicom=("everything",))
