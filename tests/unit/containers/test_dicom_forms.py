"""Values of DICOM elements that may stay, and values that only pretend to be of their kind."""

from __future__ import annotations

import io
import struct

import pytest

pydicom = pytest.importorskip("pydicom", reason="pydicom, which reads DICOM, is not installed")

from pydicom.datadict import DicomDictionary  # noqa: E402
from pydicom.dataelem import RawDataElement  # noqa: E402
from pydicom.tag import Tag  # noqa: E402
from pydicom.uid import UID_dictionary  # noqa: E402

from veilset.containers.dicom import rebuild_under  # noqa: E402
from veilset.containers.dicom_rules import DicomProfile  # noqa: E402
from veilset.containers.dicom_words import is_term  # noqa: E402
from veilset.core.errors import Malformed  # noqa: E402
from veilset.testing.planted_dicom import image  # noqa: E402

MOST = DicomProfile(dates="keep", uids=True, characteristics=True)


def with_raw(*elements: tuple[int, str, bytes]) -> bytes:
    """A small picture with elements whose bytes nobody checked, at its top and in an item of a sequence that stays."""
    dataset = pydicom.dcmread(io.BytesIO(image("PAT-7").data))
    item = pydicom.Dataset()
    for tag, vr, value in elements:
        for place in (dataset, item):
            place[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
    dataset.SharedFunctionalGroupsSequence = pydicom.Sequence([item])
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def cleaned(data: bytes, profile: DicomProfile | None = None) -> bytes:
    out = io.BytesIO()
    rebuild_under(memoryview(data), out, profile or DicomProfile(), bytes(range(32)))
    return out.getvalue()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("profile", [DicomProfile(), MOST], ids=["default", "most stays"])
@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00080030, "TM", b"SECRET WORD "),
        (0x00080030, "TM", b"101112.5 SECRET "),
        (0x00080020, "DA", b"20240301SECRET"),
        (0x0008002A, "DT", b"20240301101112SECRET"),
        (0x00101010, "AS", b"SECRET"),
        (0x00180015, "CS", b"SECRET"),
        (0x00180015, "CS", b"Secret word "),
        (0x00080008, "CS", b"ORIGINAL\\PRIMARY\\SECRET "),
        (0x00080005, "CS", b"ISO_IR 100\\SECRET "),
        (0x00200020, "CS", b"L\\SECRET"),
        (0x00080018, "UI", b"1.2.SECRET"),
        (0x00180050, "DS", b"1.0SECRET "),
        (0x00200013, "IS", b"1 SECRET"),
        (0x00203401, "CS", b"CT2 "),
        (0x00181638, "OF", b"SECRET00"),
        (0x00221531, "OF", b"SECRET00"),
    ],
)
def test_what_has_not_the_form_of_its_kind_goes(tag: int, vr: str, value: bytes, profile: DicomProfile) -> None:
    raw = cleaned(with_raw((tag, vr, value)), profile)
    assert b"SECRET" not in raw.upper()
    if tag == 0x00203401:  # which device changed the picture: in the table of the standard, among codes that stay
        assert 0x00203401 not in pydicom.dcmread(io.BytesIO(raw))


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00080008, "CS", b"DERIVED\\SECONDARY\\MPR\\CSA MPR"),
        (0x00080060, "CS", b"RTDOSE"),
        (0x00181063, "DS", b"-1.5e-3 "),
        (0x00200013, "IS", b"+12 "),
        (0x00200020, "CS", b"A\\FR"),
        (0x00282114, "CS", b"ISO_10918_1 "),
        (0x00080005, "CS", b"\\ISO 2022 IR 87 "),
        (0x00180050, "DS", b"0.12345678901234567890"),
    ],
)
def test_what_has_its_form_stays_as_it_is(tag: int, vr: str, value: bytes) -> None:
    before = pydicom.dcmread(io.BytesIO(with_raw((tag, vr, value))))
    after = pydicom.dcmread(io.BytesIO(cleaned(with_raw((tag, vr, value)))))
    assert after[Tag(tag)].value == before[Tag(tag)].value


