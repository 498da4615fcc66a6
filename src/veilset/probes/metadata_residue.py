"""Measure what of the originals' tags released files still say, by searches that share nothing with the cleaner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from veilset.containers.verify import verify
from veilset.core.errors import Unsupported
from veilset.core.measurement import Measurement
from veilset.core.roles import Case, Pair
from veilset.core.sample import Image, Media


def says_still(pair: Pair) -> bool:
    """Whether the released file of a pair holds, anywhere and in any encoding, a value of the original's tags.

    Raises:
        Unsupported: The released sample has no coded file to search.
    """
    if pair.after is None:
        return False
    media = pair.after.media
    if not isinstance(media, Image) or media.coded is None:
        raise Unsupported("metadata_residue searches released files, and this sample has none", pair.after.id)
    output = memoryview(media.coded.read())
    values = [tag.value for tag in pair.before.tags if not tag.technical]
    return bool(verify(output, (), lambda: values, thorough=True).found)


@dataclass(frozen=True)
class MetadataResidue:
    """The share of released files that still say something that only the original's tags said.

    It can find what is there; that nothing is found proves only that these searches find nothing.

    *Shapes and units*: a share of released files, in [0, 1]; pairs without a released file do not count.

    Raises:
        Unsupported: A released sample has no coded file to search.

    *Source*: elementary; searches in ASCII, UTF-16 and inflated streams, without any reader of formats.

    >>> MetadataResidue().run(Case(()), rng=np.random.default_rng(0))[0].name
    'files_with_residue'
    """

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:  # noqa: ARG002
        """One measurement, `files_with_residue`; lower is better."""
        pairs = [pair for pair in case.pairs if pair.after is not None]
        hits = sum(says_still(pair) for pair in pairs)
        return (Measurement.proportion("metadata_residue", "files_with_residue", hits, len(pairs), "lower"),)
