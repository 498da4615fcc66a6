"""A convolutional recogniser trained from nothing but the set itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Pixels
from veilset.probes.adversary.effort import Effort, Learned, descend, seeded
from veilset.probes.adversary.recogniser import class_centres
from veilset.probes.adversary.restorer import as_planes, flat

Floats = NDArray[np.float64]

SHARPNESS = 16.0


def trunk(torch: Any, width: int = 32) -> Any:
    """Five convolutions and a mean over the picture: (n, 3, s, s) to (n, 128); 290,000 weights."""
    nn = torch.nn
    layers: list[Any] = []
    sizes = ((3, width, 2), (width, 2 * width, 2), (2 * width, 2 * width, 1), (2 * width, 4 * width, 2))
    for inward, outward, stride in (*sizes, (4 * width, 4 * width, 1)):
        layers += [nn.Conv2d(inward, outward, 3, stride, 1, bias=False), nn.BatchNorm2d(outward), nn.ReLU()]
    # A face has its parts at places: four quarters keep them apart where one mean would mix them.
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16 * width, 128))


@dataclass(frozen=True, eq=False)
class Recogniser:
    """Crops to unit vectors (n, 128), of which those of one class lie together.

    Attributes:
        network: The trunk.
        learned: How learning went.
        names: Classes in the order of `log_odds`.
    """

    network: Any
    learned: Learned
    names: tuple[str, ...]
    directions: Floats
    torch: Any
    device: Any

    def __call__(self, crops: Pixels, batch: int = 128) -> Floats:
        """Crops (n, side, side, 3) uint8 to unit vectors (n, 128)."""
        planes = as_planes(flat(crops), crops.shape[1])
        with self.torch.no_grad():
            parts = [
                self.network(_even(self.torch.from_numpy(planes[i : i + batch]).to(self.device))).cpu().numpy()
                for i in range(0, len(planes), batch)
            ]
        vectors = np.concatenate(parts).astype(float)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))

    def scores(self, crops: Pixels) -> Floats:
        """Cosine with the learned direction of each class (n, classes)."""
        return np.asarray(self(crops) @ self.directions.T)

    def similarity(self, gallery: Pixels, people: Sequence[str], probes: Pixels, names: Sequence[str]) -> Floats:
        """Cosine of each probe with the mean of each person's pictures (probes, people)."""
        return np.asarray(np.round(self(probes) @ class_centres(self(gallery), people, names).T, 9))


def held_back(classes: Sequence[str], pictures: Sequence[int], rng: np.random.Generator) -> NDArray[np.bool_]:
    """About a fifth of each class's pictures, no picture on both sides; nothing of a class with fewer than three.

    Where no class has three pictures there is no picture to spare, and every second copy of a picture is held back.

    >>> held_back(["a"] * 3 + ["b"], [0, 1, 2, 3], np.random.default_rng(0)).sum()
    np.int64(1)
    """
    member, which = np.asarray(classes), np.asarray(pictures)
    out = np.zeros(len(member), dtype=bool)
    for name in np.unique(member):
        own = np.unique(which[member == name])
        if len(own) >= 3:
            out |= (member == name) & np.isin(which, rng.permutation(own)[: max(1, len(own) // 5)])
    if not out.any():
        seen: dict[tuple[str, int], int] = {}
        for row, key in enumerate(zip(member.tolist(), which.tolist(), strict=True)):
            seen[key] = seen.get(key, 0) + 1
            out[row] = seen[key] % 2 == 0
    return out


def learn_recogniser(
    probe: str,
    crops: Pixels,
    classes: Sequence[str],
    pictures: Sequence[int],
    effort: Effort,
    *,
    rng: np.random.Generator,
    flip: bool = True,
) -> Recogniser:
    """A network from random weights, trained to tell the classes of `crops` apart.

    *Shapes*: crops (n, side, side, 3) uint8, side a multiple of 8; classes and pictures (n,), `pictures` saying which
    rows show one and the same original. Rows are shifted, turned, scaled, mirrored and lit differently at every step;
    a fifth of the pictures is held back, and the state that does best on them is kept.

    Raises:
        MissingExtra: torch is not installed.

    *Source*: cosine softmax after Wang et al. 2018 (CosFace without its margin: there are too few pictures for one).
    """
    torch, device = effort.place(probe)
    names, member = np.unique(np.asarray(classes), return_inverse=True)
    held = held_back(classes, pictures, rng)
    with seeded(torch, int(rng.integers(2**31))):
        network = trunk(torch).to(device)
        head = torch.nn.Linear(128, len(names), bias=False).to(device)
        planes = torch.from_numpy(as_planes(flat(crops), crops.shape[1])).to(device)
        labels = torch.from_numpy(member.astype(np.int64)).to(device)
        learned = _train(torch, network, head, planes, labels, held, effort.for_rows(len(crops)), flip)
        directions = torch.nn.functional.normalize(head.weight, dim=1).detach().cpu().numpy().astype(float)
    return Recogniser(network, learned, tuple(names.tolist()), directions, torch, device)


def _train(
    torch: Any,
    network: Any,
    head: Any,
    planes: Any,
    labels: Any,
    held: NDArray[np.bool_],
    effort: Effort,
    flip: bool,
    batch: int = 32,
) -> Learned:
    functional, device = torch.nn.functional, planes.device
    taught = torch.from_numpy(np.flatnonzero(~held)).to(device)
    asked = torch.from_numpy((np.flatnonzero(held) if held.any() else np.flatnonzero(~held))[:512]).to(device)
    both = torch.nn.ModuleList([network, head])

    def cost(x: Any, y: Any, smooth: float = 0.0) -> Any:
        vectors = functional.normalize(network(_even(x)), dim=1)
        cosine = vectors @ functional.normalize(head.weight, dim=1).T
        return functional.cross_entropy(SHARPNESS * cosine, y, label_smoothing=smooth)

    def loss() -> Any:
        pick = taught[torch.randint(len(taught), (batch,), device=device)]
        return cost(_varied(torch, planes[pick], flip), labels[pick], 0.05)

    def trial() -> float:
        parts = [float(cost(planes[i], labels[i])) * len(i) for i in asked.split(128)]
        return sum(parts) / len(asked)

    return descend(torch, both, loss, trial, effort)


def _even(x: Any) -> Any:
    """Each picture with mean 0 and deviation 1: brightness and contrast do not matter."""
    x = x - x.mean(dim=(1, 2, 3), keepdim=True)
    return x / x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(0.02)


def _varied(torch: Any, x: Any, flip: bool) -> Any:
    """Shifted by up to 8 %, turned by up to 8 degrees, scaled by up to 10 %, mirrored, each picture in its own way."""
    n = len(x)
    draw = 2 * torch.rand((n, 4), device=x.device) - 1
    angle, scale = draw[:, 0] * 0.14, 1 + 0.1 * draw[:, 1]
    mirror = torch.where(torch.rand(n, device=x.device) < 0.5 * flip, -1.0, 1.0)
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    rows = torch.stack(
        [cosine * mirror, -sine, 0.16 * draw[:, 2], sine * mirror, cosine, 0.16 * draw[:, 3]], dim=1
    ).reshape(n, 2, 3)
    grid = torch.nn.functional.affine_grid(rows, list(x.shape), align_corners=False)
    return torch.nn.functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
