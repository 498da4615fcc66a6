"""Network weights: pinned hashes, licences, several sources; and the sessions that run them."""
