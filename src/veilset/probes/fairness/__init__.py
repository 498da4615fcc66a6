"""Fairness: whether protection or utility differs between groups of people."""
