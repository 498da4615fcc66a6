"""The documents wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "card": Entry("veilset.documents.card:Card", "Dataset card of the Hugging Face Hub."),
    "croissant": Entry("veilset.documents.croissant:Croissant", "Croissant with responsible-AI and provenance terms."),
    "datasheet": Entry("veilset.documents.datasheet:Datasheet", "Datasheet for the set: seven sections."),
    "dpia": Entry("veilset.documents.dpia:Dpia", "Appendix of a data-protection impact assessment."),
    "ethics": Entry("veilset.documents.ethics:Ethics", "Checklist of an ethics review with its decisions."),
}
