"""The probes wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "deobfuscate": Entry(
        "veilset.probes.attack.deobfuscate:Deobfuscate", "Undo a blur or mosaic, and name who it was."
    ),
    "reidentify": Entry("veilset.probes.attack.reidentify:Reidentify", "Recognise people, retrained on treated data."),
}
