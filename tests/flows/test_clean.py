"""clean, as a newcomer runs it: every format, every file in exactly one state, and other programs judge the outputs."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from veilset.containers import FORMATS, Keep, inspect
from veilset.containers.clean import INHERENT
from veilset.core.errors import Occupied, Refusal, Unreadable, UsageError
from veilset.flows.clean import clean
from veilset.testing.planted_dicom import image
from veilset.testing.planted_each import one_of_each

DATA = Path(os.environ.get("VEILSET_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
FOLDERS = [DATA / name for name in ("camera_files", "video_clips") if (DATA / name).is_dir()]
EXIFTOOL = shutil.which("exiftool")
SUFFIX = {"jpeg": "jpg", "tiff": "tif", "heif": "heic", "dicom": "dcm"}
# What exiftool says of any file, from the file system, from its coded picture, or computed from these.
GROUPS = {"ExifTool", "System", "File", "Composite", "JFIF", "ICC-header", "PNG-pHYs"}
SHOWN = re.compile(
    r"ICC_Profile:(?:(?:Red|Green|Blue)(?:MatrixColumn|TRC)|Media(?:White|Black)Point|ChromaticAdaptation|GrayTRC|"
    r"Profile(?:Description|Copyright)|ColorantOrder|[AB]ToB?[0-9A]\w*)"
    r"|(?:IFD\d|SubIFD\d*):(?:Image(?:Width|Height)|BitsPerSample|Compression|PhotometricInterpretation|Strip\w+|Tile\w+|"
    r"Orientation|SamplesPerPixel|RowsPerStrip|PlanarConfiguration|SubfileType|ExtraSamples|SampleFormat|Predictor|"
    r"[XY]Resolution|ResolutionUnit|YCbCr\w+|ReferenceBlackWhite|ColorMap|FillOrder)"
    r"|Adobe:(?:APP14Flags[01]|ColorTransform|DCTEncodeVersion)"
    r"|PNG:(?:Image(?:Width|Height)|BitDepth|ColorType|Compression|Filter|Interlace|Gamma|Palette|BackgroundColor|"
    r"Transparency|ProfileName|SRGBRendering|Animation\w+|SignificantBits|(?:Red|Green|Blue|WhitePoint)[XY])"
    r"|RIFF:(?:WebP_Flags|Image(?:Width|Height)|VP8Version|(?:Horizontal|Vertical)Scale|AlphaIsUsed|BackgroundColor|"
    r"AnimationLoopCount|FrameCount|Duration)"
    r"|GIF:(?:GIFVersion|Image(?:Width|Height)|HasColorMap|ColorResolutionDepth|BitsPerPixel|BackgroundColor|"
    r"TransparentColor|AnimationIterations|FrameCount|Duration|PixelAspectRatio)"
    r"|Jpeg2000:(?:MajorBrand|MinorVersion|CompatibleBrands|Image(?:Width|Height)|NumberOfComponents|BitsPerComponent|"
    r"Compression|Color(?:SpecMethod|SpecPrecedence|SpecApproximation|Space))"
    r"|SVG:(?:Image(?:Width|Height)|SVGVersion|ViewBox|Xmlns|Style)"
    r"|PDF:(?:PDFVersion|Linearized|PageCount)|ZIP:\w+"
    r"|SubIFD:ThumbnailTIFF"  # how exiftool calls a page of reduced size, such as an overview
    r"|DICOM:(?:FileMetaInfo\w+|\w+UID|\w+Sequence|StartOfItem|StudyDate|StudyTime|StudyID|AccessionNumber|Modality|"
    r"Manufacturer|ReferringPhysicianName|PatientName|PatientID|PatientBirthDate|PatientSex|PatientIdentityRemoved|"
    r"Deidentification\w+|SliceThickness|SamplesPerPixel|PhotometricInterpretation|Rows|Columns|Bits\w+|HighBit|"
    r"PixelRepresentation|DICOM_0028_0303|Rescale\w+|PixelData|ImplementationVersionName)"
    r"|Meta:PrimaryItemReference"
    r"|(?:QuickTime|Track\d):(?:MajorBrand|MinorVersion|CompatibleBrands|\w*(?:Duration|Time|TimeScale|Version|Offset|Size|"
    r"Sizes|IDC|Flag|Flags|Rate|Volume|Width|Height|Layer|TrackID|Bitrate|Depth|Table|Date|Resolution|Primaries|"
    r"Characteristics|Coefficients|Profiles|Profile|Extent|Space|Samples|Mode|Color|Format|Channels)|"
    r"MatrixStructure|HandlerType|MediaData|ChunkOffset|SampleToChunk|CompressorID|Balance|BitsPerSample|"
    r"MediaLanguageCode|AudioBitsPerSample|AVCConfiguration|Rotation|NumTemporalLayers|ParallelismType|"
    r"TemporalIDNested|BitDepth\w+|ChromaSamplePosition|HighBitDepth|TwelveBit|SeqLevelIdx0|SeqTier0|CompositionTimeToSample|"
    r"EncoderV\w+|Unknown_(?:edts|esds|btrt|pasp|elst)|ESDescriptor|CleanAperture|PixelAspectRatio)"
)
# Values that such tags may have and still say something.
EMPTY = {
    **dict.fromkeys(("ProfileDescription", "ProfileCopyright"), ("profile", "none")),
    **dict.fromkeys(("MediaLanguageCode", "EncoderVendor", "AccessionNumber", "Manufacturer"), ("und", "")),
    **dict.fromkeys(("ReferringPhysicianName", "PatientSex", "StudyID", "StudyTime"), ("",)),
    "ZipModifyDate": ("1980:01:01 00:00:00",),
    "DeidentificationMethod": ("Veilset allowlist",),
}


def written(folder: Path) -> list[Path]:
    """One planted file of every format, under its usual suffix."""
    folder.mkdir(parents=True)
    paths = []
    for kind, (data, _) in sorted(one_of_each().items()):
        paths.append(folder / f"{kind}.{SUFFIX.get(kind, kind)}")
        paths[-1].write_bytes(data)
    return paths


def veilset(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "veilset", *words], capture_output=True, text=True, check=False, cwd=cwd
    )


def left_by_exiftool(folder: Path) -> list[str]:
    """Tags outside the allowlist, and tags inside it with a value that says something."""
    command = [str(EXIFTOOL), "-r", "-a", "-u", "-g1", "-j", "-ee", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    left = []
    for one in json.loads(done.stdout):
        name = Path(one["SourceFile"]).name
        for group, tags in one.items():
            if group in GROUPS or not isinstance(tags, dict):
                continue
            for tag, value in tags.items():
                undated = not tag.endswith("Date") or not value or str(value).startswith("0000")
                silent = value in EMPTY[tag] if tag in EMPTY else undated
                if not SHOWN.fullmatch(f"{group}:{tag}") or not silent:
                    left.append(f"{name} {group}:{tag}")
    return left


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with one planted file of every format, and what `clean` made of it."""
    root = tmp_path_factory.mktemp("every")
    written(root / "in" / "below")
    done = clean([root / "in"], out=root / "out")
    assert {one.format for _, one in done.files} == set(FORMATS)
    assert done.count("refused") == 0, [(name, one.reason) for name, one in done.files if one.reason]
    return root / "in", root / "out"


