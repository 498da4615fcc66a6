"""The probes wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "fidelity": Entry(
        "veilset.probes.utility.fidelity:Fidelity", "How much of the pictures is still there, inside and outside."
    ),
    "residual": Entry("veilset.probes.attack.residual:Residual", "Look for faces in the result with another network."),
}
