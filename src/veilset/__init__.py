"""Veilset: share the images, not the people in them."""

__version__ = "0.1.0"
