"""Names under a key: what joins the files of one patient stays joined, and leads to nobody without the key."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

STANDARD = "1.2.840.10008."
# Made once per run, so that the files of one run stay consistent with one another and with nothing else.
RUN_KEY = secrets.token_bytes(32)


@dataclass
class Pseudonyms:
    """Names under a key: the same original gives the same name, and a name of ours is left as it is.

    Threads may share one: a name depends on the key alone, and an entry of the table is written in one step.

    *Source*: HMAC-SHA-256 (RFC 2104). A name is 80 bits of the original's code and 40 bits that prove it to be ours,
    so cleaning twice changes nothing.
    """

    key: bytes = field(repr=False)
    table: dict[str, str] = field(default_factory=dict, repr=False)

    def _code(self, word: str, size: int) -> str:
        return hmac.digest(self.key, word.encode("utf-8", "surrogatepass"), "sha256")[:size].hex()

    def ours(self, code: str) -> bool:
        """Whether 30 hex digits were made under this key."""
        return len(code) == 30 and hmac.compare_digest(self._code(f"ours/{code[:20]}", 5), code[20:])

    def name(self, original: str) -> str:
        """A patient's name or number."""
        if original.startswith("V") and self.ours(original[1:]):
            return original
        first = self._code(f"person/{original}", 10)
        self.table[original] = f"V{first}{self._code(f'ours/{first}', 5)}"
        return self.table[original]

    def uid(self, original: str) -> str:
        """An identifier; those of the standard stay."""
        if not original or (original.startswith(STANDARD) and registered(original)):
            return original
        number = original.removeprefix("2.25.")
        if original.startswith("2.25.") and number.isdigit() and self.ours(f"{int(number):030x}"):
            return original
        first = self._code(f"uid/{original}", 10)
        self.table[original] = f"2.25.{int(first + self._code(f'ours/{first}', 5), 16)}"
        return self.table[original]

    def days(self, patient: str, most: int) -> int:
        """How many days a patient's dates move back; none when the patient was already renamed."""
        if patient.startswith("V") and self.ours(patient[1:]):
            return 0
        return 1 + int(self._code(f"days/{patient}", 8), 16) % most


def registered(uid: str) -> bool:
    """Whether the standard gives this identifier; what only begins like one of its own may be anything.

    >>> registered("1.2.840.10008.1.2"), registered("1.2.840.10008.SOMEBODY")
    (True, False)
    """
    from pydicom.uid import UID_dictionary

    return uid in UID_dictionary


class Looks(Pseudonyms):
    """Names by their looks, for who holds no key: what has the form of ours is left as it is.

    Whether a name was made under anybody's key cannot be told without it; a file is taken for treated because it says so.
    """

    def ours(self, code: str) -> bool:
        """Whether these are 30 hex digits.

        >>> Looks(b"").ours("0" * 30), Looks(b"").ours("PAT-7")
        (True, False)
        """
        return len(code) == 30 and not set(code) - set("0123456789abcdef")


_given: ContextVar[Pseudonyms | None] = ContextVar("pseudonyms", default=None)


def given() -> Pseudonyms | None:
    """The pseudonyms of the run that this is a part of, if its key is to be kept."""
    return _given.get()


@contextmanager
def under(names: Pseudonyms) -> Iterator[None]:
    """Whatever is rebuilt inside takes its pseudonyms from `names`; threads take a copy of the context along."""
    token = _given.set(names)
    try:
        yield
    finally:
        _given.reset(token)
