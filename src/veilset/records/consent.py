"""Consent: what a person allowed, for which use, from when until when; and the verdict for one sample.

The fields that ISO/IEC TS 27560:2023 makes mandatory are spread over three values, so that what many records share is
kept once: `Notice` (what people were told, by whom, how to withdraw), `Record` (one person's decision) and `Party`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from veilset.core.errors import BadSetting

SCHEMA_VERSION = "ISO/IEC TS 27560:2023"


class Use(StrEnum):
    """What a sample may be used for."""

    RESEARCH = "research"
    TRAINING = "training"
    RECOGNITION = "recognition"
    PUBLICATION = "publication"


class State(StrEnum):
    """The event a record documents (27560: event_state). Expiry follows from the dates, so it is no state here."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    INVALIDATED = "invalidated"


@dataclass(frozen=True, slots=True)
class Party:
    """Who controls the data (27560: party section, mandatory fields)."""

    party_id: str
    party_name: str
    party_address: str
    party_contact: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What people were told before they decided (27560: processing and personal-data sections, mandatory fields).

    Attributes:
        notice_id: Names this version of the notice.
        privacy_notice: Its text, or the URL where it can be read.
        language: Of the notice, as a BCP 47 tag.
        pii_information: Which personal data is processed, in words.
        pii_type: Its category, such as `photograph`.
        pii_controllers: Who is answerable.
        storage_locations: Where it is kept.
        retention_period: How long it is kept, in words.
        jurisdiction: Whose law holds.
        recipient_third_parties: Who receives it; `public` for a published set.
        withdrawal_method: How consent is withdrawn.
    """

    notice_id: str
    privacy_notice: str
    language: str
    pii_information: str
    pii_type: str
    pii_controllers: tuple[Party, ...]
    storage_locations: tuple[str, ...]
    retention_period: str
    jurisdiction: str
    recipient_third_parties: tuple[str, ...]
    withdrawal_method: str

    def __post_init__(self) -> None:
        empty = [name for name in self.__slots__ if not getattr(self, name)]
        if empty:
            raise BadSetting(f"notice {self.notice_id!r}: {SCHEMA_VERSION} makes {', '.join(empty)} mandatory")


@dataclass(frozen=True, slots=True)
class Record:
    """One decision of one person.

    Attributes:
        record_id: Names the record.
        subject: The person's pseudonym (27560: pii_principal_id).
        purpose: What for, as a short code that the notice explains.
        scope: The uses it covers.
        notice_id: What the person was told.
        state: What happened.
        given: Day of the event (27560: event_time).
        expires: First day on which it no longer holds; None until withdrawn (27560: validity_duration).
        withdrawn: Day on which it was withdrawn.
        evidence: Where the proof is kept, such as the archive number of a signed form.
        recorded_by: Who recorded it (27560: entity_id).
    """

    record_id: str
    subject: str
    purpose: str
    scope: frozenset[Use]
    notice_id: str
    state: State
    given: dt.date
    evidence: str
    recorded_by: str
    expires: dt.date | None = None
    withdrawn: dt.date | None = None

    def __post_init__(self) -> None:
        needed = ("record_id", "subject", "purpose", "scope", "notice_id", "evidence", "recorded_by")
        empty = [name for name in needed if not getattr(self, name)]
        if empty:
            raise BadSetting(f"consent record {self.record_id!r}: {', '.join(empty)} must not be empty")

    def covers(self, use: Use, purpose: str) -> bool:
        """Whether the record speaks about this use, and about this purpose unless that is empty."""
        return use in self.scope and purpose in ("", self.purpose)

    def holds(self, when: dt.date) -> bool:
        """Whether the record is a consent in force on that day."""
        started = self.state is State.GIVEN and self.given <= when
        return started and not self._expired(when) and not (self.withdrawn and self.withdrawn <= when)

    def _expired(self, when: dt.date) -> bool:
        return self.expires is not None and self.expires <= when

    def denied(self, when: dt.date) -> dt.date | None:
        """Since when this record says no, if it does on that day."""
        if self.withdrawn and self.withdrawn <= when:
            return self.withdrawn
        if self.state in (State.REFUSED, State.WITHDRAWN, State.INVALIDATED) and self.given <= when:
            return self.given
        return None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sample may be released for the uses asked about.

    Attributes:
        allowed: Every identified person allows every use.
        reasons: Why not, as (pseudonym, words a person can act on).
        until: First day on which a consent that it leans on expires.
    """

    allowed: bool
    reasons: tuple[tuple[str, str], ...] = ()
    until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a release asks of the consents: uses, purpose (empty for any) and the day."""

    uses: frozenset[Use]
    when: dt.date
    purpose: str = field(default="")

    def __post_init__(self) -> None:
        if not self.uses:
            raise BadSetting("uses must name at least one of " + ", ".join(Use))


def decide(subjects: Iterable[str], records: Mapping[str, Collection[Record]], question: Question) -> Verdict:
    """The verdict for one sample, given the people in it and what each of them decided.

    A later refusal or withdrawal beats an earlier consent that covers the same use; on the same day the refusal wins.
    Nobody in it: allowed, since there is nobody to ask; whether an unidentified person may be in it is not known here.
    """
    reasons, ends = [], []
    for subject in sorted(set(subjects)):
        for use in sorted(question.uses):
            words, until = _one(records.get(subject, ()), use, question)
            if words:
                reasons.append((subject, words))
                break
            if until:
                ends.append(until)
    return Verdict(not reasons, tuple(reasons), None if reasons else min(ends, default=None))


def _one(records: Collection[Record], use: Use, question: Question) -> tuple[str, dt.date | None]:
    """Why one person does not allow one use (empty if she does), and until when she does (None: no end)."""
    when = question.when
    about = [record for record in records if record.covers(use, question.purpose)]
    holding = [record for record in about if record.holds(when)]
    no_since = max((day for record in about if (day := record.denied(when))), default=None)
    valid = [record for record in holding if no_since is None or record.given > no_since]
    if valid:
        ends = [record.expires for record in valid]
        return "", None if None in ends else max(end for end in ends if end)
    return _why(records, about, no_since, use, question), None


def _why(
    records: Collection[Record], about: Collection[Record], no_since: dt.date | None, use: Use, question: Question
) -> str:
    if not records:
        return "no consent is recorded; record it, or leave the person out"
    if no_since:
        return f"consent to {use} was withdrawn or refused on {no_since}; leave the person out"
    ended = [record.expires for record in about if record.expires and record.expires <= question.when]
    if ended:
        return f"consent to {use} expired on {max(ended)}; ask again, or leave the person out"
    if about:
        return f"consent to {use} is not in force yet; wait for it, or leave the person out"
    if any(use in record.scope for record in records):
        return f"consent to {use} was given for another purpose than {question.purpose}; ask for this one"
    return f"consent does not cover {use}; ask for it, or leave the person out"
