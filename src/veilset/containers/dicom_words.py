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
        "ROIName",
        "SegmentLabel",
        "StructureSetLabel",
        "RTPlanLabel",
    ]
)
LISTED = """
    bowelbag brainstem cavity chiasm cochlea cord couch ctv external femoralhead gtv itv lens lesion lungl lungr oar parotid
    ptv submandibular tumor tumour
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
# Words of up to three letters: kinds of pictures, sides, directions, units, positions, sequences.
SHORT = """
    2d 3d 4d a ab abd ac ace adc ai an ann ant ap ar arc arm as asl at atn au ave avg ax axl azi b bd bi bp bs bsm c ca cb
    cbf cbv cc cd ce cea ceu cf cg cm cor cp cpr cps cr csa cs ct ctv cv cw d da db dc dd dec di dif dir div dl dot dp dr
    ds dti dts dual dur dx e ear ec ecg ed eeg elb emg eog ep epi es ex ext eye f fa fat fb fc fet fft fgr fid fl flu fm
    fov fr fs fse g gd gdt ge gm gr gre grid gtv gy h hd hdr heu hf hip hl hm hp hr hu hv hz i ic icg id if ii iii im in
    inf inv io ip ir irr is iso itv iv iva ivi j jaw k ka keo ker kev khz kv kz l lao lat ldr le leg len ll llo lls lmo lng
    lo lr lrt lt lv lvo m ma map max mb md me med meg mg mhz mi mid min mip mis ml mlo mm mmd mmw mo moc mod mol mr mra
    mrs ms msh mt mtc mtf mtt mtx mu mv mw mx n na ne neu nm nn no nor not np nr o oam oar ob oc oct od of off on op opm
    opr opt opv os osl osp ot ou oval ow p pa pal pam par pc pca pct pd pdr per pet pf pfp pg ph phi pix pla pld pm pmt pr
    pre pt ptv pul put px q qa qc r r1 r2 rad ram rao raw re ref reg rem rep res resp rev rf rfd rg rgb rho rll rlo rm roi
    rot rt s sag sar sat sb sc se sec seg sel sep sf sg sh si sim sio sk skl sl sm smr sn sos sp spc spi sr srf sry ss ssd
    ssh ssm st std ste stk stp sub sup sur sv swi sx sy t t1 t2 t2s ta tb tbl tc te tee tf tfi tg ti tid tlc tm tmj tof tp
    tr tra tse tst tt ttp tx ty u ub ul un uni up us uv v va vel ver vol vr vrt vs vx w wb wk wt x xa xc xf xp xy y ybr yes
    yy z ze
    ffd ffp ffs fbf fhf hfd hff hfp hfs lfp afd afp afs pfd pfs
    wsd wst drw lin col row obs nd ps 1ps 2ps 3ps ffe tfe gse ase
    acq con del der fan fus ict ifo iop ird ivus lut mar mlcx mlcy nac off ori osa otf pol poly pre prj qr ret rfs rct rv sa
    sid sod spt sq srt ssfp syn syt trss two one ten six low hi old new box cut dot end hot cold key led
"""
# What plans, segmentations, slides, presentations and reports call things by.
NAMED = """
    product research service to
    approved curative datetime density elec elem frac mass palliative pname prophylactic rejected rel uidref unapproved
    absolute achieved ahead annotation applicator arrow artifact asymx asymy audible automatic avoidance avulsed backlight
    barcode beam bilinear binary bolus block brachy branch bridge brightfield calc capsule cassette catheter cavity chnl
    circular clean clip closed code coded coll compensator complete completed composite conformal contains container content
    continuation continuing copy count cutoff cylinder darkfield deriv derivation device display dose doses dosimeter drr
    dynamic elective electron elliptical ellipsoid ellipse error external fit fixation fixed fluorescence fraction
    fractional fragment frozen gated general gradient graphic group hardwedge has hidden hidose homogeneous image imagery
    incomplete indicator inferred infinite integrated inter intraop invisible ion irrad item iview keep key label labelmap
    labeled line localization localized macro magnify manual marker matrix measured measurement membership mini minimum
    missing mods monte motorized multipoint mutual nonplanar num occupancy open optical organ orthogonal overview pages
    patient photon physical plain planar plane planned point polygon polyline pop positive prescribed probability
    properties protocol proton pulse quality ramp real record recorded rect rectangle reference referenced region registered
    registration relative report resampling rigid robust root row ruler scale scaled scintillation scoord scoord3d select
    selected semiautomatic series setup shape shielding shld shutter side significant site skin slide softcopy source space
    special spot static step stereo stereotactic stitched structure study summation supine support surfaces tabletop tcoord
    template text threshold thumbnail tiled tile timed tissue topical total transfer treated treatment true unmodified
    unverified update valid verification verified virtual visible visual void watershed wavelength wedge wet whole wholes
    wired within write written xor
"""
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_TOKEN = re.compile(r"\d?([A-Z]*)\d{0,3}D?|\d{4}")


@cache
def coded_words() -> frozenset[str]:
    """Words that codes are made of: ours, and those of the names that the standard gives its attributes."""
    from pydicom.datadict import DicomDictionary

    named = {word for row in DicomDictionary.values() for word in re.findall("[a-z]+", row[2].casefold())}
    return frozenset({word for word in named if len(word) > 3} | WORDS | set(f"{CODED}{NAMED}{SHORT}".split()))


def is_term(code: str, names: Set[str]) -> bool:
    """Whether every word of a code is known; at most three digits each, and no name.

    >>> is_term("YBR_FULL_422", frozenset()), is_term("HFS", frozenset()), is_term("XCS0042", frozenset())
    (True, True, False)
    """
    for word in re.split("[ _]+", code):
        token = _TOKEN.fullmatch(word)
        if not token or (len(word) > 2 and word.casefold() in names):
            return False
        letters = (token[1] or "").casefold()
        if letters and not {letters, word.casefold(), word.casefold().rstrip("0123456789")} & coded_words():
            return False
    return True


def described(text: str, names: Set[str]) -> str:
    """The words of a description that name anatomy or technique, in lower case; none that stands in `names`.

    >>> described("CT THORAX w contrast, Dr. Long 15.03.2024", {"long"})
    'ct thorax w contrast'
    """
    words = (word.casefold() for word in _WORD.findall(text))
    return " ".join(word for word in words if word in WORDS and word not in names)[:64].strip()
