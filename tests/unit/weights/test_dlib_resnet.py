"""dlib's network: read strictly, and the same numbers as its layers give."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.weights.dlib_bytes import Tiny, Writer

from veilset.core.errors import MissingWeights
from veilset.weights import dlib_resnet, onnx, store
from veilset.weights.dlib_file import DlibFile
from veilset.weights.dlib_resnet import Plan

# Channels grow and shrink, and where a block halves, its two ways end at different sizes: 6 to 2 and 3, 3 to 1 and 1.
PLAN = Plan(31, 3, ((3, False), (5, True), (5, False), (4, True)), 6)


def run(model: bytes, pictures: np.ndarray) -> np.ndarray:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"data": pictures.astype(np.float32)})[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "plan", [PLAN, Plan(32, 4, ((6, True),), 2), Plan(30, 2, ((2, False), (2, True)), 3)], ids=["31", "32", "30"]
)
def test_the_model_gives_what_the_layers_give(plan: Plan, seed: int) -> None:
    tiny = Tiny(plan, seed)
    pictures = np.random.default_rng(seed).integers(0, 256, (3, 3, plan.side, plan.side))
    found = run(dlib_resnet.as_onnx(tiny.content(), "tiny.dat", plan), pictures)
    expected = tiny.forward(pictures)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_cut_file_is_refused_wherever_it_is_cut() -> None:
    content = Tiny(PLAN, 0).content()
    for length in range(0, len(content), 7):
        with pytest.raises(MissingWeights, match=r"tiny\.dat is not the network"):
            dlib_resnet.read(content[:length], "tiny.dat", PLAN)


def test_every_byte_that_says_how_it_is_built_is_insisted_on() -> None:
    written = Tiny(PLAN, 0).written()
    assert len(written.strict) > 1000
    for at in written.strict:
        changed = bytearray(written.content)
        changed[at] ^= 0xFF
        with pytest.raises(MissingWeights, match="it was not used"):
            dlib_resnet.read(bytes(changed), "tiny.dat", PLAN)


def test_another_layout_more_bytes_and_values_that_are_not_finite_are_refused() -> None:
    tiny = Tiny(PLAN, 0)
    with pytest.raises(MissingWeights, match="versions of the layers"):
        dlib_resnet.read(tiny.content(), "tiny.dat", Plan(31, 3, PLAN.blocks[::-1], 6))
    with pytest.raises(MissingWeights, match="1 bytes follow the network"):
        dlib_resnet.read(tiny.content() + b"\0", "tiny.dat", PLAN)
    for content in (b"", b"\x08\x07onnx" * 100, b"PK\x03\x04" * 100):
        with pytest.raises(MissingWeights):
            dlib_resnet.read(content, "tiny.dat", PLAN)
    tiny.blocks[1][0]["kernels"][0, 0, 0, 0] = np.nan
    with pytest.raises(MissingWeights, match="not finite"):
        dlib_resnet.read(tiny.content(), "tiny.dat", PLAN)


@pytest.mark.parametrize("value", [0, 1, -1, 127, 128, 255, 256, -4736, 2**31, -(2**63) + 1])
def test_integers(value: int) -> None:
    out = Writer()
    out.integers(value)
    file = DlibFile(bytes(out.content), "x")
    assert file.integer() == value
    file.end()


@pytest.mark.parametrize("raw", ["00", "09" + "00" * 9, "1101", "41ff", "02ff", ""])
def test_what_is_no_integer(raw: str) -> None:
    with pytest.raises(MissingWeights):
        DlibFile(bytes.fromhex(raw), "x").integer()


def test_reals_as_in_the_published_file() -> None:
    """0.04 and 0.6, the margin and the threshold of the loss, as their bytes stand there."""
    file = DlibFile(bytes.fromhex("030ad7a3811c" + "039a99998118"), "x")
    assert [file.real(), file.real()] == pytest.approx([0.04, 0.6], abs=1e-7)
    for exponent in ("027d80", "02007d"):  # above 32,000 dlib means infinity and what is no number
        with pytest.raises(MissingWeights, match="no setting"):
            DlibFile(bytes.fromhex("0101" + exponent), "x").real()


@pytest.mark.weights
def test_the_published_weights_give_what_dlib_gives() -> None:
    """The first eight numbers of what dlib 20.0.1 itself computes of two drawn chips (`compute_face_descriptor`)."""
    if not store.installed("dlib_resnet_v1"):
        pytest.skip("the weights dlib_resnet_v1 are not installed: run `veilset weights pull dlib_resnet_v1`")
    y, x = np.mgrid[:150, :150]
    slopes = np.stack([(x + y) % 256, 2 * x % 256, 3 * y % 256])
    found = onnx.run("dlib_resnet_v1", {"data": np.stack([slopes, np.zeros_like(slopes)]).astype(np.float32)})[0]
    assert found.shape == (2, 128)
    np.testing.assert_allclose(found[:, :8], DLIB, atol=2e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), LENGTHS, atol=2e-5)


DLIB = [
    [-0.052364, 0.097041, 0.015615, -0.046129, -0.091107, -0.069516, -0.057196, -0.006933],
    [-0.039917, 0.104916, 0.090823, -0.008847, -0.079607, -0.042522, -0.053688, 0.000145],
]
LENGTHS = [1.311017, 1.306646]
