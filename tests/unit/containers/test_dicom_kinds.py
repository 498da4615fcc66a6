"""DICOM beyond plain pictures: what plans, contours, curves, reports, doses and segmentations need stays; names go."""

from __future__ import annotations

import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="pydicom, which reads DICOM, is not installed")

from pydicom.data import get_testdata_file  # noqa: E402
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.sequence import Sequence  # noqa: E402

from veilset.containers import identify, inspect, rebuild  # noqa: E402
from veilset.containers.contract import Keep  # noqa: E402
from veilset.containers.dicom import rebuild_under  # noqa: E402
from veilset.containers.dicom_codes import has_form  # noqa: E402
from veilset.containers.dicom_rules import DicomProfile  # noqa: E402
from veilset.core.errors import DataError, Malformed, Unsupported  # noqa: E402
from veilset.flows.clean import clean  # noqa: E402
from veilset.testing.planted_dicom import image  # noqa: E402

SECRET = "SECRET"


def sample(name: str) -> bytes:
    """A file that comes with pydicom."""
    found = get_testdata_file(name)
    assert found is not None
    return Path(str(found)).read_bytes()


def cleaned(data: bytes, **options: object) -> bytes:
    out, again = io.BytesIO(), io.BytesIO()
    profile = DicomProfile(**options)  # type: ignore[arg-type]
    rebuilt, _ = rebuild_under(memoryview(data), out, profile, bytes(32))
    assert rebuilt.claims[0].start == 0
    assert rebuilt.claims[-1].stop == len(data)
    assert all(one.stop == other.start for one, other in zip(rebuilt.claims, rebuilt.claims[1:], strict=False))
    rebuild_under(memoryview(out.getvalue()), again, profile, bytes(32))
    assert again.getvalue() == out.getvalue()
    assert SECRET.encode() not in out.getvalue().upper()
    return out.getvalue()


def read(raw: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(raw), force=True)


