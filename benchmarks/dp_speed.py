"""Speed of exact noise and of DP-Pix: each line is a ratio of two times taken side by side in one run.

Usage: python benchmarks/dp_speed.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

import cv2
import numpy as np
import opendp.prelude as opendp

from veilset.core.noise import SystemNoise
from veilset.dp.cells import cells_of, noisy_cells
from veilset.dp.gaussian import discrete_gaussian
from veilset.dp.laplace import discrete_laplace
from veilset.operators.dp_pix import fill


def best(run: Callable[[], object], repeats: int) -> float:
    """Shortest of several times, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def samplers() -> None:
    """Nanoseconds per draw against OpenDP's exact sampler at the same scale."""
    opendp.enable_features("contrib")
    space = opendp.vector_domain(opendp.atom_domain(T="i64")), opendp.l1_distance(T="i64")
    square = opendp.vector_domain(opendp.atom_domain(T="i64")), opendp.l2_distance(T="f64")
    zeros, many = [0] * 5000, 200_000
    print("| exact sampler | scale | Veilset ns | OpenDP 0.16 ns | ratio |\n|---|---|---|---|---|")
    for scale in (1, 10, 1000, 40800):
        exact = opendp.m.make_laplace(*space, scale=float(scale))
        discrete_laplace(SystemNoise(), Fraction(scale), 10)
        ours = best(lambda s=scale: discrete_laplace(SystemNoise(), Fraction(s), many), 5) / many
        theirs = best(lambda e=exact: e(zeros), 3) / len(zeros)
        print(f"| discrete Laplace | {scale} | {ours * 1e9:.0f} | {theirs * 1e9:.0f} | {theirs / ours:.0f} |")
    for scale in (10, 1000):
        exact = opendp.m.make_gaussian(*square, scale=float(scale))
        ours = best(lambda s=scale: discrete_gaussian(SystemNoise(), Fraction(s) ** 2, many), 3) / many
        theirs = best(lambda e=exact: e(zeros), 3) / len(zeros)
        print(f"| discrete Gaussian | {scale} | {ours * 1e9:.0f} | {theirs * 1e9:.0f} | {theirs / ours:.0f} |")


def mosaics() -> None:
    """DP-Pix of 12 megapixels against block means of the same picture, from pixels to pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), dtype=np.uint8)
    mask, noise = np.ones(pixels.shape[:2], dtype=bool), SystemNoise()

    def private() -> None:
        fill(noisy_cells(pixels, [mask], 16, Fraction(1, 2), 16, noise=noise), mask.shape, 16, "none")

    def ours() -> None:
        fill(cells_of(pixels, [mask], 16), mask.shape, 16, "none")

    def numpy_mean() -> None:
        whole = pixels[:2992].reshape(187, 16, 250, 16, 3).mean(axis=(1, 3))
        np.repeat(np.repeat(whole.astype(np.uint8), 16, axis=0), 16, axis=1)

    def opencv() -> None:
        small = cv2.resize(pixels, (250, 188), interpolation=cv2.INTER_AREA)
        cv2.resize(small, (4000, 3000), interpolation=cv2.INTER_NEAREST)

    private()
    taken = best(private, 7)
    print(f"\nDP-Pix, 12 megapixels, cells of 16, colour: {taken * 1e3:.1f} ms\n")
    print("| block mean of the same picture | ms | DP-Pix takes |\n|---|---|---|")
    for name, run in (
        ("numpy reshape and mean", numpy_mean),
        ("OpenCV resize", opencv),
        ("DP-Pix's own, no noise", ours),
    ):
        plain = best(run, 5)
        print(f"| {name} | {plain * 1e3:.1f} | {taken / plain:.2f} x |")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    samplers()
    mosaics()
