"""The items of the ethics review and of the data-protection impact assessment, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One item: a decision (ethics) or an answer (assessment) is asked for.

    Attributes:
        key: Its key in `dataset.yaml`.
        text: What is asked.
        section: Where it stands.
        evidence: Name of what the manifest can say about it, a key of `EVIDENCE` in the document's file.
    """

    key: str
    text: str
    section: str
    evidence: str = ""


ETHICS = (
    Item(
        "necessity",
        "Real photographs of people are needed for the purpose; drawn or consented ones would not do.",
        "Purpose",
    ),
    Item(
        "benefit",
        "Who benefits and who bears the risk has been weighed, and the people shown are not left with the risk alone.",
        "Purpose",
    ),
    Item("forbidden_uses", "Uses that would harm the people shown are named and excluded by the terms.", "Purpose"),
    Item(
        "consent",
        "The people shown agreed to this use, or why asking them was not possible is written down.",
        "People",
        "consent",
    ),
    Item(
        "vulnerable",
        "Children, patients and others who cannot freely agree are absent, or specially protected.",
        "People",
    ),
    Item("dignity", "Nothing shows people in a situation that would shame or endanger them.", "People", "findings"),
    Item(
        "groups", "Protection does not work worse for some groups of people than for others.", "People", "measurements"
    ),
    Item("withdrawal", "People can withdraw, are told how, and recipients are bound to delete.", "People", "retention"),
    Item("rights", "Authors' licences and reservations are respected.", "Rights", "licences"),
    Item(
        "protection",
        "What is promised for each kind of finding is enough for what could happen.",
        "Protection",
        "guarantees",
    ),
    Item("residual", "What an attack still learned from the result is acceptable.", "Protection", "measurements"),
    Item(
        "unfound",
        "It is accepted that what the detectors did not find is not protected at all.",
        "Protection",
        "guarantees",
    ),
    Item("access", "Who may receive it, and on which terms, fits the remaining risk.", "Protection"),
    Item(
        "originals",
        "Who can reach the originals and the keys, and when they are erased, is settled.",
        "Upkeep",
        "retention",
    ),
    Item("review_again", "A date or event is named at which this review is repeated.", "Upkeep"),
)

DPIA = (
    Item(
        "processing",
        "What is done with personal data, for which purposes, and in whose legitimate interest?",
        "The processing",
        "counts",
    ),
    Item(
        "controller", "Who is the controller, who are processors, and who advises on data protection?", "The processing"
    ),
    Item("data_subjects", "Which people are concerned, and how many?", "The processing", "findings"),
    Item("recipients", "Who receives the data, and in which countries?", "The processing"),
    Item("storage", "How long are originals, treated samples and secrets kept?", "The processing", "retention"),
    Item("legal_basis", "On which legal basis does the processing rest?", "Necessity and proportionality", "consent"),
    Item("minimisation", "Why is no less data enough?", "Necessity and proportionality", "counts"),
    Item(
        "rights_of_people",
        "How do people learn of it, see, correct, object and withdraw?",
        "Necessity and proportionality",
    ),
    Item(
        "risks",
        "What could happen to the people, how likely is it, and how bad would it be?",
        "Risks to the people",
        "findings",
    ),
    Item("measures", "Which measures reduce the risks?", "Measures", "guarantees"),
    Item("residual_risk", "Which risk remains, and why is it acceptable?", "Residual risk", "measurements"),
    Item(
        "consultation", "Were the people concerned, or those who speak for them, asked for their view?", "Involvement"
    ),
    Item("sign_off", "Who approved this assessment, when, and when is it repeated?", "Involvement"),
)
