"""Self-contained HTML pages: no external asset, no script from elsewhere, everything escaped."""