def saved(dataset: Dataset) -> bytes:
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def of(**values: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def code(value: str, scheme: str, meaning: str = SECRET) -> Sequence:
    return Sequence([of(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)])


def without_picture(kind: str, **values: object) -> Dataset:
    dataset = read(image("PAT-7").data)
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(dataset, keyword)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = kind
    return dataset


def test_a_dose_keeps_its_scale_its_frames_and_its_plan() -> None:
    before, after = read(sample("rtdose.dcm")), read(cleaned(sample("rtdose.dcm")))
    for keyword in ("DoseGridScaling", "DoseUnits", "DoseType", "DoseSummationType", "GridFrameOffsetVector"):
        assert after[keyword].value == before[keyword].value
    assert len(after.ReferencedRTPlanSequence) == len(before.ReferencedRTPlanSequence)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_contours_stay_and_what_they_are_called_goes(syntax: str) -> None:
    before = read(sample("rtstruct.dcm"))
    before.file_meta = FileMetaDataset()
    before.file_meta.TransferSyntaxUID = syntax
    before.StructureSetROISequence[0].ROIName = f"{SECRET} tumour"
    before.StructureSetLabel = SECRET
    out = io.BytesIO()
    before.save_as(out, implicit_vr=syntax.endswith("1.2"), little_endian=True, enforce_file_format=True)
    after = read(cleaned(out.getvalue()))
    assert after.StructureSetLabel == "removed"
    assert after.StructureSetROISequence[0].ROIName == ""
    assert (
        after.ROIContourSequence[0].ContourSequence[0].ContourData
        == before.ROIContourSequence[0].ContourSequence[0].ContourData
    )
    one, other = after.StructureSetROISequence[0], after.ReferencedFrameOfReferenceSequence[0]
    assert one.ReferencedFrameOfReferenceUID == other.FrameOfReferenceUID
    assert other.FrameOfReferenceUID != before.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID


def test_names_of_contours_keep_anatomy_on_request() -> None:
    before = read(sample("rtstruct.dcm"))
    before.file_meta = FileMetaDataset()
    before.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    before.StructureSetROISequence[0].ROIName = f"Lung left {SECRET} 1962"
    before.StructureSetLabel = SECRET
    out = io.BytesIO()
    before.save_as(out, implicit_vr=True, little_endian=True, enforce_file_format=True)
    after = read(cleaned(out.getvalue(), descriptors=True))
    assert after.StructureSetROISequence[0].ROIName == "lung left"
    assert after.StructureSetLabel == "removed"


def test_the_objects_of_one_study_still_point_at_one_another(tmp_path: Path) -> None:
    slice_, contours = read(sample("CT_small.dcm")), read(sample("rtstruct.dcm"))
    slice_.FrameOfReferenceUID, slice_.StudyDate = "1.2.3.9", "20240229"
    contours.file_meta = FileMetaDataset()
    contours.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    contours.PatientID, contours.StudyInstanceUID = f" {slice_.PatientID} ", slice_.StudyInstanceUID
    contours.StructureSetDate = "20240302"
    frame = contours.ReferencedFrameOfReferenceSequence[0]
    frame.FrameOfReferenceUID = "1.2.3.9"
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    series.SeriesInstanceUID = slice_.SeriesInstanceUID
    series.ContourImageSequence = Sequence([of(ReferencedSOPInstanceUID=slice_.SOPInstanceUID)])
    slice_.save_as(tmp_path / "a.dcm")
    contours.save_as(tmp_path / "b.dcm", implicit_vr=True, little_endian=True, enforce_file_format=True)
    clean([tmp_path / "a.dcm", tmp_path / "b.dcm"], out=tmp_path / "out", key_file=tmp_path / "key")
    one, other = (read((tmp_path / "out" / name).read_bytes()) for name in ("a.dcm", "b.dcm"))
    assert one.PatientID == other.PatientID != slice_.PatientID
    assert one.StudyInstanceUID == other.StudyInstanceUID != slice_.StudyInstanceUID
    days = np.datetime64("2024-03-02") - np.datetime64("2024-02-29")
    first, second = (np.datetime64(f"{d[:4]}-{d[4:6]}-{d[6:]}") for d in (one.StudyDate, other.StructureSetDate))
    assert second - first == days
    frame = other.ReferencedFrameOfReferenceSequence[0]
    assert frame.FrameOfReferenceUID == one.FrameOfReferenceUID != "1.2.3.9"
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == one.SeriesInstanceUID
    assert series.ContourImageSequence[0].ReferencedSOPInstanceUID == one.SOPInstanceUID


def test_a_plan_that_is_cut_off_is_refused_and_a_whole_one_keeps_its_beams() -> None:
    after = read(cleaned(sample("rtplan.dcm")))
    assert after.BeamSequence[0].ControlPointSequence[0].NominalBeamEnergy
    for stop in (300, 1000, 2000, len(sample("rtplan.dcm")) - 1):
        with pytest.raises(Malformed):
            cleaned(sample("rtplan.dcm")[:stop])


def test_curves_stay_to_the_bit_as_long_as_they_say_and_are_named_as_residue(tmp_path: Path) -> None:
    data = sample("waveform_ecg.dcm")
    before, after = read(data), read(cleaned(data))
    for one, other in zip(before.WaveformSequence, after.WaveformSequence, strict=True):
        assert one.WaveformData == other.WaveformData
        assert [lead.ChannelSensitivity for lead in one.ChannelDefinitionSequence] == [
            lead.ChannelSensitivity for lead in other.ChannelDefinitionSequence
        ]
    assert "WaveformAnnotationSequence" not in after
    (tmp_path / "ecg.dcm").write_bytes(data)
    ((_, done),) = clean([tmp_path / "ecg.dcm"], out=tmp_path / "out").files
    assert done.state == "residue"
    assert any("curves" in word for word in done.residue)
    before.WaveformSequence[0].add_new(0x5400100A, "OW", b"SECRET")
    assert "WaveformPaddingValue" not in read(cleaned(saved(before))).WaveformSequence[0]
    before.WaveformSequence[0].WaveformBitsAllocated = 48
    with pytest.raises(Malformed, match="curves"):
        cleaned(saved(before))
    before.WaveformSequence[0].WaveformBitsAllocated = 16
    before.WaveformSequence[0].WaveformData += b"SECRET"
    with pytest.raises(Malformed, match="curves"):
        cleaned(saved(before))


def test_a_report_keeps_codes_numbers_places_and_references_on_request_only() -> None:
    measured = of(
        RelationshipType="CONTAINS",
        ValueType="NUM",
        ConceptNameCodeSequence=code("81827009", "SCT"),
        MeasuredValueSequence=Sequence([of(MeasurementUnitsCodeSequence=code("mm", "UCUM"), NumericValue="12.5")]),
    )
    place = of(RelationshipType="INFERRED FROM", ValueType="SCOORD", GraphicType="CIRCLE", GraphicData=[1.0, 2, 3, 4])
    said = of(
        RelationshipType="CONTAINS", ValueType="TEXT", ConceptNameCodeSequence=code("121071", "DCM"), TextValue=SECRET
    )
    who = of(RelationshipType="HAS OBS CONTEXT", ValueType="PNAME", PersonName=f"Obs^{SECRET}")
    observer = of(
        RelationshipType="HAS OBS CONTEXT",
        ValueType="CODE",
        ConceptNameCodeSequence=code("121005", "DCM"),
        ConceptCodeSequence=code("121006", "DCM"),
    )
    local = of(RelationshipType="CONTAINS", ValueType="CODE", ConceptNameCodeSequence=code("121071", "DCM"))
    local.ConceptCodeSequence = code("SECRET1", "99HERE")
    pointer = of(RelationshipType="HAS PROPERTIES", ReferencedContentItemIdentifier=[1, 2])
    when = of(
        RelationshipType="CONTAINS", ValueType="DATE", ConceptNameCodeSequence=code("111060", "DCM"), Date="20240315"
    )
    shown = of(RelationshipType="CONTAINS", ValueType="IMAGE")
    report = without_picture("1.2.840.10008.5.1.4.1.1.88.34", ValueType="CONTAINER", VerificationFlag="VERIFIED")
    report.ConceptNameCodeSequence = code("126000", "DCM")
    shown.ReferencedSOPSequence = Sequence([of(ReferencedSOPInstanceUID=report.SOPInstanceUID)])
    report.ContentSequence = Sequence([measured, place, said, who, observer, local, pointer, when, shown])
    with pytest.raises(Unsupported, match="structured"):
        cleaned(saved(report))
    after = read(cleaned(saved(report), structured=True))
    kinds = [item.ValueType for item in after.ContentSequence]
    assert kinds == ["NUM", "SCOORD", "CODE", "DATE", "IMAGE"]
    assert after.ContentSequence[0].MeasuredValueSequence[0].NumericValue == 12.5
    assert after.ContentSequence[0].MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert after.ContentSequence[0].ConceptNameCodeSequence[0].CodeMeaning == "Diameter"
    # The observer is called like a word of the standard, which ties the tree together.
    assert after.ContentSequence[2].RelationshipType == "HAS OBS CONTEXT"
    assert after.ContentSequence[4].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == after.SOPInstanceUID
    assert after.VerificationFlag == "UNVERIFIED"
    assert "DATE" not in [
        item.ValueType for item in read(cleaned(saved(report), structured=True, dates="remove")).ContentSequence
    ]


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.104.1", {"EncapsulatedDocument": b"%PDF-1.4 "}, "take it out"),
        ("1.2.840.10008.1.3.10", {"DirectoryRecordSequence": Sequence([])}, "new directory"),
        ("1.2.840.10008.5.1.4.1.1.66", {}, "not served"),
        ("1.2.840.10008.5.1.4.1.1.88.11", {}, "a report"),
    ],
)
def test_what_is_not_served_says_what_to_do(kind: str, values: dict[str, object], words: str) -> None:
    data = saved(without_picture(kind, **values))
    with pytest.raises(Unsupported, match=words):
        cleaned(data)
    # What cannot be cleaned is listed all the same.
    assert "PAT-7" in [tag.value for tag in inspect(data).tags if tag.path == "dicom/PatientID"]


