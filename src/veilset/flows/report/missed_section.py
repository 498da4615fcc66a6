"""The part of the audit's page about faces that were missed. Private."""

from __future__ import annotations

from html import escape

from veilset.flows.missed_faces import LIST, MissedFaces
from veilset.flows.report.page import listing, section, table

RISK = {
    "disagree": "one network saw a face that the other did not",
    "empty": "no network was sure of a face",
    "agree": "both networks saw the same faces",
}


def missed_section(missed: MissedFaces) -> str:
    """Estimate, assumptions, the pictures to check, and what the checked ones say."""
    estimate, checked = missed.estimate, missed.checked
    strata = [
        [RISK[name], str(size), str(len(estimate.to_check.get(name, ())))] for name, size in estimate.strata.items()
    ]
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in in_words(missed))
    assumed = "".join(f"<li>{escape(one)}</li>" for one in estimate.assumptions)
    names = [name for stratum in missed.names.values() for name in stratum]
    todo = "" if checked else f"<p>Look at the pictures, fill {LIST}, and run the audit again with --checked.</p>"
    return section(
        "missed",
        "Faces that were missed",
        said,
        f"<p>Assumed by the estimate from two networks:</p><ul>{assumed}</ul>",
        table(("Pictures", "in the set", "drawn to be checked"), strata, numbers=(1, 2)),
        todo,
        listing("missed-check", "drawn to be checked", names[:200], len(names)),
    )


def in_words(missed: MissedFaces) -> list[str]:
    """The numbers as sentences."""
    found, checked = missed.estimate.recapture, missed.checked
    most = f"{found.missed_high:.0f}" if found.missed_high != float("inf") else "any number"
    estimate = (
        f"Two networks found {found.seen} faces; {missed.estimate.both} of them both did. If they erred independently, "
        f"{found.missed:.0f} more were missed by both (95 % interval {found.missed_low:.0f} to {most}). They do not "
        "err independently: in truth more are missed than that."
    )
    if checked is None:
        said = "No bound that holds without this assumption is known until a person has checked the drawn sample."
    else:
        low, high = (100 * end for end in checked.prevalence)
        said = (
            f"A person checked {checked.pictures} pictures and saw {checked.faces_not_found} faces without a box. With "
            f"95 % confidence at most {checked.at_most} of {missed.pictures} pictures hold a face that was missed, and "
            f"with the same confidence between {low:.1f} % and {high:.1f} % of the pictures show a face."
        )
    return [estimate, said]
