import numpy as np
from PIL import Image, ImageOps

from veilset.core.where import Box
from veilset.testing.drawn import drawn_folder, face, picture


def test_the_same_seed_draws_the_same_picture() -> None:
    boxes = [Box(10, 10, 40, 50)]
    assert (picture(90, 80, faces=boxes, seed=1) == picture(90, 80, faces=boxes, seed=1)).all()
    assert (picture(90, 80, faces=boxes, seed=1) != picture(90, 80, faces=boxes, seed=2)).any()


def test_a_face_changes_its_box_and_nothing_else() -> None:
    box = Box(30, 20, 40, 50)
    changed = (picture(120, 100, faces=[box]) != picture(120, 100)).any(axis=2)
    inside = box.rasterise((100, 120))
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.5


def test_variations_are_nearer_to_each_other_than_identities() -> None:
    one, two, other = (face(i, variation=v)[0].astype(float) for i, v in ((3, 0), (3, 1), (4, 0)))
    assert np.abs(one - two).mean() < np.abs(one - other).mean()


def test_folder_is_what_it_says(tmp_path) -> None:
    drawn = drawn_folder(tmp_path, 35, seed=2, size=(160, 120), faces=(1, 2))
    assert {one.format for one in drawn} == {"jpeg", "png", "webp", "tiff"}
    assert {one.orientation for one in drawn} == {1, 3, 6, 8}
    assert any(one.located for one in drawn)
    assert len({one.name.rsplit("/", 1)[0] for one in drawn if "/" in one.name}) == 3
    for number, one in enumerate(drawn):
        with Image.open(tmp_path / one.name) as file:
            assert file.format.lower() == one.format
            assert file.getexif().get(274, 1) == one.orientation
            assert bool(file.getexif().get_ifd(0x8825)) == one.located
            upright = np.asarray(ImageOps.exif_transpose(file).convert("RGB")).astype(int)
        expected = picture(160, 120, faces=one.faces, seed=2 * 100_003 + number).astype(int)
        assert upright.shape == expected.shape
        assert np.abs(upright - expected).mean() < 12
    again = drawn_folder(tmp_path / "again", 3, seed=2, size=(160, 120), faces=(1, 2))
    assert [(tmp_path / "again" / a.name).read_bytes() for a in again] == [
        (tmp_path / d.name).read_bytes() for d in drawn[:3]
    ]