def test_a_deflated_file_is_cleaned_and_deflated_again() -> None:
    data = sample("image_dfl.dcm")
    raw = cleaned(data)
    assert read(raw).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1.99"
    assert np.array_equal(read(raw).pixel_array, read(data).pixel_array)
    planted = read(image("PAT-7").data)
    planted.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    hidden = saved(planted)
    assert inspect(hidden).tags
    marks = image("PAT-7").marks
    body = cleaned(hidden + b"SECRET behind")
    begin = 144 + int.from_bytes(body[140:144], "little")
    assert marks.left_in(zlib.decompress(body[begin:], -15)) == []
    with pytest.raises(DataError):
        cleaned(hidden[:-200])
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = (
        hidden[: 144 + int.from_bytes(hidden[140:144], "little")] + packed.compress(bytes(300 << 20)) + packed.flush()
    )
    with pytest.raises(Unsupported, match="256 MiB"):
        cleaned(bomb)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_a_file_without_its_head_gets_one(syntax: str) -> None:
    dataset = read(image("PAT-7").data)
    out = io.BytesIO()
    pydicom.dcmwrite(out, _bare(dataset), implicit_vr=syntax.endswith("1.2"), little_endian=not syntax.endswith("2.2"))
    data = out.getvalue()
    assert data[:4] != bytes(4)
    assert identify(data) == "dicom"
    raw = cleaned(data)
    assert raw[128:132] == b"DICM"
    assert read(raw).file_meta.TransferSyntaxUID == syntax
    assert image("PAT-7").marks.left_in(raw) == []
    meta_only = saved(dataset)[132:]
    assert identify(meta_only) == "dicom"
    assert cleaned(meta_only)[:132] == bytes(128) + b"DICM"


def _bare(dataset: Dataset) -> Dataset:
    bare = Dataset()
    bare.update({element.tag: element for element in dataset if element.tag.group != 2})
    return bare


def test_pixels_that_are_numbers_with_fractions_stay() -> None:
    dataset = read(image("PAT-7").data)
    values = np.linspace(0, 1, 256, dtype="<f4")
    del dataset.PixelData
    dataset.FloatPixelData, dataset.BitsAllocated = values.tobytes(), 32
    for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    raw = cleaned(saved(dataset))
    assert read(raw).FloatPixelData == values.tobytes()


