import json
import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from PIL.ImageOps import exif_transpose

from veilset.containers import Keep
from veilset.core.errors import Malformed
from veilset.data.folder import Folder
from veilset.data.folder_sink import FolderSink
from veilset.data.labels import carry_labels
from veilset.data.orientation import upright


@pytest.fixture
def release(tmp_path, draw, jpeg):
    """A source with three pictures, the first two of them released; the second stands turned by its EXIF tag."""
    root, out = tmp_path / "in", tmp_path / "out"
    (root / "images/val").mkdir(parents=True)
    for name, orientation in (("first.jpg", 1), ("val/turned.jpg", 6), ("val/dropped.jpg", 1)):
        (root / "images" / name).write_bytes(jpeg(draw(40, 64), orientation=orientation))
    source = Folder(str(root))
    by_name = {ref.name: ref for ref in source.refs()}
    names = {}
    for at, name in enumerate(("images/first.jpg", "images/val/turned.jpg")):
        names[name] = FolderSink(str(out)).write(source.load(by_name[name]), f"samples/{at:06d}").name
    return root, names, out


def carry(release):
    root, names, out = release
    return carry_labels(str(root), names, str(out))


def coco(**changes):
    plain = {
        "info": {"contributor": "SECRET person"},
        "licenses": [{"url": "SECRET"}],
        "images": [
            {"id": 77, "file_name": "first.jpg", "width": 64, "height": 40, "coco_url": "SECRET", "date_captured": "S"},
            {"id": 78, "file_name": "images/val/turned.jpg", "width": 64, "height": 40, "flickr_url": "SECRET"},
            {"id": 79, "file_name": "images/val/dropped.jpg", "width": 64, "height": 40},
        ],
        "annotations": [
            {"id": 900, "image_id": 77, "category_id": 18, "bbox": [1.5, 2, 30, 20], "area": 600.0, "iscrowd": 0,
             "segmentation": [[1, 2, 3, 4, 5, 6.5]], "caption": "SECRET", "attributes": {"name": "SECRET"}},
            {"id": 901, "image_id": 78, "category_id": 18, "bbox": [60, 30, 30, 30], "keypoints": [1, 2, 2],
             "num_keypoints": 1},
            {"id": 902, "image_id": 79, "category_id": 18, "bbox": [1, 2, 3, 4]},
            {"id": 903, "image_id": 77, "category_id": 18, "bbox": [70, 2, 3, 4]},
            {"id": 904, "image_id": 77, "caption": "SECRET somebody on a bench"},
        ],
        "categories": [{"id": 18, "name": "dog", "supercategory": "animal", "owner": "SECRET"}],
    }  # fmt: skip
    return {**plain, **changes}


def test_coco(release):
    root, names, out = release
    (root / "SECRET_2019.json").write_text(json.dumps(coco()))
    carried = carry(release)
    (written,) = carried.written
    assert written.name == "labels/coco/001.json"
    text = (out / written.name).read_text()
    assert "SECRET" not in text
    assert json.loads(text) == {
        "images": [
            {"id": 1, "file_name": names["images/first.jpg"], "width": 64, "height": 40},
            {"id": 2, "file_name": names["images/val/turned.jpg"], "width": 64, "height": 40},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1.5, 2, 30, 20], "area": 600.0, "iscrowd": 0,
             "segmentation": [[1, 2, 3, 4, 5, 6.5]]},
            {"id": 2, "image_id": 2, "category_id": 1, "bbox": [60.0, 30.0, 4.0, 10.0], "keypoints": [1, 2, 2],
             "num_keypoints": 1},
        ],
        "categories": [{"id": 1, "name": "dog", "supercategory": "animal"}],
    }  # fmt: skip
    assert carried.counts == {
        "COCO annotations carried over": 2,
        "COCO images carried over": 2,
        "boxes cut to the picture": 1,
        "labels left out: their box lies outside the picture or is empty": 1,
        "labels left out: their picture was not released, or is not to be told from another": 1,
    }
    assert carried.used == ("SECRET_2019.json",)


