"""The probes wing: one file per name of the table."""

from veilset.core.registry import Entry

TABLE: dict[str, Entry] = {
    "refute": Entry("veilset.probes.attack.refute:Refute", "Try to refute every claim of differential privacy."),
}