def test_more_values_than_the_standard_allows_are_a_message() -> None:
    said = struct.pack("<8H", *b"A SECRET")
    assert 0x00280010 in pydicom.dcmread(io.BytesIO(cleaned(with_raw())))
    after = pydicom.dcmread(io.BytesIO(cleaned(with_raw((0x00280106, "US", said)))))
    assert "SmallestImagePixelValue" not in after


def test_a_name_in_the_file_is_no_code() -> None:
    data = pydicom.dcmread(io.BytesIO(with_raw((0x00180015, "CS", b"HEAD"))))
    data.PatientName = "Head^Anna"
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    assert "BodyPartExamined" not in pydicom.dcmread(io.BytesIO(cleaned(out.getvalue())))
    assert pydicom.dcmread(io.BytesIO(cleaned(with_raw((0x00180015, "CS", b"HEAD"))))).BodyPartExamined == "HEAD"


def test_a_palette_longer_than_it_says_and_a_profile_that_is_none_refuse_the_file() -> None:
    descriptor, shown = (0x00281101, "US", struct.pack("<3H", 4, 0, 16)), (0x00280004, "CS", b"PALETTE COLOR ")
    right = pydicom.dcmread(io.BytesIO(cleaned(with_raw(descriptor, shown, (0x00281201, "OW", bytes(8))))))
    assert right.RedPaletteColorLookupTableData == bytes(8)
    with pytest.raises(Malformed, match="RedPalette"):
        cleaned(with_raw(descriptor, shown, (0x00281201, "OW", bytes(8) + b"SECRET")))
    # A grey picture shows no palette.
    grey = pydicom.dcmread(
        io.BytesIO(cleaned(with_raw(descriptor, (0x00280004, "CS", b"MONOCHROME2 "), (0x00281201, "OW", bytes(8)))))
    )
    assert not [element for element in grey if "Palette" in element.keyword]
    with pytest.raises(Malformed, match="profile"):
        cleaned(with_raw((0x00282000, "OB", b"SECRET" * 40)))
    # A table that nothing describes shows nothing.
    assert b"SECRET" not in cleaned(with_raw((0x00281201, "OW", b"SECRET")))


def test_a_colour_profile_is_written_anew() -> None:
    from veilset.testing.planted import Marks, icc_profile

    marks = Marks("dicom")
    profile = icc_profile(marks)
    raw = cleaned(with_raw((0x00282000, "OB", profile + bytes(len(profile) % 2))))
    assert pydicom.dcmread(io.BytesIO(raw)).ICCProfile
    assert not [mark for mark in marks.given.values() if mark in raw]


def test_no_text_of_any_attribute_in_the_dictionary_stays() -> None:
    texts = {"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
    dataset = pydicom.dcmread(io.BytesIO(image("PAT-7").data))
    said = {}
    for tag, (vr, *_) in DicomDictionary.items():
        if vr in texts and 8 <= tag >> 16 < 0x7FE0:
            said[tag] = f"Q{tag:08X}"[:16]
            dataset[Tag(tag)] = RawDataElement(Tag(tag), vr, 10, said[tag].encode().ljust(10), 0, False, True)
    assert len(said) > 750
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    raw = cleaned(out.getvalue(), DicomProfile(characteristics=True, private=True, descriptors=True, structured=True))
    assert [hex(tag) for tag, word in said.items() if word.encode() in raw.upper()] == []


@pytest.mark.parametrize(
    "code",
    [
        "HFS",
        "M_FFE",
        "T2",
        "DIS2D",
        "YBR_FULL_422",
        "MONOCHROME2",
        "CSA",
        "WHOLE_BODY",
        "0001",
        "MAX_IP",
        "FILTER_BACK_PROJ",
        "LSPINE",
    ],
)
def test_codes_that_scanners_write_are_terms(code: str) -> None:
    assert is_term(code, frozenset())


@pytest.mark.parametrize("code", ["SMITH", "XCS0042", "PLANT0042", "JOHN", "MRN123456", "12345", "A1B2C3"])
def test_other_words_and_numbers_are_none(code: str) -> None:
    assert not is_term(code, frozenset())


def test_kinds_of_objects_of_the_standard_keep_their_identifier() -> None:
    after = pydicom.dcmread(io.BytesIO(cleaned(with_raw())))
    assert after.SOPClassUID in UID_dictionary
    assert after.file_meta.MediaStorageSOPClassUID == after.SOPClassUID
