"""The probes wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "metadata_residue": Entry(
        "veilset.probes.metadata_residue:MetadataResidue", "Raw search of released files for the originals' tag values."
    ),
}
