"""Policies: reading them, saying them in plain words, and the gates they set."""
