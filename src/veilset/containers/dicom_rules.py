"""Which DICOM attributes may stay: an allowlist that is stricter than PS3.15 Table E.1-1, which lists what must go.

The standard's table grows with every edition and knows no private elements; an allowlist needs neither. Every attribute
of the table is removed, emptied or replaced here; what the table leaves alone but is free text goes too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from veilset.core.check import in_range, one_of


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


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
        "FrameType",
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
# Content of a structured report, alone or in an image: coded concepts, numbers, places and references. Words and names go.
STRUCTURED = _words(
    """
    AcquisitionContextSequence ConceptCodeSequence ConceptNameCodeSequence ContentSequence ContentTemplateSequence
    CurrentRequestedProcedureEvidenceSequence IdenticalDocumentsSequence MeasuredValueSequence
    PertinentOtherEvidenceSequence PredecessorDocumentsSequence
    """
)
STRUCTURED_WORDS = _words(
    """
    CompletionFlag ContinuityOfContent GraphicType MappingResource RelationshipType TemplateIdentifier
    TemporalRangeType ValueType
    """
)
TOLD = frozenset(("CODE", "NUM", "NUMERIC", "CONTAINER"))
TOLD_IN_REPORTS = TOLD | {"COMPOSITE", "IMAGE", "SCOORD", "SCOORD3D", "TCOORD", "UIDREF", "WAVEFORM"}
# What may stand in a report without saying what it is.
NAMELESS = frozenset(("COMPOSITE", "CONTAINER", "IMAGE", "SCOORD", "SCOORD3D", "TCOORD", "WAVEFORM"))
MOMENTS = frozenset(("DATE", "DATETIME", "TIME"))
# Groups of what describes a picture, a plan, a segmentation or a measurement: numbers, codes and sequences of these.
TECHNICAL = frozenset(
    (
        0x0018, 0x0020, 0x0022, 0x0028, 0x003A, 0x0048, 0x0050, 0x0052, 0x0054, 0x0060, 0x0062, 0x0064, 0x0066, 0x006A,
        0x0070, 0x2050, 0x3002, 0x3004, 0x3006, 0x3008, 0x300A, 0x300C, 0x300E, 0x3010, 0x5200, 0x5400,
    )
)  # fmt: skip
# Sequences of other groups; items are filtered by the same rules.
SEQUENCES = _words(
    """
    AlternateRepresentationSequence AnatomicRegionModifierSequence AnatomicRegionSequence DerivationCodeSequence
    DerivationImageSequence FrameDisplaySequence ImageCenterPointCoordinatesSequence MeasurementUnitsCodeSequence
    NumericValueQualifierCodeSequence ParametricMapFrameTypeSequence PrimaryAnatomicStructureModifierSequence
    PrimaryAnatomicStructureSequence PurposeOfReferenceCodeSequence QuantityDefinitionSequence
    RealWorldValueMappingSequence ReferencedImageEvidenceSequence ReferencedImageRealWorldValueMappingSequence
    ReferencedImageSequence ReferencedInstanceSequence ReferencedPresentationStateSequence ReferencedRawDataSequence
    ReferencedRealWorldValueMappingInstanceSequence ReferencedSOPSequence ReferencedSeriesSequence
    ReferencedStereometricInstanceSequence ReferencedStudySequence ReferencedWaveformSequence RelatedSeriesSequence
    SourceImageEvidenceSequence SourceImageSequence SpecimenDescriptionSequence SpecimenTypeCodeSequence
    StudiesContainingOtherReferencedInstancesSequence WholeSlideMicroscopyImageFrameTypeSequence
    """
)
# Sequences of the technical groups that name people, devices, or write into the picture.
WITHHELD = _words(
    """
    ContentCreatorIdentificationCodeSequence ContributingEquipmentSequence GraphicAnnotationSequence
    PrescriptionNotesSequence ROICreatorSequence ROIInterpreterSequence TransducerIdentificationSequence UDISequence
    """
)
# What modules require to be there though empty (type 2), at whatever depth it was.
EMPTY_SEQUENCES = _words(
    """
    AcquisitionContextSequence ContainerTypeCodeSequence IssuerOfTheContainerIdentifierSequence
    IssuerOfTheSpecimenIdentifierSequence PerformedProcedureCodeSequence ReferencedPerformedProcedureStepSequence
    SpecimenPreparationSequence
    """
)
EMPTY_TEXTS = _words(
    """
    BlockName ClinicalTrialTimePointID ContentCreatorName ContentDescription ContrastBolusAgent FixationDeviceLabel
    ManufacturerDeviceIdentifier MaterialID
    PositionReferenceIndicator ROIInterpreter ROIName ReceiveCoilManufacturerName
    ReviewerName SetupDeviceLabel TransmitCoilManufacturerName TreatmentMachineName
    """
)
# Free text that modules require (type 1): a word of ours takes its place; in items, and outside of any.
WORDED = _words(
    """
    AlgorithmName AlgorithmVersion AnnotationGroupLabel DeviceLabel EntityLabel FrameLabelVector GraphicGroupLabel
    LUTExplanation LUTLabel MultiCoilElementName PulseSequenceName RTImageLabel RTPlanLabel ReceiveCoilName
    SegmentAlgorithmName SegmentLabel StructureSetLabel TransmitCoilName UserContentLabel
    """
)
WORDED_ON_TOP = frozenset(("DeviceLabel", "EntityLabel", "RTImageLabel", "RTPlanLabel", "StructureSetLabel"))
# The same, where a picture has groups of functions: its equipment has to be named.
WORDED_ENHANCED = frozenset(
    ("DeviceSerialNumber", "Manufacturer", "ManufacturerModelName", "ProtocolName", "SoftwareVersions")
)
# Names by which parts of one file point at one another: numbers take their place.
NUMBERED = _words(
    """
    ContainerIdentifier FiducialIdentifier OpticalPathIdentifier ReferencedOpticalPathIdentifier GraphicLayer
    SpecimenIdentifier StackID TrackingID
    """
)
WORD = "removed"
# What the rules below would let stay: who changed the picture, how a device may be told, what is said anew of the pixels.
DROPPED = _words(
    """
    CodingSchemeUID ContextGroupLocalVersion ContextGroupVersion DateOfLastCalibration
    ExposuresOnDetectorSinceLastCalibration ExposuresOnDetectorSinceManufactured ModifyingDeviceID
    NumberOfPatientRelatedInstances NumberOfPatientRelatedSeries NumberOfPatientRelatedStudies OtherStudyNumbers
    ReportNumber TemplateLocalVersion TemplateVersion TimeOfLastCalibration
    """
)
# Numbers of the picture outside of the technical groups.
COUNTED = _words(
    """
    ActualFrameDuration EventElapsedTimes FractionNumber NumberOfEventTimers NumberOfStages NumberOfViewsInStage
    RecommendedDisplayFrameRate RecommendedDisplayFrameRateInFloat ReferencedFrameNumber ReferencedSegmentNumber
    SimpleFrameList StageNumber StartTrim StopTrim ViewNumber
    """
)


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
    if profile.structured and keyword in STRUCTURED_WORDS:
        return True
    if group in TECHNICAL or keyword in COUNTED:
        return vr in NUMBERS or vr == "CS"
    return vr in NUMBERS and group == 0x0040


def may_nest(keyword: str, group: int, profile: DicomProfile) -> bool:
    """Whether a sequence stays, with what its items may hold."""
    if keyword in SEQUENCES or (profile.structured and keyword in STRUCTURED):
        return True
    return bool(keyword) and group in TECHNICAL and keyword not in WITHHELD
