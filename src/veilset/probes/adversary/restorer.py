"""The way back from treated pictures, learned by a network that starts from the linear one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veilset.core.sample import Pixels
from veilset.probes.adversary.effort import Effort, Learned, descend, seeded
from veilset.probes.adversary.restoration import Restoration, learn_restoration

Floats = NDArray[np.float64]


def u_net(torch: Any, channels: int = 6, width: int = 32) -> Any:
    """A U-shaped network (Ronneberger, Fischer and Brox 2015) of 480,000 weights: (n, channels, s, s) to (n, 3, s, s).

    *Shapes*: s is a multiple of 8. The first stage folds 2 x 2 pixels into channels, which makes it fit for two cores.
    The last layer begins with zeros, so that an untrained network changes nothing.
    """
    nn: Any = torch.nn
    module: Any = nn.Module

    def stage(inward: int, outward: int, layers: int) -> Any:
        parts = []
        for layer in range(layers):
            parts += [nn.Conv2d(outward if layer else inward, outward, 3, padding=1, bias=False)]
            parts += [nn.BatchNorm2d(outward), nn.ReLU()]
        return nn.Sequential(*parts)

    class Net(module):
        def __init__(self) -> None:
            super().__init__()
            self.fold, self.unfold = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
            self.one = stage(4 * channels, width, 2)
            self.two = stage(width, 2 * width, 1)
            self.deep = stage(2 * width, 4 * width, 2)
            self.pool = nn.AvgPool2d(2)
            self.rise_two = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
            self.rise_one = nn.ConvTranspose2d(2 * width, width, 2, 2)
            self.join_two, self.join_one = stage(4 * width, 2 * width, 1), stage(2 * width, width, 1)
            self.last = nn.Conv2d(width, 12, 3, padding=1)
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

        def forward(self, x: Any) -> Any:
            one = self.one(self.fold(x))
            two = self.two(self.pool(one))
            deep = self.rise_two(self.deep(self.pool(two)))
            two = self.rise_one(self.join_two(torch.cat([two, deep], dim=1)))
            return self.unfold(self.last(self.join_one(torch.cat([one, two], dim=1))))

    return Net()


@dataclass(frozen=True, eq=False)
class Restorer:
    """Restores treated crops: the linear guess, corrected by the network.

    Attributes:
        linear: The linear map that it starts from.
        network: What is added to its guess.
        learned: How learning went.
    """

    linear: Restoration
    network: Any
    learned: Learned
    torch: Any
    device: Any

    def __call__(self, treated: Pixels, batch: int = 64) -> Pixels:
        """Crops (n, side, side, 3) uint8 to restored ones of the same shape."""
        guess = as_planes(np.clip(self.linear(flat(treated)), 0, 1), treated.shape[1])
        source = as_planes(flat(treated), treated.shape[1])
        parts = []
        with self.torch.no_grad():
            for i in range(0, len(source), batch):
                first = self.torch.from_numpy(np.concatenate([source[i : i + batch], guess[i : i + batch]], axis=1))
                parts.append(self.network(first.to(self.device) - 0.5).cpu().numpy())
        pictures = np.clip(guess + np.concatenate(parts), 0, 1).transpose(0, 2, 3, 1)
        return np.asarray(np.round(pictures * 255), dtype=np.uint8)


def flat(crops: Pixels) -> Floats:
    """Crops (n, side, side, 3) as rows in [0, 1].

    >>> flat(np.full((2, 4, 4, 3), 255, np.uint8)).shape
    (2, 48)
    """
    return np.asarray(crops.reshape(len(crops), -1) / 255.0)


def as_planes(rows: Floats, side: int) -> NDArray[np.float32]:
    """Rows (n, side * side * 3) as planes (n, 3, side, side).

    >>> as_planes(np.zeros((2, 48)), 4).shape
    (2, 3, 4, 4)
    """
    planes = rows.reshape(len(rows), side, side, 3).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(planes, dtype=np.float32)


def folds_of(groups: Sequence[str], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A fold for each row, whole groups in one fold.

    >>> folds_of(["a", "a", "b"], 2, np.random.default_rng(0)).tolist()[0] in (0, 1)
    True
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    return np.asarray(rng.permutation(len(names)) % count)[member]


def learn_restorer(
    probe: str, treated: Pixels, clean: Pixels, groups: Sequence[str], effort: Effort, *, rng: np.random.Generator
) -> Restorer:
    """A network that corrects the linear restoration, trained on pairs of the adversary's own.

    *Shapes*: treated (copies, n, side, side, 3), clean (n, side, side, 3), both uint8; side a multiple of 8; groups (n,).

    The network sees the treated picture and what the linear map makes of it, the map being fitted on other groups than
    the one it is shown on. A fifth of the groups is held back, to stop before examples are learned by heart; where
    nothing can be learned, what is kept is the linear guess.

    Raises:
        MissingExtra: torch is not installed.
    """
    torch, device = effort.place(probe)
    copies, side = treated.shape[0], treated.shape[2]
    rows, target = flat(treated.reshape(-1, *treated.shape[2:])), np.tile(flat(clean), (copies, 1))
    fold = np.tile(folds_of(groups, 5, rng), copies)
    guess = np.empty_like(target)
    halves = (fold < 2, fold >= 2)
    for fitted, shown in (halves, halves[::-1]):
        guess[shown] = _linear(rows[fitted], target[fitted], copies)(rows[shown]) if fitted.any() else rows[shown]
    source = np.concatenate([as_planes(rows, side), as_planes(np.clip(guess, 0, 1), side)], axis=1)
    held = fold == 0 if 0 < (fold == 0).sum() < len(fold) else np.arange(len(fold)) % 5 == 0
    with seeded(torch, int(rng.integers(2**31))):
        network = u_net(torch).to(device)
        inputs, goals = (torch.from_numpy(a).to(device) for a in (source - np.float32(0.5), as_planes(target, side)))
        learned = _train(torch, network, inputs, goals, held, effort.for_rows(len(rows)))
    return Restorer(_linear(rows, target, copies), network, learned, torch, device)


def _linear(rows: Floats, target: Floats, copies: int) -> Restoration:
    return learn_restoration(rows, target, copies=copies)


def _train(
    torch: Any, network: Any, inputs: Any, goals: Any, held: NDArray[np.bool_], effort: Effort, batch: int = 32
) -> Learned:
    taught = torch.from_numpy(np.flatnonzero(~held)).to(inputs.device)
    asked = torch.from_numpy(np.flatnonzero(held)[:256]).to(inputs.device)

    def loss() -> Any:
        pick = taught[torch.randint(len(taught), (batch,), device=inputs.device)]
        x, y = inputs[pick], goals[pick]
        if torch.rand(()) < 0.5:
            x, y = x.flip(3), y.flip(3)
        # Lighter, darker, flatter: linear treatments go along with it, and there are more faces than were collected.
        gain = 0.85 + 0.3 * torch.rand((len(x), 1, 1, 1), device=x.device)
        x, y = x * gain, (y - 0.5) * gain + 0.5
        return ((x[:, 3:] + 0.5 + network(x) - y) ** 2).mean()

    def trial() -> float:
        x = inputs[asked]
        guess = (x[:, 3:] + 0.5 + network(x)).clamp(0, 1)
        return float(((guess - goals[asked]) ** 2).mean())

    return descend(torch, network, loss, trial, effort)