def test_every_format_is_cleaned_and_no_mark_is_left(everything: tuple[Path, Path]) -> None:
    for kind, (_, marks) in one_of_each().items():
        raw = (everything[1] / "below" / f"{kind}.{SUFFIX.get(kind, kind)}").read_bytes()
        assert [mark for mark in marks if mark in raw or mark.decode().encode("utf-16-le") in raw] == [], kind


def test_a_second_pass_over_every_format_gives_the_same_bytes(everything: tuple[Path, Path], tmp_path: Path) -> None:
    out = [path for path in sorted((everything[1] / "below").iterdir()) if path.suffix != ".dcm"]
    clean([everything[1] / "below"], out=tmp_path / "again")
    assert [path.name for path in out if path.read_bytes() != (tmp_path / "again" / path.name).read_bytes()] == []


def test_check_tells_dirty_from_clean_for_every_format(everything: tuple[Path, Path], tmp_path: Path) -> None:
    before, after = (clean([folder], check=True) for folder in everything)
    assert before.count("dirty") == len(before.files)
    with pytest.raises(Refusal):
        before.raise_if_unclean()
    assert {name: one.reason for name, one in after.files if one.state not in {"clean", "residue"}} == {}
    # What cleaning the result again would name as left, a look at it names too.
    left = {name.rpartition("/")[2]: one for name, one in clean([everything[1]], out=tmp_path / "out").files}
    assert {name: one.residue for name, one in after.files if one.state == "residue"} == {
        name: tuple(word for word in left[name.rpartition("/")[2]].residue if word not in INHERENT)
        for name, one in after.files
        if left[name.rpartition("/")[2]].state == "residue"
    }
    after.raise_if_unclean()


