"""The verbs; the only place where wings meet."""
