"""The detectors wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "places": Entry("veilset.detectors.places:Places", "Homes, places of work and regular places behind a set."),
}
