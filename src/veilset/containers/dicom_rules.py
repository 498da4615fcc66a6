"""Which DICOM attributes may stay: an allowlist that is stricter than PS3.15 Table E.1-1, which lists what must go.

The standard's table grows with every edition and knows no private elements; an allowlist needs neither. Every attribute
of the table is removed, emptied or replaced here; what the table leaves alone but is free text goes too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from veilset.core.check import in_range, one_of

NUMBERS = frozenset(["DS", "IS", "FD", "FL", "US", "UL", "SS", "SL", "SV", "UV", "OW", "OB", "OF", "OD", "OL", "AT"])
TIMES = frozenset(("DA", "TM", "DT"))
# Attributes that the modules of an image require to be present though empty (type 2).
EMPTIED = (
    "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PatientBirthDate", "PatientSex", "StudyID",
    "Manufacturer", "SeriesNumber", "InstanceNumber", "PatientOrientation", "Laterality",
)  # fmt: skip
KEPT = frozenset(
    [
        "SpecificCharacterSet",
        "ImageType",
        "Modality",
        "ConversionType",
        "PresentationIntentType",
        "LossyImageCompression",
        "PatientOrientation",
        "Laterality",
        "ImageLaterality",
        "BodyPartExamined",
        "PatientPosition",
        "ViewPosition",
        "PresentationLUTShape",
        "TimezoneOffsetFromUTC",
        "VolumetricProperties",
        "VolumeBasedCalculationTechnique",
        "PixelPresentation",
        "ComplexImageComponent",
        "AcquisitionContrast",
        "RescaleType",
        "Units",
        "CountsSource",
        "DecayCorrection",
        "CorrectedImage",
        "SeriesType",
        "PatientSpeciesDescription",
    ]
) - {"TimezoneOffsetFromUTC", "PatientSpeciesDescription"}
CHARACTERISTICS = frozenset(
    (
        "PatientSex",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "SmokingStatus",
        "PregnancyStatus",
        "PatientSexNeutered",
    )
)
DEVICE = frozenset(
    [
        "Manufacturer",
        "ManufacturerModelName",
        "DeviceSerialNumber",
        "SoftwareVersions",
        "StationName",
        "DetectorID",
        "GantryID",
        "GeneratorID",
        "CassetteID",
        "PlateID",
        "PerformedStationName",
        "PerformedStationAETitle",
        "ScheduledStationName",
        "ScheduledStationAETitle",
        "StationAETitle",
    ]
)
INSTITUTION = frozenset(("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName"))
# Content of a structured report as images carry it: coded concepts and numbers. Words, names, dates and links go.
STRUCTURED = frozenset(
    ("AcquisitionContextSequence", "ConceptNameCodeSequence", "ConceptCodeSequence", "MeasuredValueSequence")
)
TOLD = frozenset(("CODE", "NUM", "NUMERIC", "CONTAINER"))
CODES = frozenset(("DCM", "SCT", "SRT", "LN", "UCUM", "RADLEX", "FMA", "UMLS", "MDC", "NCIt"))
# Sequences whose items describe the picture; items are filtered by the same rules.
SEQUENCES = frozenset(
    [
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "PixelMeasuresSequence",
        "PlanePositionSequence",
        "PlaneOrientationSequence",
        "PlanePositionVolumeSequence",
        "PlaneOrientationVolumeSequence",
        "FrameContentSequence",
        "FrameVOILUTSequence",
        "PixelValueTransformationSequence",
        "FrameAnatomySequence",
        "FrameTypeSequence",
        "CTImageFrameTypeSequence",
        "CTAcquisitionTypeSequence",
        "CTAcquisitionDetailsSequence",
        "CTTableDynamicsSequence",
        "CTPositionSequence",
        "CTGeometrySequence",
        "CTReconstructionSequence",
        "CTExposureSequence",
        "CTXRayDetailsSequence",
        "MRImageFrameTypeSequence",
        "MRTimingAndRelatedParametersSequence",
        "MRFOVGeometrySequence",
        "MREchoSequence",
        "MRModifierSequence",
        "MRImagingModifierSequence",
        "MRReceiveCoilSequence",
        "MRTransmitCoilSequence",
        "MRDiffusionSequence",
        "MRAveragesSequence",
        "MRSpatialSaturationSequence",
        "DimensionIndexSequence",
        "DimensionOrganizationSequence",
        "ModalityLUTSequence",
        "VOILUTSequence",
        "PresentationLUTSequence",
        "RealWorldValueMappingSequence",
        "SourceImageSequence",
        "ReferencedImageSequence",
        "ReferencedSeriesSequence",
        "ReferencedInstanceSequence",
        "RadiopharmaceuticalInformationSequence",
        "DetectorInformationSequence",
        "EnergyWindowInformationSequence",
        "EnergyWindowRangeSequence",
        "SequenceOfUltrasoundRegions",
        "UltrasoundAcquisitionGeometry",
        "AnatomicRegionSequence",
        "AnatomicRegionModifierSequence",
        "PrimaryAnatomicStructureSequence",
        "ViewCodeSequence",
        "ViewModifierCodeSequence",
        "PatientOrientationCodeSequence",
        "PatientOrientationModifierCodeSequence",
        "PatientGantryRelationshipCodeSequence",
        "RadionuclideCodeSequence",
        "MeasurementUnitsCodeSequence",
        "DerivationImageSequence",
        "DerivationCodeSequence",
        "PurposeOfReferenceCodeSequence",
    ]
)
# What the rules below would let stay: who changed the picture, how a device may be told, what is said anew of the pixels.
DROPPED = frozenset(("BurnedInAnnotation", "DateOfLastCalibration", "ModifyingDeviceID", "TimeOfLastCalibration"))


@dataclass(frozen=True, slots=True)
class DicomProfile:
    """The basic profile of PS3.15 Annex E and the options taken with it.

    Attributes:
        dates: `remove`, `shift` (per patient, the same for all files under one key), `month` (the first of it; no times)
            or `keep`.
        most_days: The longest shift, backwards.
        characteristics: Keep sex, age (above 89 as 90), size, weight, and whether somebody smokes or is pregnant.
        device: Keep maker, model, serial numbers, stations and software of the device.
        institution: Keep the institution's name, address and department.
        uids: Keep all identifiers as they are.
        private: Keep the private attributes of `dicom_private.SAFE`.
        descriptors: Keep the words of descriptions that name anatomy or technique (`dicom_words`).
        structured: Keep coded and numeric content of the acquisition's context.
    """

    dates: Literal["remove", "shift", "month", "keep"] = "shift"
    most_days: int = 3650
    characteristics: bool = False
    device: bool = False
    institution: bool = False
    uids: bool = False
    private: bool = False
    descriptors: bool = False
    structured: bool = False

    def __post_init__(self) -> None:
        one_of(("remove", "shift", "month", "keep"), dates=self.dates)
        in_range(1, 36500, most_days=self.most_days)

    def codes(self) -> tuple[tuple[str, str], ...]:
        """Code value and meaning of each option taken (PS3.16 CID 7050), for (0012,0064).

        >>> DicomProfile(dates="remove").codes()
        (('113100', 'Basic Application Confidentiality Profile'),)
        """
        options = (
            (True, "113100", "Basic Application Confidentiality Profile"),
            (self.structured, "113104", "Clean Structured Content Option"),
            (self.descriptors, "113105", "Clean Descriptors Option"),
            (self.dates == "keep", "113106", "Retain Longitudinal Temporal Information Full Dates Option"),
            (
                self.dates in ("shift", "month"),
                "113107",
                "Retain Longitudinal Temporal Information Modified Dates Option",
            ),
            (self.characteristics, "113108", "Retain Patient Characteristics Option"),
            (self.device, "113109", "Retain Device Identity Option"),
            (self.uids, "113110", "Retain UIDs Option"),
            (self.private, "113111", "Retain Safe Private Option"),
            (self.institution, "113112", "Retain Institution Identity Option"),
        )
        return tuple((code, meaning) for taken, code, meaning in options if taken)


def may_stay(keyword: str, group: int, vr: str, profile: DicomProfile) -> bool:
    """Whether an attribute that is no sequence, identifier, name or time may stay with its value."""
    if not keyword:
        return False
    if keyword in KEPT or (profile.characteristics and keyword in CHARACTERISTICS):
        return True
    if (profile.device and keyword in DEVICE) or (profile.institution and keyword in INSTITUTION):
        return True
    if profile.structured and keyword == "ValueType":
        return True
    if group in (0x0018, 0x0020, 0x0028, 0x0054):
        return vr in NUMBERS or vr == "CS"
    return vr in NUMBERS and group in (0x0022, 0x0040, 0x2050, 0x5200)
