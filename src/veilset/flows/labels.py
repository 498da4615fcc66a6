"""Carrying sidecar labels over to the released samples."""

from __future__ import annotations

from veilset.data import labels
from veilset.flows.run import Run
from veilset.flows.tally import Tally


def carry_labels(run: Run, tally: Tally) -> list[str]:
    """Write `labels/` beside the released samples; what was carried and what was left out, in public words."""
    names = {done.ref.name: f"samples/{done.written.name}" for done in tally.of("released") if done.written}
    carried = labels.carry_labels(str(run.photos), names, str(run.place.staging))
    return [f"labels: {count} {words}" for words, count in carried.counts.items()]