@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
def test_exiftool_finds_nothing_outside_the_allowlist_in_any_format(everything: tuple[Path, Path]) -> None:
    assert left_by_exiftool(everything[1]) == []


@pytest.mark.data
@pytest.mark.skipif(not FOLDERS, reason="the measurement data (VEILSET_DATA) is not there")
@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
def test_exiftool_finds_nothing_outside_the_allowlist_in_real_files(tmp_path: Path) -> None:
    for folder in FOLDERS:
        shutil.copytree(folder, tmp_path / "in" / folder.name)
    done = clean([tmp_path / "in"], out=tmp_path / "out")
    refused = {Path(name).suffix for name, one in done.files if one.state == "refused"}
    assert refused <= {".md", ".ppm"}
    assert len(done.files) - done.count("refused") >= 60
    assert {one.state for _, one in done.files} <= {"clean", "residue", "refused"}
    assert left_by_exiftool(tmp_path / "out") == []


def test_every_file_ends_in_one_state_and_a_refused_one_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "in/sub/only_bad").mkdir(parents=True)
    good = one_of_each()["jpeg"][0]
    (tmp_path / "in/good.jpg").write_bytes(good)
    (tmp_path / "in/sub/cut.jpg").write_bytes(good[:300])
    (tmp_path / "in/sub/only_bad/words.txt").write_text("words")
    (tmp_path / "in/link.jpg").symlink_to("good.jpg")
    done = clean([tmp_path / "in"], out=tmp_path / "out")
    states = {Path(name).name: one.state for name, one in done.files}
    assert states == {"good.jpg": "clean", "cut.jpg": "refused", "words.txt": "refused", "link.jpg": "refused"}
    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")] == ["good.jpg"]
    with pytest.raises(Refusal, match="3 of 4"):
        done.raise_if_unclean()


