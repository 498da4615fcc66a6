"""Descriptions in DICOM files, word by word: what is known to name anatomy or technique stays, everything else goes."""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache

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
LISTED = """
    2d 3d 4d abdomen abdominal acetabulum adc adrenal airway and ankle anterior aorta aortic ap apical arm
    arterial artery arthrogram atrium axial axilla bilateral biopsy bladder bmode bone bowel brachial brain breast
    bronchus bypass c1 c2 c3 c4 c5 c6 c7 calcaneus cardiac carotid cc cerebellum cerebral cervical ceus chest cine
    circle clavicle cm coccyx colon contrast coronal coronary cr cranial ct cta ctv delayed dental diaphragm
    diffusion dixon doppler dorsal duodenum dwi dx dynamic early echo elbow enhanced epi equilibrium esophagus
    extremity eye facial fast fat fatsat femoral femur fetal fibula field filter finger flair flow fluoroscopy
    foot for forearm forefoot fs functional gadolinium gallbladder gradient grasp gre hand hard head heart hepatic
    hip humerus iliac infarct injection inner inphase intracranial inversion ir jaw joint kernel kidney knee l1 l2
    l3 l4 l5 lao larynx lat lateral left leg ligament liver localizer long low lower lumbar lumbosacral lung lungs
    lymph mammogram mandible maxilla mediastinum meniscus metacarpal metatarsal mg mip mlo mm mmode mpr mprage mr
    mra mri mrv myocardial nasal native navigator neck nm noncontrast nose oblique of oral orbit orbits outphase
    ovary pa pancreas parasternal parathyroid patella pd pdw pediatric pelvic pelvis perfusion pet phase pituitary
    plain pleura portal post posterior pre prone prostate proton pt pulmonary radius rao recon rectum reformat
    renal resting rib ribs right rotator routine s1 sacroiliac sacrum sagittal saline scan scaphoid scapula scout
    screening se second series shoulder sinus sinuses skull slice slices soft spgr spin spine spleen standard
    sternum stir stomach stress subclavian supine suprahepatic survey swi t1 t1w t2 t2w tarsal temporal th1 th12
    the thick thigh thin third thoracic thorax throat thumb thymus thyroid tibia time toe tof tongue topogram
    tracer trachea trauma trufi tse turbo ultrasound umbilical upper ureter urethra us uterus vein venous ventral
    ventricle vessel view volume w wall water weighted whole wide window with without wo wrist xa xr
"""
WORDS = frozenset(LISTED.split())
# Words of codes that are neither above nor in the names of the standard's attributes.
CODED = """
    absorption addition ahead anisotropic antero argb attenuated attn audio axis back between bezier biphasic blank
    bqml cart cartesian central chemical circular cmyk cnts collimated collimator column combined complementary
    computed consistent constant continuous counter csaparallel cspine curved decubitus decy dens derived dexter
    directional dis2d dis3d distorted distortion dtim dual emission endocavitary endorectal endovaginal epicardial
    erect even exchange external feathered ffdl ffdr fixed fluence fluid fmri forward free frontal gated generated
    geometric grey gynecology hardcopy headneck helical hfdl hfdr identity imaginary individual inferior infinite
    integrated interleaved internal interpolated intersection interstitial intracardiac intraoperative intravascular
    inverse isocenter isotropic iterative kneeling laminated landscape leader linear lspine magnitude manu mean
    median mixed molybdenum monochrome mosaic motion motn multi multiplanar multiplication musculoskeletal ncor
    needle neonatal none norm normal nrgy obstetrical ophthalmic original other oversampled ovfl parallel partial
    parts pencil pendular penile plan plate pmot portable portrait prim primary proj projection projector prompts
    propcps pulsed radial radiograph radl rectilinear recumbent reformatted resampled resolved retroperitoneal
    rhodium rtdose rtimage rtplan rtrecord rtsegann rtstruct sampled scat scatter scrotal secondary segmented
    semirecumbent separate sequenced shift sigmoid signed silver simulator single sinister sitting small solid
    spatially spiral spoiled squatting sspine standing static stationary subtraction superior surface
    symmetric tabulated tangential thumbnail tomosynthesis tracew tract transesophageal transmission transmit
    transverse trendelenburg trig trss tspine tungsten uncombined undefined unfiltered unif unity unknown unsigned
    unspecified urinary varied vary vascular vertical vitro vivo weighting zero
"""
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_TOKEN = re.compile(r"\d?([A-Z]*)\d{0,3}D?|\d{4}")


@cache
def coded_words() -> frozenset[str]:
    """Words that codes are made of: ours, and those of the names that the standard gives its attributes."""
    from pydicom.datadict import DicomDictionary

    named = {word for row in DicomDictionary.values() for word in re.findall("[a-z]+", row[2].casefold())}
    return frozenset(named | WORDS | set(CODED.split()))


def is_term(code: str, names: Set[str]) -> bool:
    """Whether every word of a code is known, or has up to three letters; at most three digits each, and no name.

    >>> is_term("YBR_FULL_422", frozenset()), is_term("HFS", frozenset()), is_term("XCS0042", frozenset())
    (True, True, False)
    """
    for word in re.split("[ _]+", code):
        token = _TOKEN.fullmatch(word)
        if not token or (len(word) > 2 and word.casefold() in names):
            return False
        letters = (token[1] or "").casefold()
        if len(letters) > 3 and not {letters, word.casefold()} & coded_words():
            return False
    return True


def described(text: str, names: Set[str]) -> str:
    """The words of a description that name anatomy or technique, in lower case; none that stands in `names`.

    >>> described("CT THORAX w contrast, Dr. Long 15.03.2024", {"long"})
    'ct thorax w contrast'
    """
    words = (word.casefold() for word in _WORD.findall(text))
    return " ".join(word for word in words if word in WORDS and word not in names)[:64].strip()
