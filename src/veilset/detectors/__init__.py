"""The detectors wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "face": Entry("veilset.detectors.face:Face", "Faces, by two independent networks at several scales."),
}
