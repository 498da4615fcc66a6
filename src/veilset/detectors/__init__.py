"""The detectors wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "consent": Entry("veilset.detectors.consent:Consent", "People who do not allow this use.", "documents"),
    "demographics": Entry("veilset.detectors.demographics:Demographics", "Apparent age group and gender of faces."),
    "document": Entry("veilset.detectors.document:Document", "Paper, cards and boards, by their borders and text."),
    "duplicate": Entry("veilset.detectors.duplicate:Duplicate", "Pictures that the set holds twice, or nearly."),
    "explicit": Entry("veilset.detectors.explicit:Explicit", "Sexual content, judged over the whole picture."),
    "face": Entry("veilset.detectors.face:Face", "Faces, by two independent networks at several scales."),
    "hidden": Entry("veilset.detectors.hidden:Hidden", "Pictures inside a file that show something else."),
    "identity": Entry("veilset.detectors.identity:Identity", "Which pictures show the same person, by pseudonym."),
    "licence": Entry("veilset.detectors.licence:Licence", "Licences that are unknown or forbid this release."),
    "metadata": Entry("veilset.detectors.metadata:Metadata", "What a file says besides its pixels."),
    "names": Entry("veilset.detectors.names:Names", "Dates, phone numbers, people and serials in file names."),
    "optout": Entry("veilset.detectors.optout:Optout", "Pictures that were withdrawn or opted out."),
    "person": Entry("veilset.detectors.person:Person", "People, whether or not a face is seen."),
    "places": Entry("veilset.detectors.places:Places", "Homes, places of work and regular places behind a set."),
    "plate": Entry("veilset.detectors.plate:Plate", "Licence plates, as text of their shape on vehicles."),
    "retention": Entry("veilset.detectors.retention:Retention", "Samples whose time is over."),
    "reviewer": Entry("veilset.detectors.reviewer:Reviewer", "What people drew by hand, from COCO or CVAT files."),
    "rights": Entry("veilset.detectors.rights:Rights", "Licences and data-mining reservations inside the file."),
    "screen": Entry("veilset.detectors.screen:Screen", "Televisions, laptops and telephones."),
    "text": Entry("veilset.detectors.text:Text", "Lines of text and, if asked for, what they give away."),
    "thing": Entry("veilset.detectors.thing:Thing", "Animals and objects of the COCO classes."),
}
