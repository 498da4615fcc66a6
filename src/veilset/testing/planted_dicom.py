"""A DICOM image with one unique string, date or identifier in every kind of place that it can hold one."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from veilset.testing.planted_media import Marks, Planted

TEXTS = {
    "PN": ("PatientName", "ReferringPhysicianName", "OperatorsName", "PerformingPhysicianName"),
    "LO": ("PatientID", "InstitutionName", "StudyDescription", "SeriesDescription", "ProtocolName", "DeviceSerialNumber",
           "PatientAddress", "Manufacturer", "ManufacturerModelName", "WindowCenterWidthExplanation"),
    "SH": ("AccessionNumber", "StudyID", "StationName", "EthnicGroup", "PatientTelephoneNumbers", "ReceiveCoilName"),
    "LT": ("ImageComments", "PatientComments", "AdditionalPatientHistory", "AcquisitionComments"),
    "ST": ("InstitutionAddress", "DerivationDescription"),
    "AE": ("StationAETitle", "RetrieveAETitle"),
    "UT": ("TextValue",),
}  # fmt: skip
DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "PatientBirthDate", "DateOfLastCalibration")
IDENTIFIERS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "DeviceUID")
CT = "1.2.840.10008.5.1.4.1.1.2"


def image(patient: str = "", date: str = "20240315", stem: str = "dicom") -> Planted:
    """A CT slice with nested and private elements, an overlay, an icon, a preamble and padding.

    Args:
        patient: The patient's number where several files are one patient's; else a string of its own.
        date: Of study, series, acquisition, content and birth.
        stem: Of the strings.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence

    marks = Marks(stem)
    dataset = Dataset()
    _fill(dataset, marks)
    if patient:
        marks.all.remove(str(dataset.PatientID).encode())
        dataset.PatientID = patient
    for keyword in DATES:
        setattr(dataset, keyword, date)
    dataset.StudyTime, dataset.PatientAge, dataset.PatientSex, dataset.Modality = "101112", "095Y", "F", "CT"
    dataset.SOPClassUID = CT
    for number, keyword in enumerate(IDENTIFIERS):
        setattr(dataset, keyword, f"1.3.6.1.4.1.99999.{number}.{len(stem)}4711")
        marks.all.append(f"1.3.6.1.4.1.99999.{number}.{len(stem)}4711".encode())
    _picture(dataset)
    inner = _fill(Dataset(), marks)
    _private(inner, marks)
    outer = _fill(Dataset(), marks)
    outer.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
    outer.DerivationCodeSequence = Sequence([inner])
    dataset.ReferencedImageSequence = Sequence([outer])
    dataset.RequestAttributesSequence = Sequence([_fill(Dataset(), marks)])
    dataset.OriginalAttributesSequence = Sequence([_fill(Dataset(), marks)])
    _private(dataset, marks)
    icon = Dataset()
    _picture(icon)
    icon.PixelData = marks("icon").ljust(32)
    dataset.IconImageSequence = Sequence([icon])
    dataset.add_new(0x60000022, "LO", marks("overlay_label").decode())
    dataset.add_new(0x60003000, "OW", marks("overlay_data").ljust(32))
    dataset.add_new(0x50003000, "OW", marks("curve_data").ljust(32))
    dataset.add_new(0xFFFCFFFC, "OB", marks("padding").ljust(32))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = "1.2.840.10008.1.2.1", CT
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.SourceApplicationEntityTitle = _short(marks, "source")
    meta.PrivateInformationCreatorUID, meta.PrivateInformation = "1.3.6.1.4.1.99999.77", marks("private_meta").ljust(32)
    dataset.file_meta = meta
    out = BytesIO()
    dataset.preamble = marks("preamble").ljust(128, b"\0")
    dataset.save_as(out, enforce_file_format=True)
    return Planted(out.getvalue(), marks)


def _short(marks: Marks, place: str) -> str:
    """A string of at most 16 characters, as many kinds of value demand."""
    whole = marks(place).decode()
    marks.all[-1] = whole[:16].encode()
    return whole[:16]


def _fill(dataset: Any, marks: Marks) -> Any:
    for kind, keywords in TEXTS.items():
        for keyword in keywords:
            setattr(dataset, keyword, _short(marks, keyword) if kind in ("SH", "AE") else marks(keyword).decode())
    return dataset


def _private(dataset: Any, marks: Marks) -> None:
    block = dataset.private_block(0x0009, marks("creator").decode(), create=True)
    block.add_new(0x01, "LO", marks("private_text").decode())
    block.add_new(0x02, "UN", marks("private_bytes"))


def _picture(dataset: Any) -> None:
    dataset.Rows = dataset.Columns = 16
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.SamplesPerPixel = 16, 12, 11, 1
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.SliceThickness = "1", "-1024", "2.5"
    dataset.PixelData = (np.arange(256, dtype="<u2") * 13).tobytes()
