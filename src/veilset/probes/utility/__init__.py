"""Utility: what the treated data is still worth."""
