"""Container formats: one small file each behind one contract (list, rebuild).

Formats are told by content, never by extension.
"""
