"""Descriptions in DICOM files, word by word: what is known to name anatomy or technique stays, everything else goes."""

from __future__ import annotations

import re
from collections.abc import Set

# Free text that Table E.1-1 of PS3.15 lets the Clean Descriptors Option keep once it is clean, as far as it is about the
# picture; what is about the patient (history, comments, diagnoses) goes all the same.
DESCRIPTORS = frozenset(
    [
        "StudyDescription",
        "SeriesDescription",
        "ProtocolName",
        "AcquisitionProtocolDescription",
        "AcquisitionDeviceProcessingDescription",
        "DerivationDescription",
        "PerformedProcedureStepDescription",
        "RequestedProcedureDescription",
        "ScheduledProcedureStepDescription",
        "ContrastBolusAgent",
    ]
)
WORDS = frozenset(
    """
    abdomen abdominal acetabulum adc adrenal airway ankle aorta aortic apical arm arterial artery arthrogram atrium axial axilla
    bilateral biopsy bladder bone bowel brachial brain breast bronchus bypass calcaneus cardiac carotid cerebellum cerebral
    cervical chest cine circle clavicle coccyx colon contrast coronal coronary cranial cta ctv delayed dental diaphragm
    diffusion dixon dorsal duodenum dwi dynamic early echo elbow enhanced epi equilibrium esophagus extremity eye facial fast
    fat fatsat femoral femur fetal fibula field finger flair flow fluoroscopy foot forearm forefoot functional gadolinium
    gallbladder gradient grasp gre hand hard head heart hepatic hip humerus iliac infarct inner inphase injection
    intracranial inversion jaw joint kidney knee larynx lateral left leg ligament liver localizer long low lower lumbar
    lumbosacral lung lungs lymph mammogram mandible maxilla mediastinum meniscus metacarpal metatarsal mip mpr mprage mr mra
    mri mrv myocardial nasal native navigator neck nose noncontrast oblique oral orbit orbits outphase ovary pancreas
    parasternal parathyroid patella pediatric pelvic pelvis perfusion pet phase pituitary plain pleura portal post posterior
    anterior pre prone prostate proton pulmonary radius rectum reformat renal resting rib ribs right rotator routine sacroiliac
    sacrum sagittal saline scan scaphoid scapula scout screening second series shoulder sinus sinuses skull soft spgr spin
    spine spleen standard sternum stir stomach stress subclavian supine suprahepatic survey swi tarsal temporal thigh thin
    thick third thoracic thorax throat thumb thymus thyroid tibia time tof toe tongue topogram trachea tracer trauma trufi
    tse turbo ultrasound umbilical upper ureter urethra uterus vein venous ventral ventricle vessel view volume wall water
    weighted whole wide window with without wrist
    ap pa lat rao lao cc mlo ct cr dx mg nm us xa xr pt ceus doppler bmode mmode recon kernel filter slice slices mm cm
    t1 t2 t1w t2w pd pdw fs se ir c1 c2 c3 c4 c5 c6 c7 l1 l2 l3 l4 l5 s1 th1 th12 2d 3d 4d w wo and of the for
    """.split()
)
_WORD = re.compile(r"[^\W_]+", re.UNICODE)


def described(text: str, names: Set[str]) -> str:
    """The words of a description that name anatomy or technique, in lower case; none that stands in `names`.

    >>> described("CT THORAX w contrast, Dr. Long 15.03.2024", {"long"})
    'ct thorax w contrast'
    """
    words = (word.casefold() for word in _WORD.findall(text))
    return " ".join(word for word in words if word in WORDS and word not in names)[:64].strip()
