"""`python -m veilset`."""

from veilset.cli.main import run

run()
