"""The detectors wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "metadata": Entry(
        "veilset.detectors.metadata:Metadata", "Tags, and hidden pictures that differ from the main one."
    ),
    "names": Entry("veilset.detectors.names:Names", "Dates, phone numbers, people and serials in file names."),
    "rights": Entry("veilset.detectors.rights:Rights", "Licences and data-mining reservations inside the file."),
}
