"""The questions of Datasheets for Datasets (Gebru et al. 2021), in our words, as data.

Adding a question is adding a line. `measured` says that Veilset answers it, at least in part, from the manifest: see
`known.py`. A question that is neither mandatory nor measured may stay unanswered, and is shown as such.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        key: `section.name`: the key of its answer in `dataset.yaml`.
        text: The question.
        mandatory: A datasheet without an answer is not complete.
        measured: Veilset knows at least part of the answer.
    """

    key: str
    text: str
    mandatory: bool = False
    measured: bool = False


TITLES = {
    "motivation": "Motivation",
    "composition": "Composition",
    "collection": "Collection process",
    "preprocessing": "Preprocessing, cleaning and labelling",
    "uses": "Uses",
    "distribution": "Distribution",
    "maintenance": "Maintenance",
}

QUESTIONS = (
    Question("motivation.purpose", "Why was the set made, and which gap was it to fill?", mandatory=True),
    Question("motivation.creators", "Who made it, and on whose behalf?", mandatory=True),
    Question("motivation.funding", "Who paid for it, under which grant?", mandatory=True),
    Question("motivation.other", "What else about the reasons for making it?"),
    Question("composition.instances", "What does one sample stand for?", mandatory=True, measured=True),
    Question("composition.count", "How many samples are there, of each kind?", mandatory=True, measured=True),
    Question(
        "composition.sampling",
        "Is it everything there was or a selection, and how well does that represent the whole?",
        mandatory=True,
    ),
    Question("composition.data", "What is in a sample: raw data or something derived?", mandatory=True, measured=True),
    Question("composition.labels", "Does a sample have a label or target?", measured=True),
    Question("composition.missing", "What is missing from samples, and why?", measured=True),
    Question(
        "composition.relations",
        "Which relations between samples are stated, such as the same person or burst?",
        measured=True,
    ),
    Question("composition.splits", "Which splits are recommended, and why these?"),
    Question("composition.errors", "Which errors, noise and repetitions are known?", measured=True),
    Question("composition.external", "Does it stand alone or lean on things elsewhere, and will those last?"),
    Question("composition.confidential", "Could it hold anything confidential?", mandatory=True),
    Question("composition.offensive", "Could looking at it distress somebody?", mandatory=True, measured=True),
    Question("composition.people", "Does it show people?", mandatory=True, measured=True),
    Question("composition.groups", "Does it tell groups of people apart, how, and how are they spread?", measured=True),
    Question(
        "composition.identifiable",
        "Can somebody be recognised, from it alone or together with other data?",
        mandatory=True,
        measured=True,
    ),
    Question(
        "composition.sensitive",
        "Does it hold data that is sensitive, such as health, belief, place or documents?",
        mandatory=True,
        measured=True,
    ),
    Question("composition.other", "What else about what is in it?"),
    Question(
        "collection.acquisition",
        "How was each sample come by: observed, reported or inferred, and was it checked?",
        mandatory=True,
    ),
    Question("collection.mechanism", "With which devices, people or programs was it collected?"),
    Question("collection.strategy", "If it is a selection, how were the samples chosen?"),
    Question("collection.workers", "Who collected it, and how were they paid?"),
    Question(
        "collection.timeframe",
        "When was it collected, and when did what it shows happen?",
        mandatory=True,
        measured=True,
    ),
    Question("collection.review", "Was it reviewed ethically, by whom, and with which outcome?", mandatory=True),
    Question("collection.source", "Did the data come from the people themselves or from others?"),
    Question("collection.notice", "Were the people told, and how?", mandatory=True),
    Question("collection.consent", "Did the people agree, to what, and in which words?", mandatory=True, measured=True),
    Question("collection.revocation", "How can somebody who agreed take that back?", mandatory=True),
    Question("collection.impact", "Was the effect on the people examined, and with which outcome?", measured=True),
    Question("collection.other", "What else about how it was collected?"),
    Question("preprocessing.done", "What was done to the samples?", mandatory=True, measured=True),
    Question("preprocessing.raw", "Were the untreated samples kept, and who can reach them?", mandatory=True),
    Question("preprocessing.software", "With which software, and can others get it?", mandatory=True, measured=True),
    Question("preprocessing.other", "What else about the treatment?"),
    Question("uses.past", "What has it been used for?"),
    Question("uses.list", "Where are works that use it listed?"),
    Question("uses.possible", "What else could it be used for?"),
    Question(
        "uses.risks",
        "What in it could harm people in later uses, and how can that be avoided?",
        mandatory=True,
        measured=True,
    ),
    Question("uses.forbidden", "What must it not be used for?", mandatory=True),
    Question("uses.other", "What else about its uses?"),
    Question("distribution.recipients", "Does it go to others than those who made it?"),
    Question("distribution.how", "How is it distributed, and under which identifier?", measured=True),
    Question("distribution.when", "When is it distributed?", measured=True),
    Question("distribution.licence", "Under which licence or terms?", mandatory=True, measured=True),
    Question("distribution.rights", "Which rights of others lie on the samples?", mandatory=True, measured=True),
    Question("distribution.regulation", "Which rules of export or of authorities apply?"),
    Question("distribution.other", "What else about its distribution?"),
    Question("maintenance.host", "Who keeps and serves it?", mandatory=True),
    Question("maintenance.contact", "How can they be reached?", mandatory=True),
    Question("maintenance.erratum", "Is there a list of errors found?"),
    Question("maintenance.updates", "Will it be updated, how often, by whom, and how is that told?", mandatory=True),
    Question(
        "maintenance.retention",
        "How long may data about people be kept, and how is that enforced?",
        mandatory=True,
        measured=True,
    ),
    Question("maintenance.versions", "Are older versions kept available?"),
    Question("maintenance.contributions", "Can others add to it, and how is that checked?"),
    Question("maintenance.other", "What else about its upkeep?"),
)


def in_section(section: str) -> tuple[Question, ...]:
    """The questions of one section, in order.

    >>> in_section("motivation")[0].key
    'motivation.purpose'
    """
    return tuple(question for question in QUESTIONS if question.key.startswith(section + "."))
