"""Read text through a mosaic or blur: a hidden-Markov search over what the known font would look like, treated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veilset.core import check
from veilset.core.errors import Unsupported
from veilset.core.finding import Finding
from veilset.core.measurement import Measurement
from veilset.core.noise import SeededNoise
from veilset.core.roles import Case, Operator
from veilset.core.sample import Image, Media, Pixels, Sample
from veilset.core.where import Box
from veilset.probes.adversary.crops import Floats
from veilset.probes.adversary.scores import share

Treat = Callable[[Pixels], Floats]
MARGIN = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A hypothesis: the text so far, where its pen stands, and its mean error over the columns it has settled."""

    text: str
    pen: float
    cost: float


class Typesetter:
    """Dark text on light ground in one font, on a canvas of fixed size."""

    def __init__(self, size: int, width: int, font: str = "") -> None:
        from PIL import ImageFont

        self.font: Any = ImageFont.truetype(font, size) if font else ImageFont.load_default(size)
        self.width, self.height = width, int(size * 1.4)

    def pen(self, text: str) -> float:
        """Where the next character would begin, in pixels."""
        return MARGIN + float(self.font.getlength(text))

    def draw(self, text: str) -> Pixels:
        """The text as a picture (height, width, 3)."""
        from PIL import Image as Pillow
        from PIL import ImageDraw

        canvas = Pillow.new("RGB", (self.width, self.height), (245, 245, 245))
        ImageDraw.Draw(canvas).text((MARGIN, 0), text, fill=(20, 20, 20), font=self.font)
        return np.asarray(canvas, dtype=np.uint8)


def reach(treat: Treat, width: int, height: int) -> int:
    """How far to the left the treatment carries ink: how many columns before an edge it changes."""
    blank = np.full((height, width, 3), 245, dtype=np.uint8)
    plain = treat(blank)
    farthest = 0
    for edge in range(width // 2, width // 2 + 32, 3):
        picture = blank.copy()
        picture[:, edge:] = 20
        changed = np.flatnonzero(np.abs(treat(picture) - plain).max(axis=(0, 2)) > 2.0)
        farthest = max(farthest, edge - int(changed[0])) if len(changed) else farthest
    return min(farthest, width // 2)


def decode(seen: Floats, treat: Treat, type_: Typesetter, alphabet: str, *, beam: int, longest: int, back: int) -> str:
    """The most likely text behind `seen` (height, width, 3).

    States of the hidden-Markov model are the last two characters and the pen's position; of all texts that reach the
    same state only the best is kept (Viterbi), and of all states the best `beam`. The emission is the squared error
    of the columns that later characters can no longer change, a column's mean of it, so that wide and narrow texts
    compare.
    """
    lines = [Line("", MARGIN, 0.0)]
    best, best_error = "", float("inf")
    for _ in range(longest):
        states: dict[tuple[str, int], Line] = {}
        for line in lines:
            for character in alphabet:
                text = line.text + character
                pen = type_.pen(text)
                if pen > type_.width:
                    continue
                error = np.concatenate([[0.0], np.cumsum(((treat(type_.draw(text)) - seen) ** 2).mean(2).sum(0))])
                if error[-1] < best_error:
                    best, best_error = text, float(error[-1])
                settled = int(np.clip(pen - back, 0, type_.width))
                state = text[-2:], round(pen)
                grown = Line(text, pen, float(error[settled]) / max(settled, 1))
                if state not in states or grown.cost < states[state].cost:
                    states[state] = grown
        lines = sorted(states.values(), key=lambda found: found.cost)[:beam]
        if not lines:
            break
    return best


@dataclass(frozen=True)
class RecoverText:
    """What would text treated like this still say?

    Attributes:
        kind: Kind of finding whose operator is tried on text.
        words: Words that are drawn, treated and read.
        letters: Characters in each word.
        size: Size of the type in pixels.
        font: File of a TrueType font; empty for the one that comes with Pillow.
        alphabet: Characters that may occur.
        beam: Hypotheses kept at each character.

    *Adversary*: knows font, size and the operator with its settings; sees the treated words alone. The probe draws
    random words, so it needs no text of yours, and treats them with the operator that the policy has for `kind`.

    *Measurements*: `characters`: share of characters read rightly at their place, chance 1 / letters of the alphabet;
    `words`: share of words read whole.

    *Source*: Hill, Zhou, Saul and Shacham 2016 (PoPETs), with rendering in place of clustered training windows: the
    emission is computed, not estimated.

    >>> len(RecoverText().alphabet)
    36
    """

    kind: str = "text"
    words: int = 6
    letters: int = 6
    size: int = 24
    font: str = ""
    alphabet: str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    beam: int = 24

    takes: ClassVar[tuple[type[Media], ...]] = (Image,)

    def __post_init__(self) -> None:
        check.in_range(1, 1000, words=self.words, beam=self.beam)
        check.in_range(1, 40, letters=self.letters)
        check.in_range(6, 200, size=self.size)
        check.in_range(2, 1000, alphabet=len(set(self.alphabet)))

    def run(self, case: Case, *, rng: np.random.Generator) -> tuple[Measurement, ...]:
        """Draw, treat and read `words` words.

        Raises:
            Unsupported: The adversary is not told which operator treats `kind`.
        """
        operator = case.knowledge.treatments.get(self.kind)
        if operator is None:
            raise Unsupported(
                f"recover_text: nothing is known to treat {self.kind}, so there is nothing to read through"
            )
        type_ = Typesetter(self.size, MARGIN * 2 + self.size * self.letters, self.font)
        treat = self._treatment(operator, type_, rng)
        back = reach(treat, type_.width, type_.height)
        hits, whole, word_of = [], [], []
        for number in range(self.words):
            text = "".join(rng.choice(list(self.alphabet), self.letters))
            seen = treat(type_.draw(text))
            shuffled = "".join(rng.permutation(list(self.alphabet)))
            read = decode(seen, treat, type_, shuffled, beam=self.beam, longest=self.letters, back=back).ljust(
                self.letters
            )
            right = [a == b for a, b in zip(text, read, strict=True)]
            hits += right
            whole.append(all(right))
            word_of += [str(number)] * self.letters
        notes = (
            f"adversary: knows font, size and operator; {self.size} px text drawn by the probe, not yours",
            f"the treatment carries ink over {back} px",
        )
        guess = 1 / len(self.alphabet)
        numbers = [str(i) for i in range(self.words)]
        made = "recover_text"
        return (
            share(made, "characters", np.array(hits), word_of, rng=rng, chance=guess, notes=notes),
            share(made, "words", np.array(whole), numbers, rng=rng, chance=guess**self.letters, notes=notes),
        )

    def _treatment(self, operator: Operator, type_: Typesetter, rng: np.random.Generator) -> Treat:
        where = Finding(self.kind, Box(0, 0, type_.width, type_.height), 1.0, "recover_text")

        def treat(picture: Pixels) -> NDArray[np.float64]:
            outcome = operator.apply(Sample("text", Image(picture)), (where,), noise=SeededNoise(rng.bytes(16)))
            if outcome.sample is None:
                return np.full(picture.shape, 127.0)
            return outcome.sample.image.pixels.astype(float)

        return treat
