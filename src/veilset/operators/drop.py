"""Leave the whole sample out of the release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from veilset.core.finding import Finding
from veilset.core.guarantee import FOUND, Exact, Guarantee
from veilset.core.noise import Noise
from veilset.core.roles import Outcome, Touches
from veilset.core.sample import Image, Media, Sample, Signal, Video


@dataclass(frozen=True)
class Drop:
    """Leave the whole sample out of the release when anything of the kind was found in it.

    *Shapes and units*: any media; nothing is measured.

    **Guarantee**:
        - Exact: nothing of the sample is released.
        - That a sample was dropped, and how many were, is public: the counts of a release add up.
        - What a detector says in words about its findings (`detail["words"]`) becomes the reason.

    Raises:
        BadSetting: Never; there are no settings.

    *Source*: elementary.

    >>> from veilset.core.noise import SystemNoise
    >>> from veilset.core.where import Whole
    >>> import numpy as np
    >>> sample = Sample("1", Image(np.zeros((2, 2, 3), np.uint8)))
    >>> out = Drop().apply(sample, [Finding("rights", Whole(), 1, "rights")], noise=SystemNoise())
    >>> out.sample, out.reason
    (None, 'rights found')
    """

    takes: ClassVar[tuple[type[Media], ...]] = (Image, Video, Signal)
    touches: ClassVar[Touches] = "sample"

    def apply(self, sample: Sample, findings: Sequence[Finding], *, noise: Noise) -> Outcome:  # noqa: ARG002
        """No sample when there are findings."""
        if not findings:
            return Outcome(sample)
        words = dict.fromkeys(str(one.detail["words"]) for one in findings if "words" in one.detail)
        found = f"{', '.join(sorted({finding.kind for finding in findings}))} found"
        return Outcome(None, ": ".join([found, *(["; ".join(words)] if words else [])]))

    def guarantee(self) -> Guarantee:
        """Exact for the whole sample."""
        return Exact(removed="the sample, which is left out", given=(FOUND,))