def test_coco_sizes_upright_as_stored_and_wrong(release):
    """The turned picture is 64 x 40 as stored and 40 x 64 upright: labels in either frame hold, others do not."""
    root, _, out = release
    plain = coco()
    plain["images"][1]["width"], plain["images"][1]["height"] = 40, 64
    plain["images"][0]["width"] = 65
    (root / "labels.json").write_text(json.dumps(plain))
    carried = carry(release)
    (image,) = json.loads((out / carried.written[0].name).read_text())["images"]
    assert (image["width"], image["height"]) == (40, 64)
    assert carried.counts["labels left out: they state another size than the picture has"] == 1


def test_a_name_that_fits_two_pictures_is_never_guessed(release, draw, jpeg):
    root, _, out = release
    (root / "other").mkdir()
    (root / "other/first.jpg").write_bytes(jpeg(draw(40, 64)))
    (root / "labels.json").write_text(json.dumps(coco()))
    text = (out / carry(release).written[0].name).read_text()
    assert [image["id"] for image in json.loads(text)["images"]] == [1]
    assert "000000.jpg" not in text


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(coco())[:-40],
        json.dumps(coco(annotations=[{"id": 1}])),
        json.dumps(coco(images=[{"id": 1}])),
        json.dumps(coco(categories=[])),
        json.dumps(coco(annotations=[{"image_id": 77, "category_id": 18, "bbox": [1, 2, 3]}])),
        json.dumps(coco(annotations=[{"image_id": 77, "category_id": 18, "bbox": [1, 2, 3, "SECRET"]}])),
        json.dumps(coco(annotations=[{"image_id": 77, "category_id": 18, "segmentation": [["SECRET"]]}])),
        json.dumps(coco(annotations=[{"image_id": 77, "segmentation": {"counts": "SECRET text", "size": [1, 2]}}])),
        json.dumps(coco(images=[coco()["images"][0]] * 2)),
    ],
)
def test_malformed_coco_names_the_file_and_tells_nothing(release, text):
    (release[0] / "broken.json").write_text(text)
    with pytest.raises(Malformed, match=r"broken\.json") as caught:
        carry(release)
    assert "SECRET" not in str(caught.value)


def test_json_and_xml_and_text_about_something_else_are_left_aside(release):
    root = release[0]
    (root / "package.json").write_text('{"name": "x"}')
    (root / "odd.json").write_text("not json")
    (root / "page.xml").write_text("<page/>")
    (root / "broken.xml").write_text("<page")
    (root / "images/first.txt").write_text("A caption: somebody on a bench\n")
    (root / ".hidden.json").write_text(json.dumps(coco()))
    (root / "link.json").symlink_to(root / ".hidden.json")
    carried = carry(release)
    assert (carried.written, carried.used, carried.counts) == ((), (), {})


