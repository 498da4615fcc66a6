"""The detectors wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "consent": Entry("veilset.detectors.consent:Consent", "People who do not allow this use.", "documents"),
    "face": Entry("veilset.detectors.face:Face", "Faces, by two independent networks at several scales."),
    "hidden": Entry("veilset.detectors.hidden:Hidden", "Pictures inside a file that show something else."),
    "licence": Entry("veilset.detectors.licence:Licence", "Licences that are unknown or forbid this release."),
    "metadata": Entry("veilset.detectors.metadata:Metadata", "What a file says besides its pixels."),
    "names": Entry("veilset.detectors.names:Names", "Dates, phone numbers, people and serials in file names."),
    "optout": Entry("veilset.detectors.optout:Optout", "Pictures that were withdrawn or opted out."),
    "places": Entry("veilset.detectors.places:Places", "Homes, places of work and regular places behind a set."),
    "retention": Entry("veilset.detectors.retention:Retention", "Samples whose time is over."),
    "rights": Entry("veilset.detectors.rights:Rights", "Licences and data-mining reservations inside the file."),
}
