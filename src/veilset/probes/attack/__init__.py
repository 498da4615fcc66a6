"""Attacks: what an adversary who knows the treatment still learns."""
