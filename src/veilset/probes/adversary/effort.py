"""What a deep adversary may spend, and how it learns: steps, seconds, a device, and the best state on its own trials."""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from veilset.core import check
from veilset.probes.adversary.extras import need

DEVICES = ("auto", "cpu", "cuda")
GRID = 8
PASSES = 60
NO_TORCH = "not tried for want of torch (pip install 'veilset[learn]'): {}"


def torch_is_here() -> bool:
    """Whether torch can be imported, without importing it.

    >>> isinstance(torch_is_here(), bool)
    True
    """
    try:
        return importlib.util.find_spec("torch") is not None
    except ValueError:
        return False


@dataclass(frozen=True)
class Effort:
    """What one network may spend on learning.

    Attributes:
        steps: Most steps of gradient descent; 0 for no network at all.
        seconds: Most seconds of the clock; the state reached by then is used.
        device: `auto` takes a GPU where there is one.

    *Shapes and units*: `seconds` of wall time. While the steps end before the seconds, the same seed gives the same
    network on the same machine; a network that time stopped says so.

    >>> Effort(steps=0).wanted
    False
    """

    steps: int = 400
    seconds: float = 90.0
    device: str = "auto"

    def __post_init__(self) -> None:
        check.in_range(0, 1_000_000, network_steps=self.steps)
        check.positive(network_seconds=self.seconds)
        check.one_of(DEVICES, device=self.device)

    @property
    def wanted(self) -> bool:
        """Whether a network is asked for."""
        return self.steps > 0

    @property
    def possible(self) -> bool:
        """Whether a network is asked for and torch is here."""
        return self.wanted and torch_is_here()

    def for_rows(self, rows: int, batch: int = 32) -> Effort:
        """The same with no more steps than 60 passes over so many rows take: what is small is learned sooner.

        >>> Effort(steps=400).for_rows(64).steps
        120
        """
        return replace(self, steps=min(self.steps, PASSES * -(-rows // batch)))

    def missing(self, what: str) -> tuple[str, ...]:
        """A note on what was not tried, where torch is what it lacked."""
        return (NO_TORCH.format(what),) if self.wanted and not torch_is_here() else ()

    def place(self, probe: str) -> tuple[Any, Any]:
        """torch, and the device to learn on.

        Raises:
            MissingExtra: torch is not installed.
            BadSetting: A GPU is asked for that torch does not see.
        """
        torch = need("torch", probe)
        seen = bool(torch.cuda.is_available())
        if self.device == "cuda":
            check.one_of(("auto", "cpu", "cuda") if seen else ("auto", "cpu"), device=self.device)
        return torch, torch.device("cuda" if seen and self.device != "cpu" else "cpu")


@dataclass(frozen=True, slots=True)
class Learned:
    """How learning went: the step whose state was kept, the steps taken, and whether time ended it."""

    kept: int
    taken: int
    out_of_time: bool

    def in_words(self) -> str:
        """For a note."""
        ended = ", ended by its time limit" if self.out_of_time else ""
        return f"state of step {self.kept} of {self.taken}, best on pictures held back{ended}"


def on_grid(side: int) -> int:
    """The side that networks work at: the least multiple of 8, at least 16, that holds `side`.

    >>> on_grid(20), on_grid(48)
    (24, 48)
    """
    return max(2 * GRID, -(-side // GRID) * GRID)


@contextmanager
def seeded(torch: Any, seed: int) -> Iterator[None]:
    """Draws inside follow from `seed`; the draws of whoever calls are left as they were."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def descend(
    torch: Any,
    model: Any,
    loss: Callable[[], Any],
    trial: Callable[[], float],
    effort: Effort,
    *,
    rate: float = 2e-3,
    patience: int = 8,
) -> Learned:
    """Adam on `loss`, with a cosine of rates; keeps the state with the lowest `trial`, that before the first step included.

    `trial` is asked 20 times. After `patience` of them without a better one it stops: more would be learned by heart.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-3)
    begun, every = time.monotonic(), max(1, effort.steps // 20)
    best, kept, since, taken, late = _asked(torch, model, trial), 0, 0, 0, False
    state = deepcopy(model.state_dict())
    while taken < effort.steps and since < patience and not late:
        for group in optimiser.param_groups:
            group["lr"] = rate * (0.02 + 0.49 * (1 + math.cos(math.pi * taken / effort.steps)))
        model.train()
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
        taken += 1
        late = time.monotonic() - begun > effort.seconds
        if taken % every == 0 or taken == effort.steps or late:
            value = _asked(torch, model, trial)
            if value < best:
                best, kept, since, state = value, taken, 0, deepcopy(model.state_dict())
            else:
                since += 1
    model.load_state_dict(state)
    model.eval()
    return Learned(kept, taken, late and taken < effort.steps)


def _asked(torch: Any, model: Any, trial: Callable[[], float]) -> float:
    model.eval()
    with torch.no_grad():
        return trial()