def test_yolo(release):
    root, names, out = release
    (root / "labels/val").mkdir(parents=True)
    (root / "images/first.txt").write_text("1 0.5 0.5 0.2 0.4\n\n0 0.1 0.1 0.4 0.1\n0 1.5 0.5 0.1 0.1\n")
    (root / "labels/val/turned.txt").write_text("0 0.1 0.2 0.3 0.4 0.5 0.6\n")
    (root / "labels/val/dropped.txt").write_text("0 0.1 0.2 0.3 0.4\n")
    (root / "data.yaml").write_text("path: /home/SECRET\ndownload: http://SECRET\nnames: {0: cat, 1: dog}\n")
    carried = carry(release)
    files = {written.name: (out / written.name).read_text() for written in carried.written}
    assert files == {
        "labels/yolo/samples/000000.txt": (
            "1 0.500000 0.500000 0.200000 0.400000\n0 0.150000 0.100000 0.300000 0.100000\n"
        ),
        "labels/yolo/samples/000001.txt": "0 0.100000 0.200000 0.300000 0.400000 0.500000 0.600000\n",
        "labels/yolo/data.yaml": "nc: 2\nnames:\n- cat\n- dog\n",
    }
    assert carried.counts["boxes cut to the picture"] == 1
    assert carried.counts["YOLO objects carried over"] == 3
    assert set(carried.used) == {"data.yaml", "images/first.txt", "labels/val/turned.txt"}
    assert set(names.values()) == {"samples/000000.jpg", "samples/000001.jpg"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0.1 0.1 0.2 0.2\n0 0.1 0.1\n", r"first\.txt, line 2"),
        ("0 0.1 0.1 0.2 SECRET\n", r"first\.txt, line 1"),
        ("0 31 14 200 200\n", r"first\.txt, line 1.*fractions"),
        ("5 0.1 0.1 0.2 0.2\n", r"first\.txt, line 1.*2 classes"),
        ("0 0.1 0.1 0.2 0.2\nähm\n", r"first\.txt"),
        ("0 0.1 0.1 0.2 nan\n", r"first\.txt, line 1"),
    ],
)
def test_malformed_yolo(release, text, words):
    (release[0] / "images/first.txt").write_text(text)
    (release[0] / "classes.txt").write_text("cat\ndog\n")
    with pytest.raises(Malformed, match=words) as caught:
        carry(release)
    assert "SECRET" not in str(caught.value)


def test_class_lists_that_disagree_or_cannot_be_read(release):
    root = release[0]
    (root / "images/first.txt").write_text("0 0.1 0.1 0.2 0.2\n")
    (root / "classes.txt").write_text("cat\ndog\n")
    (root / "data.yaml").write_text("names: [cat]\n")
    with pytest.raises(Malformed, match=r"classes\.txt and data\.yaml"):
        carry(release)
    (root / "classes.txt").unlink()
    deep = "names: " + "[" * 20_000
    for text in ("names: [", "names: {0: a, 2: b}", "names: {0: a, b: c}", "names: 7", deep):
        (root / "data.yaml").write_text(text)
        with pytest.raises(Malformed, match=r"data\.yaml"):
            carry(release)


VOC = """<annotation><folder>SECRET</folder><filename>first.jpg</filename><path>/home/SECRET/first.jpg</path>
<source><annotation>SECRET</annotation><image>flickr</image><flickrid>1234</flickrid></source><owner>SECRET</owner>
<size><width>64</width><height>40</height><depth>3</depth></size><segmented>0</segmented>
<object><name>person</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult><comment>SECRET</comment>
<bndbox><xmin>5</xmin><ymin>6.5</ymin><xmax>80</xmax><ymax>30</ymax></bndbox>
<part><name>head</name><bndbox><xmin>6</xmin><ymin>7</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part></object>
<object><name>cat</name><pose>SECRET</pose>
<bndbox><xmin>70</xmin><ymin>1</ymin><xmax>80</xmax><ymax>2</ymax></bndbox></object></annotation>"""


def test_voc(release):
    root, names, out = release
    (root / "Annotations").mkdir()
    (root / "Annotations/first.xml").write_text(VOC)
    (root / "Annotations/dropped.xml").write_text(VOC.replace("first.jpg", "dropped.jpg"))
    carried = carry(release)
    (written,) = carried.written
    assert written.name == "labels/voc/samples/000000.xml"
    text = (out / written.name).read_text()
    assert "SECRET" not in text
    assert "flickr" not in text
    plain = "".join(text.split())
    assert plain == (
        f"<annotation><filename>{names['images/first.jpg']}</filename>"
        "<size><width>64</width><height>40</height><depth>3</depth></size><segmented>0</segmented>"
        "<object><name>person</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>"
        "<bndbox><xmin>5</xmin><ymin>6.5</ymin><xmax>64</xmax><ymax>30</ymax></bndbox>"
        "<part><name>head</name><bndbox><xmin>6</xmin><ymin>7</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>"
        "</object></annotation>"
    )
    assert ET.fromstring(text).tag == "annotation"
    assert carried.counts["VOC objects carried over"] == 1