def test_an_odd_picture_of_swapped_words_keeps_its_last_sample() -> None:
    data = sample("SC_rgb_small_odd_big_endian.dcm")
    assert np.array_equal(read(cleaned(data)).pixel_array, read(data).pixel_array)


def test_a_value_of_another_kind_than_its_attribute_has_goes() -> None:
    dataset = read(image("PAT-7").data)
    for tag, vr, value in ((0x00181000, "IS", "4711471"), (0x00181020, "US", 4711), (0x00180010, "FD", 4711.5)):
        del dataset[tag : tag + 1]
        dataset.add_new(tag, vr, value)
    after = read(cleaned(saved(dataset)))
    assert not [tag for tag in (0x00181000, 0x00181020, 0x00180010) if tag in after and after[tag].value]


def test_a_moment_says_no_time_zone() -> None:
    dataset = read(image("PAT-7").data)
    dataset.AcquisitionDateTime = "20240315101112.5+0900"
    assert read(cleaned(saved(dataset))).AcquisitionDateTime.endswith("101112.5")


def test_a_segmentation_keeps_its_segments_and_every_frame_its_place() -> None:
    dataset = read(image("PAT-7").data)
    places = [of(PlanePositionSequence=Sequence([of(ImagePositionPatient=[0, 0, n])])) for n in range(3)]
    empty = of(FrameContentSequence=Sequence([of(FrameComments=SECRET)]))
    dataset.PerFrameFunctionalGroupsSequence = Sequence([places[0], empty, places[2]])
    dataset.SharedFunctionalGroupsSequence = Sequence([Dataset()])
    dataset.SegmentationType, dataset.ContentLabel = "BINARY", "SECRET LABEL"
    dataset.SegmentSequence = Sequence(
        [of(SegmentNumber=1, SegmentLabel=f"{SECRET} liver", SegmentAlgorithmType="MANUAL", TrackingID=SECRET)]
    )
    dataset.Manufacturer, dataset.DeviceSerialNumber = SECRET, SECRET
    dataset.OpticalPathSequence = Sequence([of(OpticalPathIdentifier=f"{SECRET}{n}") for n in (1, 2)])
    dataset.PerFrameFunctionalGroupsSequence[0].OpticalPathIdentificationSequence = Sequence(
        [of(OpticalPathIdentifier=f"{SECRET}2")]
    )
    after = read(cleaned(saved(dataset)))
    assert [len(item) for item in after.PerFrameFunctionalGroupsSequence] == [2, 1, 1]
    assert after.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence[0].ImagePositionPatient == [0, 0, 2]
    assert (after.SegmentationType, after.ContentLabel) == ("BINARY", "REMOVED")
    assert (after.SegmentSequence[0].SegmentNumber, after.SegmentSequence[0].SegmentLabel) == (1, "removed")
    assert after.Manufacturer == after.DeviceSerialNumber == "removed"
    one, two = (item.OpticalPathIdentifier for item in after.OpticalPathSequence)
    assert one != two
    shown = after.PerFrameFunctionalGroupsSequence[0].OpticalPathIdentificationSequence[0]
    assert shown.OpticalPathIdentifier == two


def test_how_a_file_is_coded_has_to_be_known_and_true() -> None:
    data = image("PAT-7").data
    with pytest.raises(Unsupported, match="not the standard's"):
        cleaned(data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.7.7\0"))
    with pytest.raises(Malformed, match="no fragments"):
        cleaned(data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))


def test_the_label_of_a_slide_is_flagged() -> None:
    dataset = read(image("PAT-7").data)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]
    rebuilt = rebuild(saved(dataset), io.BytesIO(), Keep())
    assert any("label" in word for word in rebuilt.residue)


@pytest.mark.parametrize(
    ("value", "scheme", "right"),
    [
        ("371828006", "SCT", True),
        ("371828007", "SCT", False),
        ("19800315", "SCT", False),
        ("T-A0100", "SRT", True),
        ("JOHNDOE", "SRT", False),
        ("121071", "DCM", True),
        ("JOHN", "DCM", False),
    ],
)
def test_a_code_has_the_form_of_its_scheme(value: str, scheme: str, right: bool) -> None:
    assert has_form(value, scheme) is right


def test_a_hundred_thousand_empty_items_are_given_up_quickly() -> None:
    data = image("PAT-7").data
    place = data.index(struct.pack("<HH", 0x0020, 0x000D))
    items = b"SQ\0\0" + struct.pack("<I", 800_000) + b"\xfe\xff\x00\xe0\0\0\0\0" * 100_000
    start = time.process_time()
    with pytest.raises(Unsupported, match="so many items"):
        cleaned(data[:place] + struct.pack("<HH", 0x0018, 0x9301) + items + data[place:])
    assert time.process_time() - start < 2
