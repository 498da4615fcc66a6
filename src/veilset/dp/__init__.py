"""Differential privacy: exact noise, accountants, calibration, and a ledger per person."""
