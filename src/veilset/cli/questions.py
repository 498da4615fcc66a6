"""`veilset questions`."""

from __future__ import annotations

import sys


def questions() -> None:
    """Print an empty dataset.yaml: what only people can answer about a set, for its papers."""
    from veilset.flows.papers import questions as run

    sys.stdout.write(run())
