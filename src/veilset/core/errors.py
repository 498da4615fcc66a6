"""The whole error tree. Three doors and a bug.

```
VeilsetError
├─ UsageError            you asked wrongly                exit 2
│   ├─ BadSetting          a field holds a value it cannot have
│   ├─ PolicyError         every problem of a policy at once, with lines
│   ├─ UnknownName         with the nearest known names
│   ├─ MissingExtra        names the extra to install
│   ├─ MissingWeights      says how to get them
│   └─ Unwritable          the output cannot be written: no space, no permission, or the wrong place
├─ DataError             the input cannot be used         exit 3
│   ├─ Unreadable          the bytes could not be read
│   ├─ Unsupported         understood, but not served
│   └─ Malformed           the bytes contradict their format
├─ Refusal               it would not be safe             exit 1
│   ├─ Unruled             a kind of finding without a rule
│   ├─ WrongMedia          an operator does not take this kind of media
│   ├─ OptedOut · Unlicensed
│   ├─ BudgetExceeded · UnitMismatch · WeakNoise
│   ├─ Untrusted · Unproven · ClaimRefuted
│   ├─ GateFailed          a measurement on the wrong side of its bound
│   ├─ Residue             a re-audit of the output still finds something
│   ├─ TooManyOmitted · CountsDoNotAdd
│   ├─ Tampered            a release does not match its manifest
│   └─ Occupied            somebody else is writing, or the output is not ours
└─ BrokenContract        a plug-in or we are wrong        exit 70
```

Messages carry ids, kinds and (for the person at the keyboard) file names; never pixels, tag values or names of people.
Every error takes one message, so that it survives the way back from a worker process.
"""

from __future__ import annotations

from typing import ClassVar


class VeilsetError(Exception):
    """Root of every error that Veilset raises on purpose.

    Args:
        message: What happened, and what to do, in one or two sentences.
        sample: Id of the sample concerned, never its content.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, sample: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.sample = sample

    def __reduce__(self) -> tuple[type[VeilsetError], tuple[str, str | None], dict[str, object]]:
        return type(self), (self.message, self.sample), self.__dict__


class UsageError(VeilsetError):
    """You asked wrongly."""

    exit_code = 2


class BadSetting(UsageError, ValueError):
    """A field of an operator, detector or probe holds a value that it cannot have."""


class PolicyError(UsageError):
    """A policy cannot be used; the message lists every problem with its line."""


class UnknownName(UsageError, KeyError):
    """A name that nothing is registered under; the message gives the nearest known ones."""

    def __str__(self) -> str:
        return self.message


class MissingExtra(UsageError):
    """An optional dependency is not installed; the message names the extra."""


class MissingWeights(UsageError):
    """A network's weights are not at hand; the message says how to get them."""


class Unwritable(UsageError):
    """The output cannot be written: no space, no permission, or the wrong place."""


class DataError(VeilsetError):
    """The input cannot be used."""

    exit_code = 3


class Unreadable(DataError):
    """The bytes could not be read."""


class Unsupported(DataError):
    """The input was understood, but Veilset does not serve it."""


class Malformed(DataError):
    """The bytes contradict their own format."""


class Refusal(VeilsetError):
    """It would not be safe."""

    exit_code = 1


class Unruled(Refusal):
    """A kind of finding for which the policy has no rule, or whose rule is `refuse`."""


class WrongMedia(Refusal):
    """An operator was handed a kind of media that it does not take."""


class OptedOut(Refusal):
    """A person in the sample has opted out."""


class Unlicensed(Refusal):
    """The licence of the sample does not allow this use."""


class BudgetExceeded(Refusal):
    """A privacy budget would be exceeded."""


class UnitMismatch(Refusal):
    """A guarantee protects another unit than the budget does; units never convert silently."""


class WeakNoise(Refusal):
    """Seeded noise was about to protect somebody."""


class Untrusted(Refusal):
    """A third-party claim of differential privacy that the policy does not trust by name."""


class Unproven(Refusal):
    """An empirical claim whose probe did not run in this release."""


class ClaimRefuted(Refusal):
    """A probe measured more leakage than the guarantee allows."""


class GateFailed(Refusal):
    """A measurement lies, at the unfavourable end of its interval, on the wrong side of its bound."""


class Residue(Refusal):
    """A re-audit of the written output still finds what had to go."""


class TooManyOmitted(Refusal):
    """More samples were dropped or quarantined than the policy tolerates."""


class CountsDoNotAdd(Refusal):
    """Samples in are not samples out + dropped + quarantined."""


class Tampered(Refusal):
    """A release does not match its manifest."""


class Occupied(Refusal):
    """Another run writes into this output, or the output holds something that is not ours."""


class BrokenContract(VeilsetError):
    """A plug-in, or Veilset itself, broke a promise that the core relies on."""

    exit_code = 70
