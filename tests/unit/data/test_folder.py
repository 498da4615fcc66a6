import errno
import hashlib
import io
import os
import pickle

import pytest
from PIL import Image as PillowImage

from veilset.containers import FORMATS
from veilset.core.errors import BadSetting, Unreadable
from veilset.data.coded import EXTENSIONS
from veilset.data.folder import Folder


def test_names_of_every_kind_in_stable_order(tmp_path, draw, jpeg):
    data = jpeg(draw(20, 20))
    names = ["b c.jpg", "a\nb.jpeg", "日本/写真.JPG", "sub/dir with space/x.png", "no extension", "é.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    odd = os.path.join(os.fsencode(tmp_path), b"odd\xff\xfename.jpg")
    with open(odd, "wb") as file:
        file.write(data)
    source = Folder(str(tmp_path))
    refs = source.refs()
    assert {ref.name for ref in refs} == {*names, os.fsdecode(b"odd\xff\xfename.jpg")}
    assert list(refs) == sorted(refs, key=lambda ref: os.fsencode(ref.name))
    assert refs == Folder(str(tmp_path)).refs()
    for ref in refs:
        assert ref.id == hashlib.sha256(os.fsencode(ref.name)).hexdigest()[:16]
        assert source.load(pickle.loads(pickle.dumps(ref))).image.pixels.shape == (20, 20, 3)
    assert source.others() == ()


def test_what_is_no_picture_is_named_and_not_lost(tmp_path, draw, jpeg):
    data = jpeg(draw(20, 20))
    for name in (".git/a.jpg", ".hidden.jpg", "notes.txt", "labels/a.txt", "a.jpg", "clip.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data if name.endswith("jpg") else b"plain text")
    (tmp_path / "broken.png").write_bytes(b"")
    source = Folder(str(tmp_path))
    assert [ref.name for ref in source.refs()] == ["a.jpg", "broken.png"]
    assert source.others() == (".git/", ".hidden.jpg", "clip.mp4", "labels/a.txt", "notes.txt")


def test_links_are_never_followed(tmp_path, draw, jpeg):
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "secret.jpg").write_bytes(jpeg(draw(20, 20)))
    (root / "link.jpg").symlink_to(outside / "secret.jpg")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.jpg")
    source = Folder(str(root))
    assert source.refs() == ()
    assert source.others() == ("folder", "link.jpg", "loop", "pipe.jpg")


def test_a_file_that_becomes_a_link_is_not_followed(tmp_path, draw, jpeg):
    data = jpeg(draw(20, 20))
    (tmp_path / "a.jpg").write_bytes(data)
    source = Folder(str(tmp_path))
    (ref,) = source.refs()
    (tmp_path / "elsewhere").write_bytes(data)
    (tmp_path / "a.jpg").unlink()
    (tmp_path / "a.jpg").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unreadable, match=r"a\.jpg"):
        source.load(ref)


def test_subjects_from_the_parent_folder(tmp_path, draw, jpeg):
    (tmp_path / "s01").mkdir()
    (tmp_path / "s01/a.jpg").write_bytes(jpeg(draw(20, 20)))
    (tmp_path / "b.jpg").write_bytes(jpeg(draw(20, 20)))
    source = Folder(str(tmp_path), subjects="folder")
    assert [source.load(ref).subjects for ref in source.refs()] == [frozenset(), frozenset({"s01"})]
    assert Folder(str(tmp_path)).load(source.refs()[1]).subjects == frozenset()


def test_missing_folder_file_for_folder_and_bad_settings(tmp_path):
    with pytest.raises(Unreadable, match="no folder"):
        Folder(str(tmp_path / "nothing")).refs()
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unreadable, match="no folder"):
        Folder(str(tmp_path / "file")).refs()
    with pytest.raises(BadSetting, match="subjects"):
        Folder(str(tmp_path), subjects="name")
    with pytest.raises(BadSetting, match="max_pixels"):
        Folder(str(tmp_path), max_pixels=0)


def test_a_file_that_may_not_be_read_says_so(tmp_path, draw, jpeg, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(jpeg(draw(20, 20)))
    source = Folder(str(tmp_path))

    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (ref,) = source.refs()
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(Unreadable, match=r"a\.jpg cannot be read: Permission denied; check its permissions"):
        source.load(ref)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_closed_file_and_closed_folder(tmp_path, draw, jpeg):
    (tmp_path / "a.jpg").write_bytes(jpeg(draw(20, 20)))
    (tmp_path / "shut").mkdir()
    (tmp_path / "a.jpg").chmod(0)
    (tmp_path / "shut").chmod(0)
    try:
        source = Folder(str(tmp_path))
        assert source.others() == ()
        for ref in source.refs():
            with pytest.raises(Unreadable, match="permissions"):
                source.load(ref)
    finally:
        (tmp_path / "shut").chmod(0o700)


def test_a_folder_that_cannot_be_opened_is_counted_and_not_passed_over(tmp_path, draw, jpeg, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(jpeg(draw(20, 20)))
    (tmp_path / "shut").mkdir()
    listed = os.scandir

    def scandir(path):
        if str(path).endswith("shut"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    source = Folder(str(tmp_path))
    picture, shut = source.refs()
    assert (picture.name, shut.name, source.others()) == ("a.jpg", "shut", ())
    with pytest.raises(Unreadable, match="shut: this folder cannot be opened; correct its permissions"):
        source.load(shut)


def test_tags_are_read_at_the_first_look(tmp_path, draw, jpeg):
    (tmp_path / "a.jpg").write_bytes(jpeg(draw(20, 20)))
    source = Folder(str(tmp_path))
    sample = source.load(source.refs()[0])
    assert {"exif/ifd0/Make", "exif/gps/GPSLatitude"} <= {tag.path for tag in sample.tags}
    assert len(sample.tags) == len(list(sample.tags))
    untouched = source.load(source.refs()[0])
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(Unreadable):
        len(untouched.tags)


def test_every_format_has_a_container_that_lists_and_rebuilds_it():
    assert set(EXTENSIONS) <= set(FORMATS)


def test_tags_of_avif(tmp_path, draw):
    exif = PillowImage.Exif()
    exif[0x010F] = "Secret Camera Maker"
    out = io.BytesIO()
    PillowImage.fromarray(draw()).save(out, "AVIF", exif=exif, xmp=b"<x/>")
    (tmp_path / "a.avif").write_bytes(out.getvalue())
    source = Folder(str(tmp_path))
    tags = source.load(source.refs()[0]).tags
    assert any(tag.path.endswith("ifd0/Make") for tag in tags)
    assert "Secret" not in repr(tags)
