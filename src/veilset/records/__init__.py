"""Records about the pictures: origin, licence, consent, opt-out, retention, releases, signatures."""