def test_in_place_keeps_backups_and_touches_no_refused_file(tmp_path: Path) -> None:
    files = written(tmp_path / "in")
    (tmp_path / "in/cut.jpg").write_bytes(files[0].read_bytes()[:40])
    before = {path.name: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    done = clean([tmp_path / "in"], in_place=True)
    assert done.count("refused") == 1
    for path in files:
        assert path.with_name(path.name + ".original").read_bytes() == before[path.name]
        assert path.read_bytes() != before[path.name]
    assert (tmp_path / "in/cut.jpg").read_bytes() == before["cut.jpg"]
    assert not (tmp_path / "in/cut.jpg.original").exists()
    with pytest.raises(Occupied):
        clean([tmp_path / "in"], in_place=True)
    assert clean([tmp_path / "in"], in_place=True, backup=False).count("refused") == 1


def test_nothing_is_begun_when_names_collide(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.jpg").write_bytes(one_of_each()["jpeg"][0])
    with pytest.raises(UsageError, match="would both become"):
        clean([tmp_path / "a", tmp_path / "b"], out=tmp_path / "out")
    with pytest.raises(UsageError, match="lies inside"):
        clean([tmp_path / "a"], out=tmp_path / "a/out")
    with pytest.raises(UsageError, match="among the clean files"):
        clean([tmp_path / "a"], out=tmp_path / "out", key_file=tmp_path / "out/key")
    with pytest.raises(Unreadable):
        clean([tmp_path / "nowhere"], out=tmp_path / "out")
    with pytest.raises(UsageError):
        clean([tmp_path / "a"], out=tmp_path / "out", in_place=True)
    assert not (tmp_path / "out").exists()
    clean([tmp_path / "a"], out=tmp_path / "out")
    with pytest.raises(Occupied):
        clean([tmp_path / "a"], out=tmp_path / "out")


def test_choices_keep_what_they_name_and_a_check_with_them_agrees(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(one_of_each()["jpeg"][0])
    for number, keep in enumerate((Keep(rights=True), Keep(exposure=True), Keep(dates="month"), Keep(gps_grid=0.5))):
        done = clean([path], out=tmp_path / str(number), keep=keep)
        assert done.count("clean") == 1
        assert clean([tmp_path / str(number)], check=True, keep=keep).count("clean") == 1
    assert clean([tmp_path / "0"], check=True).count("dirty") == 1
    said = {tag.path.rpartition("/")[2] for tag in inspect(tmp_path / "0/x.jpg").tags if not tag.technical}
    assert said == {"Artist", "Copyright", "dc:creator", "namespace:lang", "dc:rights", "photoshop:Credit", "packet"}


def test_words_that_a_drawing_shows_are_said_to_stay(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>somebody</text></svg>')
    done = clean([tmp_path / "x.svg"], out=tmp_path / "out")
    assert [(one.state, "words that the drawing shows" in one.residue) for _, one in done.files] == [("residue", True)]


def test_a_key_keeps_the_files_of_one_patient_together(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(6):
        planted = image(patient=f"patient {number % 2}", stem=f"file{number}")
        (tmp_path / "in" / f"{number}.dcm").write_bytes(planted.data)
    key = tmp_path / "key"
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(clean, [tmp_path / "in"], out=tmp_path / out, key_file=key) for out in ("one", "two")]
    done = [run.result() for run in runs]
    assert all(one.count("refused") == 0 for one in done)
    names = []
    for number in range(6):
        tags = {tag.path: tag.value for tag in inspect(tmp_path / "one" / f"{number}.dcm").tags}
        names.append((tags["dicom/PatientID"], tags["dicom/StudyDate"]))
        assert (tmp_path / "one" / f"{number}.dcm").read_bytes() == (tmp_path / "two" / f"{number}.dcm").read_bytes()
    assert names[0] == names[2] == names[4] != names[1] == names[3] == names[5]
    table = tmp_path / "key.table.json"
    assert done[0].table == table
    plain = json.loads(table.read_text())
    assert plain["patient 0"] == names[0][0]
    assert len(plain) > 6
    for private in (key, table):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert clean([tmp_path / "one"], check=True, key_file=key).count("clean") == 6
    # Who holds no key can still see that nothing but pseudonyms is left.
    assert clean([tmp_path / "one"], check=True).count("clean") == 6
    assert clean([tmp_path / "in"], check=True).count("dirty") == 6
    key.chmod(0o644)
    with pytest.raises(UsageError, match="read by others"):
        clean([tmp_path / "in"], out=tmp_path / "three", key_file=key)


def test_the_program_says_what_became_of_each_file_and_how_it_ended(tmp_path: Path) -> None:
    (tmp_path / "good.jpg").write_bytes(one_of_each()["jpeg"][0])
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    done = veilset("clean", "good.jpg", "-o", "out", "--keep", "rights", "--dates", "month", "--json", cwd=tmp_path)
    plain = json.loads(done.stdout)
    assert done.returncode == 0
    assert plain["keep"]["rights"] is True
    assert plain["keep"]["dates"] == "month"
    assert [one["state"] for one in plain["files"]] == ["clean"]
    done = veilset("clean", "good.jpg", "bad.jpg", "-o", "second", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert {one["name"]: one["state"] for one in json.loads(done.stdout)["files"]} == {
        "good.jpg": "clean",
        "bad.jpg": "refused",
    }
    assert os.listdir(tmp_path / "second") == ["good.jpg"]
    assert veilset("clean", "good.jpg", "--check", cwd=tmp_path).returncode == 1
    assert veilset("clean", "second", "--check", cwd=tmp_path).returncode == 0
    assert veilset("clean", "good.jpg", "-o", "x", "--keep", "everything", cwd=tmp_path).returncode == 2
    assert veilset("clean", "good.jpg", cwd=tmp_path).returncode == 2