@pytest.mark.parametrize(
    "text",
    [
        VOC[:-30],
        VOC.replace("<xmin>5</xmin>", "<xmin>SECRET</xmin>"),
        VOC.replace("<xmin>5</xmin>", ""),
        VOC.replace("<width>64", "<width>wide"),
        '<!DOCTYPE a [<!ENTITY e "SECRET">]>' + VOC.replace("first.jpg", "&e;"),
    ],
)
def test_malformed_voc(release, text):
    (release[0] / "broken.xml").write_text(text)
    with pytest.raises(Malformed, match=r"broken\.xml") as caught:
        carry(release)
    assert "SECRET" not in str(caught.value)


def test_voc_of_another_size_is_left_out(release):
    (release[0] / "a.xml").write_text(VOC.replace("<width>64", "<width>640"))
    carried = carry(release)
    assert carried.written == ()
    assert carried.counts == {"labels left out: they state another size than the picture has": 1}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("rotate", "kept"), [(True, True), (False, False), (False, True)])
def test_labels_of_pictures_that_were_turned_hold_or_are_left_out(tmp_path, draw, jpeg, orientation, rotate, kept):
    """A label drawn on the picture as shown is never carried to a file that shows it otherwise, and one drawn on the
    picture as stored is never carried to a file that stores it otherwise: the red corner tells."""
    pixels = draw(48, 64)  # whole units, so that each can be turned without loss
    pixels[:] = 60
    pixels[0:8, 0:16] = (250, 0, 0)
    root, out = tmp_path / "in", tmp_path / "out"
    root.mkdir()
    (root / "one.jpg").write_bytes(jpeg(pixels, orientation=orientation))
    source = Folder(str(root))
    sample = source.load(source.refs()[0])
    written = FolderSink(str(out), Keep(orientation=kept), rotate).write(sample, "samples/0").name
    shown = upright(pixels, orientation)
    for frame, made_on in (("stored", pixels), ("shown", shown)):
        height, width = made_on.shape[:2]
        x, y, across, down = box = corner(made_on)
        image = {"id": 1, "file_name": "one.jpg", "width": width, "height": height}
        one = {"id": 1, "image_id": 1, "category_id": 1, "bbox": box}
        plain = {"images": [image], "annotations": [one], "categories": [{"id": 1, "name": "red"}]}
        (root / "labels.json").write_text(json.dumps(plain))
        middle = f"{(x + across / 2) / width} {(y + down / 2) / height} {across / width} {down / height}"
        (root / "one.txt").write_text(f"0 {middle}\n")
        rows = "".join(
            f"<{k}>{v}</{k}>"
            for k, v in zip(("xmin", "ymin", "xmax", "ymax"), (x + 1, y + 1, x + across, y + down), strict=True)
        )
        (root / "one.xml").write_text(
            f"<annotation><filename>one.jpg</filename><size><width>{width}</width><height>{height}</height></size>"
            f"<object><name>red</name><bndbox>{rows}</bndbox></object></annotation>"
        )
        place = tmp_path / frame
        shutil.copytree(out, place)
        carried = carry_labels(str(root), {"one.jpg": written}, str(place))
        names = {label.name for label in carried.written}
        with Image.open(place / written) as file:
            after = (
                np.asarray(file.convert("RGB"))
                if frame == "stored"
                else np.asarray(exif_transpose(file).convert("RGB"))
            )
        same = after.shape == made_on.shape and np.abs(np.subtract(corner(after), box)).max() <= 1
        told = json.loads((place / "labels/coco/001.json").read_text())["annotations"]
        assert same or (not told and names == {"labels/coco/001.json"}), (frame, names)
        if orientation == 1 or (kept and not rotate):
            assert same
            assert len(names) == 3
        elif orientation >= 5:
            assert bool(told) == same
            assert not any("yolo" in name for name in names)
        else:
            assert names == {"labels/coco/001.json"}


def corner(pixels):
    """(x, y, width, height) of what is red."""
    rows, columns = np.nonzero((pixels[..., 0] > 180) & (pixels[..., 1] < 90))
    return [int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
