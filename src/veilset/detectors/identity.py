"""Which pictures show the same person, under pseudonyms: for budgets, consent and opt-outs that count people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core.check import in_range, one_of, positive
from veilset.core.finding import Finding, Risk
from veilset.core.sample import Image, Media, Sample
from veilset.core.where import Box
from veilset.detectors import centerface, landmarks, yunet
from veilset.detectors.grouping import average_linkage
from veilset.detectors.looked_at import faces_of
from veilset.weights.face_embedding import DEFAULT, FALLBACK, MODELS, PREFERRED, FaceNetwork, network_of, vectors

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

Observed = tuple[tuple[Box, float, bytes], ...]


def embed(pixels: Pixels, box: Box, min_sure: float, network: FaceNetwork) -> Floats | None:
    """The face in `box` as a vector of length 1; None when its five points are not seen well enough."""
    points, sure = landmarks.points_of(pixels, box)
    if sure < min_sure:
        return None
    face = landmarks.aligned(pixels, points, network.template, network.side)
    one: Floats = vectors(network, face[None])[0]
    return one


@dataclass(frozen=True)
class Identity:
    """Faces that are thought to be of one person get one pseudonym, over the whole set.

    Pseudonyms are numbers in order of the samples, and mean nothing outside of one run. Embeddings are biometric data:
    they live in memory until the groups are made, and stand in no finding and no file, unless `--keep-identities` of an
    audit or release keeps them in its private folder, encrypted. MobileFace was probably trained on
    a withdrawn set of celebrities, dlib's network on celebrities and on pictures scraped from the web; either errs more
    for groups that it saw less, and that was not measured.

    Two networks can look. By default it is `mobileface_v2` where its weights are installed, and else `dlib_resnet_v1`,
    which anybody can pull; then `notes` says so. Groups and kept faces of one network mean nothing to the other.

    Attributes:
        model: Which network looks: `default`, `mobileface_v2` or `dlib_resnet_v1`.
        min_alike: Mean cosine from which two groups of faces are one person. Lower joins strangers, higher splits people.
            By default what was measured for the network: 0.35 for `mobileface_v2`, 0.93 for `dlib_resnet_v1`. A value
            is of one network alone: where one is given, `model: default` is `mobileface_v2` and nothing else.
        min_score: Lowest score of a face.
        min_side: Smaller faces (geometric mean of the sides, in pixels) are not compared; each stays without a name.
        min_sure: Faces whose five points are seen with less certainty (profiles, masks) are not compared either.

    *Shapes and units*: picture (height, width, 3) uint8; boxes in pixels of the upright picture; the score is the mean
    cosine to the others of the group, 1 for a person seen once.

    *Raises*: MissingWeights when a network is not installed.

    *Source*: MobileFace or dlib's residual network, five-point alignment, average linkage. Pairwise precision and recall
    on faces of 300 people: `benchmarks/detectors_recall.py`.

    >>> Identity(min_alike=0.4).min_side
    24.0
    """

    model: str = DEFAULT
    min_alike: float | None = None
    min_score: float = 0.3
    min_side: float = 24.0
    min_sure: float = 0.4

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)
    finds: ClassVar[tuple[str, ...]] = ("identity",)

    def __post_init__(self) -> None:
        one_of(MODELS, model=self.model)
        in_range(0, 1, min_score=self.min_score, min_sure=self.min_sure)
        if self.min_alike is not None:
            in_range(0, 1, min_alike=self.min_alike)
        positive(min_side=self.min_side)

    def weights(self) -> tuple[str, ...]:
        """Files of weights that it runs."""
        return (self._network().weights, centerface.WEIGHTS, yunet.WEIGHTS)

    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of how it looked."""
        if self.model != DEFAULT or self._network().weights != FALLBACK:
            return ()
        why = f"identity looked with {FALLBACK}, since the weights {PREFERRED} are not installed"
        return (f"{why}: its groups are not those that {PREFERRED} makes, and must not be compared with them.",)

    def observe(self, sample: Sample) -> Observed:
        """Box, score and embedding (half precision) of each face that can be compared."""
        seen, network = [], self._network()
        for box, score in faces_of(sample.image, self.min_score, self.min_side):
            vector = embed(sample.image.pixels, box, self.min_sure, network)
            if vector is not None:
                seen.append((box, score, vector.astype(np.float16).tobytes()))
        return tuple(seen)

    def conclude(self, observed: Mapping[str, Observed]) -> Mapping[str, tuple[Finding, ...]]:
        """One finding for each compared face, with its person's pseudonym as `subject`."""
        faces = [(name, box, coded) for name in sorted(observed) for box, _, coded in observed[name]]
        if not faces:
            return {}
        network = self._network()
        least = network.alike if self.min_alike is None else self.min_alike
        seen = np.stack([np.frombuffer(coded, np.float16) for *_, coded in faces]).astype(np.float64)
        seen /= np.linalg.norm(seen, axis=1, keepdims=True)
        found: dict[str, list[Finding]] = {}
        for number, group in enumerate(average_linkage(seen, least), 1):
            pictures = len({faces[member][0] for member in group})
            total = seen[group].sum(axis=0)
            for member in group:
                name, box, _ = faces[member]
                alike = 1.0 if len(group) == 1 else float((seen[member] @ total - 1) / (len(group) - 1))
                finding = Finding(
                    "identity",
                    box,
                    min(1.0, max(0.0, alike)),
                    f"identity/{network.weights}",
                    Risk.PERSON,
                    f"person-{number:05d}",
                    {"pictures": pictures},
                )
                found.setdefault(name, []).append(finding)
        return {name: tuple(findings) for name, findings in sorted(found.items())}

    def _network(self) -> FaceNetwork:
        # A threshold of one network would join all strangers, or nobody, by the vectors of the other.
        return network_of(PREFERRED if self.model == DEFAULT and self.min_alike is not None else self.model)
