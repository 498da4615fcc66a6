"""identity and its kernels: grouping against the textbook, alignment against least squares, nothing biometric kept."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from veilset.core.errors import BadSetting
from veilset.core.sample import Image, Sample
from veilset.core.where import Box
from veilset.detectors import landmarks
from veilset.detectors.grouping import average_linkage
from veilset.detectors.identity import Identity
from veilset.weights import store
from veilset.weights.face_embedding import NETWORKS

TEMPLATE = NETWORKS["mobileface_v2"].template


def textbook(vectors: np.ndarray, least: float) -> list[list[int]]:
    """Join the two most alike groups until none are alike enough."""
    groups = [[number] for number in range(len(vectors))]
    likeness = vectors @ vectors.T
    while len(groups) > 1:
        best, one, other = max(
            (likeness[np.ix_(a, b)].mean(), i, j) for i, a in enumerate(groups) for j, b in enumerate(groups) if i < j
        )
        if best < least:
            break
        groups[one] = sorted(groups[one] + groups.pop(other))
    return sorted(groups)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("least", [0.2, 0.5, 0.8])
def test_average_linkage_is_the_textbooks(seed: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(6, 8))
    vectors = centres[rng.integers(0, 6, 40)] + 0.5 * rng.normal(size=(40, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert average_linkage(vectors, least) == textbook(vectors, least)


def test_equal_vectors_end() -> None:
    vectors = np.tile([[1.0, 0.0]], (50, 1))
    assert average_linkage(vectors, 0.5) == [list(range(50))]
    assert average_linkage(np.empty((0, 4)), 0.5) == []


def test_alignment_is_the_least_squares_similarity() -> None:
    rng = np.random.default_rng(1)
    points = TEMPLATE * 1.7 + rng.normal(size=(5, 2)) + 30
    matrix = landmarks.similarity(points, TEMPLATE)
    rows, wanted = [], []
    for (x, y), (u, v) in zip(points, TEMPLATE, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        wanted += [u, v]
    a, b, c, d = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    np.testing.assert_allclose(matrix, [[a, -b, c], [b, a, d]], atol=1e-9)


def test_points_of_the_surest_cell() -> None:
    heads = {}
    for stride in (8, 16, 32):
        cells = (64 // stride) ** 2
        heads |= {f"cls_{stride}": np.full((cells, 1), 0.1), f"obj_{stride}": np.full((cells, 1), 0.1)}
        heads[f"kps_{stride}"] = np.zeros((cells, 10))
    heads["cls_16"][6], heads["obj_16"][6] = 0.9, 0.4
    heads["kps_16"][6] = np.arange(10) / 10
    points, score = landmarks.decode_points(heads, 64)
    assert score == pytest.approx(0.6)
    np.testing.assert_allclose(points, (np.arange(10).reshape(5, 2) / 10 + [2, 1]) * 16)


def test_people_get_pseudonyms_in_order_and_no_embedding_leaves() -> None:
    rng = np.random.default_rng(2)
    people = rng.normal(size=(3, 256))
    people /= np.linalg.norm(people, axis=1, keepdims=True)

    def coded(number: int) -> bytes:
        one = people[number] + 0.02 * rng.normal(size=256)
        return (one / np.linalg.norm(one)).astype(np.float16).tobytes()

    box = Box(1, 2, 30, 40)
    observed = {
        "b": ((box, 0.9, coded(0)),),
        "a": ((box, 0.9, coded(1)), (box, 0.8, coded(0))),
        "c": ((box, 0.7, coded(2)),),
        "d": (),
    }
    detector = Identity(model="mobileface_v2")
    found = detector.conclude(observed)
    assert [finding.subject for finding in found["a"]] == ["person-00001", "person-00002"]
    assert [finding.subject for finding in found["b"]] == ["person-00002"]
    assert [finding.subject for finding in found["c"]] == ["person-00003"]
    assert found["b"][0].detail == {"pictures": 2}
    assert "d" not in found
    for findings in found.values():
        for finding in findings:
            assert finding.value is None
            assert set(finding.detail) == {"pictures"}
    assert found == detector.conclude(dict(reversed(observed.items())))


@pytest.mark.parametrize(("side", "x", "y", "turn"), [(300, 60, 50, 0.0), (500, 300, 200, 0.4), (640, -200, -90, -0.5)])
def test_a_view_of_a_part_is_the_view_of_the_whole(side: int, x: int, y: int, turn: float) -> None:
    """Against averaging the whole picture first; the picture's size divides, so blocks are the same."""
    smooth = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (720, 960, 3), dtype=np.uint8), (0, 0), 8)
    spun = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * 112 / side
    matrix = np.column_stack([spun, -spun @ (x, y)])
    reduce = side // 112
    whole = cv2.resize(smooth, (960 // reduce, 720 // reduce), interpolation=cv2.INTER_AREA)
    expected = cv2.warpAffine(whole, matrix * [reduce, reduce, 1], (112, 112), flags=cv2.INTER_LINEAR)
    seen = landmarks.view(smooth, matrix, 112)
    assert np.abs(seen.astype(int) - expected).max() <= 2


DATA = Path(os.environ.get("VEILSET_DATA", "../shared/data")) / "lfw_subset"


@pytest.fixture
def outsider(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the network that cannot be downloaded."""
    real = store.installed
    monkeypatch.setattr(store, "installed", lambda name: name != "mobileface_v2" and real(name))


def test_where_the_first_network_is_missing_the_second_looks_and_it_is_said(outsider: None) -> None:
    assert Identity().weights()[0] == "dlib_resnet_v1"
    (note,) = Identity().notes()
    assert "dlib_resnet_v1" in note
    assert "mobileface_v2 are not installed" in note
    assert not Identity(model="dlib_resnet_v1").notes()


def test_where_the_first_network_is_installed_it_looks_and_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "installed", lambda _name: True)
    assert Identity().weights()[0] == "mobileface_v2"
    assert not Identity().notes()
    assert Identity(model="dlib_resnet_v1").weights()[0] == "dlib_resnet_v1"


def test_a_threshold_is_never_used_with_the_vectors_of_another_network(outsider: None) -> None:
    """0.35 would join everybody by the vectors of dlib's network, in which strangers reach 0.9."""
    assert Identity(min_alike=0.35).weights()[0] == "mobileface_v2"
    assert Identity(min_alike=0.95, model="dlib_resnet_v1").weights()[0] == "dlib_resnet_v1"
    with pytest.raises(BadSetting, match="mobileface_v2"):
        Identity(model="mobileface_v3")


@pytest.mark.parametrize(("model", "least"), [("mobileface_v2", 0.35), ("dlib_resnet_v1", 0.93)])
def test_each_network_groups_by_its_own_threshold(model: str, least: float) -> None:
    def at(cosine: float) -> bytes:
        return np.array([cosine, np.sqrt(1 - cosine**2), 0, 0]).astype(np.float16).tobytes()

    box = Box(1, 2, 30, 40)
    for cosine, people in ((least + 0.01, 1), (least - 0.01, 2)):
        observed = {"a": ((box, 0.9, at(1.0)),), "b": ((box, 0.9, at(cosine)),)}
        found = Identity(model=model).conclude(observed)
        assert len({finding.subject for findings in found.values() for finding in findings}) == people
        assert {finding.source for findings in found.values() for finding in findings} == {f"identity/{model}"}


@pytest.mark.data
@pytest.mark.weights
def test_the_second_network_tells_real_people_apart(outsider: None) -> None:
    if not DATA.is_dir():
        pytest.skip(f"no faces at {DATA}; set VEILSET_DATA")
    for name in Identity().weights():
        if not store.installed(name):
            pytest.skip(f"the weights {name} are not installed: run `veilset weights pull {name}`")
    folders = [folder for folder in sorted((DATA / "images").iterdir()) if len(list(folder.glob("*.jpg"))) >= 4][:8]
    observed = {}
    for folder in folders:
        for path in sorted(folder.glob("*.jpg"))[:4]:
            sample = Sample(path.name, Image(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)))
            # The person that a picture of this set is named after is in its middle.
            seen = Identity().observe(sample)
            middle = min(seen, key=lambda one: abs(one[0].x + one[0].width / 2 - 125), default=None)
            if middle is not None:
                observed[f"{folder.name}/{path.name}"] = (middle,)
    assert len(observed) >= 30
    found = Identity().conclude(observed)
    who = [(name.split("/")[0], findings[0].subject) for name, findings in found.items()]
    pairs = [(one[0] == other[0], one[1] == other[1]) for i, one in enumerate(who) for other in who[:i]]
    together = [joined for same, joined in pairs if same]
    apart = [joined for same, joined in pairs if not same]
    assert sum(together) / len(together) > 0.8
    assert sum(apart) / len(apart) < 0.02
