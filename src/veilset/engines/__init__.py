"""Engines: where the step of a flow runs."""

from veilset.core.registry import Entry

TABLE = {
    "local": Entry("veilset.engines.local:Local", "A pool of processes on this machine."),
}
